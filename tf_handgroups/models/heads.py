"""Heads: group features to joint coordinates, relative depth, presence and handedness."""

import keras
import numpy as np
from keras import ops

from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS
from tf_handgroups.layers.joint_group_selector import JointGroupSelector
from tf_handgroups.layers.spatial_soft_argmax import SpatialSoftArgmax, pixel_grid
from tf_handgroups.models.conv_block import conv_block

GATINGS = ("predictions", "features")


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


def grouped_heads(
    heatmap_hidden: list,
    depth_hidden: list,
    selector: JointGroupSelector,
    stride: int,
    kernel: int = 1,
    offset_px: float | None = None,
    gating: str = "predictions",
):
    """Adds the heads of training: every group speaks for all joints, the selector mixes.

    What it mixes is either each group's coordinates, or each group's features:

    - `predictions`: every group makes its own heatmaps, coordinates and depths; the
      coordinates are mixed, as in the code of the paper's authors.
    - `features`: the last features of a group are multiplied by the joint's weight for
      that group, and one heatmap and one depth map per joint read those of all groups.
      As these maps are linear in the features, the mixed maps are computed instead,
      which is the same and needs no features per joint.

    With one-hot weights both select one group, and harden to the same network.

    Args:
        heatmap_hidden: One feature map `(batch, height, width, channels)` per group, read
            by its heatmaps.
        depth_hidden: The same, read by its depth maps.
        selector: The layer that mixes.
        stride: Crop pixels per feature cell.
        kernel: Side of the convolutions that make the maps.
        offset_px: Crop position of cell 0, see `SpatialSoftArgmax`.
        gating: What the selector mixes, one of `GATINGS`.

    Returns:
        `uv_px (batch, 21, 2)`, `z_rel (batch, 21)`, `maps (batch, 21, height * width)`.

    Raises:
        InputError: If `gating` is unknown.
    """
    if gating not in GATINGS:
        raise InputError(
            f"HandPoseModel: unknown gating. Received: gating={gating!r}. "
            f"Known gatings: {', '.join(GATINGS)}."
        )
    heatmaps, depth_maps = [], []
    for group, (for_heatmaps, for_depth) in enumerate(
        zip(heatmap_hidden, depth_hidden, strict=True)
    ):
        heatmaps.append(_joint_maps(NUM_JOINTS, kernel, f"group{group}_heatmaps")(for_heatmaps))
        depth_maps.append(_joint_maps(NUM_JOINTS, kernel, f"group{group}_depth_maps")(for_depth))
    if gating == "features":
        return _mixed_features(heatmaps, depth_maps, selector, stride, offset_px)
    return _mixed_predictions(heatmaps, depth_maps, selector, stride, offset_px)


def soft_argmax_name(gating: str, group: int) -> str:
    """Returns the name of the layer that reads a group's heatmaps.

    Example:

    >>> soft_argmax_name("predictions", 2), soft_argmax_name("features", 2)
    ('group2_soft_argmax', 'gated_soft_argmax')
    """
    return "gated_soft_argmax" if gating == "features" else f"group{group}_soft_argmax"


def _mixed_predictions(heatmaps: list, depth_maps: list, selector, stride, offset_px):
    predictions, all_maps = [], []
    for group, (group_heatmaps, group_depth) in enumerate(zip(heatmaps, depth_maps, strict=True)):
        soft_argmax = SpatialSoftArgmax(
            stride, offset_px, name=soft_argmax_name("predictions", group)
        )
        uv_px, maps = soft_argmax(group_heatmaps)
        depth = HeatmapWeightedDepth(name=f"group{group}_depth")(maps, group_depth)
        predictions.append(ops.concatenate([uv_px, depth[..., None]], axis=-1))
        all_maps.append(maps)
    pose, maps = selector([ops.stack(predictions, axis=1), ops.stack(all_maps, axis=1)])
    return pose[..., :2], pose[..., 2], maps


def _mixed_features(heatmaps: list, depth_maps: list, selector, stride, offset_px):
    joints_first = [
        ops.stack([ops.transpose(maps, (0, 3, 1, 2)) for maps in of_all_groups], axis=1)
        for of_all_groups in (heatmaps, depth_maps)
    ]
    mixed, mixed_depth = (ops.transpose(maps, (0, 2, 3, 1)) for maps in selector(joints_first))
    soft_argmax = SpatialSoftArgmax(stride, offset_px, name=soft_argmax_name("features", 0))
    uv_px, maps = soft_argmax(mixed)
    return uv_px, HeatmapWeightedDepth(name="gated_depth")(maps, mixed_depth), maps


