"""The blocks of the authors' network; every convolution has a bias, as theirs.

Strided convolutions pad both sides alike, which `padding="same"` does not do on even
sizes. Initial weights are distributed as theirs (PyTorch's default for kernels).
"""

import keras

from tf_handgroups.layers.fused_batch_normalization import FusedBatchNormalization

EPSILON = 1e-5
MOMENTUM = 0.9


def convolution(x, filters: int, kernel: int, name: str, strides: int = 1):
    """Adds a convolution `{name}_conv` with symmetric padding.

    Args:
        x: Keras tensor `(batch, height, width, channels)`; even sides if strided.
        filters: Output channels.
        kernel: Odd side of the kernel.
        name: Start of the layers' names.
        strides: 1 or 2.

    Example:

    >>> tuple(convolution(keras.Input((8, 8, 3)), 16, 7, "stem", strides=2).shape)
    (None, 4, 4, 16)
    """
    if strides > 1 and kernel > 1:
        x = keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    return keras.layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        padding="valid" if strides > 1 else "same",
        kernel_initializer=keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
        name=f"{name}_conv",
    )(x)


def convolution_norm(x, filters: int, kernel: int, name: str, folded: bool, strides: int = 1):
    """Adds a convolution and, unless it is folded into it, batch norm `{name}_norm`.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        filters: Output channels.
        kernel: Odd side of the kernel.
        name: Start of the layers' names.
        folded: Whether the batch norm is part of the convolution (hardened models).
        strides: 1 or 2.

    Example:

    >>> x = convolution_norm(keras.Input((8, 8, 3)), 16, 3, "block", folded=False)
    >>> tuple(x.shape)
    (None, 8, 8, 16)
    """
    return _norm(convolution(x, filters, kernel, name, strides), name, folded)


def convolution_block(x, filters: int, kernel: int, name: str, folded: bool, strides: int = 1):
    """Adds convolution, batch norm, ReLU.

    Args, Example: As for `convolution_norm`.
    """
    x = convolution_norm(x, filters, kernel, name, folded, strides)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def residual_module(x, filters: int, name: str, folded: bool):
    """Adds a pre-activation bottleneck: BN-ReLU-1x1, BN-ReLU-3x3, BN-ReLU-1x1, plus skip.

    The inner convolutions have half as many channels. The skip is the raw input, or a
    1x1 convolution of it where the channels change. The first batch norm stands before a
    ReLU that no convolution precedes, so in a hardened model it becomes a 1x1 depthwise
    convolution instead of being folded.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        filters: Output channels, even.
        name: Start of the layers' names.
        folded: Whether batch norms are part of the convolutions (hardened models).

    Example:

    >>> tuple(residual_module(keras.Input((8, 8, 16)), 32, "module", folded=False).shape)
    (None, 8, 8, 32)
    """
    skip = x
    if x.shape[-1] != filters:
        skip = convolution(x, filters, 1, f"{name}_skip")
    if folded:
        x = keras.layers.DepthwiseConv2D(1, name=f"{name}_preactivation")(x)
    else:
        x = _batch_norm(f"{name}_preactivation")(x)
    x = keras.layers.ReLU(name=f"{name}_preactivation_relu")(x)
    x = convolution_block(x, filters // 2, 1, f"{name}_reduce", folded)
    x = convolution_block(x, filters // 2, 3, f"{name}_spatial", folded)
    x = convolution(x, filters, 1, f"{name}_expand")
    return keras.layers.Add(name=f"{name}_add")([skip, x])


def residual_block(x, filters: int, name: str, folded: bool):
    """Adds ReLU(3x3 conv-BN-ReLU-3x3 conv-BN + skip).

    The skip is the input, or its 1x1 conv-BN where the channels change.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        filters: Output channels.
        name: Start of the layers' names.
        folded: Whether batch norms are part of the convolutions (hardened models).

    Example:

    >>> tuple(residual_block(keras.Input((8, 8, 16)), 32, "block", folded=False).shape)
    (None, 8, 8, 32)
    """
    skip = x
    if x.shape[-1] != filters:
        skip = convolution_norm(x, filters, 1, f"{name}_skip", folded)
    x = convolution_block(x, filters, 3, f"{name}_first", folded)
    x = convolution_norm(x, filters, 3, f"{name}_second", folded)
    x = keras.layers.Add(name=f"{name}_add")([skip, x])
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def downsampling_block(x, filters: int, name: str, folded: bool):
    """Adds ReLU(3x3 stride 2 conv-BN-ReLU-3x3 conv-BN-ReLU + 1x1 stride 2 conv-BN).

    Args:
        x: Keras tensor `(batch, height, width, channels)`, even sides.
        filters: Output channels.
        name: Start of the layers' names.
        folded: Whether batch norms are part of the convolutions (hardened models).

    Example:

    >>> tuple(downsampling_block(keras.Input((8, 8, 16)), 32, "down", folded=False).shape)
    (None, 4, 4, 32)
    """
    skip = convolution_norm(x, filters, 1, f"{name}_skip", folded, strides=2)
    x = convolution_block(x, filters, 3, f"{name}_first", folded, strides=2)
    x = convolution_block(x, filters, 3, f"{name}_second", folded)
    x = keras.layers.Add(name=f"{name}_add")([skip, x])
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def upsampling_block(x, filters: int, name: str, folded: bool):
    """Adds a transposed 4x4 convolution of stride 2, batch norm, ReLU.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        filters: Output channels.
        name: Start of the layers' names.
        folded: Whether the batch norm is part of the convolution (hardened models).

    Example:

    >>> tuple(upsampling_block(keras.Input((4, 4, 16)), 32, "up", folded=False).shape)
    (None, 8, 8, 32)
    """
    x = keras.layers.Conv2DTranspose(
        filters,
        4,
        strides=2,
        padding="same",
        kernel_initializer=keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
        name=f"{name}_conv",
    )(x)
    return keras.layers.ReLU(name=f"{name}_relu")(_norm(x, name, folded))


def _norm(x, name: str, folded: bool):
    return x if folded else _batch_norm(f"{name}_norm")(x)


def _batch_norm(name: str) -> keras.layers.Layer:
    return FusedBatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=name)
