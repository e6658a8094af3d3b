"""Scenes behind the hand: rooms, desks, windows, streets, lights out of focus.

Each scene is a `(size, size, 3)` float32 picture, sRGB in about [0, 255]. They are
meant to be blurred and lit by the caller.
"""

import cv2
import numpy as np

from tf_handgroups.synth.hand_texture import smooth_noise
from tf_handgroups.synth.soft_shapes import (
    paint_ellipsoid,
    paint_limb,
    paint_polygon,
    random_light,
)
from tf_handgroups.synth.texture_patterns import (
    cloth,
    leaves,
    printed_page,
    random_colour,
    rough,
    stripes,
    tiles,
    wall,
    wood,
)


def room(generator: np.random.Generator, size: int) -> np.ndarray:
    """A wall and a floor, with furniture, pictures, doors and perhaps a window."""
    picture = wall(generator, size)
    horizon = generator.uniform(0.5, 1.1) * size
    if horizon < size:
        floor = (wood, rough, tiles, cloth)[int(generator.integers(4))](generator, size)
        first = int(horizon)
        picture[first:] = floor[first:]
        skirting = _box(-1, horizon - 0.03 * size, size + 1, horizon)
        paint_polygon(picture, skirting, random_colour(generator, 0.1))
    if generator.random() < 0.35:
        _window(generator, picture)
    for _ in range(int(generator.integers(0, 4))):
        _furniture(generator, picture, horizon)
    if generator.random() < 0.35:
        _shelf(generator, picture)
    return picture


def window_light(generator: np.random.Generator, size: int) -> np.ndarray:
    """A dim room with an overexposed window."""
    picture = wall(generator, size) * np.float32(generator.uniform(0.25, 0.8))
    for _ in range(int(generator.integers(1, 3))):
        _window(generator, picture)
    glow = cv2.resize(picture, (20, 20), interpolation=cv2.INTER_AREA)
    glow = cv2.GaussianBlur(np.clip(glow - 120, 0, None), (0, 0), float(generator.uniform(1, 4)))
    glow = cv2.resize(glow, (size, size), interpolation=cv2.INTER_LINEAR)
    return picture + np.float32(generator.uniform(0.2, 0.8)) * glow


def desk(generator: np.random.Generator, size: int) -> np.ndarray:
    """A table seen from above: keyboard, papers, telephone, cups, cables."""
    top = (wood, wood, wall, cloth)[int(generator.integers(4))]
    picture = top(generator, size)
    light = random_light(generator)
    if generator.random() < 0.45:
        _sheet(generator, picture, printed_page(generator, size))
    if generator.random() < 0.45:
        _sheet(generator, picture, _keyboard(generator, size))
    for _ in range(int(generator.integers(0, 5))):
        kind = generator.random()
        centre = generator.uniform(-0.05, 1.05, 2) * size
        colour = random_colour(generator)
        if kind < 0.35:
            radius = generator.uniform(0.06, 0.18) * size
            paint_ellipsoid(picture, centre, (radius, radius), 0.0, colour, light)
            inside = random_colour(generator, 0.3) * 0.6
            paint_ellipsoid(picture, centre, (0.8 * radius, 0.8 * radius), 0.0, inside, -light)
        elif kind < 0.75:
            ends = centre + np.array([[0, 0], generator.normal(0, 0.35 * size, 2)])
            radius = generator.uniform(0.008, 0.03) * size
            paint_limb(picture, ends, (radius, radius), colour, light)
        else:
            width, height = generator.uniform(0.1, 0.35, 2) * size
            corners = _turned(_box(-width, -height, width, height) / 2, generator) + centre
            _cast_shadow(generator, picture, corners)
            paint_polygon(picture, corners, colour, tuple(generator.normal(0, 0.1, 2)))
    return picture


def screen(generator: np.random.Generator, size: int) -> np.ndarray:
    """A bright screen, a television or a notice board before a wall."""
    picture = wall(generator, size) * np.float32(generator.uniform(0.2, 1))
    shown = generator.random()
    if shown < 0.6:
        layer = printed_page(generator, size)
    else:
        layer = wall(generator, size) if shown < 0.75 else leaves(generator, size)
    left, top = generator.uniform(-0.4, 0.4, 2) * size
    width, height = generator.uniform(0.5, 1.2, 2) * size
    frame = generator.uniform(0.01, 0.05) * size
    outer = _box(left - frame, top - frame, left + width + frame, top + height + frame)
    paint_polygon(picture, outer, random_colour(generator, 0.05) * 0.4)
    corners = _box(left, top, left + width, top + height)
    _lay(picture, np.clip(layer * np.float32(1.2) + 20, 0, 255), corners)
    return picture


