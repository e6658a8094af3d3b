"""Things in a hand, fitted to the skin of the posed fingers.

`grip` finds the place that a pose leaves; the thing's size follows from the room there, so
that the skin touches it.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from tf_handgroups.synth.grip import (
    Grip,
    ball_grip,
    flat_grip,
    palm_grip,
    pinch_grip,
    rod_grip,
)
from tf_handgroups.synth.posed_skin import PosedSkin
from tf_handgroups.synth.thing import (
    Part,
    Thing,
    ellipsoid,
    random_colour,
    revolve,
    rounded_box,
    rounded_tube,
    tube,
)

# How deep skin may sink into a thing: soft flesh gives way, bones do not.
PRESS_MM = 3.5
_TRIES = 5
_METALS = np.array([[0.78, 0.78, 0.8], [0.55, 0.55, 0.57], [0.66, 0.62, 0.55], [0.3, 0.3, 0.32]])
_WOODS = np.array([[0.72, 0.52, 0.32], [0.5, 0.33, 0.18], [0.85, 0.7, 0.48]])
_FRUITS = np.array([[0.75, 0.12, 0.1], [0.5, 0.65, 0.15], [0.9, 0.5, 0.1], [0.92, 0.8, 0.2]])


def _metal(generator):
    return _METALS[generator.integers(4)] * generator.uniform(0.8, 1.1)


def _wood(generator):
    return _WOODS[generator.integers(3)] * generator.uniform(0.8, 1.1)


def _cut(grip: Grip, low, high):
    return max(low, grip.low_mm), min(high, grip.high_mm)


def _stick(generator, grip: Grip) -> Thing | None:
    low, high = _cut(grip, -generator.uniform(50, 150), generator.uniform(50, 190))
    kind = ("stick", "rail", "baton")[generator.integers(3)]
    material = {"stick": "wood", "rail": "metal", "baton": "stripes"}[kind]
    colour = {"wood": _wood, "metal": _metal, "stripes": random_colour}[material](generator)
    r = grip.radius_mm
    if r > 17:
        return None
    path = np.linspace(low, high, 24)[:, None] * [0.0, 0.0, 1.0]
    return Thing(kind, (rounded_tube(path, r, material, colour),))


def _tool(generator, grip: Grip) -> Thing | None:
    r = grip.radius_mm
    low, high = _cut(grip, -generator.uniform(45, 70), 200)
    if not 6 < r < 19 or high < 60:
        return None
    start = float(generator.uniform(46, min(80, high)))
    handle = [(low, 0), (low, 0.8 * r), (low + 4, r), (start - 8, r), (start, 0.6 * r), (start, 0)]
    grip_material = ("plain", "stripes", "wood")[generator.integers(3)]
    colour = _wood(generator) if grip_material == "wood" else random_colour(generator)
    parts = revolve(handle, grip_material, colour)
    kind = ("hammer", "screwdriver", "brush", "spatula", "microphone")[generator.integers(5)]
    top = start + generator.uniform(40, 90)
    if kind == "microphone":
        metal = _metal(generator)
        head = ellipsoid(np.array([1.6, 1.6, 1.9]) * r, "fruit", metal)
        return Thing(kind, (*parts, head.moved(np.eye(3), [0, 0, start + 0.9 * r])))
    shaft = revolve([(start - 2, 0.35 * r), (top, 0.3 * r), (top, 0)], "metal", _metal(generator))
    if kind == "screwdriver":
        return Thing(kind, (*parts, *shaft))
    sizes = {"hammer": (28, 95, 26), "brush": (14, 55, 60), "spatula": (4, 70, 85)}
    size = np.array(sizes[kind]) * generator.uniform(0.8, 1.2)
    material = "metal" if kind == "hammer" else "plain"
    colour = _metal(generator) if kind == "hammer" else random_colour(generator)
    head = rounded_box(size, 2.0, [material] * 3, [colour] * 3)
    raised = [part.moved(np.eye(3), [0, 0, top + 0.4 * size[2]]) for part in head]
    return Thing(kind, (*parts, *shaft, *raised))


def _strap(generator, grip: Grip) -> Thing | None:
    """The handle of a bag: both ends bend the same way, out of the fingers."""
    r = grip.radius_mm
    if r > 11:
        return None
    reach = generator.uniform(180, 320)
    along = np.linspace(-1, 1, 31)
    width = generator.uniform(42, 55)
    bend = np.clip(np.abs(along) - 0.45, 0, 1) ** 1.3 * reach
    path = np.stack([bend * 1.0, bend * 0.0, np.sin(along * np.pi / 2) * width], axis=1)
    material = ("plain", "stripes")[generator.integers(2)]
    return Thing("strap", (rounded_tube(path, r, material, random_colour(generator)),))


def _bottle(generator, grip: Grip) -> Thing | None:
    r = grip.radius_mm
    low, high = _cut(grip, -generator.uniform(50, 110), generator.uniform(50, 90))
    if r < 19 or grip.high_mm < high + 40 or high - low < 70:
        return None
    neck = r * generator.uniform(0.3, 0.45)
    colour = random_colour(generator)
    body = [(low, 0), (low, r), (high, r), (high + 12, 0.85 * r), (high + 30, neck * 1.1)]
    body += [(high + 34, neck), (high + 52, neck)]
    cap = revolve(
        [(high + 50, neck + 2), (high + 66, neck + 2), (high + 66, 0)],
        "plain",
        random_colour(generator),
    )
    return Thing("bottle", (*revolve(body, "label", colour), *cap))


def _cup(generator, grip: Grip) -> Thing | None:
    """A can, a glass or a cup; it is open at the top, so the rim shows the inside."""
    r = grip.radius_mm
    low, high = _cut(grip, -generator.uniform(40, 70), generator.uniform(40, 70))
    if r < 17 or high - low < 60:
        return None
    colour = random_colour(generator)
    material = ("label", "plain", "stripes", "metal")[generator.integers(4)]
    base = r * generator.uniform(0.75, 1.0)
    if material == "metal":
        colour = _metal(generator)
    outside = revolve([(low, 0), (low, base), (high, r)], material, colour)
    inner, floor = r - 2.5, high - generator.uniform(5, 40)
    inside = revolve(
        [(high, r), (high, inner), (floor, inner * 0.95), (floor, 0)], "plain", 0.7 * colour
    )
    parts = (*outside, *inside)
    if generator.random() < 0.4:
        return Thing("cup", parts)
    turn = np.linspace(-0.5, 0.5, 15) * np.pi
    height = 0.3 * (high - low)
    path = np.stack([r - 2 + 0.85 * height * np.cos(turn), 0 * turn, height * np.sin(turn)], axis=1)
    # The handle stands where neither palm nor fingers are, if there is such a place.
    side = np.radians(generator.choice([0, 90, -90]))
    spin = np.array([[np.cos(side), -np.sin(side), 0], [np.sin(side), np.cos(side), 0], [0, 0, 1]])
    handle = tube(path, np.full(15, 4.5), "plain", colour).moved(spin, [0, 0, (high + low) / 2])
    return Thing("mug", (*parts, handle))


def _ball(generator, grip: Grip) -> Thing | None:
    r = grip.radius_mm
    if generator.random() < 0.5:
        radii = np.array([1, 1, generator.uniform(1.0, 1.25)]) * r
        colour = _FRUITS[generator.integers(4)] * generator.uniform(0.8, 1.1)
        stem = np.array([[0, 0, 0.9], [0.02, 0, 1.05], [0.1, 0, 1.2]]) * radii
        parts = [ellipsoid(radii, "fruit", colour)]
        if generator.random() < 0.6:
            parts.append(rounded_tube(stem, 1.3, "plain", np.array([0.35, 0.25, 0.1])))
        return Thing("fruit", tuple(parts))
    material = ("plain", "stripes", "label", "fruit")[generator.integers(4)]
    return Thing("ball", (ellipsoid(np.full(3, r), material, random_colour(generator)),))


def _pen(generator, grip: Grip) -> Thing | None:
    """Pens, pencils, cutlery, brushes; the point is the far end."""
    r = min(grip.radius_mm, 5.5)
    low, high = _cut(grip, -generator.uniform(70, 130), generator.uniform(22, 55))
    if high - low < 55:
        return None
    colour = random_colour(generator)
    kind = ("pen", "pencil", "spoon", "fork", "toothbrush", "marker")[generator.integers(6)]
    if kind in ("pen", "pencil", "marker"):
        material = "wood" if kind == "pencil" and generator.random() < 0.3 else "plain"
        body = revolve([(low, 0), (low, r), (high - 14, r)], material, colour)
        wood = _wood(generator) if kind == "pencil" else 0.5 * colour
        point = revolve([(high - 14, r), (high - 3, 0.3 * r), (high, 0.1)], "plain", wood)
        cap = revolve([(low - 8, 0), (low - 8, r + 0.4), (low + 3, r + 0.4)], "plain", 1 - colour)
        return Thing(kind, (*body, *point, *(cap if generator.random() < 0.5 else ())))
    if kind == "toothbrush":
        path = np.linspace(low, high + 25, 20)[:, None] * [0.0, 0.0, 1.0]
        hair = rounded_box(np.array([11, 9, 26.0]), 1.5, ["stripes"] * 3, [np.ones(3) * 0.9] * 3)
        hair = [part.moved(np.eye(3), [r, 0, high + 10]) for part in hair]
        return Thing(kind, (rounded_tube(path, r, "plain", colour), *hair))
    metal = _metal(generator)
    path = np.linspace(low, high + 30, 20)[:, None] * [0.0, 0.0, 1.0]
    handle = rounded_tube(path, min(r, 3.0), "metal", metal)
    bowl = ellipsoid(np.array([4.0, 17.0, 27.0]), "metal", metal)
    if kind == "spoon":
        return Thing(kind, (handle, bowl.moved(np.eye(3), [0, 0, high + 50])))
    tines = [np.array([[0, y, 0], [0, y, 25.0], [1.5, y, 48.0]]) for y in (-8, -2.7, 2.7, 8)]
    prongs = [rounded_tube(path, 1.5, "metal", metal) for path in tines]
    base = ellipsoid(np.array([2.0, 10.5, 12.0]), "metal", metal)
    head = [part.moved(np.eye(3), [0, 0, high + 38]) for part in (*prongs, base)]
    return Thing(kind, (handle, *head))


def _flat(generator, grip: Grip) -> Thing | None:
    """Phones, cards, books, boxes: how thick they are says what they are."""
    thick = max(2 * grip.radius_mm, 0.8)
    size_mm = {"card": (54, 86), "paper": (90, 130), "phone": (72, 148), "book": (120, 180)}
    if thick < 4:
        kind = ("card", "paper")[generator.integers(2)]
    elif thick < 15:
        kind = "phone" if generator.random() < 0.7 else "book"
    elif thick < 32:
        kind = "book" if generator.random() < 0.4 else "box"
    else:
        kind = "box"
    width, height = generator.uniform(30, 75, 2) if kind == "box" else size_mm[kind]
    if generator.random() < 0.3:
        width, height = height, width
    size = np.array([width, height, thick]) * [*generator.uniform(0.85, 1.1, 2), 1]
    return Thing(kind, _flat_parts(generator, kind, size, (0, 0.5 * size[1] - 12)))


def _flat_parts(generator, kind, size, centre) -> tuple[Part, ...]:
    colour = random_colour(generator)
    materials = {
        "phone": ["screen", "plain", "metal"],
        "card": ["label", "plain", "plain"],
        "paper": ["paper", "paper", "plain"],
        "book": ["label", "paper", "stripes"],
        "box": ["label", "paper", "plain"],
    }[kind]
    colours = [colour, colour, colour]
    if kind == "phone":
        colours = [colour, colour * 0.5, _metal(generator)]
    elif kind == "paper":
        colours = [np.full(3, generator.uniform(0.75, 0.95))] * 3
    elif kind == "book":
        colours = [colour, colour, np.full(3, 0.85)]
    bevel = {"phone": 3.0, "box": 2.0}.get(kind, 0.4)
    sides = rounded_box(size, bevel, materials, colours)
    return tuple(part.moved(np.eye(3), [*centre, 0]) for part in sides)


def _small(generator, grip: Grip) -> Thing | None:
    """A ring or a key at the finger tips; the frame is that of a flat thing."""
    metal = _metal(generator)
    wire = max(grip.radius_mm, 1.0)
    if wire > 4:
        return None
    radius = generator.uniform(8, 12) if generator.random() < 0.5 else 13.0
    turn = np.linspace(0, 2 * np.pi, 25)
    path = np.stack([np.sin(turn), 1 - np.cos(turn), 0 * turn], axis=1) * radius
    ring = tube(path, np.full(25, wire), "metal", metal)
    if radius < 13:
        return Thing("ring", (ring,))
    blade = rounded_box(np.array([8, 32, 2.2]), 0.6, ["metal"] * 3, [metal] * 3)
    blade = [part.moved(np.eye(3), [0, 2 * radius + 14, 0]) for part in blade]
    bow = ellipsoid(np.array([13.0, 13.0, max(wire, 1.6)]), "plain", random_colour(generator))
    return Thing("key", (bow.moved(np.eye(3), [0, radius, 0]), *blade))


def _on_palm(generator, grip: Grip) -> Thing | None:
    """A phone, a box, a ball, a coin that lies on the skin."""
    kind = ("phone", "box", "ball", "coin", "card")[generator.integers(5)]
    if kind == "ball":
        radius = generator.uniform(16, 38)
        ball = _ball(generator, dataclasses.replace(grip, radius_mm=radius))
        return None if ball is None else ball.moved(np.eye(3), [0, 0, radius])
    if kind == "coin":
        radius, metal = generator.uniform(9, 14), _metal(generator)
        return Thing(kind, revolve([(0, 0), (0, radius), (2, radius), (2, 0)], "metal", metal))
    size = {"phone": (148, 72, 8.5), "box": (50, 40, 30), "card": (86, 54, 1.0)}[kind]
    size = np.array(size) * generator.uniform(0.8, 1.1)
    parts = _flat_parts(generator, kind, size, (0, 0))
    return Thing(kind, tuple(part.moved(np.eye(3), [0, 0, size[2] / 2]) for part in parts))


_Find = Callable[[np.random.Generator, PosedSkin, np.ndarray], Grip | None]
_Build = Callable[[np.random.Generator, Grip], Thing | None]
# How often a grip is tried, how it is found, and what it may hold.
_GRIPS: tuple[tuple[float, _Find, tuple[_Build, ...]], ...] = (
    (0.42, rod_grip, (_stick, _tool, _tool, _strap, _bottle, _bottle, _cup, _cup)),
    (0.15, ball_grip, (_ball,)),
    (0.2, pinch_grip, (_pen,)),
    (0.17, flat_grip, (_flat, _flat, _flat, _small)),
    (0.06, palm_grip, (_on_palm,)),
)


def random_held(generator: np.random.Generator, skin: PosedSkin, up: np.ndarray) -> Thing | None:
    """Draws a thing that a posed hand holds.

    Args:
        generator: Source of randomness.
        skin: Of the hand.
        up: `(3,)` unit vector away from the ground, hand frame.

    Returns:
        The thing in the hand frame, or `None` if the pose leaves room for nothing.
        Skin sinks into it by `PRESS_MM` at most, and no joint is inside.

    Example:
    >>> from tf_handgroups.synth.hand_shape import HandShape
    >>> from tf_handgroups.synth.posed_skin import posed_skin
    >>> fist = np.radians([20, 40, 30, 40] + [0, 70, 90, 50] * 4 + [0] * 5)
    >>> skin = posed_skin(HandShape(), fist)
    >>> thing = random_held(np.random.default_rng(1), skin, np.array([0, -1.0, 0]))
    >>> thing is None or thing.vertices_mm.shape[1] == 3
    True
    """
    skin = skin.every(3)
    weights = np.array([grip[0] for grip in _GRIPS])
    order = generator.choice(len(_GRIPS), len(_GRIPS), replace=False, p=weights)
    for index in order:
        _, find, builds = _GRIPS[index]
        grip = find(generator, skin, up)
        if grip is None:
            continue
        for build in generator.permutation(np.array(builds, object))[:_TRIES]:
            thing = build(generator, grip)
            if thing is not None:
                thing = thing.moved(grip.turn, grip.origin_mm)
                if _fits(thing, skin):
                    return thing
    return None


def _fits(thing: Thing, skin: PosedSkin) -> bool:
    """Whether skin sinks in little, and joints not at all."""
    vertices = thing.vertices_mm
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    for points, least_mm in ((skin.points_mm[::2], -PRESS_MM), (skin.joints_mm, 0.5)):
        points = points[((points > low) & (points < high)).all(axis=1)]
        if len(points) and thing.height_mm(points).min() < least_mm:
            return False
    return True


def random_thing(generator: np.random.Generator) -> Thing:
    """Draws an everyday thing that nobody holds, about the origin.

    Example:
    >>> random_thing(np.random.default_rng(0)).vertices_mm.shape[1]
    3
    """
    builds = [build for _, _, group in _GRIPS for build in group if build is not _on_palm]
    while True:
        build = builds[int(generator.integers(len(builds)))]
        radius = float(np.exp(generator.uniform(np.log(1.5), np.log(40))))
        grip = Grip(np.eye(3), np.zeros(3), radius, low_mm=-200.0, high_mm=200.0)
        thing = build(generator, grip)
        if thing is not None:
            return thing
