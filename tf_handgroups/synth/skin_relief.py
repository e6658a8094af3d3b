"""Creases, wrinkles, tendons, veins and nails, drawn into the flat maps of the hand."""

import dataclasses
import functools
import itertools

import cv2
import numpy as np

from tf_handgroups.synth.hand_layout import MAP_SIZE, TEXELS_PER_MM, unrolled

# Half widths of the fingers and of their nails, thumb to little finger.
_FINGER_MM = np.array([10.0, 8.5, 8.7, 8.0, 7.0])
_LINE_OUT, _LINE_BOW = np.array([[-1, -0.5, 0, 0.5, 1], [0, 0.8, 1, 0.8, 0]])
_NAIL_MM = np.array([6.8, 5.4, 5.6, 5.2, 4.3])


@dataclasses.dataclass(frozen=True, eq=False)
class Relief:
    """One side of the hand, each `(H, W)` float32.

    Args:
        groove: Depth of creases, 1 a deep one; dirt and shade make them darker.
        veins: 1 over a vein.
        height_mm: All of it, with ridges, as height above the skin.
    """

    groove: np.ndarray
    veins: np.ndarray
    height_mm: np.ndarray


def back_relief(generator: np.random.Generator, mesh: str, age: float) -> Relief:
    """Draws knuckles, their wrinkles, tendons and veins.

    Args:
        generator: Source of randomness.
        mesh: The template, one of `hand_template.MESHES`.
        age: 0 young .. 1 old: deeper wrinkles, more visible tendons and veins.

    Example:
    >>> relief = back_relief(np.random.default_rng(0), "webxr", 0.5)
    >>> bool(relief.veins.max() > 0.5)
    True
    """
    joints = unrolled(mesh).joints
    depth = 0.35 + 0.65 * age
    folds = []
    for finger in range(5):
        first = 1 + 4 * finger
        for joint in (first + 1, first + 2):
            count = int(generator.integers(4, 8)) if joint == first + 1 else 3
            reach = (4.5 if joint == first + 1 else 2.5) * np.linspace(-1, 1, count)
            reach = reach + generator.normal(0, 0.4, count)
            halves = _FINGER_MM[finger] * (0.75 - 0.06 * np.abs(reach))
            halves *= generator.uniform(0.6, 1.0, count)
            bows = -0.3 * reach + generator.normal(0, 0.4, count)
            value = depth * generator.uniform(0.4, 1.0)
            folds.append((joint, reach, halves, bows, value))
        if finger:
            reach = generator.uniform(-5, 5, 4)
            halves = generator.uniform(2, 6, 4)
            folds.append((first, reach, halves, generator.normal(0, 1, 4), 0.4 * depth))
    groove = _canvas()
    _across(groove, joints, folds)
    groove = _blur(groove, 0.55)
    height = _bumps(generator, joints)
    ridges = _tendons(generator, joints)
    veins = _veins(generator, joints)
    height += ridges * np.float32(generator.uniform(0.1, 0.7) * (0.5 + age))
    height += veins * np.float32(generator.uniform(0.0, 0.5) * (0.4 + age))
    height -= groove * np.float32(0.35)
    return Relief(groove=groove, veins=veins, height_mm=height)


def palm_relief(generator: np.random.Generator, mesh: str, age: float) -> Relief:
    """Draws the palm's lines, the creases below the finger joints, and the balls.

    Args:
        generator: Source of randomness.
        mesh: The template, one of `hand_template.MESHES`.
        age: 0 young .. 1 old.

    Example:
    >>> relief = palm_relief(np.random.default_rng(0), "webxr", 0.5)
    >>> bool(relief.groove.max() > 0.5)
    True
    """
    joints = unrolled(mesh).joints
    folds = []
    for finger in range(5):
        first, half = 1 + 4 * finger, _FINGER_MM[finger]
        for joint in (first + 1, first + 2):
            count = 2 if joint == first + 1 or generator.random() < 0.3 else 1
            # The creases lie at the joint, those of the end joints a little before it.
            reach = np.array([0.0, 2.2])[:count] - (1.2 if joint == first + 2 else 0.6)
            bows = generator.normal(0.5, 0.5, count)
            folds.append((joint, reach, np.full(count, half), bows, 0.9))
        if finger:
            root = 0.47 * np.linalg.norm(joints[first + 1] - joints[first]) / TEXELS_PER_MM
            reach = root + np.array([0.0, 2.0])
            bows = generator.normal(0.8, 0.5, 2)
            folds.append((first, reach, np.full(2, half + 1), bows, 0.8))
    groove = _canvas()
    _across(groove, joints, folds)
    for line in _palm_lines(generator, joints):
        value = 255 * float(generator.uniform(0.6, 1.0))
        cv2.polylines(groove, [_fixed(line)], False, value, 1, cv2.LINE_AA, 3)
    _fine_lines(generator, groove, joints, 0.25 + 0.35 * age)
    groove = _blur(groove, 0.6)
    height = _balls(mesh) - groove * np.float32(0.45)
    return Relief(groove=groove, veins=np.zeros_like(groove), height_mm=height)


