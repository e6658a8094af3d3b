"""A painted mesh in the camera frame, ready to be drawn: a hand or a thing."""

import dataclasses
from collections.abc import Callable

import numpy as np

from tf_handgroups.synth.hand_mesh import raise_knuckles
from tf_handgroups.synth.hand_template import load_template
from tf_handgroups.synth.hand_texture import paint_hand, unrolled
from tf_handgroups.synth.scene import PosedHand
from tf_handgroups.synth.shading import look_up
from tf_handgroups.synth.thing import TEXTURE_SIZE, Thing, paint_material
from tf_handgroups.synth.viewpoint import View
from tf_handgroups.synth.wear import cover_arm, paint_wear, put_on

Paint = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Surface:
    """A mesh and the paint on it.

    Args:
        vertices_mm: `(V, 3)` float32, camera frame.
        normals: `(V, 3)` float32 unit normals, camera frame.
        faces: `(F, 3)` int32, counter-clockwise seen from outside.
        texels: `(V, 2)` float32 coordinates that `paint` understands.
        back: `(V, 1)` float32, share of the back of the hand; for things the index of
            the part.
        paint: Takes texels `(N, 2)` and shares of the back `(N, 1)` of surface points,
            returns `(N, 4)` float32 or more: see `shading.MATERIAL_CHANNELS`.
    """

    vertices_mm: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    texels: np.ndarray
    back: np.ndarray
    paint: Paint


def hand_surface(
    generator: np.random.Generator, hand: PosedHand, view: View, paint: Paint | None = None
) -> Surface:
    """Dresses and paints a posed hand.

    Args:
        generator: Source of randomness for paint and knuckles.
        hand: The hand.
        view: Where it stands.
        paint: Of another hand with the same skin and clothes; painting takes long.
    """
    shape, mesh = hand.shape, hand.shape.mesh
    template, layout = load_template(mesh), unrolled(mesh)
    # A view that mirrors shows a left hand, whose faces run the other way round.
    mirrors = np.linalg.det(view.rotation) < 0
    triangles = template.mirrored if mirrors else template.triangles
    knuckles_mm = float(generator.uniform(1.0, 5.0) * shape.scale)
    posed = hand.posed
    vertices, normals = (part.astype(np.float32) for part in (posed.points_mm, posed.normals))
    vertices = raise_knuckles(vertices, normals, shape, hand.angles, knuckles_mm)
    vertices = put_on(generator, vertices, mesh, hand.wear)
    vertices = view.to_camera(vertices).astype(np.float32)
    return Surface(
        vertices_mm=vertices,
        normals=triangles.normals(vertices),
        faces=triangles.faces,
        texels=layout.texels,
        back=layout.back,
        paint=paint or _hand_paint(generator, hand),
    )


def _hand_paint(generator, hand: PosedHand) -> Paint:
    mesh = hand.shape.mesh
    maps = paint_hand(generator, mesh, hand.skin)
    paint_wear(generator, maps, mesh, hand.wear)
    cloth_seed = int(generator.integers(1 << 32))

    def paint(texels: np.ndarray, back: np.ndarray) -> np.ndarray:
        material = look_up(maps, texels, back)
        # Both hands of a person may use this paint: each call draws the same cloth.
        cover_arm(np.random.default_rng(cloth_seed), material, texels, mesh, hand.wear)
        return material

    return paint


def thing_surface(generator: np.random.Generator, thing: Thing, view: View) -> Surface:
    """Paints a thing.

    Args:
        generator: Source of randomness for the paint.
        thing: In the hand frame.
        view: Where the hand stands.

    Example:
    >>> from tf_handgroups.synth.thing import ellipsoid
    >>> ball = Thing("ball", (ellipsoid(np.full(3, 20.0), "plain", np.ones(3)),))
    >>> view = View(np.eye(3), np.array([0, 0, 400.0]), np.eye(3), "palm")
    >>> surface = thing_surface(np.random.default_rng(0), ball, view)
    >>> surface.vertices_mm.shape == surface.normals.shape
    True
    """
    parts = thing.parts
    sizes = [len(part.vertices_mm) for part in parts]
    starts = np.cumsum([0, *sizes])
    looks = [paint_material(generator, part.material, part.colour) for part in parts]
    textures = np.stack(looks)

    def paint(texels: np.ndarray, back: np.ndarray) -> np.ndarray:
        place = np.round(texels).astype(np.int32) % TEXTURE_SIZE
        return textures[np.round(back[:, 0]).astype(np.int32), place[:, 1], place[:, 0]]

    normals = np.concatenate([part.normals for part in parts])
    return Surface(
        vertices_mm=view.to_camera(thing.vertices_mm).astype(np.float32),
        normals=(normals @ view.rotation.T).astype(np.float32),
        faces=np.concatenate([p.faces + s for p, s in zip(parts, starts, strict=False)]),
        texels=np.concatenate([part.texels for part in parts]).astype(np.float32),
        back=np.repeat(np.arange(len(parts), dtype=np.float32), sizes)[:, None],
        paint=paint,
    )
