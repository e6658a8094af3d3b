"""The `mobile` architecture: encoder, light decoder, light branches, fusion."""

import keras

from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS
from tf_handgroups.layers.group_fusion import GroupFusion
from tf_handgroups.models.architecture import Architecture, GroupedFeatures, concatenated
from tf_handgroups.models.conv_block import conv_block
from tf_handgroups.models.decoder import decoder
from tf_handgroups.models.efficientnet_lite0 import efficientnet_lite0_encoder
from tf_handgroups.models.group_branch import group_branch
from tf_handgroups.models.tiny_encoder import tiny_encoder

ENCODERS = ("efficientnet_lite0", "tiny")


def mobile_features(images, config: dict, alive, folded: bool) -> GroupedFeatures:
    """Adds encoder, decoder, branches, fusion and the hidden layer of the heads.

    Args:
        images: Keras tensor `(batch, size, size, 3)` in [0, 1].
        config: Configuration of a `HandPoseModel`.
        alive: The groups that need heads.
        folded: Whether batch norms are part of the convolutions (hardened models).

    Raises:
        InputError: If the encoder is unknown.

    Example:

    >>> config = {"encoder": "tiny", "pretrained": False, "decoder_channels": (32, 24, 16),
    ...     "num_groups": 2, "group_channels": 8, "fusion": True}
    >>> features = mobile_features(keras.Input((64, 64, 3)), config, [1], folded=False)
    >>> [tuple(hidden.shape) for hidden in features.heatmap_hidden]
    [(None, 16, 16, 8)]
    """
    channels, num_groups = config["group_channels"], config["num_groups"]
    pyramid = encode(images, config["encoder"], config["pretrained"] and not folded, folded)
    shared = decoder(pyramid, config["decoder_channels"], folded)
    heatmaps = keras.layers.Conv2D(NUM_JOINTS, 1, name="backbone_heatmaps")(shared)
    seen = keras.layers.Concatenate(name="shared_concat")([shared, heatmaps])
    # Without fusion only its own head reads the branch of a group.
    private = range(num_groups) if config["fusion"] else alive
    branches = {group: group_branch(seen, channels, group, folded) for group in private}
    side_by_side = None
    if config["fusion"]:
        side_by_side = concatenated([*branches.values()])
    hidden = []
    for group in alive:
        if side_by_side is None:
            x = branches[group]
        elif folded:
            x = keras.layers.Conv2D(channels, 1, name=f"group{group}_fusion_conv")(side_by_side)
            x = keras.layers.ReLU(name=f"group{group}_fusion_relu")(x)
        else:
            fusion = GroupFusion(group, num_groups, momentum=0.98, name=f"group{group}_fusion")
            x = fusion(side_by_side)
        hidden.append(conv_block(x, channels, 3, f"group{group}_head", folded))
    return GroupedFeatures(heatmaps, hidden, hidden, pyramid[32])


def encode(images, encoder: str, pretrained: bool, folded: bool) -> dict:
    """Adds the named encoder and returns its feature maps by stride."""
    if encoder == "efficientnet_lite0":
        return efficientnet_lite0_encoder(images, pretrained=pretrained)
    if encoder == "tiny":
        return tiny_encoder(images, folded)
    raise InputError(
        f"HandPoseModel: unknown encoder. Received: encoder={encoder!r}. "
        f"Known encoders: {', '.join(ENCODERS)}."
    )


MOBILE = Architecture(
    features=mobile_features,
    size_multiple=32,
    head_kernel=1,
    grid_offset_px=1.5,  # The centre of the 4 x 4 pixels that cell 0 covers.
    backbone_temperature=True,
)
