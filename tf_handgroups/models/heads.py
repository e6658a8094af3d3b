"""Heads: group features to joint coordinates, relative depth, presence and handedness."""

import keras
from keras import ops

from tf_handgroups.joints import NUM_JOINTS
from tf_handgroups.layers.joint_group_selector import JointGroupSelector
from tf_handgroups.layers.spatial_soft_argmax import SpatialSoftArgmax, pixel_grid
from tf_handgroups.models.conv_block import conv_block


@keras.saving.register_keras_serializable(package="handgroups")
class HeatmapWeightedDepth(keras.layers.Layer):
    """Reads one depth per joint off a depth map, weighted by the joint's heatmap.

    Call arguments:
        maps: Probabilities `(batch, joints, height * width)`.
        depth_maps: Tensor `(batch, height, width, joints)`.

    Returns:
        Depth `(batch, joints)` in reference-bone units, relative to joint 9.

    Example:

    >>> maps = ops.full((1, 21, 4), 0.25)
    >>> float(HeatmapWeightedDepth()(maps, ops.ones((1, 2, 2, 21)))[0, 0])
    1.0
    """

    def __init__(self, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def call(self, maps, depth_maps):
        _, height, width, joints = depth_maps.shape
        depth = ops.reshape(ops.cast(depth_maps, "float32"), (-1, height * width, joints))
        return ops.sum(maps * ops.transpose(depth, (0, 2, 1)), axis=-1)

    def compute_output_shape(self, maps_shape, depth_maps_shape):
        return tuple(maps_shape[:2])


def head_hidden(fused, channels: int, group: int, folded: bool):
    """Adds the hidden layer of one group's head, read by its heatmaps and depth maps."""
    return conv_block(fused, channels, 3, f"group{group}_head", folded)


def grouped_heads(hidden: list, selector: JointGroupSelector, stride: int):
    """Adds the heads of training: every group predicts all joints, the selector mixes.

    Args:
        hidden: One feature map `(batch, height, width, channels)` per group.
        selector: The layer that mixes the predictions.
        stride: Crop pixels per feature cell.

    Returns:
        `uv_px (batch, 21, 2)`, `z_rel (batch, 21)`, `maps (batch, 21, height * width)`.
    """
    predictions, all_maps = [], []
    for group, features in enumerate(hidden):
        heatmaps = _joint_maps(f"group{group}_heatmaps")(features)
        depth_maps = _joint_maps(f"group{group}_depth_maps")(features)
        soft_argmax = SpatialSoftArgmax(stride, name=f"group{group}_soft_argmax")
        uv_px, maps = soft_argmax(heatmaps)
        depth = HeatmapWeightedDepth(name=f"group{group}_depth")(maps, depth_maps)
        predictions.append(ops.concatenate([uv_px, depth[..., None]], axis=-1))
        all_maps.append(maps)
    pose, maps = selector([ops.stack(predictions, axis=1), ops.stack(all_maps, axis=1)])
    return pose[..., :2], pose[..., 2], maps


def pruned_heads(hidden: list, stride: int):
    """Adds the heads of a hardened model: one map per joint, standard layers only.

    The hidden features of all groups lie side by side; one 1x1 convolution, whose
    kernel is zero outside each joint's own group, yields the maps in joint order. No
    gather is needed, which delegates such as XNNPACK would not take.

    Args:
        hidden: One feature map per group that still has joints.
        stride: Crop pixels per feature cell.

    Returns:
        `uv_px (batch, 21, 2)` and `z_rel (batch, 21)`.
    """
    features = hidden[0]
    if len(hidden) > 1:
        features = keras.layers.Concatenate(name="heads_concat")(hidden)
    _, height, width, _ = features.shape
    cells = height * width
    probabilities = _joint_maps("heatmaps")(features)
    probabilities = keras.layers.Reshape((cells, NUM_JOINTS), name="tail_cells")(probabilities)
    probabilities = keras.layers.Permute((2, 1), name="tail_joints_first")(probabilities)
    probabilities = keras.layers.Softmax(axis=-1, name="tail_softmax", dtype="float32")(
        probabilities
    )
    uv_px = keras.layers.Dense(
        2,
        use_bias=False,
        kernel_initializer=keras.initializers.Zeros(),
        trainable=False,
        dtype="float32",
        name="tail_expectation",
    )(probabilities)
    depth = _joint_maps("depth_maps")(features)
    depth = keras.layers.Reshape((cells, NUM_JOINTS), name="tail_depth_cells")(depth)
    depth = keras.layers.Permute((2, 1), name="tail_depth_joints_first")(depth)
    weighted = keras.layers.Multiply(name="tail_depth_weighted", dtype="float32")(
        [probabilities, depth]
    )
    z_rel = keras.layers.Dense(
        1,
        use_bias=False,
        kernel_initializer="ones",
        trainable=False,
        dtype="float32",
        name="tail_depth_sum",
    )(weighted)
    z_rel = keras.layers.Reshape((NUM_JOINTS,), name="tail_depth")(z_rel)
    return uv_px, z_rel


def expectation_kernel(height: int, width: int, stride: int):
    """Returns the kernel `(height * width, 2)` of the layer `tail_expectation`."""
    return pixel_grid(height, width, stride, (stride - 1) / 2)


def image_heads(features, folded: bool) -> dict:
    """Adds the two logits that concern the whole crop.

    Args:
        features: The coarsest feature map.
        folded: Whether batch norms are part of the convolutions (hardened models).

    Returns:
        `presence (batch, 1)`: logit that there is a hand; `handedness (batch, 1)`:
        logit that it looks like a right hand.
    """
    x = conv_block(features, 64, 1, "image_head", folded)
    x = keras.layers.GlobalAveragePooling2D(name="image_head_pool")(x)
    return {
        name: keras.layers.Dense(1, dtype="float32", name=f"{name}_logit")(x)
        for name in ("presence", "handedness")
    }


def _joint_maps(name: str) -> keras.layers.Layer:
    return keras.layers.Conv2D(NUM_JOINTS, 1, name=name)