def _canvas():
    """OpenCV draws smooth lines into bytes only."""
    return np.zeros(MAP_SIZE[::-1], np.uint8)


def _blur(canvas, sigma_mm):
    """A canvas as softened float32, 1 where it was 255."""
    image = canvas.astype(np.float32) * np.float32(1 / 255)
    return cv2.GaussianBlur(image, (0, 0), sigma_mm * TEXELS_PER_MM)


def _fixed(points):
    """Texels with three binary digits after the point, as OpenCV draws them."""
    return np.round(np.asarray(points) * 8).astype(np.int32)


def _across(image, joints, folds):
    """Draws bowed lines across fingers.

    Each of `folds` is a joint, how far before (-) or beyond (+) it the lines lie, their half
    widths, their bows, all in mm, and how dark they are.
    """
    places = np.repeat([fold[0] for fold in folds], [len(fold[1]) for fold in folds])
    reach_mm, halves_mm, bows_mm = (
        np.concatenate([fold[part] for fold in folds]) for part in (1, 2, 3)
    )
    forward = joints[places + 1] - joints[np.where(places % 4 != 1, places - 1, 0)]
    forward = forward / np.hypot(forward[:, :1], forward[:, 1:]) * TEXELS_PER_MM
    side = np.stack([-forward[:, 1], forward[:, 0]], axis=1)
    # Five points of each line: how far out, and how far into the bow.
    lines = np.multiply.outer(halves_mm, _LINE_OUT)[..., None] * side[:, None]
    bows = np.multiply.outer(bows_mm, _LINE_BOW) + reach_mm[:, None]
    lines += bows[..., None] * forward[:, None]
    lines = iter(_fixed(lines + joints[places][:, None]))
    for _, reach, _, _, value in folds:
        group = list(itertools.islice(lines, len(reach)))
        cv2.polylines(image, group, False, 255 * float(value), 1, cv2.LINE_AA, 3)


