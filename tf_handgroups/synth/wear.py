"""What people wear on hand and arm: sleeves, gloves, rings, watches, dressings."""

import dataclasses

import cv2
import numpy as np

from tf_handgroups.synth.cloth import FABRICS, fabric, folds
from tf_handgroups.synth.hand_layout import MAP_SIZE, TEXELS_PER_MM, unrolled
from tf_handgroups.synth.hand_template import load_template
from tf_handgroups.synth.settings import SynthSettings

_RING_FINGERS = (1, 2, 3, 3, 3, 4)
_METALS = np.array(
    [[0.90, 0.74, 0.40], [0.86, 0.86, 0.88], [0.93, 0.72, 0.62], [0.30, 0.30, 0.33]], np.float32
)
GLOVES = ("rubber", "knit", "work", "leather")
_GLOVE_MM = {"rubber": 0.3, "knit": 1.5, "work": 1.4, "leather": 0.9}
_RUBBER = np.array(
    [
        [0.25, 0.45, 0.75],
        [0.90, 0.90, 0.88],
        [0.08, 0.08, 0.09],
        [0.45, 0.35, 0.70],
        [0.9, 0.8, 0.3],
    ]
)
WRISTBANDS = ("watch", "smart watch", "metal", "cord", "beads")
DRESSINGS = ("plaster", "bandage")
_DRESSING_SHARE = 0.03


@dataclasses.dataclass(frozen=True)
class Wear:
    """What one hand wears.

    Args:
        sleeve_mm: From the wrist to the edge of the sleeve, towards the elbow; `None`
            for a bare arm, negative for a sleeve that covers the heel of the hand.
        sleeve_slant: Rise of the edge across the arm.
        ring_finger: 1 index .. 4 little finger, `None` without a ring.
        glove: One of `GLOVES`, or `None`.
        glove_mm: From the wrist to the edge of the glove, towards the elbow.
        fingerless: Whether the glove leaves the fingers' ends bare.
        wristband: One of `WRISTBANDS`, or `None`.
        wristband_mm: From the wrist to the middle of the band, towards the elbow.
        dressing: One of `DRESSINGS`, or `None`.
    """

    sleeve_mm: float | None = None
    sleeve_slant: float = 0.0
    ring_finger: int | None = None
    glove: str | None = None
    glove_mm: float = 20.0
    fingerless: bool = False
    wristband: str | None = None
    wristband_mm: float = 25.0
    dressing: str | None = None


def random_wear(generator: np.random.Generator, settings: SynthSettings) -> Wear:
    """Draws what a hand wears, by the shares of the settings.

    Example:
    >>> wear = random_wear(np.random.default_rng(0), SynthSettings(sleeve=0, ring=1))
    >>> wear.sleeve_mm is None, wear.ring_finger is None
    (True, False)
    """
    luck = generator.random(5)
    wanted = [settings.sleeve, settings.ring, settings.glove, settings.watch, _DRESSING_SHARE]
    sleeved, ringed, gloved, banded, dressed = luck < wanted
    near, far = generator.uniform(-22, 25), generator.uniform(25, 140)
    sleeve_mm = float(near if generator.random() < 0.4 else far)
    finger = int(generator.choice(_RING_FINGERS))
    glove = str(generator.choice(GLOVES, p=(0.4, 0.2, 0.2, 0.2)))
    fingerless = bool(generator.random() < 0.25)
    band = str(generator.choice(WRISTBANDS, p=(0.35, 0.2, 0.15, 0.15, 0.15)))
    dressing = str(generator.choice(DRESSINGS))
    return Wear(
        sleeve_mm=sleeve_mm if sleeved else None,
        sleeve_slant=float(generator.normal(0, 0.12)),
        ring_finger=finger if ringed and not gloved else None,
        glove=glove if gloved else None,
        glove_mm=float(generator.uniform(0, 40)),
        fingerless=fingerless and glove != "rubber",
        wristband=band if banded else None,
        wristband_mm=float(generator.uniform(13, 27)),
        dressing=dressing if dressed and not gloved else None,
    )


