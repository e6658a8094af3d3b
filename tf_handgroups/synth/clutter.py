"""Sharp clutter behind the hand: full shelves, things lying about, lines, letters.

Smooth backgrounds alone would teach a network that whatever has edges is the hand.
"""

import cv2
import numpy as np

from tf_handgroups.synth.soft_shapes import (
    paint_ellipsoid,
    paint_limb,
    paint_polygon,
    random_light,
)
from tf_handgroups.synth.texture_patterns import random_colour, wall

_FONTS = 8


def full_shelves(generator: np.random.Generator, size: int) -> np.ndarray:
    """Rows of bottles, cans, boxes and books, as in a shop or a cupboard.

    Returns:
        `(size, size, 3)` float32, sRGB in about [0, 255].

    Example:

    >>> full_shelves(np.random.default_rng(0), 64).shape
    (64, 64, 3)
    """
    picture = wall(generator, size) * np.float32(generator.uniform(0.25, 1.0))
    palette = [random_colour(generator) for _ in range(6)]
    foot = generator.uniform(0.02, 0.25) * size
    while foot < 1.35 * size:
        height = generator.uniform(0.12, 0.36) * size
        left = generator.uniform(-0.1, 0.0) * size
        usual = generator.uniform(0.03, 0.13) * size
        while left < size:
            width = usual * generator.uniform(0.7, 1.4)
            top = foot - height * generator.uniform(0.45, 0.95)
            colour = palette[int(generator.integers(6))] * generator.uniform(0.7, 1.2)
            _article(generator, picture, (left, top, left + 0.9 * width, foot), colour, palette)
            left += width
        board = _box(-1.0, foot, size + 1.0, foot + generator.uniform(0.01, 0.05) * size)
        paint_polygon(picture, board, random_colour(generator, 0.2), (0.0, -0.3))
        foot += height * generator.uniform(1.05, 1.3)
    return picture


def _article(generator, picture, bounds, colour, palette):
    """A bottle or can (round) or a box or book (flat), mostly with a label."""
    left, top, right, bottom = bounds
    middle, radius = (left + right) / 2, (right - left) / 2
    if generator.random() < 0.5:
        ends = np.array([[middle, top + radius], [middle, bottom]])
        paint_limb(picture, ends, (radius, radius), colour, random_light(generator))
    else:
        paint_polygon(picture, _box(left, top, right, bottom), colour, (-0.2, 0.1))
    if generator.random() < 0.6:
        first, last = np.sort(generator.uniform(0.2, 0.95, 2)) * (bottom - top) + top
        label = _box(left, first, right, max(last, first + 1.0))
        paint_polygon(picture, label, palette[int(generator.integers(6))], (-0.25, 0.0))


def scatter(generator: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Lays things over a picture: balls, rods, boxes, lines, letters.

    Args:
        generator: Source of randomness.
        picture: `(size, size, 3)` float32 sRGB.

    Returns:
        A new picture.

    Example:

    >>> grey = np.full((64, 64, 3), 128, np.float32)
    >>> bool((scatter(np.random.default_rng(0), grey) != grey).any())
    True
    """
    picture = np.ascontiguousarray(picture, np.float32).copy()
    size, light = picture.shape[0], random_light(generator)
    for _ in range(int(generator.integers(2, 14))):
        centre = generator.uniform(0, size, 2)
        extent = np.exp(generator.uniform(np.log(0.02), np.log(0.22), 2)) * size
        colour, kind = random_colour(generator), generator.random()
        if kind < 0.2:
            turn = generator.uniform(0, np.pi)
            paint_ellipsoid(picture, centre, tuple(extent), turn, colour, light)
        elif kind < 0.45:
            end = centre + generator.normal(0, 0.25 * size, 2)
            radii = tuple(generator.uniform(0.006, 0.05, 2) * size)
            paint_limb(picture, np.stack([centre, end]), radii, colour, light)
        elif kind < 0.7:
            turn = float(generator.normal(0, 20))
            corners = cv2.boxPoints(
                (tuple(map(float, centre)), tuple(map(float, 2 * extent)), turn)
            )
            paint_polygon(picture, corners, colour, (generator.uniform(-0.3, 0.3), -0.1))
        elif kind < 0.85:
            end = tuple(int(value) for value in generator.uniform(0, size, 2))
            width = int(generator.integers(1, 1 + max(1, size // 48)))
            place = tuple(int(value) for value in centre)
            cv2.line(picture, place, end, tuple(map(float, colour)), width)
        else:
            text = "".join(chr(code) for code in generator.integers(48, 123, 6))
            place = tuple(int(value) for value in centre)
            scale = float(generator.uniform(0.3, 1.4) * size / 192)
            font = int(generator.integers(_FONTS))
            cv2.putText(picture, text, place, font, scale, tuple(map(float, colour)))
    return picture


def _box(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
