import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.hands import make_like_trained
from tests.models.numpy_network import block, convolution, softmax
from tf_handgroups.errors import InputError
from tf_handgroups.layers.joint_group_selector import JointGroupSelector
from tf_handgroups.models.heads import (
    GATINGS,
    HeatmapWeightedDepth,
    constant_kernels,
    grouped_heads,
    image_heads,
    pruned_heads,
    soft_argmax_name,
)

HEIGHT, WIDTH, CHANNELS = 5, 7, 6
# Not in order, of different sizes, and one group of four has no joints.
JOINTS = {0: [20, 3, 4], 2: [1], 3: [j for j in range(21) if j not in (20, 3, 4, 1)]}


def features(count=2, shape=(HEIGHT, WIDTH), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(3, *shape, CHANNELS)).astype("float32") for _ in range(count)]


def numpy_pose(heatmaps, depth_maps, stride, offset_px):
    """Probabilities, expected position and expected depth, cell by cell."""
    cells, joints = heatmaps.shape[1] * heatmaps.shape[2], heatmaps.shape[3]
    maps = softmax(heatmaps.reshape(-1, cells, joints).transpose(0, 2, 1))
    uv_px, depth = np.zeros((*maps.shape[:2], 2)), np.zeros(maps.shape[:2])
    for cell in range(cells):
        row, column = divmod(cell, heatmaps.shape[2])
        position = np.array([column, row]) * stride + offset_px
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


@pytest.mark.parametrize(
    ("kernel", "offset_px"), [(1, None), (3, 0.0), (3, 2.25)], ids=["mobile", "paper", "other"]
)
def test_grouped_heads_match_numpy(kernel, offset_px):
    inputs = [[keras.Input((HEIGHT, WIDTH, CHANNELS)) for _ in range(2)] for _ in range(2)]
    grouping = [joint % 2 for joint in range(21)]
    selector = JointGroupSelector(2, grouping=grouping)
    outputs = grouped_heads(*inputs, selector, stride=4, kernel=kernel, offset_px=offset_px)
    model = make_like_trained(keras.Model(inputs, outputs))
    selector.logits.assign(np.eye(2)[grouping])
    x = [features(seed=0), features(seed=1)]
    uv_px, z_rel, maps = (keras.ops.convert_to_numpy(output) for output in model(x))
    for group in (0, 1):
        beta = model.get_layer(f"group{group}_soft_argmax").get_weights()[0]
        heatmaps = numpy_group(model, x[0][group], f"group{group}_heatmaps") * beta
        depth_maps = numpy_group(model, x[1][group], f"group{group}_depth_maps")
        expected = numpy_pose(heatmaps, depth_maps, 4, 1.5 if offset_px is None else offset_px)
        own = np.array(grouping) == group
        np.testing.assert_allclose(uv_px[:, own], expected[0][:, own], atol=1e-4)
        np.testing.assert_allclose(z_rel[:, own], expected[1][:, own], atol=1e-5)
        np.testing.assert_allclose(maps[:, own], expected[2][:, own], atol=1e-5)
        assert model.get_layer(f"group{group}_heatmaps").kernel_size == (kernel, kernel)


@pytest.mark.parametrize("kernel", [1, 3])
def test_gated_features_match_numpy(kernel):
    """Every joint has its own copy of all features, times its weights of the groups."""
    inputs = [[keras.Input((HEIGHT, WIDTH, CHANNELS)) for _ in range(3)] for _ in range(2)]
    selector = JointGroupSelector(3)
    outputs = grouped_heads(*inputs, selector, 4, kernel, 1.5, gating="features")
    model = make_like_trained(keras.Model(inputs, outputs))
    x = [features(3, seed=0), features(3, seed=1)]
    weights = keras.ops.convert_to_numpy(selector.sample_weights(0))
    assert 0.2 < weights.max(axis=1).min() < 0.9, "soft weights"
    received = [keras.ops.convert_to_numpy(output) for output in model(x, training=True)]
    beta = model.get_layer("gated_soft_argmax").get_weights()[0]
    for joint in range(21):
        heatmap, depth_map = (
            sum(
                convolution(
                    x[kind][group] * weights[joint, group],
                    model.get_layer(f"group{group}_{name}").get_weights()[0][..., [joint]],
                    model.get_layer(f"group{group}_{name}").get_weights()[1][[joint]]
                    * weights[joint, group],
                )
                for group in range(3)
            )
            for kind, name in enumerate(("heatmaps", "depth_maps"))
        )
        expected = numpy_pose(heatmap * beta[joint], depth_map, 4, 1.5)
        for value, reference in zip(received, expected, strict=True):
            np.testing.assert_allclose(value[:, [joint]], reference, atol=2e-4)