def put_on(
    generator: np.random.Generator, vertices: np.ndarray, mesh: str, wear: Wear
) -> np.ndarray:
    """Moves the surface outward where something is worn; cloth lies outside the skin.

    Args:
        generator: Source of randomness.
        vertices: `(V, 3)` posed vertices in mm.
        mesh: Their template.
        wear: What is worn.

    Returns:
        `(V, 3)` float32.
    """
    texels = unrolled(mesh).texels
    loose = generator.uniform(1.5, 9.0)
    lift = np.zeros(len(vertices), np.float32)
    if wear.glove:
        columns, rows = np.clip(np.round(texels).astype(int), 0, np.array(MAP_SIZE) - 1).T
        lift += _GLOVE_MM[wear.glove] * _glove_mask(mesh, wear)[rows, columns]
    if wear.wristband:
        offset = texels[:, 1] / TEXELS_PER_MM - _wrist_mm(mesh) - wear.wristband_mm
        half = _band_half_mm(wear)
        lift += 1.6 * np.clip((half + 3 - np.abs(offset)) / 3, 0, 1)
    if wear.ring_finger is not None:
        along, across = _ring_place(mesh, wear.ring_finger, texels)
        lift += 0.8 * np.exp(-((along / 2.5) ** 2)) * (np.abs(across) < 11)
    if wear.sleeve_mm is not None:
        beyond = _beyond_edge(mesh, wear, texels)
        sleeve = np.clip(beyond / 3, 0, 1) * (1.2 + loose * np.clip(beyond / 50, 0.35, 1))
        lift = np.maximum(lift, sleeve)
    if not lift.any():
        return vertices
    normals = load_template(mesh).triangles.normals(vertices)
    return (vertices + normals * lift[:, None]).astype(np.float32)


def paint_wear(generator: np.random.Generator, maps: np.ndarray, mesh: str, wear: Wear) -> None:
    """Paints what lies on the hand into the maps of `paint_hand`, in place.

    Args:
        generator: Source of randomness.
        maps: `(2, H, W, 6)` material of back and palm.
        mesh: The template.
        wear: What is worn.
    """
    if wear.dressing:
        _paint_dressing(generator, maps, mesh, wear.dressing)
    if wear.glove:
        _paint_glove(generator, maps, mesh, wear)
    if wear.wristband:
        _paint_wristband(generator, maps, mesh, wear)
    if wear.ring_finger is not None:
        _paint_ring(generator, maps, mesh, wear.ring_finger)


def cover_arm(
    generator: np.random.Generator, material: np.ndarray, texels: np.ndarray, mesh: str, wear: Wear
) -> None:
    """Covers surface points of the arm with cloth, in place.

    The arm reaches beyond the painted maps, so cloth is computed point by point.

    Args:
        generator: Source of randomness.
        material: `(N, 6)`, see `shading.MATERIAL_CHANNELS`.
        texels: `(N, 2)` map coordinates.
        mesh: The template.
        wear: What is worn.
    """
    if wear.sleeve_mm is None:
        return
    beyond = _beyond_edge(mesh, wear, texels)
    # The edge shades the skin before it.
    edge = np.flatnonzero((beyond > -5) & (beyond <= 0))
    material[edge, :3] *= (1 - 0.45 * (1 + beyond[edge] / 5))[:, None]
    inside = np.flatnonzero(beyond > 0)
    along, across = beyond[inside], texels[inside, 0] / TEXELS_PER_MM
    kind = str(generator.choice(FABRICS, p=(0.3, 0.1, 0.1, 0.12, 0.13, 0.1, 0.1, 0.05)))
    colour, height = fabric(generator, kind, across, along)
    height = height + folds(generator, across, along, generator.uniform(0.4, 2.2))
    cuff, seam_mm = generator.random(), generator.uniform(7, 26)
    shade = np.float32(generator.uniform(0.55, 1.1))
    if cuff < 0.25:
        # A ribbed cuff.
        seam_mm *= 2
        ribs = np.abs(np.sin(across * np.float32(np.pi / generator.uniform(2.5, 4))))
        ribbed = along < seam_mm
        height = np.where(ribbed, 0.8 * ribs, height)
        colour = np.where(ribbed[:, None], colour * (shade * (0.7 + 0.3 * ribs))[:, None], colour)
    if cuff < 0.75:
        seam = np.exp(-(((along - seam_mm) / 0.8) ** 2))
        height = height - 0.6 * seam
        colour = colour * (1 - 0.35 * seam[:, None])
    height = height + 1.6 * np.sqrt(np.clip(along / 2.5, 0, 1))
    cover = np.clip(along, 0, 1)[:, None]
    layer = np.zeros((6, len(inside)), np.float32).T
    layer[:, :3] = np.clip(colour, 0, 1)
    layer[:, 5] = height
    below = np.take(material.T, inside, axis=1).T
    material[inside] = below + cover * (layer - below)


