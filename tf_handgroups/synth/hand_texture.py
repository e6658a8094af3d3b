"""Skin painted for one person: colour, blotches, freckles, hair, marks.

Colours follow the order of measured skin: the Individual Typology Angle (ITA) orders skin from
very light (above 55 degrees) over light (41), intermediate (28), tan (10) and brown
(-30) to dark (Chardon et al., Int. J. Cosmet. Sci. 13, 1991; Del Bino and Bernerd, Br.
J. Dermatol. 169 S3, 2013). Angle and b* fix L*: `tan(ITA) = (L* - 50) / b*`.
"""

import dataclasses

import cv2
import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_layout import MAP_SIZE, TEXELS_PER_MM, smooth_noise, unrolled
from tf_handgroups.synth.shading import MATERIAL_CHANNELS
from tf_handgroups.synth.skin_relief import back_relief, paint_nails, palm_relief

__all__ = [
    "Skin",
    "paint_hand",
    "random_skin",
    "skin_of_tone",
    "smooth_noise",
    "typology_angle_deg",
    "unrolled",
]

# ITA in degrees; a* and b* are our choice of plausible values there, L* follows.
_ITA = np.array([64.0, 50, 38, 22, 5, -15, -35, -52, -68])
_A = np.array([8.0, 9.5, 10.5, 11.5, 12.5, 12.5, 11.5, 9.5, 7.0])
_B = np.array([10.8, 14.5, 16.5, 18.0, 18.5, 17.5, 15.0, 12.0, 8.8])
_PALM_LAB = np.array([64.0, 13.5, 14.5])

# What blood and melanin take from red, green and blue light.
_BLOOD = np.array([0.08, 0.85, 0.72], np.float32)
_MELANIN = np.array([0.75, 1.0, 1.15], np.float32)
_VEIN = np.array([0.16, 0.05, 0.0], np.float32)

_PENS = np.array([[0.10, 0.14, 0.45], [0.08, 0.08, 0.10], [0.65, 0.10, 0.12], [0.1, 0.35, 0.2]])


@dataclasses.dataclass(frozen=True, eq=False)
class Skin:
    """The skin of one person.

    Args:
        tone: 0 very light .. 1 very dark.
        back: `(3,)` sRGB in [0, 1] of the back of the hand.
        palm: `(3,)` sRGB in [0, 1] of the palm.
        age: 0 young and smooth .. 1 old and wrinkled.
    """

    tone: float
    back: np.ndarray
    palm: np.ndarray
    age: float = 0.3


def random_skin(generator: np.random.Generator) -> Skin:
    """Draws a person's skin evenly over the ITA groups, with warm and cool undertones.

    Example:
    >>> 0 <= random_skin(np.random.default_rng(0)).tone <= 1
    True
    """
    return skin_of_tone(generator, float(generator.uniform()))


def skin_of_tone(generator: np.random.Generator, tone: float) -> Skin:
    """Draws the rest of a person's skin: undertone, palm, age.

    Args:
        generator: Source of randomness; what is drawn does not depend on the tone.
        tone: 0 very light .. 1 very dark.

    Raises:
        InputError: If the tone is out of range.

    Example:
    >>> light, dark = (skin_of_tone(np.random.default_rng(0), tone) for tone in (0.1, 0.9))
    >>> bool((light.back > dark.back).all()), light.age == dark.age
    (True, True)
    """
    if not 0 <= tone <= 1:
        raise InputError(
            f"skin_of_tone: expected a tone from 0, light, to 1, dark. Received: tone={tone!r}."
        )
    angle = typology_angle_deg(tone)
    red, yellow = (np.interp(-angle, -_ITA, column) for column in (_A, _B))
    back = np.array([50 + yellow * np.tan(np.radians(angle)), red, yellow])
    back += generator.normal(0, [1.0, 1.4, 1.8])
    # Palms differ little between people: redder, and much lighter on dark hands.
    palm = _PALM_LAB + generator.normal(0, [2.5, 2.0, 1.8])
    palm = back + generator.uniform(0.4, 0.75) * (palm - back)
    return Skin(tone=tone, back=_srgb(back), palm=_srgb(palm), age=float(generator.beta(1.4, 2.2)))


def typology_angle_deg(tone: float) -> float:
    """Returns the Individual Typology Angle of a tone: evenly from 64 to -68 degrees.

    Example:
    >>> typology_angle_deg(0.0), typology_angle_deg(0.5)
    (64.0, -2.0)
    """
    return float(_ITA[0] + tone * (_ITA[-1] - _ITA[0]))


