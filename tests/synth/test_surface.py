"""Surfaces: painted, turned to the camera, mirrored where the view mirrors."""

import dataclasses

import numpy as np

from tf_handgroups.synth.scene import draw_scene
from tf_handgroups.synth.settings import SynthSettings
from tf_handgroups.synth.surface import hand_surface, thing_surface
from tf_handgroups.synth.thing import Thing, ellipsoid, rounded_box
from tf_handgroups.synth.viewpoint import View

VIEW = View(np.eye(3), np.array([0, 0, 400.0]), np.diag([300, 300, 1.0]), "back")


def _volume(surface):
    a, b, c = (surface.vertices_mm[surface.faces[:, corner]] for corner in range(3))
    middle = surface.vertices_mm.mean(axis=0)
    return np.einsum("fc,fc->", a - middle, np.cross(b - middle, c - middle)) / 6


def test_a_mirrored_hand_is_not_inside_out():
    scene = draw_scene(3, 96, SynthSettings(negatives=0))
    mirror = dataclasses.replace(VIEW, rotation=np.diag([-1.0, 1.0, 1.0]))
    right, left = (
        hand_surface(np.random.default_rng(0), scene.hand, view) for view in (VIEW, mirror)
    )
    assert _volume(right) > 1e5
    np.testing.assert_allclose(_volume(left), _volume(right), rtol=1e-3)
    np.testing.assert_allclose(left.normals * [-1, 1, 1], right.normals, atol=1e-3)


def test_parts_keep_their_paint():
    parts = (
        ellipsoid(np.full(3, 10.0), "plain", np.array([0.9, 0.1, 0.1])),
        *rounded_box(np.full(3, 9.0), 1.0, ["plain"] * 3, [np.array([0.1, 0.2, 0.8])] * 3),
    )
    surface = thing_surface(np.random.default_rng(0), Thing("two", parts), VIEW)
    material = surface.paint(surface.texels, surface.back)
    first = len(parts[0].vertices_mm)
    np.testing.assert_allclose(material[:first, :3], [[0.9, 0.1, 0.1]] * first, atol=1e-6)
    np.testing.assert_allclose(material[first:, 2], 0.8, atol=1e-6)
    assert surface.faces.max() == len(surface.vertices_mm) - 1