def _wrist_mm(mesh):
    return float(unrolled(mesh).joints[0, 1]) / TEXELS_PER_MM


def _beyond_edge(mesh, wear, texels):
    """`(N,)` millimetres from the edge of the sleeve towards the elbow."""
    slant = wear.sleeve_slant * (texels[:, 0] - unrolled(mesh).joints[0, 0])
    wrist = float(unrolled(mesh).joints[0, 1])
    return (texels[:, 1] - wrist + slant) / TEXELS_PER_MM - np.float32(wear.sleeve_mm)


def _grid_mm():
    width, height = MAP_SIZE
    columns = np.arange(width, dtype=np.float32) / TEXELS_PER_MM
    rows = np.arange(height, dtype=np.float32) / TEXELS_PER_MM
    across, along = np.meshgrid(columns, rows)
    return across, along


def _lay_over(painted, mask, colour, gloss, height_mm):
    """Replaces the material of one side where `mask` `(H, W)` is 1."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return
    rows = slice(rows[0], rows[-1] + 1)
    layer = np.zeros_like(painted[rows])
    layer[:, :, :3] = np.broadcast_to(colour, (*mask.shape, 3))[rows]
    layer[:, :, 4] = gloss
    layer[:, :, 5] = np.broadcast_to(height_mm, mask.shape)[rows]
    layer -= painted[rows]
    layer *= mask[rows, :, None]
    painted[rows] += layer


def _glove_mask(mesh, wear):
    """`(H, W)` float32, 1 under the glove."""
    joints = unrolled(mesh).joints
    edge = joints[0, 1] + wear.glove_mm * TEXELS_PER_MM
    rows = np.arange(MAP_SIZE[1], dtype=np.float32)[:, None]
    mask = np.repeat(255 * np.clip(edge - rows, 0, 1), MAP_SIZE[0], axis=1).astype(np.uint8)
    if wear.fingerless:
        for finger in range(5):
            middle, tip = joints[2 + 4 * finger], joints[4 + 4 * finger]
            forward = (tip - middle) / np.hypot(*(tip - middle))
            side = np.array([-forward[1], forward[0]]) * 14 * TEXELS_PER_MM
            start = middle + forward * (6 if finger == 0 else -4) * TEXELS_PER_MM
            end = tip + forward * 14 * TEXELS_PER_MM
            corners = np.array([start - side, start + side, end + side, end - side])
            cv2.fillConvexPoly(mask, np.round(corners * 8).astype(np.int32), 0, cv2.LINE_AA, 3)
    return mask.astype(np.float32) * np.float32(1 / 255)


def _paint_glove(generator, maps, mesh, wear):
    mask = _glove_mask(mesh, wear)
    across, along = _grid_mm()
    inner = cv2.GaussianBlur(mask, (0, 0), 1.5 * TEXELS_PER_MM)
    rolled_edge = 1.2 * np.clip(2 * inner - 1, 0, 1) + 1.5 * (4 * inner * (1 - inner)) ** 2
    kind = str(generator.choice(("plain", "fleece", "knit")))
    if wear.glove == "knit":
        kind = str(generator.choice(("knit", "knit", "fleece", "rings")))
    colour, height = fabric(generator, kind, across, along)
    wrinkles = folds(generator, across, along, generator.uniform(0.2, 0.7))
    coat = np.clip(generator.uniform(0.05, 0.9) + generator.normal(0, 0.2, 3), 0.03, 0.9)
    gloss, rubber = generator.uniform(0.15, 0.45), _RUBBER[generator.integers(len(_RUBBER))]
    brown = np.array([0.38, 0.24, 0.15]) * generator.uniform(0.15, 1.5)
    for side, painted in enumerate(maps):
        below = painted[:, :, 5] * np.float32(0.5)
        if wear.glove == "rubber":
            tint = np.clip(rubber * (1 + 0.04 * wrinkles[:, :, None]), 0, 1)
            _lay_over(painted, mask, tint, gloss, below + wrinkles + rolled_edge)
        elif wear.glove == "leather":
            tint = brown * (1 + 0.25 * wrinkles[:, :, None])
            _lay_over(painted, mask, tint, 0.6 * gloss, below + 1.3 * wrinkles + rolled_edge)
        elif wear.glove == "work" and side == 1:
            rough = generator.standard_normal(mask.shape, np.float32)
            tint = coat * (1 + 0.05 * rough[:, :, None])
            _lay_over(painted, mask, tint, 0.12, 0.12 * rough + wrinkles + rolled_edge)
        else:
            _lay_over(painted, mask, colour, 0.0, height + wrinkles + rolled_edge)


def _band_half_mm(wear):
    return {"watch": 9.0, "smart watch": 10.5, "metal": 3.5, "cord": 2.0, "beads": 3.5}[
        wear.wristband
    ]


def _paint_wristband(generator, maps, mesh, wear):
    across, along = _grid_mm()
    layout = unrolled(mesh)
    middle = _wrist_mm(mesh) + wear.wristband_mm
    near = np.abs(layout.texels[:, 1] / TEXELS_PER_MM - middle) < 8
    half = _band_half_mm(wear)
    offset = along - np.float32(middle)
    mask = np.clip((half - np.abs(offset)) * TEXELS_PER_MM + 0.5, 0, 1)
    rounded = np.sqrt(np.clip(1 - (offset / (half + 0.3)) ** 2, 0, 1))
    metal = _METALS[generator.integers(len(_METALS))]
    dark = np.clip(generator.uniform(0.03, 0.35) * np.array([1, 0.75, 0.55]), 0, 1)
    bright = np.clip(generator.uniform(0, 1, 3), 0.03, 0.95)
    pitch = np.float32(2 * np.pi / generator.uniform(4, 8))
    links = np.abs(np.sin(across * pitch * 0.5))
    metallic = wear.wristband == "metal" or (wear.wristband == "watch" and generator.random() < 0.4)
    height = 0.6 + 0.9 * rounded
    if metallic:
        colour, gloss, height = metal * (0.6 + 0.4 * links[..., None]), 0.95, height + 0.5 * links
    elif wear.wristband == "beads":
        colour, gloss = bright * (0.55 + 0.45 * links[..., None]), 0.4
        height = height + 2.0 * links * rounded
    else:
        stitched = np.abs(np.abs(offset) - (half - 1.6)) < 0.5
        colour = (bright if generator.random() < 0.4 else dark) * np.ones((*mask.shape, 1))
        colour[stitched] = np.clip(colour[stitched] + 0.25, 0, 1)
        gloss = 0.15
    for painted in maps:
        _lay_over(painted, mask.astype(np.float32), colour, gloss, height)
    if wear.wristband in ("watch", "smart watch") and near.any():
        x = float(np.mean([layout.texels[near, 0].min(), layout.texels[near, 0].max()]))
        centre = np.array([x, middle * TEXELS_PER_MM])
        _paint_dial(generator, maps[0], centre, wear.wristband == "smart watch", metal)


def _paint_dial(generator, painted, centre, square, metal):
    radius = generator.uniform(14, 19) * TEXELS_PER_MM
    across, along = _grid_mm()
    x, y = across * TEXELS_PER_MM - centre[0], along * TEXELS_PER_MM - centre[1]
    distance = (np.abs(x) ** 5 + np.abs(y) ** 5) ** 0.2 if square else np.hypot(x, y)
    case = np.clip(radius - distance + 0.5, 0, 1).astype(np.float32)
    rim = 0.12 if square else generator.uniform(0.1, 0.22)
    face = np.clip(radius * (1 - rim) - distance + 0.5, 0, 1).astype(np.float32)
    edge = np.sqrt(np.clip((radius - distance) / 3, 0, 1))
    _lay_over(painted, case, metal, 0.95, 1.5 + 2.0 * edge)
    dark = square or generator.random() < 0.5
    ground = generator.uniform(0.01, 0.1, 3) if dark else generator.uniform(0.7, 0.95, 3)
    _lay_over(painted, face, ground, 0.45, 3.2)
    ink = np.zeros(face.shape, np.uint8)
    turns = generator.uniform(0, 2 * np.pi, 2)
    for turn, reach in zip(turns, (0.45, 0.68), strict=True):
        end = centre + radius * reach * np.array([np.sin(turn), -np.cos(turn)])
        ends = np.round(np.array([centre, end]) * 8).astype(np.int32)
        cv2.line(ink, tuple(ends[0]), tuple(ends[1]), 255, 1, cv2.LINE_AA, 3)
    for turn in np.arange(12) * np.pi / 6:
        place = centre + radius * 0.72 * np.array([np.sin(turn), -np.cos(turn)])
        cv2.circle(ink, tuple(np.round(place * 8).astype(int).tolist()), 5, 255, -1, cv2.LINE_AA, 3)
    mark = generator.uniform(0.6, 1.0, 3) if dark else generator.uniform(0, 0.2, 3)
    share = ink * face * np.float32(1 / 255)
    painted[:, :, :3] += share[..., None] * (mark.astype(np.float32) - painted[:, :, :3])


def _ring_place(mesh, finger, texels):
    """Millimetres along the finger from the ring's middle, and across from its axis."""
    joints = unrolled(mesh).joints
    first = 1 + 4 * finger
    forward = joints[first + 1] - joints[first]
    centre = joints[first] + 0.6 * forward
    forward = forward / np.hypot(*forward)
    way = (texels - centre) / TEXELS_PER_MM
    return way @ forward, way @ np.array([-forward[1], forward[0]])