def street(generator: np.random.Generator, size: int) -> np.ndarray:
    """Houses under a sky, a road, trees."""
    sky = np.array([200, 220, 245.0]) * generator.uniform(0.5, 1.1)
    picture = (sky * np.linspace(0.75, 1.05, size)[:, None, None]).astype(np.float32)
    picture = np.repeat(picture, size, axis=1)
    horizon = generator.uniform(0.4, 0.9) * size
    left = generator.uniform(-0.3, 0) * size
    while left < size:
        width = generator.uniform(0.15, 0.6) * size
        top = generator.uniform(-0.3, 0.8) * horizon
        lean = generator.normal(0, 0.1) * size
        _facade(generator, picture, left, top, left + width, horizon, lean)
        left += width * generator.uniform(0.9, 1.5)
    ground = (rough, tiles)[int(generator.integers(2))](generator, size)
    first = int(horizon)
    picture[first:] = ground[first:]
    if generator.random() < 0.5:
        edge = smooth_noise(generator, size, 1, 6)[0, :, 0] * 0.08 * size
        height = np.arange(size)[:, None] - horizon + generator.uniform(-0.1, 0.4) * size
        hedge = (
            np.clip((height + edge) / 2, 0, 1)
            * np.clip(horizon + 2 - np.arange(size), 0, 1)[:, None]
        )
        green = leaves(generator, size)
        picture += (green - picture) * hedge[:, :, None].astype(np.float32)
    return picture


def bokeh(generator: np.random.Generator, size: int) -> np.ndarray:
    """Lights far out of focus before the dark or before leaves."""
    if generator.random() < 0.6:
        picture = wall(generator, size) * np.float32(generator.uniform(0.1, 0.6))
    else:
        picture = leaves(generator, size) * np.float32(0.7)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.03 * size)
    radius = generator.uniform(0.02, 0.1) * size
    for _ in range(int(generator.integers(4, 22))):
        own = radius * generator.uniform(0.8, 1.2)
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        disc = own * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        colour = 255 - 0.6 * (255 - random_colour(generator, generator.beta(2, 2)))
        disc += generator.uniform(0, 1, 2) * size
        paint_polygon(picture, disc, colour, opacity=generator.uniform(0.2, 0.8))
    return picture


