"""The private feature branch of one joint group."""

import keras

from tf_handgroups.models.conv_block import conv_block


def group_branch(shared, channels: int, group: int, folded: bool):
    """Adds one group's branch: a small hourglass of two resolutions.

    Args:
        shared: Shared features `(batch, height, width, any)`; even sides.
        channels: Width of the branch.
        group: Index of the group, part of the layer names.
        folded: Whether batch norms are part of the convolutions (hardened models).

    Returns:
        Keras tensor `(batch, height, width, channels)`.

    Example:

    >>> tuple(group_branch(keras.Input((32, 32, 48)), 32, group=0, folded=False).shape)
    (None, 32, 32, 32)
    """
    name = f"group{group}_branch"
    fine = conv_block(shared, channels, 3, f"{name}_fine", folded)
    coarse = conv_block(fine, channels, 3, f"{name}_down", folded, strides=2)
    coarse = conv_block(coarse, channels, 3, f"{name}_coarse", folded)
    up = keras.layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_up")(coarse)
    both = keras.layers.Concatenate(name=f"{name}_concat")([fine, up])
    return conv_block(both, channels, 3, f"{name}_merge", folded)