def _paint_ring(generator, maps, mesh, finger):
    places = np.stack(_grid_mm(), axis=-1) * TEXELS_PER_MM
    along, across = _ring_place(mesh, finger, places)
    half = generator.uniform(0.9, 2.4)
    metal = _METALS[generator.integers(len(_METALS))]
    mask = np.clip((half - np.abs(along)) * TEXELS_PER_MM + 0.5, 0, 1) * (np.abs(across) < 11)
    height = 0.4 + 1.0 * np.sqrt(np.clip(1 - (along / (half + 0.2)) ** 2, 0, 1))
    for painted in maps:
        _lay_over(painted, mask.astype(np.float32), metal, 0.95, height)
        shadow = np.exp(-(((np.abs(along) - half) / 0.8) ** 2)) * (np.abs(across) < 11)
        painted[:, :, :3] *= (1 - 0.35 * shadow * (1 - mask))[..., None]
    stone, colour = generator.uniform(1.6, 3.5), generator.uniform(0.1, 1, 3)
    if generator.random() < 0.3:
        distance = np.hypot(along, across)
        mask = np.clip((stone - distance) * TEXELS_PER_MM + 0.5, 0, 1).astype(np.float32)
        dome = 2.0 * np.sqrt(np.clip(1 - (distance / (stone + 0.5)) ** 2, 0, 1))
        _lay_over(maps[0], mask, colour, 0.55, 1.0 + dome)


