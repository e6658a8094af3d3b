"""Convolution, batch norm, ReLU: the unit that the decoder, branches and heads repeat."""

import keras

from tf_handgroups.layers.fused_batch_normalization import FusedBatchNormalization


def conv_block(x, filters: int, kernel: int, name: str, folded: bool, strides: int = 1):
    """Adds conv -> batch norm -> ReLU to a functional model.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        filters: Output channels.
        kernel: Side of the kernel.
        name: The layers are called `{name}_conv`, `{name}_norm` and `{name}_relu`.
        folded: Whether the batch norm is already part of a biased convolution, as in
            a hardened model.
        strides: Stride of the convolution.

    Returns:
        Keras tensor.

    Example:

    >>> x = conv_block(keras.Input((8, 8, 3)), 16, 3, name="stem", folded=False, strides=2)
    >>> tuple(x.shape)
    (None, 4, 4, 16)
    """
    x = keras.layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        padding="same",
        use_bias=folded,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    if not folded:
        x = FusedBatchNormalization(epsilon=1e-3, momentum=0.98, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
