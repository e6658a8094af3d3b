"""The `mobile` network in PyTorch is the one that Keras trains."""

import collections

import keras
import numpy as np
import pytest

from tf_handgroups.models.hand_pose_model import HandPoseModel

torch = pytest.importorskip("torch", reason="PyTorch is not installed; only a benchmark needs it")

from benchmarks import torch_mobile_network  # noqa: E402
from benchmarks.torch_mobile_network import TorchMobileNetwork  # noqa: E402

SIZE, CHANNELS, GROUPS, WIDTHS = 64, 8, 2, (16, 12, 8)


@pytest.fixture(scope="module")
def model():
    model = HandPoseModel(SIZE, decoder_channels=WIDTHS, num_groups=GROUPS, group_channels=CHANNELS)
    random = np.random.default_rng(0)
    for layer in model.layers:
        for weight in layer.weights:
            if weight.name == "moving_variance":
                weight.assign(random.uniform(0.5, 1.5, weight.shape))
            elif len(weight.shape) == 1:
                weight.assign(weight + 0.2 * random.standard_normal(weight.shape))
    model.selector.logits.assign(random.standard_normal((21, GROUPS)))
    return model


def network(**kwargs) -> TorchMobileNetwork:
    return TorchMobileNetwork(GROUPS, CHANNELS, SIZE, WIDTHS, **kwargs)


@pytest.mark.parametrize("training", [False, True], ids=["inference", "batch statistics"])
def test_same_weights_give_same_outputs(model, training):
    other = network(keras_padding=True).train(training)
    torch_mobile_network.load_keras_weights(other, model)
    images = np.random.default_rng(1).random((3, SIZE, SIZE, 3), dtype=np.float32)
    # A copy, because its batch norms learn.
    ours = keras.models.clone_model(model)
    ours.set_weights(model.get_weights())
    ours.get_layer("selector").committed.assign(1.0)
    expected = ours(images, training=training)
    weights = torch.nn.functional.one_hot(other.logits.argmax(1), GROUPS).float()
    with torch.no_grad():
        found = other(torch.from_numpy(images).permute(0, 3, 1, 2), weights)
    assert set(found) == set(expected)
    for name, values in found.items():
        own = keras.ops.convert_to_numpy(expected[name])
        tolerance = 1e-3 if name == "uv_px" else 1e-4
        np.testing.assert_allclose(values.numpy(), own, atol=tolerance, rtol=1e-3, err_msg=name)


def test_default_network_has_as_many_weights_of_every_kind():
    own, other = collections.Counter(), collections.Counter()
    for weight in HandPoseModel(pretrained=False).trainable_weights:
        own[tuple(sorted(weight.shape)), len(weight.shape)] += 1
    for weight in TorchMobileNetwork().parameters():
        other[tuple(sorted(weight.shape)), weight.dim()] += 1
    assert own == other and sum(own.values()) > 150


def test_padding_is_pytorchs_own_by_default():
    """Other outputs, but of the same shape: nothing else changes."""
    images, weights = torch.rand(2, 3, SIZE, SIZE), torch.full((21, GROUPS), 1 / GROUPS)
    plain, like_keras = network(), network(keras_padding=True)
    like_keras.load_state_dict(plain.state_dict())
    with torch.no_grad():
        first, second = plain(images, weights), like_keras(images, weights)
    assert {name: v.shape for name, v in first.items()} == {n: v.shape for n, v in second.items()}
    assert not torch.allclose(first["uv_px"], second["uv_px"])


def test_another_network_is_refused(model):
    with pytest.raises(ValueError, match=r"without counterpart: .*group2"):
        torch_mobile_network.load_keras_weights(TorchMobileNetwork(3, CHANNELS, SIZE), model)
    with pytest.raises(ValueError, match="group0_branch_fine_conv: weight"):
        wider = TorchMobileNetwork(GROUPS, 2 * CHANNELS, SIZE, WIDTHS)
        torch_mobile_network.load_keras_weights(wider, model)