def _paint_dressing(generator, maps, mesh, dressing):
    joints = unrolled(mesh).joints
    across, along = _grid_mm()
    finger, part = int(generator.integers(0, 5)), int(generator.integers(1, 3))
    white = np.array([0.90, 0.89, 0.85]) * generator.uniform(0.8, 1.0)
    beige = np.array([0.78, 0.58, 0.44]) * generator.uniform(0.75, 1.15)
    if dressing == "plaster":
        joint = 1 + 4 * finger + part
        one, two = joints[joint], joints[joint + 1]
        forward = (two - one) / np.hypot(*(two - one))
        way = np.stack([across, along], axis=-1) * TEXELS_PER_MM - 0.5 * (one + two)
        place, side = way @ forward / TEXELS_PER_MM, way @ [-forward[1], forward[0]]
        half = generator.uniform(5, 8)
        mask = np.clip(half - np.abs(place) + 0.5, 0, 1) * (np.abs(side) < 12 * TEXELS_PER_MM)
        colour = beige if generator.random() < 0.7 else generator.uniform(0.1, 0.95, 3)
        holes = 0.08 * (np.sin(place * 3) * np.sin(side * 3) > 0.6)
        height = 0.5 - holes
        colour = colour * (1 - holes[..., None])
    else:
        start, end = _wrist_mm(mesh) - generator.uniform(15, 45), _wrist_mm(mesh) + 30
        mask = np.clip(along - start, 0, 1) * np.clip(end - along, 0, 1)
        turns = np.mod((along + 0.25 * across) / generator.uniform(12, 22), 1)
        height = 0.6 + 0.8 * turns
        colour = white * (0.8 + 0.2 * np.clip(turns * 8, 0, 1))[..., None]
    for painted in maps:
        _lay_over(painted, mask.astype(np.float32), colour, 0.0, height)
