"""Meshes of things: closed, turned outward, painted."""

import numpy as np
import pytest

from tf_handgroups.synth.thing import (
    MATERIALS,
    TEXTURE_SIZE,
    Thing,
    ellipsoid,
    paint_material,
    random_colour,
    revolve,
    rounded_box,
    rounded_tube,
)

GREY = np.full(3, 0.5)


def _solids():
    path = np.linspace(-40, 40, 12)[:, None] * [0.0, 0.6, 0.8]
    return {
        "can": (revolve([(-50, 0), (-50, 20), (50, 20), (50, 0)], "label", GREY), 125.7e3),
        "box": (rounded_box(np.array([40, 60, 30.0]), 2.0, ["plain"] * 3, [GREY] * 3), 72e3),
        "ball": ((ellipsoid(np.array([20, 25, 30.0]), "fruit", GREY),), 62.8e3),
        "rod": ((rounded_tube(path, 10.0, "wood", GREY),), 29.3e3),
    }


@pytest.mark.parametrize("name", ["can", "box", "ball", "rod"])
def test_surface_encloses_its_volume(name):
    """By the divergence theorem; faces that look inward would count negative."""
    parts, volume = _solids()[name]
    total = 0.0
    for part in parts:
        a, b, c = (part.vertices_mm[part.faces[:, corner]] for corner in range(3))
        total += np.einsum("fc,fc->", a, np.cross(b, c)) / 6
    assert total == pytest.approx(volume, rel=0.06)


@pytest.mark.parametrize("name", ["can", "box", "ball", "rod"])
def test_normals_are_unit_and_agree_with_the_faces(name):
    for part in _solids()[name][0]:
        np.testing.assert_allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-6)
        a, b, c = (part.vertices_mm[part.faces[:, corner]] for corner in range(3))
        across = np.cross(b - a, c - a)
        area = np.linalg.norm(across, axis=1)
        facing = np.einsum("fc,fc->f", across, part.normals[part.faces].mean(axis=1))
        assert (facing[area > 1e-6] > 0.5 * area[area > 1e-6]).all()


def test_height_says_inside_and_outside():
    box = Thing("box", _solids()["box"][0])
    points = np.array([[0, 0, 0], [15, 25, 12], [22, 0, 0], [0, 0, 40], [30, 40, 30.0]])
    height = box.height_mm(points)
    assert (height[:2] < -1).all() and (height[2:] > 1).all()
    assert height[3] == pytest.approx(25, abs=1)


def test_moving_turns_normals_too():
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    can = Thing("can", _solids()["can"][0])
    moved = can.moved(turn, [5, 0, 0])
    np.testing.assert_allclose(moved.vertices_mm, can.vertices_mm @ turn.T + [5, 0, 0])
    np.testing.assert_allclose(moved.parts[0].normals, can.parts[0].normals @ turn.T)


@pytest.mark.parametrize("material", MATERIALS)
def test_paint(material):
    one, two = (paint_material(np.random.default_rng(4), material, GREY) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (TEXTURE_SIZE, TEXTURE_SIZE, 5) and one.dtype == np.float32
    assert one.min() >= 0 and one.max() <= 1
    assert (one[:, :, 3] == (material == "skin")).all()


def test_colours_are_grey_and_bright():
    colours = np.array([random_colour(np.random.default_rng(seed)) for seed in range(200)])
    assert colours.min() >= 0 and colours.max() <= 1
    range_of_channels = np.ptp(colours, axis=1)
    assert (range_of_channels < 0.06).sum() > 40 and (range_of_channels > 0.3).sum() > 40
