"""Shapes with soft edges and soft shading, painted into a picture.

Every shape changes only the part of the picture that it covers, which keeps scenes
of many shapes cheap.
"""

import cv2
import numpy as np

_SHIFT = 4
_ONE = 1 << _SHIFT


def paint_polygon(
    image: np.ndarray,
    points_px: np.ndarray,
    colour: np.ndarray,
    slope: tuple[float, float] = (0.0, 0.0),
    opacity: float = 1.0,
) -> None:
    """Fills a polygon with a colour that changes linearly across it.

    Args:
        image: `(height, width, channels)` float32, changed in place.
        points_px: `(points, 2)` corners.
        colour: `(channels,)` at the middle of the polygon's bounding box.
        slope: Relative change from the middle to the right and the lower edge.
        opacity: In [0, 1].

    Example:

    >>> image = np.zeros((8, 8, 3), np.float32)
    >>> paint_polygon(image, np.array([[2, 2], [5, 2], [5, 5], [2, 5]]), np.full(3, 9.0))
    >>> image[3, :, 0].tolist()
    [0.0, 0.0, 9.0, 9.0, 9.0, 9.0, 0.0, 0.0]
    """
    window = _window(image, points_px.min(axis=0), points_px.max(axis=0))
    if window is None:
        return
    left, top, right, bottom = window
    mask = np.zeros((bottom - top, right - left), np.uint8)
    corners = np.round((points_px - [left, top]) * _ONE).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, _SHIFT)
    (low_x, low_y), (high_x, high_y) = points_px.min(axis=0), points_px.max(axis=0)
    across = (np.arange(left, right) - low_x) * (2 / max(high_x - low_x, 1.0)) - 1
    down = (np.arange(top, bottom) - low_y) * (2 / max(high_y - low_y, 1.0)) - 1
    shade = 1 + slope[0] * across[None, :] + slope[1] * down[:, None]
    _blend(image, window, mask.astype(np.float32) * np.float32(opacity / 255), shade, colour)


def paint_ellipsoid(
    image: np.ndarray,
    centre_px: np.ndarray,
    axes_px: tuple[float, float],
    turn_rad: float,
    colour: np.ndarray,
    light: np.ndarray,
    softness_px: float = 1.0,
) -> None:
    """Paints an ellipse that is shaded like a solid body.

    Args:
        image: `(height, width, channels)` float32, changed in place.
        centre_px: `(2,)`.
        axes_px: Half axes.
        turn_rad: Direction of the first axis, clockwise as seen on the screen.
        colour: `(channels,)` where it faces the light.
        light: `(3,)` unit vector to the light: right, down, to the viewer.
        softness_px: Width of the edge.

    Example:

    >>> image = np.zeros((9, 9, 3), np.float32)
    >>> paint_ellipsoid(image, np.array([4, 4]), (3, 3), 0.0, np.full(3, 99.0), np.array([0, 0, 1]))
    >>> bool(image[4, 4, 0] > image[4, 6, 0] > image[4, 8, 0] == 0)
    True
    """
    reach = max(axes_px) + softness_px
    window = _window(image, np.asarray(centre_px) - reach, np.asarray(centre_px) + reach)
    if window is None:
        return
    x, y = _offsets(window, centre_px)
    cos, sin = np.float32(np.cos(turn_rad)), np.float32(np.sin(turn_rad))
    along, across = (x * cos + y * sin) / axes_px[0], (y * cos - x * sin) / axes_px[1]
    radius = np.sqrt(along * along + across * across)
    mask = np.clip((1 - radius) * (min(axes_px) / softness_px) + 0.5, 0, 1)
    ahead = np.sqrt(np.maximum(1 - radius * radius, 0))
    right, down = along * cos - across * sin, along * sin + across * cos
    shade = 0.55 + 0.45 * np.clip(right * light[0] + down * light[1] + ahead * light[2], -0.4, 1)
    _blend(image, window, mask, shade, colour)


def paint_limb(
    image: np.ndarray,
    ends_px: np.ndarray,
    radii_px: tuple[float, float],
    colour: np.ndarray,
    light: np.ndarray,
    softness_px: float = 1.0,
) -> None:
    """Paints a rod with round ends, shaded like a solid body: arms, legs, pens, cables.

    Args:
        image: `(height, width, channels)` float32, changed in place.
        ends_px: `(2, 2)` middles of the round ends.
        radii_px: Radius at each end.
        colour: `(channels,)` where it faces the light.
        light: As for `paint_ellipsoid`.
        softness_px: Width of the edge.

    Example:

    >>> image = np.zeros((9, 20, 3), np.float32)
    >>> ends = np.array([[4.0, 4.0], [15.0, 4.0]])
    >>> paint_limb(image, ends, (2.0, 3.0), np.full(3, 99.0), np.array([0, 0, 1]))
    >>> bool(image[4, 10, 0] > 90 and image[0, 10, 0] == 0)
    True
    """
    reach = max(radii_px) + softness_px
    window = _window(image, ends_px.min(axis=0) - reach, ends_px.max(axis=0) + reach)
    if window is None:
        return
    x, y = _offsets(window, ends_px[0])
    step = (ends_px[1] - ends_px[0]).astype(np.float32)
    share = np.clip((x * step[0] + y * step[1]) / max(float(step @ step), 1e-6), 0, 1)
    x, y = x - share * step[0], y - share * step[1]
    radius = np.float32(radii_px[0]) + share * np.float32(radii_px[1] - radii_px[0])
    distance = np.sqrt(x * x + y * y)
    mask = np.clip((radius - distance) / softness_px + 0.5, 0, 1)
    ahead = np.sqrt(np.maximum(1 - (distance / radius) ** 2, 0))
    facing = (x * light[0] + y * light[1]) / radius + ahead * light[2]
    _blend(image, window, mask, 0.55 + 0.45 * np.clip(facing, -0.4, 1), colour)


def random_light(generator: np.random.Generator) -> np.ndarray:
    """Returns a `(3,)` unit vector to a light, mostly from above: right, down, to the viewer.

    Example:

    >>> bool(abs(np.linalg.norm(random_light(np.random.default_rng(0))) - 1) < 1e-6)
    True
    """
    light = np.array([generator.normal(0, 0.5), generator.normal(-0.5, 0.4), 0.8])
    return light / np.linalg.norm(light)


def _window(image, low, high):
    left, top = (max(int(np.floor(value)), 0) for value in low)
    right = min(int(np.ceil(high[0])) + 1, image.shape[1])
    bottom = min(int(np.ceil(high[1])) + 1, image.shape[0])
    return (left, top, right, bottom) if left < right and top < bottom else None


def _offsets(window, origin):
    left, top, right, bottom = window
    x = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(origin[0])
    y = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(origin[1])
    return x, y


def _blend(image, window, mask, shade, colour):
    left, top, right, bottom = window
    below = image[top:bottom, left:right]
    layer = shade.astype(np.float32)[:, :, None] * np.asarray(colour, np.float32)
    below += (layer - below) * mask.astype(np.float32)[:, :, None]
