"""The backbone of the paper: one hourglass of residual modules at stride 4."""

import keras

from tf_handgroups.joints import NUM_JOINTS
from tf_handgroups.models.residual_blocks import (
    convolution,
    convolution_block,
    residual_module,
)

CHANNELS = 256
DEPTH = 4
MODULES = 2


def hourglass_backbone(images, folded: bool):
    """Adds stem, hourglass and the first heatmaps.

    Args:
        images: Keras tensor `(batch, size, size, 3)`; `size` a multiple of 64.
        folded: Whether batch norms are part of the convolutions (hardened models).

    Returns:
        Features `(batch, size / 4, size / 4, 256)` and heatmaps
        `(batch, size / 4, size / 4, 21)`.

    Example:

    >>> features, heatmaps = hourglass_backbone(keras.Input((64, 64, 3)), folded=False)
    >>> tuple(features.shape), tuple(heatmaps.shape)
    ((None, 16, 16, 256), (None, 16, 16, 21))

    Reference:
    - [Newell et al., Stacked Hourglass Networks, 2016](https://arxiv.org/abs/1603.06937)
    """
    x = convolution_block(images, 64, 7, "backbone_stem", folded, strides=2)
    x = residual_module(x, 128, "backbone_stem1", folded)
    x = keras.layers.MaxPooling2D(2, name="backbone_stem_pool")(x)
    x = residual_module(x, 128, "backbone_stem2", folded)
    x = residual_module(x, CHANNELS, "backbone_stem3", folded)
    x = _hourglass(x, DEPTH, folded)
    x = _modules(x, "backbone_after", folded)
    features = convolution_block(x, CHANNELS, 1, "backbone_features", folded)
    return features, convolution(features, NUM_JOINTS, 1, "backbone_heatmaps")


def _hourglass(x, level: int, folded: bool):
    """Adds the levels from `level` down to 1; the skip keeps what pooling loses."""
    name = f"hourglass{level}"
    skip = _modules(x, f"{name}_skip", folded)
    x = keras.layers.MaxPooling2D(2, name=f"{name}_pool")(x)
    x = _modules(x, f"{name}_before", folded)
    x = _hourglass(x, level - 1, folded) if level > 1 else _modules(x, f"{name}_inner", folded)
    x = _modules(x, f"{name}_after", folded)
    x = _repeat_cells(x, f"{name}_up")
    return keras.layers.Add(name=f"{name}_add")([skip, x])


def _repeat_cells(x, name: str):
    """Nearest up-sampling by 2: every cell beside itself, then every row below itself.

    Keras' own layer becomes TILE in LiteRT, which neither XNNPACK nor any integer recipe takes.
    """
    _, height, width, channels = x.shape
    x = keras.layers.Concatenate(name=f"{name}_columns")([x, x])
    x = keras.layers.Reshape((height, 1, 2 * width * channels), name=f"{name}_row")(x)
    x = keras.layers.Concatenate(axis=2, name=f"{name}_rows")([x, x])
    return keras.layers.Reshape((2 * height, 2 * width, channels), name=name)(x)


def _modules(x, name: str, folded: bool):
    for index in range(MODULES):
        x = residual_module(x, CHANNELS, f"{name}{index}", folded)
    return x
