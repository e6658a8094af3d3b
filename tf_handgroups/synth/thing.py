"""Solid things as painted meshes: what a hand may hold, and what is no hand at all.

A thing is made of parts; each part is a smooth piece of surface with one material.
Lengths are millimetres in the thing's own frame, whose z axis is its long axis.
"""

import dataclasses
import itertools
from collections.abc import Sequence

import cv2
import numpy as np
from scipy.spatial import KDTree

TEXTURE_SIZE = 128
MATERIALS = ("plain", "wood", "metal", "label", "paper", "screen", "stripes", "fruit", "skin")
_COLUMNS = 24
_RING_MM = 7.0
_CORNER = 0.75


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """A piece of surface with one material.

    Args:
        vertices_mm: `(V, 3)`.
        normals: `(V, 3)` unit, outward.
        faces: `(F, 3)` int32, counter-clockwise seen from outside.
        texels: `(V, 2)` places in a texture of `TEXTURE_SIZE` squared that repeats.
        material: One of `MATERIALS`.
        colour: `(3,)` main sRGB colour in [0, 1].
    """

    vertices_mm: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    texels: np.ndarray
    material: str
    colour: np.ndarray

    def moved(self, turn: np.ndarray, origin_mm: Sequence[float] | np.ndarray) -> "Part":
        """Returns the part turned by `(3, 3)` and then shifted by `(3,)` mm."""
        return dataclasses.replace(
            self, vertices_mm=self.vertices_mm @ turn.T + origin_mm, normals=self.normals @ turn.T
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Thing:
    """Parts that move together.

    Args:
        kind: What it is, such as `"mug"`.
        parts: At least one.
    """

    kind: str
    parts: tuple[Part, ...]

    def moved(self, turn: np.ndarray, origin_mm: Sequence[float] | np.ndarray) -> "Thing":
        """Returns the thing turned by `(3, 3)` and then shifted by `(3,)` mm."""
        return Thing(self.kind, tuple(part.moved(turn, origin_mm) for part in self.parts))

    @property
    def vertices_mm(self) -> np.ndarray:
        """All vertices `(V, 3)`, part after part."""
        return np.concatenate([part.vertices_mm for part in self.parts])

    def height_mm(self, points_mm: np.ndarray) -> np.ndarray:
        """Returns how far `(N, 3)` points are outside `(N,)`; negative is inside.

        Read off the nearest vertices, so it is exact to about a millimetre near the
        surface and only a bound far away from it.

        Example:
        >>> ball = Thing("ball", (ellipsoid(np.full(3, 20.0), "plain", np.ones(3)),))
        >>> ball.height_mm(np.array([[0, 0, 10.0], [0, 0, 25.0]])).round().tolist()
        [-10.0, 5.0]
        """
        normals = np.concatenate([part.normals for part in self.parts])
        vertices = self.vertices_mm
        # At an edge the vertices of both sides are asked: inside is inside of each.
        _, nearest = KDTree(vertices).query(points_mm, k=4)
        offsets = points_mm[:, None] - vertices[nearest]
        return np.einsum("nkc,nkc->nk", offsets, normals[nearest]).max(axis=1)


def random_colour(generator: np.random.Generator) -> np.ndarray:
    """Draws the sRGB colour of an everyday thing, `(3,)` in [0, 1]; greys are common.

    Example:
    >>> random_colour(np.random.default_rng(0)).shape
    (3,)
    """
    value = generator.uniform(0.08, 0.95)
    saturation = generator.uniform(0.25, 0.9) if generator.random() < 0.6 else 0.05
    hue = generator.uniform(0, 6)
    wheel = np.clip(np.abs((hue + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    return value * (1 - saturation + saturation * wheel)


def _grid_part(points, normals, texels, material, colour) -> Part:
    """A part from `(R, C, ...)` grids; faces are turned to agree with the normals."""
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate(
        [np.stack([a, b, c], axis=2).reshape(-1, 3), np.stack([a, c, d], axis=2).reshape(-1, 3)]
    )
    vertices, normals = points.reshape(-1, 3), normals.reshape(-1, 3)
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    outward = np.einsum("fc,fc->f", np.cross(second - first, third - first), normals[faces[:, 0]])
    if outward.sum() < 0:
        faces = faces[:, ::-1]
    return Part(vertices, normals, faces, texels.reshape(-1, 2), material, np.asarray(colour))


def _unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _fine(profile):
    """Adds points, so that no step is longer than a ring; `(P, 2)`."""
    pieces = [profile[:1]]
    for start, end in itertools.pairwise(profile):
        steps = max(1, int(np.ceil(np.abs(end - start).max() / _RING_MM)))
        pieces.append(start + (end - start) * (np.arange(1, steps + 1) / steps)[:, None])
    return np.concatenate(pieces)


def revolve(
    profile: Sequence[tuple[float, float]] | np.ndarray, material: str, colour: np.ndarray
) -> tuple[Part, ...]:
    """Turns a profile about the z axis.

    Args:
        profile: `(P, 2)` heights and radii in mm, from the lower end to the upper one;
            the solid lies between profile and axis.
        material: One of `MATERIALS`.
        colour: `(3,)` sRGB in [0, 1].

    Returns:
        One part per smooth piece: the profile is cut at its corners.

    Example:
    >>> len(revolve([(0, 0), (0, 9), (50, 9), (50, 0)], "wood", np.ones(3)))
    3
    """
    profile = np.asarray(profile, np.float64)
    steps = _unit(np.diff(profile, axis=0))
    bends = np.einsum("pc,pc->p", steps[:-1], steps[1:])
    cuts = [0, *(np.flatnonzero(bends < _CORNER) + 1), len(profile) - 1]
    pairs = itertools.pairwise(cuts)
    return tuple(_revolve_piece(_fine(profile[a : b + 1]), material, colour) for a, b in pairs)


def _revolve_piece(profile, material, colour) -> Part:
    turn = np.linspace(0, 2 * np.pi, _COLUMNS + 1)
    around = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    step = _unit(np.diff(profile, axis=0))
    step = _unit(np.concatenate([step[:1], step[:-1] + step[1:], step[-1:]]))
    height, radius = profile[:, :1, None], profile[:, 1:, None]
    points = np.concatenate(
        [radius * around, np.broadcast_to(height, (len(profile), len(turn), 1))], axis=2
    )
    outward, upward = step[:, 0][:, None, None], -step[:, 1][:, None, None]
    normals = np.concatenate(
        [outward * around, np.broadcast_to(upward, (len(profile), len(turn), 1))], axis=2
    )
    texels = np.empty((len(profile), len(turn), 2))
    texels[:, :, 0] = turn / (2 * np.pi) * (TEXTURE_SIZE - 1)
    texels[:, :, 1] = profile[:, :1] + 0.5 * (profile[0, 1] - profile[:, 1:])
    return _grid_part(points, normals, texels, material, colour)


def ellipsoid(radii_mm: np.ndarray, material: str, colour: np.ndarray) -> Part:
    """Returns an ellipsoid about the origin with half axes `(3,)` in mm."""
    turn = np.linspace(0, np.pi, 15)
    sphere = _revolve_piece(np.stack([-np.cos(turn), np.sin(turn)], axis=1), material, colour)
    texels = sphere.texels * [1, 0]
    texels[:, 1] = (np.repeat(turn, _COLUMNS + 1) / np.pi) * (TEXTURE_SIZE - 1)
    # The unit sphere's vertices are its normals; the squeezed one's are divided.
    ball = sphere.vertices_mm
    return dataclasses.replace(
        sphere, vertices_mm=ball * radii_mm, normals=_unit(ball / radii_mm), texels=texels
    )


def rounded_box(
    size_mm: np.ndarray, bevel_mm: float, materials: Sequence[str], colours: Sequence[np.ndarray]
) -> tuple[Part, ...]:
    """Returns a box about the origin with round edges, one part per side.

    Args:
        size_mm: `(3,)` lengths of the edges.
        bevel_mm: Radius of the edges.
        materials: Of the side that looks to +z, the opposite one, and the other four.
        colours: As `materials`.

    Example:
    >>> len(rounded_box(np.array([70, 140, 8.0]), 2, ["screen", "plain", "metal"], np.ones((3, 3))))
    6
    """
    half = np.asarray(size_mm) / 2
    bevel = min(float(bevel_mm), float(half.min()) * 0.98)
    lines = []
    for reach in half:
        inner = reach - bevel
        count = max(3, int(np.ceil(2 * inner / (1.5 * _RING_MM))) + 1)
        middle = np.linspace(-inner, inner, min(count, 14))
        ends = np.array([inner + 0.5 * bevel, reach])
        lines.append(np.concatenate([-ends[::-1], middle, ends]))
    parts = []
    for axis in range(3):
        for sign in (1, -1):
            role = 2 if axis < 2 else (0 if sign > 0 else 1)
            parts.append(_box_side(half, bevel, lines, axis, sign, materials[role], colours[role]))
    return tuple(parts)


def _box_side(half, bevel, lines, axis, sign, material, colour) -> Part:
    one, two = (axis + 1) % 3, (axis + 2) % 3
    first, second = np.meshgrid(lines[one], lines[two], indexing="ij")
    cube = np.empty((*first.shape, 3))
    cube[..., axis], cube[..., one], cube[..., two] = sign * half[axis], first, second
    inner = np.clip(cube, bevel - half, half - bevel)
    normals = _unit(cube - inner)
    texels = np.stack([first / half[one], second / half[two]], axis=2)
    texels = (texels * [1 if sign > 0 else -1, -1] + 1) * 0.5 * (TEXTURE_SIZE - 1)
    return _grid_part(inner + bevel * normals, normals, texels, material, colour)


def tube(path_mm: np.ndarray, radii_mm: np.ndarray, material: str, colour: np.ndarray) -> Part:
    """Returns a round tube along a path; radii of 0 close its ends.

    Args:
        path_mm: `(P, 3)` places of the axis.
        radii_mm: `(P,)` radius at each place.
        material: One of `MATERIALS`.
        colour: `(3,)` sRGB in [0, 1].
    """
    forward = _unit(np.gradient(path_mm, axis=0))
    side = _unit(np.cross(forward[0], [0.3, 0.9, 0.31]))
    turn = np.linspace(0, 2 * np.pi, 15)[:, None]
    rings = []
    for direction in forward:
        side = _unit(side - direction * (side @ direction))
        rings.append(np.cos(turn) * side + np.sin(turn) * np.cross(direction, side))
    normals = np.stack(rings)
    lean = -np.gradient(radii_mm) / np.maximum(
        np.linalg.norm(np.gradient(path_mm, axis=0), axis=1), 1e-6
    )
    along = np.cumsum(np.linalg.norm(np.diff(path_mm, axis=0, prepend=path_mm[:1]), axis=1))
    texels = np.empty((*normals.shape[:2], 2))
    texels[:, :, 0], texels[:, :, 1] = turn[:, 0] * 20, along[:, None]
    points = path_mm[:, None] + normals * radii_mm[:, None, None]
    leaning = _unit(normals + np.clip(lean, -8, 8)[:, None, None] * forward[:, None])
    return _grid_part(points, leaning, texels, material, colour)


def rounded_tube(path_mm: np.ndarray, radius_mm: float, material: str, colour: np.ndarray) -> Part:
    """Returns a tube of one radius whose ends are half balls; `path_mm` is `(P, 3)`."""
    ends = []
    for place, inward in ((path_mm[0], path_mm[1]), (path_mm[-1], path_mm[-2])):
        out = _unit(place - inward)
        turn = np.radians([90, 60, 30])
        ends.append((place + radius_mm * np.sin(turn)[:, None] * out, radius_mm * np.cos(turn)))
    path = np.concatenate([ends[0][0], path_mm, ends[1][0][::-1]])
    radii = np.concatenate([ends[0][1], np.full(len(path_mm), radius_mm), ends[1][1][::-1]])
    return tube(path, radii, material, colour)


def paint_material(generator: np.random.Generator, material: str, colour: np.ndarray) -> np.ndarray:
    """Draws a texture that may repeat.

    Args:
        generator: Source of randomness.
        material: One of `MATERIALS`.
        colour: `(3,)` main sRGB colour in [0, 1].

    Returns:
        `(TEXTURE_SIZE, TEXTURE_SIZE, 5)` float32 in [0, 1]: sRGB, share of skin, gloss,
        as `shading.MATERIAL_CHANNELS` says.

    Example:
    >>> paint_material(np.random.default_rng(0), "wood", np.array([0.6, 0.4, 0.2])).shape
    (128, 128, 5)
    """
    picture = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE, 5), np.float32)
    picture[:, :, :3] = colour
    picture[:, :, 4] = generator.uniform(0.0, 0.45)
    other = random_colour(generator).astype(np.float32)
    if material == "wood":
        _paint_wood(generator, picture)
    elif material == "metal":
        _mottle(generator, picture, 6, 0.04)
        picture[:, :, 4] = generator.uniform(0.7, 1)
    elif material == "label":
        top, bottom = int(generator.integers(5, 40)), int(generator.integers(70, 120))
        picture[top:bottom, :, :3] = other
        _paint_text(generator, picture[top:bottom], int(generator.integers(1, 4)))
    elif material == "paper":
        picture[:, :, 4] = 0
        _paint_text(generator, picture, int(generator.integers(2, 10)))
    elif material == "screen":
        _paint_screen(generator, picture, other)
    elif material == "stripes":
        period = generator.uniform(8, 40)
        across = (np.arange(TEXTURE_SIZE) % period) < period * generator.uniform(0.2, 0.8)
        picture[across, :, :3] = other
    elif material == "fruit":
        _mottle(generator, picture, 10, 0.16)
        _mottle(generator, picture, 60, 0.06)
    elif material == "skin":
        picture[:, :, 3:] = [1, 0]
        _mottle(generator, picture, 9, 0.02)
    return np.clip(picture, 0, 1)


def _mottle(generator, picture, cells, amount):
    noise = generator.standard_normal((cells, cells)).astype(np.float32)
    noise = cv2.resize(noise, (TEXTURE_SIZE, TEXTURE_SIZE), interpolation=cv2.INTER_CUBIC)
    picture[:, :, :3] *= 1 + amount * noise[:, :, None]


def _paint_wood(generator, picture):
    grain = generator.standard_normal((3, 40)).astype(np.float32)
    grain = cv2.resize(grain, (TEXTURE_SIZE, TEXTURE_SIZE), interpolation=cv2.INTER_CUBIC)
    picture[:, :, :3] *= 1 + 0.1 * grain[:, :, None]
    picture[:, :, 4] *= 0.5


def _paint_text(generator, picture, lines):
    height = len(picture)
    ink = tuple(float(c) for c in random_colour(generator) * 0.6)
    for line in range(lines):
        word = "".join(chr(c) for c in generator.integers(65, 123, int(generator.integers(3, 12))))
        place = (int(generator.integers(2, 50)), int((line + 0.8) * height / lines))
        scale = float(np.clip(height / lines / 30, 0.3, 1.6) * generator.uniform(0.5, 1))
        face = int(generator.integers(0, 5))
        # OpenCV wants memory of its own to draw on.
        layer = np.ascontiguousarray(picture[:, :, :3])
        cv2.putText(layer, word, place, face, scale, ink, 1 + int(scale > 0.8), cv2.LINE_AA)
        picture[:, :, :3] = layer


def _paint_screen(generator, picture, other):
    frame = int(generator.integers(2, 7))
    inside = (slice(2 * frame, -2 * frame), slice(frame, -frame))
    picture[:, :, :3] *= 0.2
    glow = generator.uniform(0.0, 1.0) if generator.random() < 0.7 else 0.04
    picture[inside][:, :, :3] = other * glow
    for _ in range(int(generator.integers(0, 8)) if glow > 0.1 else 0):
        low = generator.integers(8, 90, 2)
        high = np.minimum(low + generator.integers(8, 60, 2), 116)
        block = (slice(low[0], high[0]), slice(low[1], high[1]), slice(0, 3))
        picture[block] = random_colour(generator)
    picture[:, :, 4] = 0.5
