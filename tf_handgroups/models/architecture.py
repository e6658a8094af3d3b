"""What distinguishes one network from another, in front of the common heads and selector."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras


@dataclasses.dataclass(frozen=True)
class GroupedFeatures:
    """What an architecture computes from the images; all values are Keras tensors.

    Args:
        backbone_heatmaps: `(batch, size / 4, size / 4, 21)`, heatmaps of all joints
            before the groups part, supervised in training.
        heatmap_hidden: One feature map per group that has joints, read by its heatmaps.
        depth_hidden: The same, read by its depth maps.
        coarse: The coarsest feature map of the backbone, read by the logits that concern
            the whole crop; `None` if the architecture has none.

    Example:

    >>> GroupedFeatures(None, [], [], None).coarse is None
    True
    """

    backbone_heatmaps: Any
    heatmap_hidden: list
    depth_hidden: list
    coarse: Any


def concatenated(branches: list):
    """Puts the features of all groups side by side, for fusion.

    Args:
        branches: Keras tensors `(batch, height, width, channels)`, one per group.

    Example:

    >>> tuple(concatenated([keras.Input((4, 4, 8)), keras.Input((4, 4, 8))]).shape)
    (None, 4, 4, 16)
    """
    if len(branches) == 1:
        return branches[0]
    return keras.layers.Concatenate(name="groups_concat")(branches)


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A network up to its heads.

    Args:
        features: Function `(images, config, alive, folded) -> GroupedFeatures`, with the
            input tensor, the configuration of a `HandPoseModel`, the groups that need
            heads, and whether batch norms are part of the convolutions (hardened models).
        size_multiple: The side of the crop must be a multiple of this.
        head_kernel: Side of the kernels that make heatmaps and depth maps.
        grid_offset_px: Crop position of the centre of heatmap cell 0.
        backbone_temperature: Whether the backbone's own heatmaps have a learned inverse
            temperature.
    """

    features: Callable[..., GroupedFeatures]
    size_multiple: int
    head_kernel: int
    grid_offset_px: float
    backbone_temperature: bool
