"""Things between the hand and the camera: pens, telephones, cups, cloth, bars, cables."""

import cv2
import numpy as np

from tf_handgroups.synth.hand_texture import random_skin
from tf_handgroups.synth.soft_shapes import (
    paint_ellipsoid,
    paint_limb,
    paint_polygon,
    random_light,
)
from tf_handgroups.synth.texture_patterns import random_colour

# Largest share of the hand's box that may be hidden.
MAX_HIDDEN = 0.25

_ATTEMPTS = 4


def random_occluder(
    generator: np.random.Generator,
    size: int,
    box_px: tuple[float, float, float, float] | None = None,
) -> np.ndarray | None:
    """Draws something that hides a part of a hand, with the soft shadow that it casts.

    Args:
        generator: Source of randomness.
        size: Side of the picture in pixels.
        box_px: `x, y, width, height` of the hand; the middle two thirds if `None`.

    Returns:
        `(size, size, 4)` float32: sRGB in [0, 255] and alpha in [0, 1]. `None` if nothing
        was found that touches the box and hides at most a quarter of it.

    Example:

    >>> layer = random_occluder(np.random.default_rng(1), 64)
    >>> layer.shape, bool(layer[..., 3].max() <= 1)
    ((64, 64, 4), True)
    """
    box = np.array(box_px or (size / 6, size / 6, size / 1.5, size / 1.5), np.float64)
    rows = slice(max(int(box[1]), 0), int(np.ceil(box[1] + box[3])) + 1)
    columns = slice(max(int(box[0]), 0), int(np.ceil(box[0] + box[2])) + 1)
    for attempt in range(_ATTEMPTS):
        thing = _draw_thing(generator, size, box, 0.8**attempt)
        inside = thing[rows, columns, 3]
        if inside.size and 0.003 < inside.mean() <= MAX_HIDDEN:
            return _with_shadow(generator, thing)
    return None


def _draw_thing(generator, size, box, scale):
    """Premultiplied colour and alpha."""
    # The last channel starts white and is painted like the first, which starts black:
    # where they differ, the picture shows through.
    canvas = np.zeros((size, size, 4), np.float32)
    canvas[:, :, 3] = 255
    centre, half = box[:2] + box[2:] / 2, box[2:].max() / 2
    angle = generator.uniform(0, 2 * np.pi)
    outwards = np.array([np.cos(angle), np.sin(angle)])
    place = centre + outwards * half * generator.uniform(0.25, 1.0)
    makers = (_pen, _telephone, _cup, _cloth, _bar, _cable, _body, _fingers)
    maker = makers[int(generator.choice(len(makers), p=(0.2, 0.1, 0.1, 0.15, 0.15, 0.1, 0.1, 0.1)))]
    maker(generator, canvas, place, outwards, scale * half, random_light(generator))
    alpha = 1 - (canvas[:, :, 3] - canvas[:, :, 0]) / 255
    canvas[:, :, 3] = np.clip(alpha, 0, 1)
    # Nearer than the hand, so often out of focus.
    blur = np.exp(generator.uniform(np.log(0.3), np.log(4.0))) * size / 160
    return cv2.GaussianBlur(canvas, (0, 0), float(blur))


def _with_shadow(generator, thing):
    """Lays the thing over its shadow; plain colour and alpha."""
    size = len(thing)
    shift = np.array([generator.normal(0, 0.03), generator.uniform(0.01, 0.07)]) * size
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    shadow = cv2.warpAffine(np.ascontiguousarray(thing[:, :, 3]), move, (size, size))
    shadow = cv2.GaussianBlur(shadow, (0, 0), float(generator.uniform(0.015, 0.05) * size))
    shadow *= np.float32(generator.uniform(0, 0.5))
    alpha = thing[:, :, 3] + shadow * (1 - thing[:, :, 3])
    colour = thing[:, :, :3] / np.maximum(alpha, np.float32(1e-3))[:, :, None]
    return np.concatenate([np.clip(colour, 0, 255), alpha[:, :, None]], axis=2)


def _paint_colour(colour):
    """Of the four channels of the canvas."""
    return np.append(colour, colour[0])


def _across(generator, outwards):
    """A direction roughly along the edge of the hand's box."""
    turn = np.pi / 2 + generator.normal(0, 0.5)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.array([cos * outwards[0] - sin * outwards[1], sin * outwards[0] + cos * outwards[1]])


def _pen(generator, canvas, place, outwards, half, light):
    along = _across(generator, outwards)
    reach = half * generator.uniform(0.5, 1.3)
    ends = np.stack([place - along * reach, place + along * reach])
    radius = half * generator.uniform(0.03, 0.09)
    colour = _paint_colour(random_colour(generator))
    paint_limb(canvas, ends, (radius, radius), colour, light)
    tip = np.stack([ends[1], ends[1] + along * 3 * radius])
    paint_limb(canvas, tip, (radius, 0.25 * radius), 0.5 * colour, light)


