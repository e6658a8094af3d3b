"""EfficientNet-Lite0 encoder: ReLU6, no squeeze-excite, batch norm folded away.

The pretrained weights (ImageNet, see `assets/PROVENANCE_EFFICIENTNET_LITE0.md`)
are stored with their batch norms folded into the convolutions, so the encoder
consists of biased convolutions only: nothing to freeze, nothing to fold later.
"""

import importlib.resources
import pathlib
import zipfile
from typing import Any

import keras
import numpy as np

from tf_handgroups.errors import InputError

WEIGHTS_FILE = "efficientnet_lite0.npz"

# (blocks, kernel, stride of the first block, expansion, channels). The original
# ends with a 320-channel stage and a 1280-channel head, made for classification.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
)
STEM_CHANNELS = 32

# The last stage of each stride (stage index -> stride) is returned.
FEATURE_STRIDES = {1: 4, 2: 8, 4: 16, 5: 32}


# Under `mixed_bfloat16` only the 1x1 convolutions compute in bfloat16. Depthwise
# convolutions and activations are slow there on CPUs; the stem's large weights need
# the image's full precision (error of the features: 4 % instead of 10 %). Measured on
# two x86 cores, batch 32 at 128x128, forward and backward of the encoder, images per
# CPU-second: all float32 80, all bfloat16 48, this mixture 105-120. A float32 policy
# is unaffected.
FULL_PRECISION = "float32"


def _relu6(x, name: str):
    return keras.layers.ReLU(max_value=6.0, dtype=FULL_PRECISION, name=name)(x)


def _inverted_residual(
    x, name: str, kernel: int, stride: int, expansion: int, channels: int, created: list
):
    """One MBConv block: expand 1x1, depthwise, project 1x1, skip where shapes agree."""
    shortcut = x
    if expansion != 1:
        expand = keras.layers.Conv2D(
            int(x.shape[-1]) * expansion,
            1,
            padding="same",
            kernel_initializer="he_normal",
            name=f"{name}_expand",
        )
        x = _relu6(expand(x), f"{name}_expand_relu6")
        created.append(expand)
    # He's rule; Keras' own counts all channels as inputs, far too small a scale here.
    he_normal: Any = keras.initializers.RandomNormal(stddev=(2.0 / kernel**2) ** 0.5)
    depthwise = keras.layers.DepthwiseConv2D(
        kernel,
        strides=stride,
        padding="same",
        depthwise_initializer=he_normal,
        dtype=FULL_PRECISION,
        name=f"{name}_depthwise",
    )
    x = _relu6(depthwise(x), f"{name}_depthwise_relu6")
    project = keras.layers.Conv2D(
        channels, 1, padding="same", kernel_initializer="he_normal", name=f"{name}_project"
    )
    x = project(x)
    created += [depthwise, project]
    if stride == 1 and shortcut.shape[-1] == channels:
        x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def efficientnet_lite0_encoder(images: Any, pretrained: bool = True) -> dict[int, Any]:
    """Adds the encoder to a functional model and returns its feature maps.

    Args:
        images: Keras tensor `(batch, height, width, 3)`, RGB in `[0, 1]`; height and
            width are multiples of 32. The normalisation `(255 x - 127) / 128` of the
            original is part of the graph (layer `encoder_normalise`).
        pretrained: Whether to start from the ImageNet weights; otherwise He-normal
            kernels and zero biases.

    Returns:
        Feature maps by stride: `{4: 24, 8: 40, 16: 112, 32: 192}` channels. None of
        them has an activation (they are outputs of linear bottlenecks).

    Raises:
        InputError: If the image does not have 3 channels or a multiple of 32 pixels.

    Example:

    >>> images = keras.Input((128, 128, 3))
    >>> features = efficientnet_lite0_encoder(images, pretrained=False)
    >>> [(stride, tuple(map.shape)) for stride, map in features.items()]
    [(4, (None, 32, 32, 24)), (8, (None, 16, 16, 40)), (16, (None, 8, 8, 112)), \
(32, (None, 4, 4, 192))]

    Reference:
    - [EfficientNet-Lite](https://blog.tensorflow.org/2020/03/higher-accuracy-on-vision-models-with-efficientnet-lite.html)
    """
    shape = tuple(images.shape)
    sizes_fit = len(shape) == 4 and all(size is None or size % 32 == 0 for size in shape[1:3])
    if not sizes_fit or shape[3] != 3:
        raise InputError(
            "efficientnet_lite0_encoder: expected RGB images (batch, height, width, 3) whose "
            f"height and width are multiples of 32. Received: shape={shape}. "
            "Choose an input size such as 128 or 224."
        )
    created: list[keras.layers.Layer] = []
    normalise = keras.layers.Rescaling(
        255.0 / 128.0, offset=-127.0 / 128.0, dtype=FULL_PRECISION, name="encoder_normalise"
    )
    x = normalise(images)
    stem = keras.layers.Conv2D(
        STEM_CHANNELS,
        3,
        strides=2,
        padding="same",
        kernel_initializer="he_normal",
        dtype=FULL_PRECISION,
        name="encoder_stem",
    )
    x = _relu6(stem(x), "encoder_stem_relu6")
    created.append(stem)
    features = {}
    block = 0
    for stage, (num_blocks, kernel, stride, expansion, channels) in enumerate(STAGES):
        for index in range(num_blocks):
            x = _inverted_residual(
                x,
                f"encoder_block{block:02d}",
                kernel,
                stride if index == 0 else 1,
                expansion,
                channels,
                created,
            )
            block += 1
        if stage in FEATURE_STRIDES:
            features[FEATURE_STRIDES[stage]] = x
    if pretrained:
        _assign(created, _read_weights(None))
    return features


