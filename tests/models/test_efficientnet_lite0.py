"""Tests of the pretrained EfficientNet-Lite0 encoder."""

import importlib.resources

import keras
import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.models.efficientnet_lite0 import (
    WEIGHTS_FILE,
    efficientnet_lite0_encoder,
    load_pretrained,
)

# Mean, standard deviation and the first three channels of the last pixel of each
# feature map for `smooth_image()`, computed once with the original network in
# PyTorch 2.13 (wheel efficientnet-lite-pytorch 0.1.0, full float32 checkpoint).
PYTORCH_FEATURES = {
    4: (0.92592937, 8.280983, (10.764981, 2.1188383, 4.1375136)),
    8: (-0.24442343, 8.28833, (-15.678186, -8.599226, 8.945958)),
    16: (0.015925242, 6.088495, (-7.078768, 2.8395839, -9.135933)),
    32: (0.35589233, 5.401778, (2.1449337, 6.339368, -4.102335)),
}
CHANNELS = {4: 24, 8: 40, 16: 112, 32: 192}


def smooth_image() -> np.ndarray:
    ramp = np.linspace(0, 1, 128, dtype=np.float32)
    rows, columns = np.meshgrid(ramp, ramp, indexing="ij")
    image = np.stack([columns, rows, np.abs(np.sin(9 * rows * columns))], axis=-1)
    return image[None].astype(np.float32)


def encoder(pretrained: bool, size: int = 128) -> keras.Model:
    images = keras.Input((size, size, 3))
    return keras.Model(images, efficientnet_lite0_encoder(images, pretrained))


@pytest.fixture(scope="module")
def pretrained_encoder() -> keras.Model:
    return encoder(pretrained=True)


def test_shapes_follow_the_strides():
    model = encoder(pretrained=False, size=64)
    shapes = {stride: tuple(feature.shape) for stride, feature in model.output.items()}
    assert shapes == {s: (None, 64 // s, 64 // s, CHANNELS[s]) for s in CHANNELS}


def test_matches_the_pytorch_original(pretrained_encoder):
    # float16 storage perturbs each weight by at most 2^-11; on this image the maps
    # differ from the original by 0.4-0.7 % of their standard deviation (2e-6 with
    # float32 weights). A wrong padding, epsilon or normalisation changes > 5 %.
    features = pretrained_encoder(smooth_image())
    for stride, (mean, deviation, last_pixel) in PYTORCH_FEATURES.items():
        feature = np.asarray(features[stride])
        tolerance = 0.02 * deviation
        assert abs(feature.mean() - mean) < tolerance
        assert abs(feature.std() - deviation) < tolerance
        np.testing.assert_allclose(feature[0, -1, -1, :3], last_pixel, atol=tolerance)


def test_every_stored_array_is_used_exactly_once(pretrained_encoder):
    with importlib.resources.files("tf_handgroups.assets").joinpath(WEIGHTS_FILE).open("rb") as f:
        with np.load(f) as file:
            stored = {name: file[name] for name in file.files}
    assert sum(array.size for array in stored.values()) == pretrained_encoder.count_params()
    assert len(stored) == len(pretrained_encoder.weights)
    for weight in pretrained_encoder.weights:
        layer, part = weight.path.split("/")
        np.testing.assert_array_equal(weight.numpy(), stored[f"{layer}/{part}"])


def test_load_pretrained_by_name_into_a_larger_model(pretrained_encoder):
    images = keras.Input((64, 64, 3))
    features = efficientnet_lite0_encoder(images, pretrained=False)
    model = keras.Model(images, keras.layers.Dense(2, name="head")(features[32]))
    head = model.get_layer("head").get_weights()
    load_pretrained(model)
    for name in ("encoder_stem", "encoder_block14_project"):
        for ours, reference in zip(
            model.get_layer(name).get_weights(),
            pretrained_encoder.get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, reference)
    np.testing.assert_array_equal(model.get_layer("head").get_weights()[0], head[0])


def test_random_encoder_keeps_its_scale():
    # He initialisation: the signal neither dies nor explodes over 45 convolutions.
    deviation = np.std(np.asarray(encoder(False)(smooth_image())[32]))
    assert 1e-3 < deviation < 1e3


def test_mixed_bfloat16_keeps_stem_and_depthwise_in_float32(pretrained_encoder):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = encoder(pretrained=True)
    finally:
        keras.config.set_dtype_policy(policy)
    assert model.get_layer("encoder_block03_expand").compute_dtype == "bfloat16"
    assert model.get_layer("encoder_block03_depthwise").compute_dtype == "float32"
    # Measured 4.3 %: bfloat16 carries 8 bits, and 30 roundings follow one another.
    exact = np.asarray(pretrained_encoder(smooth_image())[32])
    mixed = np.asarray(model(smooth_image())[32].numpy(), np.float32)
    assert np.sqrt(np.mean((mixed - exact) ** 2)) < 0.08 * exact.std()


@pytest.mark.parametrize("shape", [(100, 128, 3), (128, 128, 1), (128, 3)])
def test_rejects_images_that_do_not_fit(shape):
    with pytest.raises(InputError, match="Received: shape="):
        efficientnet_lite0_encoder(keras.Input(shape), pretrained=False)


def test_rejects_a_model_without_the_encoder():
    images = keras.Input((32, 32, 3))
    model = keras.Model(images, keras.layers.Conv2D(2, 1, name="encoder_other")(images))
    with pytest.raises(InputError, match="Received: without counterpart="):
        load_pretrained(model)


def test_rejects_broken_weight_files(tmp_path):
    model = encoder(pretrained=False, size=32)
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 truncated")
    with pytest.raises(InputError, match=r"broken\.npz"):
        load_pretrained(model, broken)
    with pytest.raises(InputError, match=r"missing\.npz"):
        load_pretrained(model, tmp_path / "missing.npz")


def test_rejects_weights_of_another_shape(tmp_path):
    model = encoder(pretrained=False, size=32)
    arrays = {weight.path: np.zeros(weight.shape, np.float16) for weight in model.weights}
    arrays["encoder_stem/bias"] = np.zeros(3, np.float16)
    np.savez(tmp_path / "odd.npz", allow_pickle=False, **arrays)
    with pytest.raises(InputError, match="Received: shapes="):
        load_pretrained(model, tmp_path / "odd.npz")
