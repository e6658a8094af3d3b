import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.hands import make_like_trained
from tests.models.numpy_network import block, convolution, softmax
from tf_handgroups.layers.joint_group_selector import JointGroupSelector
from tf_handgroups.models.heads import (
    HeatmapWeightedDepth,
    expectation_kernel,
    grouped_heads,
    head_hidden,
    image_heads,
    pruned_heads,
)

HEIGHT, WIDTH, CHANNELS = 5, 7, 6


def features(count=2):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(3, HEIGHT, WIDTH, CHANNELS)).astype("float32") for _ in range(count)]


def numpy_pose(heatmaps, depth_maps, stride):
    """Probabilities, expected position and expected depth, cell by cell."""
    cells = heatmaps.shape[1] * heatmaps.shape[2]
    maps = softmax(heatmaps.reshape(-1, cells, 21).transpose(0, 2, 1))
    uv_px, depth = np.zeros((*maps.shape[:2], 2)), np.zeros(maps.shape[:2])
    for cell in range(cells):
        row, column = divmod(cell, heatmaps.shape[2])
        position = np.array([column, row]) * stride + (stride - 1) / 2
        uv_px += maps[..., cell, None] * position
        depth += maps[..., cell] * depth_maps[:, row, column]
    return uv_px, depth, maps


def numpy_group(model, x, name):
    kernel, bias = model.get_layer(name).get_weights()
    return convolution(x, kernel, bias)


def test_depth_is_the_expectation_under_the_map():
    rng = np.random.default_rng(1)
    maps = softmax(rng.normal(size=(2, 21, 12)))
    depth_maps = rng.normal(size=(2, 3, 4, 21))
    expected = np.einsum("bjc,bcj->bj", maps, depth_maps.reshape(2, 12, 21))
    received = HeatmapWeightedDepth()(maps.astype("float32"), depth_maps.astype("float32"))
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_depth_is_float32_even_in_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    layer = HeatmapWeightedDepth()
    depth = layer(tf.fill((1, 21, 4), 0.25), tf.ones((1, 2, 2, 21), tf.bfloat16))
    assert depth.dtype == tf.float32
    assert layer.compute_output_shape((None, 21, 4), (None, 2, 2, 21)) == (None, 21)
    again = HeatmapWeightedDepth.from_config(layer.get_config())
    assert again.compute_dtype == "float32"


def test_grouped_heads_match_numpy():
    inputs = [keras.Input((HEIGHT, WIDTH, CHANNELS)) for _ in range(2)]
    grouping = [joint % 2 for joint in range(21)]
    selector = JointGroupSelector(2, grouping=grouping)
    model = make_like_trained(keras.Model(inputs, grouped_heads(inputs, selector, stride=4)))
    selector.logits.assign(np.eye(2)[grouping])
    x = features()
    uv_px, z_rel, maps = (keras.ops.convert_to_numpy(output) for output in model(x))
    for group in (0, 1):
        beta = model.get_layer(f"group{group}_soft_argmax").get_weights()[0]
        heatmaps = numpy_group(model, x[group], f"group{group}_heatmaps") * beta
        depth_maps = numpy_group(model, x[group], f"group{group}_depth_maps")
        expected = numpy_pose(heatmaps, depth_maps, 4)
        own = np.array(grouping) == group
        np.testing.assert_allclose(uv_px[:, own], expected[0][:, own], atol=1e-4)
        np.testing.assert_allclose(z_rel[:, own], expected[1][:, own], atol=1e-5)
        np.testing.assert_allclose(maps[:, own], expected[2][:, own], atol=1e-5)


@pytest.mark.parametrize("num_groups", [1, 2])
def test_pruned_heads_match_numpy(num_groups):
    inputs = [keras.Input((HEIGHT, WIDTH, CHANNELS)) for _ in range(num_groups)]
    model = make_like_trained(keras.Model(inputs, pruned_heads(inputs, stride=4)))
    model.get_layer("tail_expectation").set_weights([expectation_kernel(HEIGHT, WIDTH, 4)])
    model.get_layer("tail_depth_sum").set_weights([np.ones((HEIGHT * WIDTH, 1))])
    x = features(num_groups)
    side_by_side = np.concatenate(x, axis=-1)
    heatmaps = numpy_group(model, side_by_side, "heatmaps")
    expected = numpy_pose(heatmaps, numpy_group(model, side_by_side, "depth_maps"), 4)
    uv_px, z_rel = model(x)
    np.testing.assert_allclose(uv_px, expected[0], atol=1e-4)
    np.testing.assert_allclose(z_rel, expected[1], atol=1e-5)


def test_pruned_heads_are_standard_layers_with_constant_tails():
    inputs = [keras.Input((HEIGHT, WIDTH, CHANNELS)) for _ in range(2)]
    model = keras.Model(inputs, pruned_heads(inputs, stride=4))
    assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)
    constant = {layer.name for layer in model.layers if not layer.trainable}
    assert {"tail_expectation", "tail_depth_sum"} <= constant
    # A sum, from the start.
    np.testing.assert_array_equal(model.get_layer("tail_depth_sum").get_weights()[0], 1)


def test_expectation_kernel_holds_cell_centres_in_crop_pixels():
    kernel = expectation_kernel(2, 3, 4)
    expected = [[1.5, 1.5], [5.5, 1.5], [9.5, 1.5], [1.5, 5.5], [5.5, 5.5], [9.5, 5.5]]
    np.testing.assert_array_equal(kernel, expected)


@pytest.mark.parametrize("folded", [False, True])
def test_image_heads_match_numpy(folded):
    inputs = keras.Input((HEIGHT, WIDTH, CHANNELS))
    model = make_like_trained(keras.Model(inputs, image_heads(inputs, folded)))
    x = features(1)[0]
    pooled = block(model, x, "image_head").mean(axis=(1, 2))
    outputs = model(x)
    assert list(outputs) == ["presence", "handedness"]
    for name, logit in outputs.items():
        kernel, bias = model.get_layer(f"{name}_logit").get_weights()
        np.testing.assert_allclose(logit, pooled @ kernel + bias, atol=1e-4)


def test_head_hidden_is_one_block():
    inputs = keras.Input((HEIGHT, WIDTH, CHANNELS))
    model = make_like_trained(keras.Model(inputs, head_hidden(inputs, 4, 1, folded=False)))
    x = features(1)[0]
    np.testing.assert_allclose(model(x), block(model, x, "group1_head"), atol=1e-4)
