"""Pictures without a hand that a careless network takes for one.

Everyday things alone, arms and sleeves without a hand, skin-coloured balls, knees and
feet, gloves that lie about, and single finger tips at the picture's edge.
"""

import dataclasses

import numpy as np

from tf_handgroups.camera import project
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.hand_template import FOREARM_BONE, load_template
from tf_handgroups.synth.held_object import random_thing
from tf_handgroups.synth.posed_skin import PosedSkin, posed_skin
from tf_handgroups.synth.thing import Part, Thing, ellipsoid, random_colour, rounded_tube, tube
from tf_handgroups.synth.viewpoint import View

NEGATIVES = (
    (0.28, "background"),
    (0.2, "thing"),
    (0.17, "arm"),
    (0.12, "body"),
    (0.06, "glove"),
    (0.17, "finger_tip"),
)
_DISTANCE_MM = 600.0


@dataclasses.dataclass(frozen=True, eq=False)
class Negative:
    """What a picture without a hand shows.

    Args:
        kind: Name from `NEGATIVES`.
        things: What lies in the picture, in the frame of `view`.
        view: The camera.
        shows_hand: Whether the scene's hand is drawn too, for a finger tip.
        box_px: `x, y, width, height` where a detector thought to see a hand.
    """

    kind: str
    things: tuple[Thing, ...]
    view: View
    shows_hand: bool
    box_px: tuple[float, float, float, float]


def random_negative(
    generator: np.random.Generator, skin_colour: np.ndarray, skin: PosedSkin, view: View, size: int
) -> Negative:
    """Draws a picture without a hand.

    Args:
        generator: Source of randomness.
        skin_colour: `(3,)` sRGB in [0, 1] of what is skin.
        skin: The hand of which a finger tip may be seen.
        view: That would show this hand.
        size: Side of the square picture in pixels.

    Example:
    >>> view = View(np.eye(3), np.array([0, 0, 500.0]), np.diag([300, 300, 1.0]), "back")
    >>> hand = posed_skin(HandShape(), np.zeros(25))
    >>> random_negative(np.random.default_rng(2), np.ones(3), hand, view, 96).things == ()
    True
    """
    shares = np.array([share for share, _ in NEGATIVES])
    kind = NEGATIVES[int(generator.choice(len(shares), p=shares))][1]
    box = _random_box(generator, size)
    things: tuple[Thing, ...] = ()
    if kind == "thing":
        things = (_turned(generator, random_thing(generator)),)
    elif kind == "arm":
        things = (_arm(generator, skin_colour),)
    elif kind == "body":
        things = (_turned(generator, _body(generator, skin_colour)),)
    elif kind == "glove":
        things = (_turned(generator, _glove(generator)),)
    elif kind == "finger_tip":
        found = _cut_by_the_edge(generator, skin, view, size)
        if found is not None:
            return Negative(kind, (), found, True, _middle_box(generator, size))
        kind = "background"
    if things:
        view = _view_of(generator, things[0], size, arm=kind == "arm")
        if generator.random() < 0.65:
            box = _box_on(generator, things[0], view, size)
    return Negative(kind, things, view, False, box)


def _random_box(generator, size):
    """A box of any place and size inside the picture."""
    sides = size * np.minimum(generator.uniform(0.22, 0.8) * generator.uniform(0.7, 1.3, 2), 0.92)
    corner = 1 + generator.random(2) * (size - 3 - sides)
    return (float(corner[0]), float(corner[1]), float(sides[0]), float(sides[1]))


def _box_on(generator, thing: Thing, view: View, size):
    """A box about what is seen of a thing, as a detector that errs would draw it."""
    points = project(view.to_camera(thing.vertices_mm), view.intrinsics_px)
    low, high = np.clip([points.min(axis=0), points.max(axis=0)], 2, size - 3)
    sides = np.maximum((high - low) * generator.uniform(0.7, 1.1, 2), 0.2 * size)
    sides = np.minimum(sides, 0.8 * size)
    corner = (low + high - sides) / 2 + generator.uniform(-0.1, 0.1, 2) * sides
    corner = np.clip(corner, 1, size - 2 - sides)
    return (float(corner[0]), float(corner[1]), float(sides[0]), float(sides[1]))


def _middle_box(generator, size):
    """A box as a hand in the middle of the picture would have."""
    sides = size * generator.uniform(0.4, 0.55, 2)
    corner = (size - 1 - sides) / 2 + generator.uniform(-0.05, 0.05, 2) * size
    return (float(corner[0]), float(corner[1]), float(sides[0]), float(sides[1]))


def _random_turn(generator):
    turn, scale = np.linalg.qr(generator.standard_normal((3, 3)))
    turn = turn * np.sign(np.diag(scale))
    return turn if np.linalg.det(turn) > 0 else -turn


def _turned(generator, thing: Thing) -> Thing:
    vertices = thing.vertices_mm
    turn = _random_turn(generator)
    return thing.moved(turn, -turn @ (0.5 * (vertices.min(axis=0) + vertices.max(axis=0))))


def _view_of(generator, thing: Thing, size, arm: bool) -> View:
    """A camera that shows the thing; an arm always leaves the picture at both ends."""
    extent = np.ptp(thing.vertices_mm[:, :2], axis=0).max()
    share = generator.uniform(1.9, 3.2) if arm else np.exp(generator.uniform(-0.9, 0.3))
    focal = share * size * _DISTANCE_MM / extent
    centre = (size - 1) / 2 + generator.uniform(-0.2, 0.2, 2) * size * (0.5 if arm else 1.0)
    intrinsics = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1.0]])
    return View(np.eye(3), np.array([0.0, 0.0, _DISTANCE_MM]), intrinsics, "anywhere")