def _spots(places, radii_mm, values):
    """Soft round spots at `(N, 2)` texels, drawn at a quarter of the resolution."""
    image = np.zeros((MAP_SIZE[1] // 4, MAP_SIZE[0] // 4), np.float32)
    rows = np.arange(image.shape[0], dtype=np.float32)[:, None]
    columns = np.arange(image.shape[1], dtype=np.float32)
    for (x, y), radius, value in zip(places, radii_mm, values, strict=True):
        width = 2 * (radius * TEXELS_PER_MM / 4) ** 2
        down = np.exp(-((rows - (y - 1.5) / 4) ** 2) / width)
        image += down * (np.float32(value) * np.exp(-((columns - (x - 1.5) / 4) ** 2) / width))
    return cv2.resize(image, MAP_SIZE, interpolation=cv2.INTER_LINEAR)


def _bumps(generator, joints):
    """Knuckles, and the dimples between them."""
    heads, middles, ends = joints[[5, 9, 13, 17]], joints[[2, 6, 10, 14, 18]], joints[3::4]
    dimples = (heads[:-1] + heads[1:]) / 2
    height = generator.uniform(0.5, 2.0)
    return _spots(
        np.concatenate([heads, dimples, middles, ends]),
        [5.5] * 4 + [4.5] * 3 + [4.0] * 5 + [3.0] * 5,
        [height] * 4 + [-0.8 * height] * 3 + [0.4 * height] * 5 + [0.2 * height] * 5,
    )


@functools.cache
def _balls(mesh):
    """Pads of the fingers' ends, the balls of the thumb and of the little finger."""
    joints = unrolled(mesh).joints
    wrist = joints[0]
    thumb = 0.55 * joints[2] + 0.45 * wrist
    little = 0.45 * joints[17] + 0.55 * wrist
    hollow = 0.5 * joints[9] + 0.5 * wrist
    pads = 0.6 * joints[4::4] + 0.4 * joints[3::4]
    roots = joints[[5, 9, 13, 17]]
    return _spots(
        np.concatenate([[thumb, little, hollow], pads, roots]),
        [12, 12, 10] + [3.5] * 5 + [5.0] * 4,
        [2.0, 1.5, -1.5] + [0.5] * 5 + [0.7] * 4,
    )


def _tendons(generator, joints):
    image = _canvas()
    for joint in (5, 9, 13, 17):
        way = joints[0] - joints[joint]
        start = joints[joint] + 0.1 * way
        end = joints[joint] + generator.uniform(0.55, 0.95) * way
        line = _fixed([start, end])
        cv2.line(image, tuple(line[0]), tuple(line[1]), 255, 2, cv2.LINE_AA, 3)
    return _blur(image, 1.6) * np.float32(2.0)


def _veins(generator, joints):
    """Some wandering vessels from the arm to between the knuckles, with branches."""
    image = _canvas()
    heads = joints[[5, 9, 13, 17]]
    lines = []
    for gap in range(3):
        end = (heads[gap] + heads[gap + 1]) / 2
        start = joints[0] + generator.normal(0, 12, 2) + [0, 20]
        steps = np.linspace(0, 1, 9)[:, None]
        sway = np.cumsum(generator.normal(0, 1.6, (9, 2)), axis=0)
        lines.append(_fixed(start + steps * (end - start) + sway * np.sin(np.pi * steps)))
    lines.append(np.array([lines[0][4], lines[1][5]]))
    lines.append(np.array([lines[2][3], lines[1][6]]))
    cv2.polylines(image, lines, False, 255, 2, cv2.LINE_AA, 3)
    return _blur(image, 0.9)


def _fine_lines(generator, image, joints, strength):
    count = 46
    heads = joints[generator.choice([5, 9, 13, 17, 2], count)]
    share = generator.uniform(0.1, 1.0, (count, 1))
    centres = joints[0] + share * (heads - joints[0]) + generator.normal(0, 5, (count, 2))
    turn = generator.normal(0.3, 0.9, count)
    reach = np.stack([np.cos(turn), np.sin(turn)], axis=1) * generator.uniform(2, 7, (count, 1))
    lines = list(_fixed(np.stack([centres - reach, centres + reach], axis=1)))
    cv2.polylines(image, lines, False, 255 * float(strength), 1, cv2.LINE_AA, 3)


def _palm_lines(generator, joints):
    """The three large lines of a palm, each `(N, 2)` texels."""
    wrist, index, middle, little = joints[0], joints[5], joints[9], joints[17]
    thumb = joints[1]

    def at(along, across):
        """Place in the palm: 0 wrist .. 1 knuckles, 0 index .. 1 little finger."""
        knuckle = index + across * (little - index)
        return wrist + along * (knuckle - wrist) + generator.normal(0, 1.5, 2)

    life = [
        at(0.92, -0.12),
        at(0.78, 0.22),
        at(0.5, 0.4),
        at(0.22, 0.35),
        0.8 * wrist + 0.2 * thumb,
    ]
    head = [at(0.92, -0.1), at(0.76, 0.3), at(0.62, 0.6), at(0.48, 0.95)]
    heart = [0.5 * (index + middle) + [0, 4], at(0.9, 0.45), at(0.8, 0.75), at(0.78, 1.08)]
    return [_curve(np.array(line)) for line in (life, head, heart)]


def _curve(points):
    return _through(len(points)) @ points


@functools.cache
def _through(count):
    """`(24, count)`: places on the polynomial through `count` points, from those points."""
    nodes, places = np.arange(count), np.linspace(0, count - 1, 24)
    return np.vander(places, count) @ np.linalg.inv(np.vander(nodes, count))


def paint_nails(
    generator: np.random.Generator, painted: np.ndarray, joints: np.ndarray, colour: np.ndarray
) -> None:
    """Paints plate, cuticle, moon and white edge, or polish, into the back of the hand.

    Args:
        generator: Source of randomness.
        painted: `(H, W, 6)` material of the back, changed in place.
        joints: `(21, 2)` texels.
        colour: `(3,)` sRGB of the skin below.

    Example:
    >>> painted = np.zeros((*MAP_SIZE[::-1], 6), np.float32)
    >>> paint_nails(np.random.default_rng(0), painted, unrolled("webxr").joints, np.ones(3))
    >>> bool(painted.any())
    True
    """
    polish = generator.random() < 0.18
    lacquer = np.clip(generator.uniform(0, 1, 3) ** 1.3, 0.03, 0.95)
    length = generator.uniform(1.75, 2.5)
    edge_mm = (
        generator.uniform(0.4, 1.3) if generator.random() < 0.75 else generator.uniform(1.5, 4)
    )
    bed = np.clip(colour * [1.06, 0.93, 0.93] + generator.uniform(0.03, 0.10), 0, 1)
    plate_share = 0.97 if polish else generator.uniform(0.55, 0.85)
    rim_dark, moon_share = generator.uniform(0.2, 0.45), generator.uniform(0, 0.5)
    gloss = generator.uniform(0.3, 0.55) if polish else generator.uniform(0.1, 0.35)
    shade = (lacquer if polish else bed).astype(np.float32)
    white = np.clip(bed * 0.4 + [0.55, 0.53, 0.48], 0, 0.93).astype(np.float32)
    for finger in range(5):
        low, high, plate, cuticle, moon, edge = _nail(joints, finger, length, edge_mm)
        window = painted[low[1] : high[1], low[0] : high[0]]
        skin = window[:, :, :3]
        skin *= (1 - np.float32(rim_dark) * cuticle * (1 - 0.6 * plate))[..., None]
        skin += (plate * np.float32(plate_share))[..., None] * (shade - skin)
        if not polish:
            pale = plate * (np.float32(moon_share) * moon + np.float32(0.75) * edge)
            skin += np.minimum(pale, 1)[..., None] * (white - skin)
        window[:, :, 4] += plate * np.float32(gloss)
        window[:, :, 5] += plate * np.float32(0.3) - cuticle * np.float32(0.35)


def _nail(joints, finger, length, edge_mm):
    """Corners of a window, and in it the shares of plate, cuticle, moon and white edge."""
    tip, before = joints[4 + 4 * finger], joints[3 + 4 * finger]
    forward = (tip - before) / np.hypot(*(tip - before))
    half = _NAIL_MM[finger]
    reach = half * length / 2
    centre = tip + forward * (0.35 * edge_mm - 0.5 - reach) * TEXELS_PER_MM
    size = (reach + 4) * TEXELS_PER_MM
    low = np.maximum(np.floor(centre - size).astype(int), 0)
    high = np.minimum(np.ceil(centre + size).astype(int) + 1, MAP_SIZE)
    rows, columns = np.ogrid[low[1] : high[1], low[0] : high[0]]
    x = ((columns - centre[0]) / TEXELS_PER_MM).astype(np.float32)
    y = ((rows - centre[1]) / TEXELS_PER_MM).astype(np.float32)
    along = x * np.float32(forward[0]) + y * np.float32(forward[1])
    side = y * np.float32(forward[0]) - x * np.float32(forward[1])
    # A superellipse: straighter sides than an ellipse. Distances in mm, positive inside.
    inside = (np.abs(along / reach) ** 2.6 + np.abs(side / half) ** 2.6) ** np.float32(1 / 2.6)
    inside = (1 - inside) * half
    moon = 1 - np.hypot((along + 0.95 * reach) / (0.55 * half), side / (0.62 * half))
    edge = along - reach * (1 - 0.25 * (side / half) ** 2) + edge_mm
    cuticle = np.exp(-((inside / 0.9) ** 2)) * (along < 0.6 * reach)
    return low, high, _soft(inside), cuticle, _soft(moon * half * 0.6), _soft(edge)


def _soft(distance_mm):
    """0 outside, 1 inside, with an edge one texel wide."""
    return np.clip(distance_mm * TEXELS_PER_MM + 0.5, 0, 1)
