"""The `paper` architecture: the authors' network, layer by layer."""

import keras

from tf_handgroups.layers.group_fusion import GroupFusion
from tf_handgroups.models.architecture import Architecture, GroupedFeatures, concatenated
from tf_handgroups.models.hourglass import hourglass_backbone
from tf_handgroups.models.residual_blocks import (
    EPSILON,
    MOMENTUM,
    convolution,
    convolution_block,
    downsampling_block,
    residual_block,
    upsampling_block,
)

SHARED_CHANNELS = 128


def paper_features(images, config: dict, alive, folded: bool) -> GroupedFeatures:
    """Adds the hourglass, the branches, the fusion and the hidden layers of the heads.

    Args:
        images: Keras tensor `(batch, size, size, 3)` in [0, 1].
        config: Configuration of a `HandPoseModel`; only `num_groups`,
            `group_channels` and `fusion` are read.
        alive: The groups that need heads.
        folded: Whether batch norms are part of the convolutions (hardened models).

    Example:

    >>> config = {"num_groups": 2, "group_channels": 8, "fusion": True}
    >>> features = paper_features(keras.Input((64, 64, 3)), config, [0, 1], folded=False)
    >>> [tuple(hidden.shape) for hidden in features.depth_hidden]
    [(None, 16, 16, 8), (None, 16, 16, 8)]

    Reference:
    - [Li, Gao and Sang, 2021](https://arxiv.org/abs/2012.09496)
    """
    channels, num_groups = config["group_channels"], config["num_groups"]
    features, heatmaps = hourglass_backbone(images, folded)
    shared = keras.layers.Concatenate(name="shared_concat")([heatmaps, features])
    shared = residual_block(shared, SHARED_CHANNELS, "shared0", folded)
    shared = residual_block(shared, channels, "shared1", folded)
    # Without fusion only its own heads read the branch of a group.
    private = range(num_groups) if config["fusion"] else alive
    branches = {group: paper_branch(shared, channels, group, folded) for group in private}
    side_by_side = None
    if config["fusion"]:
        side_by_side = concatenated([*branches.values()])
    heatmap_hidden, depth_hidden = [], []
    for group in alive:
        if side_by_side is None:
            x = branches[group]
        elif folded:
            x = convolution_block(side_by_side, channels, 1, f"group{group}_fusion", folded)
        else:
            x = GroupFusion(
                group, num_groups, epsilon=EPSILON, momentum=MOMENTUM, name=f"group{group}_fusion"
            )(side_by_side)
        for hidden, kind in ((heatmap_hidden, "heatmap"), (depth_hidden, "depth")):
            name = f"group{group}_{kind}_head"
            hidden.append(keras.layers.ReLU(name=f"{name}_relu")(convolution(x, channels, 3, name)))
    return GroupedFeatures(heatmaps, heatmap_hidden, depth_hidden, None)


def paper_branch(shared, channels: int, group: int, folded: bool):
    """Adds one group's branch: a small hourglass of three resolutions.

    Args:
        shared: Keras tensor `(batch, height, width, channels)`; sides multiples of 4.
        channels: Width of the branch.
        group: Index of the group, part of the layer names.
        folded: Whether batch norms are part of the convolutions (hardened models).

    Returns:
        Keras tensor `(batch, height, width, channels)`.

    Example:

    >>> tuple(paper_branch(keras.Input((16, 16, 32)), 32, group=0, folded=False).shape)
    (None, 16, 16, 32)
    """
    name = f"group{group}_branch"
    fine = convolution_block(shared, channels, 1, f"{name}_enter", folded)
    full = residual_block(fine, channels, f"{name}_full", folded)
    half = downsampling_block(full, channels, f"{name}_half", folded)
    quarter = downsampling_block(half, channels, f"{name}_quarter", folded)
    up = upsampling_block(quarter, channels, f"{name}_quarter_up", folded)
    up = keras.layers.Concatenate(name=f"{name}_half_concat")([up, half])
    up = convolution_block(up, channels, 1, f"{name}_half_merge", folded)
    up = upsampling_block(up, channels, f"{name}_half_up", folded)
    up = keras.layers.Concatenate(name=f"{name}_full_concat")([up, full, fine])
    up = convolution_block(up, 2 * channels, 1, f"{name}_full_merge", folded)
    return residual_block(up, channels, f"{name}_leave", folded)


PAPER = Architecture(
    features=paper_features,
    size_multiple=64,
    head_kernel=3,
    grid_offset_px=0.0,
    backbone_temperature=False,
)
