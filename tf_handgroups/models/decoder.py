"""Light decoder: from the encoder's feature pyramid to one map at stride 4."""

import keras

from tf_handgroups.models.conv_block import conv_block


def decoder(features: dict, channels: tuple[int, int, int], folded: bool):
    """Merges feature maps from coarse to fine.

    Bilinear upsampling: LiteRT's XNNPACK delegate takes it, nearest-neighbour it does
    not, which would split the graph into pieces. Every encoder
    map passes a 1x1 block with batch norm first: the encoder's outputs are linear
    and large.

    Args:
        features: Maps by stride 4, 8, 16 and 32.
        channels: Width at stride 16, 8 and 4.
        folded: Whether batch norms are part of the convolutions (hardened models).

    Returns:
        Keras tensor `(batch, height / 4, width / 4, channels[-1])`.

    Example:

    >>> import keras
    >>> from tf_handgroups.models.tiny_encoder import tiny_encoder
    >>> features = tiny_encoder(keras.Input((64, 64, 3)), folded=False)
    >>> tuple(decoder(features, (64, 48, 32), folded=False).shape)
    (None, 16, 16, 32)
    """
    x = conv_block(features[32], channels[0], 1, "decoder_lateral32", folded)
    for stride, width in zip((16, 8, 4), channels, strict=True):
        x = keras.layers.UpSampling2D(2, interpolation="bilinear", name=f"decoder_up{stride}")(x)
        lateral = conv_block(features[stride], width, 1, f"decoder_lateral{stride}", folded)
        x = keras.layers.Concatenate(name=f"decoder_concat{stride}")([x, lateral])
        x = conv_block(x, width, 3, f"decoder_merge{stride}", folded)
    return x
