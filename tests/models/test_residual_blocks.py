import keras
import numpy as np
import pytest

from tests.hands import make_like_trained
from tests.models import numpy_residual_blocks as numpy_blocks
from tests.models.numpy_residual_blocks import assert_close
from tf_handgroups.models.residual_blocks import (
    convolution,
    convolution_block,
    convolution_norm,
    downsampling_block,
    residual_block,
    residual_module,
    upsampling_block,
)

CHANNELS = 6
BLOCKS = {
    "residual_module": (residual_module, numpy_blocks.module),
    "residual_block": (residual_block, numpy_blocks.residual),
    "downsampling_block": (downsampling_block, numpy_blocks.down),
    "upsampling_block": (upsampling_block, numpy_blocks.up),
}


def network(make, *arguments, **options) -> keras.Model:
    """A network whose batch norms have variances down to ten epsilons."""
    inputs = keras.Input((8, 12, CHANNELS))
    model = make_like_trained(keras.Model(inputs, make(inputs, *arguments, **options)))
    rng = np.random.default_rng(5)
    for weight in model.weights:
        if weight.path.endswith("moving_variance"):
            weight.assign(10 ** rng.uniform(-4, 0, tuple(weight.shape)))
    return model


def features():
    return np.random.default_rng(0).normal(size=(2, 8, 12, CHANNELS)).astype("float32")


def names(model) -> list[str]:
    return [layer.name for layer in model.layers[1:]]


@pytest.mark.parametrize(("kernel", "strides"), [(1, 1), (3, 1), (1, 2), (3, 2), (7, 2)])
def test_convolution_pads_both_sides_alike(kernel, strides):
    model = network(convolution, 5, kernel, "stem", strides=strides)
    assert ("stem_pad" in names(model)) == (strides == 2 and kernel > 1)
    expected = numpy_blocks.plain(model, features(), "stem", strides)
    assert expected.shape == (2, 8 // strides, 12 // strides, 5)
    assert_close(model(features()), expected)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("folded", [False, True])
def test_convolution_with_norm_matches_numpy(folded, strides):
    bare = network(convolution_norm, 5, 3, "unit", folded, strides=strides)
    expected = numpy_blocks.unit(bare, features(), "unit", strides)
    assert expected.min() < 0
    assert_close(bare(features()), expected)
    block = network(convolution_block, 5, 3, "unit", folded, strides=strides)
    block.set_weights(bare.get_weights())
    assert_close(block(features()), np.maximum(expected, 0))


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("filters", [CHANNELS, 10])
@pytest.mark.parametrize("block", BLOCKS)
def test_block_matches_numpy(block, filters, folded):
    make, reference = BLOCKS[block]
    model = network(make, filters, "block", folded)
    expected = reference(model, features(), "block")
    side = {"downsampling_block": 0.5, "upsampling_block": 2}.get(block, 1)
    assert expected.shape == (2, 8 * side, 12 * side, filters)
    # Only the bottleneck ends without ReLU.
    assert (expected.min() < 0) == (block == "residual_module")
    assert_close(model(features()), expected)


@pytest.mark.parametrize("filters", [CHANNELS, 10])
@pytest.mark.parametrize("block", BLOCKS)
def test_folded_block_has_the_same_layers_without_norms(block, filters):
    make, _ = BLOCKS[block]
    trained, folded = (network(make, filters, "block", flag) for flag in (False, True))
    assert sorted(names(folded)) == sorted(
        name for name in names(trained) if not name.endswith("_norm")
    )
    kinds = {type(layer) for layer in folded.layers}
    assert not any(issubclass(kind, keras.layers.BatchNormalization) for kind in kinds)
    for layer in trained.layers[1:]:
        if isinstance(layer, keras.layers.BatchNormalization):
            assert (layer.epsilon, layer.momentum) == (1e-5, 0.9)
        else:
            # They have a bias although a batch norm follows, so folding adds none.
            received = [weight.shape for weight in folded.get_layer(layer.name).weights]
            assert received == [weight.shape for weight in layer.weights]


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("block", ["residual_module", "residual_block"])
def test_skip_is_convolved_only_where_the_channels_change(block, folded):
    make, _ = BLOCKS[block]
    assert "block_skip_conv" not in names(network(make, CHANNELS, "block", folded))
    wider = names(network(make, 10, "block", folded))
    assert "block_skip_conv" in wider
    # The bottleneck's skip is a bare convolution.
    assert ("block_skip_norm" in wider) == (block == "residual_block" and not folded)


def test_bottleneck_is_half_as_wide():
    model = network(residual_module, 10, "module", folded=False)
    widths = [model.get_layer(f"module_{n}_conv").filters for n in ("reduce", "spatial", "expand")]
    assert widths == [5, 5, 10]


def test_one_cell_spreads_over_four_by_four_outputs():
    """A stamp by hand, so that neither side can be turned or shifted."""
    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, upsampling_block(inputs, 1, "up", folded=True))
    kernel = np.arange(1.0, 17).reshape(4, 4, 1, 1)
    model.set_weights([kernel, np.zeros(1)])
    image = np.zeros((1, 4, 4, 1), "float32")
    image[0, 1, 2] = 1
    expected = np.zeros((8, 8))
    expected[1:5, 3:7] = kernel[..., 0, 0]
    np.testing.assert_array_equal(model(image)[0, ..., 0], expected)


@pytest.mark.parametrize("make", [convolution, upsampling_block])
def test_kernels_start_as_pytorch_starts_them(make):
    """Uniform in +-1/sqrt(fan in); PyTorch counts a transposed kernel's outputs as its fan in."""
    inputs = keras.Input((4, 4, 40))
    if make is convolution:
        model, side, fan_in = keras.Model(inputs, convolution(inputs, 50, 3, "x")), 3, 40 * 9
    else:
        model, side, fan_in = keras.Model(inputs, make(inputs, 50, "x", True)), 4, 50 * 16
    kernel, bias = model.get_layer("x_conv").get_weights()
    assert kernel.shape[:2] == (side, side) and not bias.any()
    bound = fan_in**-0.5
    assert 0.99 * bound < np.abs(kernel).max() <= bound
    np.testing.assert_allclose(kernel.std(), bound / 3**0.5, rtol=0.02)