def load_pretrained(model: keras.Model, path: pathlib.Path | str | None = None) -> None:
    """Puts the ImageNet weights into the `encoder_...` layers of a model, by name.

    Args:
        model: A model containing the layers of `efficientnet_lite0_encoder`.
        path: Another weight file of the same layout; `None` takes the packaged one.

    Raises:
        InputError: If a layer or a stored array has no counterpart, or shapes differ.

    Example:

    >>> images = keras.Input((32, 32, 3))
    >>> features = efficientnet_lite0_encoder(images, pretrained=False)
    >>> model = keras.Model(images, features[32])
    >>> load_pretrained(model)
    >>> round(float(np.abs(model.get_layer("encoder_stem").get_weights()[0]).max()), 2)
    17.56
    """
    layers = [
        layer for layer in model.layers if layer.name.startswith("encoder_") and layer.weights
    ]
    _assign(layers, _read_weights(path))


def _read_weights(path: pathlib.Path | str | None) -> dict[str, np.ndarray]:
    packaged = importlib.resources.files("tf_handgroups.assets").joinpath(WEIGHTS_FILE)
    source = packaged if path is None else pathlib.Path(path)
    try:
        with source.open("rb") as file:
            with np.load(file, allow_pickle=False) as stored:
                return {name: stored[name].astype(np.float32) for name in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{source}: expected the encoder weights as an .npz file ({error}). "
            "Reinstall the package, or derive the file again with "
            "`python -m tf_handgroups.assets.derive_efficientnet_lite0`."
        ) from error


def _assign(layers: list[keras.layers.Layer], stored: dict[str, np.ndarray]) -> None:
    expected = {f"{layer.name}/{part}" for layer in layers for part in ("kernel", "bias")}
    if expected != set(stored):
        odd = sorted(expected.symmetric_difference(stored))
        raise InputError(
            "load_pretrained: expected exactly the layers of efficientnet_lite0_encoder. "
            f"Received: without counterpart={odd[:4]} ({len(odd)} in all). "
            "Build the encoder with efficientnet_lite0_encoder and keep its layer names."
        )
    for layer in layers:
        values = [stored[f"{layer.name}/kernel"], stored[f"{layer.name}/bias"]]
        shapes = [tuple(weight.shape) for weight in layer.weights]
        if shapes != [value.shape for value in values]:
            raise InputError(
                f"load_pretrained: layer {layer.name} expects weights of shapes {shapes}. "
                f"Received: shapes={[value.shape for value in values]}."
            )
        layer.set_weights(values)
