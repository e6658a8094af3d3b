import keras
import numpy as np
import pytest

from tests.hands import make_like_trained
from tests.models.numpy_network import block
from tf_handgroups.models.conv_block import conv_block


def network(folded, kernel=3, strides=1):
    inputs = keras.Input((9, 12, 5))
    outputs = conv_block(inputs, 7, kernel, "stem", folded, strides)
    return make_like_trained(keras.Model(inputs, outputs))


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize(("kernel", "strides"), [(1, 1), (3, 1), (3, 2)])
def test_matches_numpy(folded, kernel, strides):
    model = network(folded, kernel, strides)
    x = np.random.default_rng(0).normal(size=(2, 9, 12, 5)).astype("float32")
    expected = block(model, x, "stem", strides)
    assert (expected == 0).any() and expected.shape[1:3] == (-(-9 // strides), 12 // strides)
    np.testing.assert_allclose(model(x), expected, atol=1e-4)


def test_names_and_bias():
    assert [layer.name for layer in network(False).layers[1:]] == [
        "stem_conv",
        "stem_norm",
        "stem_relu",
    ]
    assert [layer.name for layer in network(True).layers[1:]] == ["stem_conv", "stem_relu"]
    assert not network(False).get_layer("stem_conv").use_bias
    assert network(True).get_layer("stem_conv").use_bias


def test_training_normalises_each_channel():
    model = network(False)
    norm = model.get_layer("stem_norm")
    norm.gamma.assign(np.ones(7)), norm.beta.assign(np.full(7, 10.0))
    x = np.random.default_rng(0).normal(3, 5, (8, 9, 12, 5)).astype("float32")
    y = keras.ops.convert_to_numpy(model(x, training=True))
    # beta = 10 keeps everything above the ReLU.
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 10, atol=1e-3)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, atol=1e-2)