def pruned_heads(heatmap_hidden: list, depth_hidden: list, joints: dict, kernel: int = 1):
    """Adds the heads of a hardened model: one map per joint, standard layers only.

    Each group makes the maps of its own joints. Maps and coordinates then lie in the
    order of the groups; at the very end, where only 21 numbers are left, a product with
    a permutation matrix brings the canonical order back. No gather is needed, which
    delegates such as XNNPACK would not take.

    Args:
        heatmap_hidden: One feature map per group that has joints, read by its heatmaps.
        depth_hidden: The same, read by its depth maps.
        joints: Group -> its joints, in the order of the feature maps.
        kernel: Side of the convolutions that make the maps.

    Returns:
        `uv_px (batch, 21, 2)` and `z_rel (batch, 21)`.
    """
    heatmaps = _maps_of_all(heatmap_hidden, joints, kernel, "heatmaps")
    depth = _maps_of_all(depth_hidden, joints, kernel, "depth_maps")
    _, height, width, _ = heatmaps.shape
    cells = height * width
    probabilities = keras.layers.Reshape((cells, NUM_JOINTS), name="tail_cells")(heatmaps)
    probabilities = keras.layers.Permute((2, 1), name="tail_joints_first")(probabilities)
    probabilities = keras.layers.Softmax(axis=-1, name="tail_softmax", dtype="float32")(
        probabilities
    )
    uv_px = _constant_product(2, "tail_expectation")(probabilities)
    depth = keras.layers.Reshape((cells, NUM_JOINTS), name="tail_depth_cells")(depth)
    depth = keras.layers.Permute((2, 1), name="tail_depth_joints_first")(depth)
    weighted = keras.layers.Multiply(name="tail_depth_weighted", dtype="float32")(
        [probabilities, depth]
    )
    z_rel = _constant_product(1, "tail_depth_sum")(weighted)
    z_rel = keras.layers.Reshape((NUM_JOINTS,), name="tail_depth")(z_rel)
    if len(joints) > 1:
        uv_px = keras.layers.Permute((2, 1), name="tail_uv_first")(uv_px)
        uv_px = _constant_product(NUM_JOINTS, "tail_uv_order")(uv_px)
        uv_px = keras.layers.Permute((2, 1), name="tail_uv")(uv_px)
        z_rel = _constant_product(NUM_JOINTS, "tail_depth_order")(z_rel)
    return uv_px, z_rel


def constant_kernels(size: int, stride: int, offset_px: float, joints: dict) -> dict:
    """Returns the kernels of the layers of `pruned_heads` that compute, but learn nothing.

    Args:
        size: Cells per side of the heatmaps.
        stride: Crop pixels per cell.
        offset_px: Crop position of cell 0.
        joints: Group -> its joints, as for `pruned_heads`.

    Returns:
        Layer name -> kernel.

    Example:

    >>> kernels = constant_kernels(2, 4, 1.5, {0: [1], 2: [0]})
    >>> kernels["tail_expectation"].tolist()[1], kernels["tail_uv_order"].tolist()
    ([5.5, 1.5], [[0.0, 1.0], [1.0, 0.0]])
    """
    in_group_order = [joint for members in joints.values() for joint in members]
    order = np.eye(len(in_group_order), dtype=np.float32)[in_group_order]
    return {
        "tail_expectation": pixel_grid(size, size, stride, offset_px),
        "tail_depth_sum": np.ones((size * size, 1), np.float32),
        "tail_uv_order": order,
        "tail_depth_order": order,
    }


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


def _maps_of_all(hidden: list, joints: dict, kernel: int, kind: str):
    maps = [
        _joint_maps(len(members), kernel, f"group{group}_{kind}")(features)
        for features, (group, members) in zip(hidden, joints.items(), strict=True)
    ]
    return keras.layers.Concatenate(name=f"{kind}_concat")(maps) if len(maps) > 1 else maps[0]


def _joint_maps(count: int, kernel: int, name: str) -> keras.layers.Layer:
    return keras.layers.Conv2D(count, kernel, padding="same", name=name)


def _constant_product(units: int, name: str) -> keras.layers.Layer:
    return keras.layers.Dense(
        units,
        use_bias=False,
        kernel_initializer=keras.initializers.Zeros(),
        trainable=False,
        dtype="float32",
        name=name,
    )
