"""Derivation of the pretrained encoder's weights."""

import keras
import numpy as np
import pytest

from tf_handgroups.assets import derive_efficientnet_lite0
from tf_handgroups.errors import InputError
from tf_handgroups.models.efficientnet_lite0 import efficientnet_lite0_encoder


def test_derivation_folds_batch_norm_exactly():
    generator = np.random.default_rng(0)
    state = {}
    images = keras.Input((32, 32, 3))
    encoder = keras.Model(images, efficientnet_lite0_encoder(images, pretrained=False))
    for weight in encoder.weights:
        layer, part = weight.path.split("/")
        block = layer.removeprefix("encoder_")
        if block == "stem":
            conv, norm = "_conv_stem", "_bn0"
        else:
            number, kind = int(block[5:7]), block.split("_")[1]
            index = {"expand": 0, "depthwise": 1, "project": 2}[kind]
            conv, norm = f"_blocks.{number}._{kind}_conv", f"_blocks.{number}._bn{index}"
        if part == "kernel":
            axes = (2, 3, 0, 1) if layer.endswith("depthwise") else (3, 2, 0, 1)
            shape = tuple(weight.shape[axis] for axis in axes)
            state[f"{conv}.weight"] = generator.normal(size=shape)
        else:
            for name in ("weight", "bias", "running_mean"):
                state[f"{norm}.{name}"] = generator.normal(size=weight.shape)
            state[f"{norm}.running_var"] = generator.uniform(0.5, 2, size=weight.shape)
    arrays = derive_efficientnet_lite0.derive(state)
    assert len(arrays) == 90
    # One output channel of the stem on one patch: convolution, then batch norm.
    patch = generator.normal(size=(3, 3, 3))  # height, width, channels
    direct = np.sum(patch.transpose(2, 0, 1) * state["_conv_stem.weight"][5])
    norm = {name: state[f"_bn0.{name}"][5] for name in ("weight", "bias")}
    mean, variance = state["_bn0.running_mean"][5], state["_bn0.running_var"][5]
    direct = norm["weight"] * (direct - mean) / np.sqrt(variance + 1e-3) + norm["bias"]
    folded = np.sum(patch * arrays["encoder_stem/kernel"][..., 5]) + arrays["encoder_stem/bias"][5]
    assert abs(direct - folded) < 0.01  # float16 storage
    del state["_blocks.3._bn1.bias"]
    with pytest.raises(InputError, match="Received: missing="):
        derive_efficientnet_lite0.derive(state)


def test_derivation_script_explains_itself(tmp_path, capsys):
    # Without PyTorch the message says how to get it; with it, that the file is no checkpoint.
    (tmp_path / "no.pth").write_bytes(b"text")
    arguments = [str(tmp_path / "no.pth"), str(tmp_path / "out.npz")]
    assert derive_efficientnet_lite0.main(arguments) == 2
    message = capsys.readouterr().err
    assert "pip install torch" in message or "expected a PyTorch checkpoint" in message
    assert not (tmp_path / "out.npz").exists()
