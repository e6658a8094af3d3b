"""A small encoder of plain convolutions for tests, demos and quick experiments."""

from tf_handgroups.models.conv_block import conv_block

CHANNELS = {4: 32, 8: 48, 16: 64, 32: 96}


def tiny_encoder(images, folded: bool) -> dict:
    """Returns feature maps by stride, as `efficientnet_lite0_encoder` does.

    Args:
        images: Keras tensor `(batch, height, width, 3)` in [0, 1], sides divisible by 32.
        folded: Whether batch norms are part of the convolutions (hardened models).

    Returns:
        Feature maps `{4: 32, 8: 48, 16: 64, 32: 96}` channels.

    Example:

    >>> import keras
    >>> [tuple(map.shape) for map in tiny_encoder(keras.Input((64, 64, 3)), False).values()]
    [(None, 16, 16, 32), (None, 8, 8, 48), (None, 4, 4, 64), (None, 2, 2, 96)]
    """
    x = conv_block(images, 16, 3, "encoder_stem", folded, strides=2)
    features = {}
    for stride, channels in CHANNELS.items():
        x = conv_block(x, channels, 3, f"encoder_down{stride}", folded, strides=2)
        x = conv_block(x, channels, 3, f"encoder_stage{stride}", folded)
        features[stride] = x
    return features
