"""Photographs that stand behind rendered hands."""

import functools
import importlib.resources
import os
import pathlib

import cv2
import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.image_file import FORMATS, read_image

_LONG_SIDE = 512
_MAX_PHOTOGRAPHS = 1000


def load_photographs(folder: str | os.PathLike | None = None) -> tuple[np.ndarray, ...]:
    """Loads pictures for `random_background`.

    Without a folder these are the 129 public-domain pictures of the package: rooms,
    streets, gardens, a few things and surfaces, no hand in any of them. Own photographs
    should not show hands either: nobody labels those.

    Args:
        folder: Of `.jpg`, `.jpeg`, `.png`, `.webp` or `.bmp` files; folders inside it
            are not searched. Pictures are reduced to 512 pixels a side.

    Returns:
        `(height, width, 3)` uint8 RGB pictures, in the order of their file names.

    Raises:
        InputError: If the folder holds no picture or more than 1000, or one of them
            cannot be read.

    Example:

    >>> photographs = load_photographs()
    >>> len(photographs), photographs[0].dtype.name
    (129, 'uint8')
    """
    if folder is None:
        return _packaged_photographs()
    paths = sorted(_image_files(folder))
    if not 1 <= len(paths) <= _MAX_PHOTOGRAPHS:
        raise InputError(
            f"{os.fspath(folder)}: expected 1 to {_MAX_PHOTOGRAPHS} photographs "
            f"({', '.join(FORMATS)}). Received: {len(paths)}. They are kept in memory; "
            "choose a folder with fewer or with some."
        )
    return tuple(_reduced(read_image(path)) for path in paths)


def random_cutout(generator: np.random.Generator, photograph: np.ndarray, size: int) -> np.ndarray:
    """Cuts a random square out of a photograph, in other colours than before.

    Args:
        generator: Source of randomness.
        photograph: `(height, width, 3)` uint8 RGB.
        size: Side of the result in pixels.

    Returns:
        `(size, size, 3)` float32 sRGB in [0, 255].

    Example:

    >>> photograph = load_photographs()[0]
    >>> random_cutout(np.random.default_rng(0), photograph, 64).shape
    (64, 64, 3)
    """
    height, width = photograph.shape[:2]
    side = min(height, width) * generator.uniform(0.4, 1.0)
    turn = generator.uniform(-np.pi, np.pi) if generator.random() < 0.25 else 0.0
    turn += generator.normal(0, 0.12)
    scale = side / size
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    mirror = -1 if generator.random() < 0.5 else 1
    linear = np.array([[mirror * cos, -sin], [mirror * sin, cos]])
    space = np.maximum(np.array([width, height]) - side, 0) / 2
    centre = np.array([width - 1, height - 1]) / 2 + generator.uniform(-1, 1, 2) * space
    shift = centre - linear @ np.full(2, (size - 1) / 2)
    if scale > 1.5:
        photograph = cv2.GaussianBlur(photograph, (0, 0), 0.35 * scale)
    cutout = cv2.warpAffine(
        photograph,
        np.column_stack([linear, shift]),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return _recoloured(generator, cutout)


def _recoloured(generator, picture):
    """Other exposure, contrast and colours; grey pictures get a tint."""
    grey_level = picture.mean()
    low, gain = generator.normal(0, 8), np.exp(generator.normal(0, 0.25))
    # A grey picture, such as gravel, may have had any colour.
    is_grey = not np.ptp(picture[::8, ::8], axis=2).any()
    tint = np.exp(generator.normal(0, 0.3 if is_grey else 0.06, 3))
    colour = generator.uniform(0.4, 1.3)
    # One matrix for saturation, tint and gain, one offset for brightness.
    matrix = (colour * np.eye(3) + (1 - colour) / 3) * (gain * tint)[:, None]
    offset = np.full(3, low + (1 - gain) * 0.5 * grey_level)
    affine = np.column_stack([matrix, offset]).astype(np.float32)
    return np.clip(cv2.transform(picture.astype(np.float32), affine), 0, 255)


@functools.cache
def _packaged_photographs():
    asset = importlib.resources.files("tf_handgroups.assets") / "background_photos.npz"
    with asset.open("rb") as stream, np.load(stream) as pictures:
        return tuple(_locked(read_image(pictures[name].tobytes())) for name in pictures)


def _image_files(folder):
    try:
        paths = list(pathlib.Path(folder).iterdir())
    except OSError as error:
        raise InputError(
            f"{os.fspath(folder)}: expected a folder of photographs. Received: "
            f"{error.strerror}. Check the path."
        ) from error
    return [path for path in paths if path.suffix.lower() in FORMATS and path.is_file()]


def _reduced(image):
    scale = _LONG_SIDE / max(image.shape[:2])
    if scale >= 1:
        return _locked(image)
    width, height = (max(round(side * scale), 1) for side in image.shape[1::-1])
    return _locked(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def _locked(image):
    image.flags.writeable = False
    return image