def _srgb(lab):
    """CIE L*a*b* (D65) to sRGB in [0.03, 0.98]."""
    y = (lab[0] + 16) / 116
    ratios = np.array([y + lab[1] / 500, y, y - lab[2] / 200])
    linear = np.where(ratios > 6 / 29, ratios**3, (ratios - 4 / 29) * 3 * (6 / 29) ** 2)
    xyz = linear * [0.9505, 1.0, 1.089]
    rgb = xyz @ np.array(
        [[3.2406, -0.9689, 0.0557], [-1.5372, 1.8758, -0.2040], [-0.4986, 0.0415, 1.0570]]
    )
    rgb = np.maximum(rgb, 0)
    curve = np.where(rgb > 0.0031308, 1.055 * rgb ** (1 / 2.4) - 0.055, 12.92 * rgb)
    return np.clip(curve, 0.03, 0.98)


def paint_hand(generator: np.random.Generator, mesh: str, skin: Skin) -> np.ndarray:
    """Paints one person's skin with creases, nails, blotches and marks.

    Args:
        generator: Source of randomness.
        mesh: The template, one of `hand_template.MESHES`.
        skin: Its colour and age.

    Returns:
        `(2, H, W, 6)` float32, back, then palm, see `shading.MATERIAL_CHANNELS`.

    Example:
    >>> generator = np.random.default_rng(0)
    >>> paint_hand(generator, "webxr", random_skin(generator)).shape[::3]
    (2, 6)
    """
    joints = unrolled(mesh).joints
    width, height = MAP_SIZE
    # Soft blotches need no more than half the resolution.
    blotches = smooth_noise(generator, width // 2, height // 2, 9, 4)
    blotches += smooth_noise(generator, width // 2, height // 2, 34, 4) * np.float32(0.6)
    mottling = generator.uniform(0.005, 0.03, 4) * [1.5, 1, 1.5, 0.8]
    blotches *= mottling.astype(np.float32)
    blotches = cv2.split(cv2.resize(blotches, MAP_SIZE, interpolation=cv2.INTER_LINEAR))
    grain = smooth_noise(generator, width, height, 90, 2)
    speckle = generator.random((height, width, 2), np.float32)
    speckle *= 2
    speckle -= 1
    grain += speckle
    grain *= np.float32(generator.uniform(0.4, 1.2))
    grain = cv2.split(grain)
    maps = np.empty((2, height, width, MATERIAL_CHANNELS), np.float32)
    for side, colour in enumerate((skin.back, skin.palm)):
        relief = (back_relief, palm_relief)[side](generator, mesh, skin.age)
        fine, red, dark = grain[side], blotches[2 * side], blotches[2 * side + 1]
        zones = _zones(generator, joints, side == 0)
        red = red + zones * np.float32(1 - 0.6 * skin.tone)
        crease = np.float32(generator.uniform(0.08, 0.3))
        dark = dark + relief.groove * crease + fine * np.float32(0.012)
        if side == 0:
            dark += zones * np.float32(1.1 * skin.tone * generator.uniform(0.3, 1.2))
            dark += _spots_and_hair(generator, joints, skin)
        bluish = np.float32(generator.uniform(0, 1) * (1 - skin.tone))
        planes = []
        for channel in range(3):
            plane = red * _BLOOD[channel]
            np.subtract(1, plane, out=plane)
            plane -= dark * _MELANIN[channel]
            if side == 0 and _VEIN[channel]:
                plane -= relief.veins * bluish * _VEIN[channel]
            plane *= np.float32(colour[channel])
            planes.append(plane)
        planes += [np.ones_like(fine), np.zeros_like(fine)]
        planes.append(relief.height_mm + fine * np.float32(0.03 + 0.03 * skin.age))
        painted = cv2.merge(planes, dst=maps[side])
        if side == 0:
            paint_nails(generator, painted, joints, colour)
        _mark(generator, painted, joints)
    return maps


def _zones(generator, joints, is_back):
    """Warm zones over joints and finger ends, `(H, W)` in [0, ~0.25]."""
    width, height = MAP_SIZE
    zones = np.zeros((height // 4, width // 4), np.float32)
    strength = generator.uniform(0.03, 0.2)
    for joint in range(2, 21):
        is_tip = joint % 4 == 0
        radius = (7 if is_tip else 6) * TEXELS_PER_MM / 4
        if joint in (5, 9, 13, 17):
            radius *= 1.4 if is_back else 1.2
        value = strength * generator.uniform(0.5, 1.2)
        centre = tuple(int(c * 4) for c in joints[joint])
        cv2.circle(zones, centre, int(radius * 16), float(value), -1, cv2.LINE_8, 4)
    if not is_back:
        for joint in (2, 18):
            centre = tuple(int(c * 4) for c in (joints[joint] * 0.6 + joints[0] * 0.4))
            cv2.circle(zones, centre, int(40 * TEXELS_PER_MM), strength * 0.8, -1, cv2.LINE_8, 4)
    zones = cv2.GaussianBlur(zones, (0, 0), 2.2)
    return cv2.resize(zones, (width, height), interpolation=cv2.INTER_LINEAR)


def _spots_and_hair(generator, joints, skin):
    """Freckles, age spots, moles and hair of a back, `(H, W)` melanin."""
    width, height = MAP_SIZE
    layer = np.zeros((height, width), np.uint8)
    freckled = generator.random() < 0.15 + 0.4 * skin.age
    count = int(generator.integers(10, 120)) if freckled else int(generator.integers(0, 4))
    places = _back_places(generator, joints, count, 0.2)
    radii = generator.uniform(0.2, 1.1, count) ** 1.5 * TEXELS_PER_MM
    values = generator.uniform(0.03, 0.22, count) * (1 - 0.6 * skin.tone)
    for place, radius, value in zip(places, radii, values, strict=True):
        centre = tuple(int(c * 8) for c in place)
        cv2.circle(layer, centre, int(radius * 8) + 3, 255 * float(value), -1, cv2.LINE_AA, 3)
    if generator.random() < 0.35:
        hairs = int(generator.integers(120, 420))
        start = _back_places(generator, joints, hairs, 0.7)
        way = generator.normal([1.8, 2.4], 1.0, (hairs, 2)) * TEXELS_PER_MM
        lines = np.round(np.stack([start, start + way], axis=1) * 8).astype(np.int32)
        value = 255 * float(generator.uniform(0.06, 0.22) * (1 - 0.5 * skin.tone))
        cv2.polylines(layer, list(lines), False, value, 1, cv2.LINE_AA, 3)
    return layer.astype(np.float32) * np.float32(1 / 255)


def _back_places(generator, joints, count, share_arm):
    """`(count, 2)` texels over arm, back and first bones, away from the outline."""
    finger = generator.integers(1, 5, count)
    root, end = joints[1 + 4 * finger], joints[2 + 4 * finger]
    along, kind = generator.random((count, 1)), generator.random((count, 1))
    arm = joints[0] + np.concatenate([np.zeros_like(along), 60 * along], axis=1) * TEXELS_PER_MM
    spread = generator.normal(0, TEXELS_PER_MM, (count, 2))
    hand = np.where(
        kind > 0.85, root + along * (end - root), joints[0] + along * (root - joints[0])
    )
    centre = np.where(kind < share_arm, arm, hand)
    wide = np.where(kind < share_arm, 11.0, 7.0)
    return centre + spread * np.where(kind > 0.88, 2.5, wide)


def _mark(generator, painted, joints):
    """Rarely a tattoo, a note in ink, or a scratch, in place."""
    kind = generator.random()
    if kind > 0.12:
        return
    layer = np.zeros(painted.shape[:2], np.uint8)
    head, share = joints[generator.choice([5, 9, 13, 17])], generator.uniform(-0.4, 0.9)
    place = joints[0] + share * (head - joints[0])
    steps = np.cumsum(generator.normal(0, 4 * TEXELS_PER_MM, (9, 2)), axis=0)
    line = np.round((place + steps - steps.mean(axis=0)) * 8).astype(np.int32)
    if kind < 0.05:
        ink, strength, sigma = np.array([0.10, 0.14, 0.17]), generator.uniform(0.4, 0.85), 0.7
        cv2.polylines(layer, [line], True, 255, int(generator.integers(1, 4)), cv2.LINE_AA, 3)
        if generator.random() < 0.5:
            cv2.fillPoly(layer, [line[:6]], 204, cv2.LINE_AA, 3)
    elif kind < 0.09:
        ink, strength, sigma = generator.choice(_PENS), generator.uniform(0.5, 0.9), 0.4
        text = "".join(generator.choice(list("0123456789aekmrst"), 5))
        size = generator.uniform(0.3, 0.6) * TEXELS_PER_MM
        start = (int(place[0] - 14), int(place[1]))
        cv2.putText(layer, text, start, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, size, 255, 1, cv2.LINE_AA)
    else:
        ink, strength, sigma = np.array([0.55, 0.16, 0.14]), generator.uniform(0.3, 0.7), 0.5
        cv2.polylines(layer, [line[:4]], False, 255, 1, cv2.LINE_AA, 3)
    layer = cv2.GaussianBlur(layer, (0, 0), sigma) * np.float32(strength / 255)
    rows = layer.any(axis=1)
    colour = painted[rows, :, :3]
    painted[rows, :, :3] = colour + layer[rows, :, None] * (ink.astype(np.float32) - colour)
