"""A painted mesh in the camera frame, ready to be drawn: a hand or a thing."""

import dataclasses
from collections.abc import Callable

import numpy as np

from tf_handgroups.synth.hand_mesh import (
    pose_hand,
    raise_knuckles,
    skin_vertices,
    vertex_normals,
)
from tf_handgroups.synth.hand_template import load_template
from tf_handgroups.synth.hand_texture import paint_hand, unrolled
from tf_handgroups.synth.scene import PosedHand
from tf_handgroups.synth.shading import look_up
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
        back: `(V, 1)` float32, share of the back of the hand; of no meaning for things.
        paint: Takes texels `(N, 2)` and shares of the back `(N, 1)` of surface points,
            returns `(N, 4)` float32: sRGB in [0, 1] and share of skin.
    """

    vertices_mm: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    texels: np.ndarray
    back: np.ndarray
    paint: Paint


def hand_surface(generator: np.random.Generator, hand: PosedHand, view: View) -> Surface:
    """Poses, dresses and paints a hand.

    Args:
        generator: Source of randomness for paint and knuckles.
        hand: The hand.
        view: Where it stands.
    """
    shape, mesh = hand.shape, hand.shape.mesh
    faces, layout = load_template(mesh).faces, unrolled(mesh)
    _, linear, offset = pose_hand(hand.angles, shape)
    knuckles_mm = float(generator.uniform(1.0, 5.0) * shape.scale)
    vertices = skin_vertices(shape, linear, offset)
    vertices = raise_knuckles(vertices, shape, hand.angles, knuckles_mm)
    vertices = put_on(generator, vertices, mesh, hand.wear)
    maps = paint_hand(generator, mesh, hand.skin)
    paint_wear(generator, maps, mesh, hand.wear)

    def paint(texels: np.ndarray, back: np.ndarray) -> np.ndarray:
        material = look_up(maps, texels, back)
        cover_arm(generator, material, texels, mesh, hand.wear)
        return material

    vertices = view.to_camera(vertices).astype(np.float32)
    return Surface(
        vertices_mm=vertices,
        normals=vertex_normals(vertices, faces),
        faces=faces,
        texels=layout.texels,
        back=layout.back,
        paint=paint,
    )