def test_one_hot_weights_make_no_difference_where_they_are_applied():
    inputs = [[keras.Input((HEIGHT, WIDTH, CHANNELS)) for _ in range(3)] for _ in range(2)]
    grouping = [joint % 3 for joint in range(21)]
    models = {}
    for gating in GATINGS:
        selector = JointGroupSelector(3, grouping=grouping)
        outputs = grouped_heads(*inputs, selector, 4, gating=gating)
        models[gating] = keras.Model(inputs, outputs)
    for layer in models["predictions"].layers:
        if layer.name.endswith(("_heatmaps", "_depth_maps")):
            models["features"].get_layer(layer.name).set_weights(layer.get_weights())
    x = [features(3, seed=0), features(3, seed=1)]
    for first, second in zip(*(model(x) for model in models.values()), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)


def test_names_of_the_layers_that_read_heatmaps():
    assert soft_argmax_name("predictions", 1) == "group1_soft_argmax"
    assert soft_argmax_name("features", 0) == soft_argmax_name("features", 1)


def test_rejects_unknown_gating():
    with pytest.raises(InputError, match=r"Received: gating='maps'.*predictions, features"):
        grouped_heads([], [], JointGroupSelector(1), 4, gating="maps")


def pruned(joints, kernel, size=6):
    inputs = [[keras.Input((size, size, CHANNELS)) for _ in joints] for _ in range(2)]
    return keras.Model(inputs, pruned_heads(*inputs, joints, kernel))


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("joints", [{0: [*range(21)]}, {2: [*range(21)]}, JOINTS], ids=str)
def test_pruned_heads_match_numpy(joints, kernel):
    model = make_like_trained(pruned(joints, kernel))
    for name, values in constant_kernels(6, 4, 0.75, joints).items():
        if len(joints) > 1 or "order" not in name:
            model.get_layer(name).set_weights([values])
    x = [features(len(joints), (6, 6), seed) for seed in (0, 1)]
    uv_px, z_rel = (keras.ops.convert_to_numpy(output) for output in model(x))
    for index, (group, members) in enumerate(joints.items()):
        heatmaps = numpy_group(model, x[0][index], f"group{group}_heatmaps")
        depth_maps = numpy_group(model, x[1][index], f"group{group}_depth_maps")
        assert heatmaps.shape[-1] == depth_maps.shape[-1] == len(members)
        expected = numpy_pose(heatmaps, depth_maps, 4, 0.75)
        np.testing.assert_allclose(uv_px[:, members], expected[0], atol=1e-4)
        np.testing.assert_allclose(z_rel[:, members], expected[1], atol=1e-5)


def test_pruned_heads_are_standard_layers_with_constant_tails():
    model = pruned(JOINTS, 3)
    assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)
    constant = {layer.name for layer in model.layers if layer.weights and not layer.trainable}
    kernels = constant_kernels(6, 4, 1.5, JOINTS)
    assert constant == set(kernels)
    for name in constant:
        # Nothing is computed before they are filled: a model that lacks them is seen at once.
        assert not model.get_layer(name).get_weights()[0].any()
        assert model.get_layer(name).get_weights()[0].shape == kernels[name].shape


def test_one_group_needs_no_reordering():
    names = {layer.name for layer in pruned({1: [*range(21)]}, 1).layers}
    assert not {name for name in names if "order" in name or "concat" in name}


def test_expectation_kernel_holds_cell_positions_in_crop_pixels():
    kernels = constant_kernels(2, 4, 0.5, JOINTS)
    expected = [[0.5, 0.5], [4.5, 0.5], [0.5, 4.5], [4.5, 4.5]]
    np.testing.assert_array_equal(kernels["tail_expectation"], expected)
    np.testing.assert_array_equal(kernels["tail_depth_sum"], np.ones((4, 1)))


def test_order_kernels_bring_the_canonical_order_back():
    kernels = constant_kernels(2, 4, 0.5, JOINTS)
    in_group_order = np.array([joint for members in JOINTS.values() for joint in members])
    assert in_group_order.tolist() != [*range(21)]
    for name in ("tail_uv_order", "tail_depth_order"):
        np.testing.assert_array_equal(in_group_order @ kernels[name], np.arange(21))


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