def _box(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def _turned(points, generator):
    angle = generator.uniform(0, 2 * np.pi)
    return points @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _cast_shadow(generator, picture, corners):
    size = picture.shape[0]
    shift = generator.normal(0, 0.015 * size, 2)
    for share in (1.0, 2.0):
        paint_polygon(picture, corners + share * shift, np.zeros(3), opacity=0.18)


def _lay(picture, layer, corners):
    """Lays a whole layer into four corners of the picture."""
    size = picture.shape[0]
    source = _box(0, 0, size, size).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    mask = np.zeros((size, size, 1), np.float32)
    paint_polygon(mask, corners, np.ones(1))
    picture += (cv2.warpPerspective(layer, matrix, (size, size)) - picture) * mask


def _sheet(generator, picture, layer):
    size = picture.shape[0]
    width, height = generator.uniform(0.4, 1.1, 2) * size
    centre = generator.uniform(0.1, 0.9, 2) * size
    corners = _turned(_box(-width, -height, width, height) / 2, generator) + centre
    _cast_shadow(generator, picture, corners)
    _lay(picture, layer, corners)


def _keyboard(generator, size):
    rows, columns = 5, int(generator.integers(9, 15))
    case = random_colour(generator, 0.05)
    key = (
        case * generator.uniform(0.5, 0.9) if case.mean() > 90 else case + generator.uniform(20, 60)
    )
    profile = []
    for count in (rows, columns):
        place = (np.arange(size, dtype=np.float32) * np.float32(count / size)) % 1
        profile.append(np.clip((0.42 - np.abs(place - 0.5)) * (0.6 * size / count), 0, 1))
    mask = (profile[0][:, None] * profile[1][None, :])[:, :, None]
    letters = generator.random((rows * 4, columns * 4)) < 0.6
    letters[:, ::4] = letters[:, 3::4] = letters[::4] = letters[3::4] = False
    print_mask = cv2.resize(
        letters.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR
    )
    ink = 255 - key if abs(key.mean() - 127) > 40 else key * 0.2
    face = key + (ink - key) * (0.35 * print_mask[:, :, None])
    return (case + (face - case) * mask).astype(np.float32)


def _window(generator, picture):
    """Panes brighter than the camera can show, a frame, perhaps a curtain."""
    size = picture.shape[0]
    left, top = generator.uniform(-0.2, 0.6), generator.uniform(-0.4, 0.2)
    right, bottom = left + generator.uniform(0.2, 0.7), top + generator.uniform(0.4, 1.0)
    frame = random_colour(generator, 0.1)
    left, top, right, bottom = (value * size for value in (left, top, right, bottom))
    paint_polygon(picture, _box(left, top, right, bottom), frame)
    border = generator.uniform(0.012, 0.04) * size
    columns, rows = generator.integers(1, 4, 2)
    outside = np.array([230, 240, 255.0]) * generator.uniform(0.9, 1.5)
    wide, high = (right - left) / columns, (bottom - top) / rows
    for column in range(columns):
        for row in range(rows):
            x, y = left + column * wide, top + row * high
            pane = _box(x + border, y + border, x + wide - border, y + high - border)
            if pane[1, 0] > pane[0, 0] and pane[2, 1] > pane[1, 1]:
                paint_polygon(picture, pane, outside, (0.0, -0.1))
    if generator.random() < 0.3:
        drape = stripes(generator, size)
        edge = int(np.clip(left + generator.uniform(0, 0.3) * size, 0, size))
        start = max(int(left - 0.1 * size), 0)
        picture[:, start:edge] = drape[:, start:edge]


def _furniture(generator, picture, horizon):
    size = picture.shape[0]
    width, height = np.exp(generator.uniform(np.log(0.08), np.log(0.7), 2)) * size
    standing = generator.random() < 0.6
    foot = (
        horizon + generator.uniform(0, 0.25) * size
        if standing
        else generator.uniform(0, 0.7) * size
    )
    left = generator.uniform(-0.2, 1.0) * size
    corners = _box(left, foot - height, left + width, foot)
    corners += generator.normal(0, 0.012 * size, (4, 2))
    colour, slope = random_colour(generator), tuple(generator.normal(0, 0.15, 2))
    _cast_shadow(generator, picture, corners)
    paint_polygon(picture, corners, colour, slope)
    share = generator.random()
    if share < 0.3:
        side = corners[[1, 2, 2, 1]] + [
            [0, 0],
            [0, 0],
            [0.15 * size, -0.06 * size],
            [0.15 * size, 0.04 * size],
        ]
        paint_polygon(picture, side, colour * 0.7, slope)
    elif share < 0.7:
        inner = corners.mean(axis=0) + (corners - corners.mean(axis=0)) * generator.uniform(
            0.6, 0.9
        )
        paint_polygon(picture, inner, random_colour(generator), slope)


def _shelf(generator, picture):
    """Books and boxes of like colours side by side."""
    size = picture.shape[0]
    foot = generator.uniform(0.25, 0.9) * size
    height = generator.uniform(0.12, 0.3) * size
    left, right = generator.uniform(-0.3, 0.3) * size, generator.uniform(0.6, 1.3) * size
    paint_polygon(
        picture, _box(left, foot - 1.2 * height, right, foot), random_colour(generator) * 0.4
    )
    tint = generator.uniform(0, 0.5)
    while left < right:
        width = generator.uniform(0.02, 0.09) * size
        top = foot - height * generator.uniform(0.65, 1.0)
        lean = generator.normal(0, 0.006 * size)
        book = _box(left + lean, top, left + lean + 0.95 * width, foot)
        book[2:, 0] -= lean
        paint_polygon(picture, book, random_colour(generator, tint), (-0.25, 0.1))
        left += width
    board = _box(-1, foot, size + 1, foot + 0.025 * size)
    paint_polygon(picture, board, random_colour(generator, 0.2), (0.0, -0.3))


def _facade(generator, picture, left, top, right, bottom, lean):
    size = picture.shape[0]
    colour = random_colour(generator)
    if right < 0 or left > size:
        return
    columns, rows = (int(count) for count in generator.integers(2, 8, 2))
    front = np.full((size, size, 3), colour, np.float32)
    share = []
    for count in (rows, columns):
        place = (np.arange(size, dtype=np.float32) * np.float32(count / size)) % 1
        half = np.float32(generator.uniform(0.2, 0.4))
        share.append(np.clip((half - np.abs(place - 0.5)) * (size / count), 0, 1))
    mask = (share[0][:, None] * share[1][None, :])[:, :, None]
    panes = cv2.resize(
        generator.uniform(0.2, 1.1, (rows, columns)).astype(np.float32),
        (size, size),
        interpolation=cv2.INTER_NEAREST,
    )
    glass = random_colour(generator, 0.3).astype(np.float32) * panes[:, :, None]
    front += (glass - front) * mask
    corners = _box(left, top, right, bottom)
    corners[0, 1] += lean
    _lay(picture, front, corners)
