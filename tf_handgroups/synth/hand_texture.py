"""Skin painted for one person: colour, creases, nails, knuckles, rings.

The hand is unrolled once (thumb turned so that its nail looks at the viewer) into
two flat maps, the back and the palm; both share pixel coordinates.
"""

import dataclasses
import functools

import cv2
import numpy as np

from tf_handgroups.synth.hand_mesh import pose_hand, skin_vertices
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.hand_template import load_template, vertex_normals

TEXELS_PER_MM = 1.0
# Hand-frame millimetres of the map's first texel, and its size in texels.
_ORIGIN_MM = np.array([-110.0, -112.0])
_SIZE = (int(210 * TEXELS_PER_MM), int(250 * TEXELS_PER_MM))

# Rough sRGB reflectances of the back of the hand from light to dark.
_TONES = np.array(
    [
        [236, 200, 180],
        [228, 184, 158],
        [214, 166, 136],
        [194, 144, 112],
        [166, 116, 86],
        [132, 88, 64],
        [100, 66, 48],
        [70, 46, 36],
    ],
    np.float64,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Unrolled:
    """Where vertices and joints lie in the maps.

    Args:
        texels: `(V, 2)` float32 map coordinates of the vertices.
        back: `(V, 1)` float32, 1 on the back of the hand, 0 on the palm.
        joints: `(21, 2)` map coordinates of the joints.
    """

    texels: np.ndarray
    back: np.ndarray
    joints: np.ndarray


@functools.cache
def unrolled(mesh: str = "webxr") -> Unrolled:
    """Returns the flat layout of a mesh, computed once per process."""
    shape = HandShape(mesh=mesh)
    angles = np.zeros(25)
    angles[[0, 4, 8, 12, 16]] = np.radians([52, 4, -5, -14, -24])
    angles[20] = np.radians(-76)
    joints, linear, offset = pose_hand(angles, shape)
    vertices = skin_vertices(shape, linear, offset)
    normals = vertex_normals(vertices, load_template(mesh).faces)
    texels = (vertices[:, :2] - _ORIGIN_MM) * TEXELS_PER_MM
    t = np.clip(0.5 - normals[:, 2:3] / 0.7, 0, 1)
    return Unrolled(
        texels=texels.astype(np.float32),
        back=(t * t * (3 - 2 * t)).astype(np.float32),
        joints=(joints[:, :2] - _ORIGIN_MM) * TEXELS_PER_MM,
    )


def smooth_noise(
    generator: np.random.Generator, width: int, height: int, cells: float, channels: int = 1
) -> np.ndarray:
    """Returns `(height, width, channels)` float32 noise, about unit deviation.

    Args:
        generator: Source of randomness.
        width: Pixels.
        height: Pixels.
        cells: Number of independent values along the longer side.
        channels: Number of channels.
    """
    step = max(width, height) / cells
    grid = generator.standard_normal(
        (int(height / step) + 2, int(width / step) + 2, channels), np.float32
    )
    noise = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return noise.reshape(height, width, channels)


@dataclasses.dataclass(frozen=True, eq=False)
class Skin:
    """The skin colour of one person.

    Args:
        tone: 0 very light .. 1 very dark.
        back: `(3,)` sRGB in [0, 1] of the back of the hand.
        palm: `(3,)` sRGB in [0, 1] of the palm.
    """

    tone: float
    back: np.ndarray
    palm: np.ndarray


def random_skin(generator: np.random.Generator) -> Skin:
    """Draws a person's skin colour over the full human range.

    Example:
    >>> 0 <= random_skin(np.random.default_rng(0)).tone <= 1
    True
    """
    share_dark = generator.beta(1.1, 1.5)
    tone = share_dark * (len(_TONES) - 1)
    index = min(int(tone), len(_TONES) - 2)
    back = _TONES[index] + (tone - index) * (_TONES[index + 1] - _TONES[index])
    back = back * (1 + generator.normal(0, [0.03, 0.035, 0.05]))
    back = back * (1 + generator.normal(0, 0.05))
    # Palms differ little between people: redder, and much lighter on dark hands.
    palm_tone = np.array([226, 170, 150]) * (1 + generator.normal(0, [0.03, 0.05, 0.06]))
    share = generator.uniform(0.25, 0.55)
    palm = back * (1 - share) + palm_tone * (0.55 + 0.45 * back[0] / 236) * share
    return Skin(
        tone=float(share_dark),
        back=np.clip(back / 255, 0.05, 0.98),
        palm=np.clip(palm / 255, 0.05, 0.98),
    )


def paint_hand(generator: np.random.Generator, mesh: str, skin: Skin) -> np.ndarray:
    """Paints one person's skin with creases, nails and blotches.

    Args:
        generator: Source of randomness.
        mesh: The template, one of `hand_template.MESHES`.
        skin: Its colour.

    Returns:
        `(2, H, W, 4)` float32, back, then palm: sRGB in about [0, 1], share of skin (1).

    Example:
    >>> generator = np.random.default_rng(0)
    >>> paint_hand(generator, "webxr", random_skin(generator)).shape[0]
    2
    """
    joints = unrolled(mesh).joints
    width, height = _SIZE
    maps = []
    strengths = generator.uniform([0.004, 0.0], [0.02, 0.016]).astype(np.float32)
    for colour, is_back in ((skin.back, True), (skin.palm, False)):
        shade = smooth_noise(generator, width, height, 6) * np.float32(0.02)
        shade += smooth_noise(generator, width, height, 40) * strengths[0]
        shade += smooth_noise(generator, width, height, 120) * strengths[1]
        red = _red_zones(generator, joints, is_back)
        red += np.float32(0.012) * smooth_noise(generator, width, height, 9)[:, :, 0]
        shade = (1 + shade[:, :, 0]) * _creases(generator, joints, is_back)
        painted = np.ones((height, width, 4), np.float32)
        for channel, fade in enumerate((0.1, 0.85, 0.75)):
            np.multiply(red, np.float32(-fade * colour[channel]), out=painted[:, :, channel])
            painted[:, :, channel] += np.float32(colour[channel])
            painted[:, :, channel] *= shade
        if is_back:
            _paint_nails(generator, painted[:, :, :3], joints, colour)
        maps.append(painted)
    return np.stack(maps)


def _red_zones(generator, joints, is_back):
    """Warm zones over joints and finger ends, `(H, W)` in [0, ~0.2]."""
    width, height = _SIZE
    zones = np.zeros((height // 4, width // 4), np.float32)
    strength = generator.uniform(0.03, 0.16)
    for joint in range(1, 21):
        is_tip = joint % 4 == 0
        if joint == 1:
            continue
        radius = (7 if is_tip else 6) * TEXELS_PER_MM / 4
        if joint in (5, 9, 13, 17):
            radius *= 1.4 if is_back else 1.2
        value = strength * generator.uniform(0.4, 1.2)
        centre = tuple(int(c * 4) for c in joints[joint])
        cv2.circle(zones, centre, int(radius * 16), float(value), -1, cv2.LINE_8, 4)
    if not is_back:
        for joint in (2, 18):
            centre = tuple(int(c * 4) for c in (joints[joint] * 0.6 + joints[0] * 0.4))
            cv2.circle(zones, centre, int(40 * TEXELS_PER_MM), strength * 0.7, -1, cv2.LINE_8, 4)
    zones = cv2.GaussianBlur(zones, (0, 0), 2.2)
    return cv2.resize(zones, (width, height), interpolation=cv2.INTER_LINEAR)


def _creases(generator, joints, is_back):
    """Multiplies skin: 1 without, darker in creases, `(H, W)` float32."""
    width, height = _SIZE
    fine = np.zeros((height, width), np.float32)
    depth = generator.uniform(0.05, 0.30)
    for finger in range(5):
        first = 1 + 4 * finger
        for part in (1, 2):
            joint = first + part
            _cross_lines(generator, fine, joints, joint, depth, is_back)
        if not is_back and finger:
            root = joints[first] * 0.55 + joints[first + 1] * 0.45
            direction = joints[first + 1] - joints[first]
            bow = generator.normal(0, 1.0, 1)
            _lines_across(fine, root[None], direction, np.array([7.5]), bow, depth)
    if not is_back:
        for line in _palm_lines(generator, joints):
            cv2.polylines(
                fine,
                [np.round(line * 8).astype(np.int32)],
                False,
                float(depth * generator.uniform(0.7, 1.2)),
                1,
                cv2.LINE_AA,
                3,
            )
    elif generator.random() < 0.7:
        _tendons(generator, fine, joints)
    fine = cv2.GaussianBlur(fine, (0, 0), generator.uniform(0.6, 1.1))
    return np.clip(1 - fine, 0.4, 1.2)


def _lines_across(image, centres, direction, halves_mm, bows_mm, value):
    """Draws slightly bowed lines across a finger at each of `centres` `(N, 2)`."""
    across = np.array([-direction[1], direction[0]]) / np.hypot(*direction)
    along = np.array([across[1], -across[0]])
    half = across * (halves_mm * TEXELS_PER_MM)[:, None]
    bow = along * (bows_mm * TEXELS_PER_MM)[:, None]
    points = np.stack([centres - half, centres + bow, centres + half], axis=1)
    points = list(np.round(points * 8).astype(np.int32))
    cv2.polylines(image, points, False, float(value), 1, cv2.LINE_AA, 3)


def _cross_lines(generator, image, joints, joint, depth, is_back):
    direction = joints[joint + 1] - joints[joint - 1]
    forward = direction / np.hypot(*direction)
    count = int(generator.integers(3, 6)) if is_back else int(generator.integers(1, 3))
    reach = 3.2 if is_back else 1.2
    along = generator.uniform(-reach, reach, count) * TEXELS_PER_MM
    halves = generator.uniform(3, 6, count) if is_back else generator.uniform(6, 8, count)
    bows = generator.normal(0, 1.0, count)
    value = depth * generator.uniform(0.5, 1.0)
    centres = joints[joint] + forward * along[:, None]
    _lines_across(image, centres, direction, halves, bows, value)


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
    t = np.linspace(0, len(points) - 1, 24)
    degree = len(points) - 1
    columns = [np.polyval(np.polyfit(range(len(points)), points[:, i], degree), t) for i in (0, 1)]
    return np.stack(columns, axis=1)


def _tendons(generator, image, joints):
    """Light ridges and bluish valleys on the back are faked by soft light and dark lines."""
    layer = np.zeros_like(image)
    for joint in (5, 9, 13, 17):
        start = joints[joint] + (joints[0] - joints[joint]) * 0.12
        end = joints[joint] + (joints[0] - joints[joint]) * generator.uniform(0.5, 0.9)
        value = float(generator.uniform(-0.05, 0.05))
        ends = [tuple(int(c) for c in point) for point in (start, end)]
        cv2.line(layer, ends[0], ends[1], value, int(generator.integers(2, 5)), cv2.LINE_AA)
    image += cv2.GaussianBlur(layer, (0, 0), 3)


def _paint_nails(generator, skin, joints, colour):
    length = generator.uniform(9.5, 12.5)
    polish = generator.random() < 0.12
    if polish:
        nail = generator.uniform(0.05, 0.95, 3)
    else:
        nail = np.clip(colour * [1.03, 0.97, 0.99] + generator.uniform(0.02, 0.12), 0, 1)
    layer = np.zeros(skin.shape[:2], np.float32)
    for finger, half_width in enumerate((6.3, 5.0, 5.2, 4.9, 4.2)):
        tip, before = joints[4 + 4 * finger], joints[3 + 4 * finger]
        forward = (tip - before) / np.hypot(*(tip - before))
        size = length * half_width / 5.0
        centre = tip - forward * (size * 0.5 - 1.5) * TEXELS_PER_MM
        angle = float(np.degrees(np.arctan2(forward[1], forward[0])))
        axes = (size * 0.5 * TEXELS_PER_MM, half_width * TEXELS_PER_MM)
        cv2.ellipse(
            layer,
            tuple(int(c * 8) for c in centre),
            tuple(int(a * 8) for a in axes),
            angle,
            0,
            360,
            1.0,
            -1,
            cv2.LINE_AA,
            3,
        )
    rim = cv2.GaussianBlur(layer, (0, 0), 1.6)[:, :, None]
    skin *= 1 - np.float32(0.28) * rim * (1 - layer[:, :, None])
    share = layer[:, :, None] * np.float32(0.95 if polish else generator.uniform(0.35, 0.8))
    skin += share * (nail.astype(np.float32) - skin)