def _telephone(generator, canvas, place, outwards, half, light):
    along = _across(generator, outwards) * half * generator.uniform(0.5, 0.9)
    side = np.array([-along[1], along[0]]) * generator.uniform(0.4, 0.6)
    middle = place + outwards * half * 0.4
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    corners = middle + signs @ np.stack([along, side])
    paint_polygon(canvas, corners, _paint_colour(random_colour(generator, 0.1)))
    front = middle + signs @ np.stack([along, side]) * 0.93
    slope = tuple(generator.normal(0, 0.3, 2))
    paint_polygon(canvas, front, _paint_colour(random_colour(generator, 0.3) * 0.6), slope)


def _cup(generator, canvas, place, outwards, half, light):
    radius = half * generator.uniform(0.3, 0.6)
    middle = place + outwards * radius
    colour = random_colour(generator)
    flat = radius * generator.uniform(0.3, 0.9)
    foot = np.stack([middle, np.add(middle, [0, 1.6 * radius])])
    paint_limb(canvas, foot, (radius, 0.8 * radius), _paint_colour(colour), light)
    paint_ellipsoid(canvas, middle, (radius, flat), 0.0, _paint_colour(colour * 1.05), light)
    inside = random_colour(generator, 0.3) * 0.5
    paint_ellipsoid(canvas, middle, (0.9 * radius, 0.88 * flat), 0.0, _paint_colour(inside), light)


def _cloth(generator, canvas, place, outwards, half, light):
    """A waving edge with folds; beyond it everything is hidden."""
    across = np.array([-outwards[1], outwards[0]])
    steps = np.linspace(-2.5, 2.5, 24)
    waves = np.cumsum(generator.normal(0, 0.05, 24)) + generator.uniform(0, 0.3)
    edge = place + half * (steps[:, None] * across + (waves - waves.mean())[:, None] * outwards)
    far = edge[::-1] + 4 * half * outwards
    colour = random_colour(generator)
    slope = tuple(generator.normal(0, 0.3, 2))
    paint_polygon(canvas, np.concatenate([edge, far]), _paint_colour(colour), slope)
    for start in range(2, 22, int(generator.integers(2, 6))):
        fold = np.stack([edge[start], edge[start] + 2 * half * outwards])
        fold[0] += outwards * half * 0.05
        shape = np.concatenate([fold, fold[::-1] + across * half * generator.uniform(0.03, 0.15)])
        shade = 0.0 if generator.random() < 0.6 else 255.0
        paint_polygon(canvas, shape, np.append([shade] * 3, shade), opacity=0.12)


def _bar(generator, canvas, place, outwards, half, light):
    along = _across(generator, outwards)
    ends = np.stack([place - 6 * half * along, place + 6 * half * along])
    radius = half * generator.uniform(0.03, 0.15)
    paint_limb(canvas, ends, (radius, radius), _paint_colour(random_colour(generator)), light)


def _cable(generator, canvas, place, outwards, half, light):
    radius = half * generator.uniform(0.015, 0.04)
    colour = _paint_colour(random_colour(generator, 0.1))
    heading = np.arctan2(*(_across(generator, outwards)[::-1]))
    bend = generator.normal(0, 0.25)
    point = place - 1.5 * half * np.array([np.cos(heading), np.sin(heading)])
    for _ in range(16):
        following = point + 0.2 * half * np.array([np.cos(heading), np.sin(heading)])
        paint_limb(canvas, np.stack([point, following]), (radius, radius), colour, light)
        point, heading = following, heading + bend
        bend += generator.normal(0, 0.12)


def _body(generator, canvas, place, outwards, half, light):
    axes = tuple(half * generator.uniform(0.08, 0.35, 2))
    colour = _paint_colour(random_colour(generator))
    turn = generator.uniform(0, np.pi)
    paint_ellipsoid(canvas, place + outwards * max(axes) * 0.6, axes, turn, colour, light)


def _fingers(generator, canvas, place, outwards, half, light):
    """One or two skin-coloured rods from outside, such as another person's fingers."""
    colour = _paint_colour(random_skin(generator).back * 255)
    radius = half * generator.uniform(0.08, 0.14)
    across = np.array([-outwards[1], outwards[0]])
    for index in range(int(generator.integers(1, 3))):
        tip = place + index * 2.1 * radius * across + outwards * generator.normal(0, 0.1) * half
        root = tip + 4 * half * outwards + generator.normal(0, 0.3, 2) * half
        paint_limb(canvas, np.stack([tip, root]), (radius, 2.2 * radius), colour, light)