def _arm(generator, skin_colour) -> Thing:
    """A bent or straight arm, bare or in a sleeve, without the hand."""
    bend = generator.uniform(0, 2.2) if generator.random() < 0.6 else generator.normal(0, 0.15)
    along = np.linspace(-1, 1, 41)
    heading = bend / (1 + np.exp(-along * 14)) + generator.uniform(0, 2 * np.pi)
    steps = np.stack([np.cos(heading), np.sin(heading), 0.15 * along], axis=1) * 16
    path = np.cumsum(steps, axis=0)
    path -= path[20] + [*generator.uniform(-30, 30, 2), 0]
    radii = np.interp(along, [-1, -0.1, 0.05, 0.35, 1], [47, 40, 38, 42, 28])
    parts = [tube(path, radii * generator.uniform(0.7, 1.1), "skin", skin_colour)]
    if generator.random() < 0.6:
        end = int(generator.integers(8, 41))
        cloth = ("plain", "stripes")[generator.integers(2)]
        folds = generator.normal(0, 1.2, end) + 5
        parts.append(tube(path[:end], radii[:end] + folds, cloth, random_colour(generator)))
    return Thing("arm", tuple(parts))


def _body(generator, skin_colour) -> Thing:
    kind = ("foot", "knee", "ball")[generator.integers(3)]
    if kind == "ball":
        radii = 60 * generator.uniform(0.6, 1.4, 3)
        return Thing(kind, (ellipsoid(radii, "skin", skin_colour),))
    if kind == "knee":
        bend = generator.uniform(0.3, 2.0)
        ends = np.array([[np.sin(bend), -np.cos(bend), 0], [0, 0, 0], [0, 1.0, 0]]) * 190
        path = np.concatenate(
            [np.linspace(ends[0], ends[1], 10)[:-1], np.linspace(ends[1], ends[2], 10)]
        )
        return Thing(kind, (rounded_tube(path, 55.0, "skin", skin_colour),))
    sole = ellipsoid(np.array([40.0, 108, 26]), "skin", skin_colour)
    heel = ellipsoid(np.array([32.0, 45, 34]), "skin", skin_colour)
    leg = np.linspace([0, 70, 10], [0, 95, 260.0], 12)
    ankle = rounded_tube(leg, generator.uniform(28, 38), "skin", skin_colour)
    toes = []
    for index in range(5):
        radii = np.array([14.0, 22, 13]) * (1.0 if index == 0 else 0.68 - 0.03 * index)
        place = [-30 + 17 * index + (0 if index else -4), -100 + 5.5 * index**1.5, -8]
        toes.append(ellipsoid(radii, "skin", skin_colour).moved(np.eye(3), place))
    parts = (sole, heel.moved(np.eye(3), [0, 75, 0]), ankle, *toes)
    return Thing(kind, parts)


def _glove(generator) -> Thing:
    """A flat empty glove: fingers without thickness, no arm."""
    template = load_template()
    angles = np.radians([30, 8, 5, 5, *[0, 8, 12, 6] * 4, 0, 0, 0, 0, 0])
    angles[4:20] += generator.normal(0, 0.14, 16)
    skin = posed_skin(HandShape(finger_thickness=np.full(5, 1.2)), angles)
    flat = np.array([1.0, 1.0, generator.uniform(0.25, 0.5)])
    kept = (skin.bones[template.faces] != FOREARM_BONE).all(axis=1)
    normals = skin.normals / flat
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    material = ("plain", "stripes", "fruit")[generator.integers(3)]
    # The opening shows the cloth's other side.
    faces = np.concatenate([template.faces[kept], template.faces[kept][:, ::-1]])
    glove = Part(
        vertices_mm=skin.points_mm * flat,
        normals=normals,
        faces=faces,
        texels=skin.points_mm[:, :2],
        material=material,
        colour=random_colour(generator),
    )
    return Thing("glove", (glove,))


def _cut_by_the_edge(generator, skin: PosedSkin, view: View, size) -> View | None:
    """Shifts the picture until only the end of a finger is inside.

    The other joints, the wrist too, are outside.
    """
    joints_px = project(view.to_camera(skin.joints_mm), view.intrinsics_px)
    for finger in np.repeat(generator.permutation(5), 2):
        tip = joints_px[4 + 4 * finger]
        outwards = joints_px.mean(axis=0) - tip
        outwards = outwards / max(float(np.abs(outwards).max()), 1e-6)
        inset = generator.uniform(0.03, 0.14)
        slide = generator.uniform(-0.25, 0.25) * np.array([outwards[1], -outwards[0]])
        move = (size - 1) / 2 + size * ((0.5 - inset) * outwards + slide) - tip
        moved = joints_px + move
        inside = np.flatnonzero(((moved > -0.02 * size) & (moved < 1.02 * size)).all(axis=1))
        tip_only = set(inside) <= {2 + 4 * finger, 3 + 4 * finger, 4 + 4 * finger}
        place = moved[4 + 4 * finger]
        if tip_only and (place > 1).all() and (place < size - 2).all():
            intrinsics = view.intrinsics_px.copy()
            intrinsics[:2, 2] += move
            return dataclasses.replace(view, intrinsics_px=intrinsics)
    return None
