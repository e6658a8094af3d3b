"""Softly shaded shapes."""

import numpy as np
import pytest

from tf_handgroups.synth.soft_shapes import (
    paint_ellipsoid,
    paint_limb,
    paint_polygon,
    random_light,
)

WHITE = np.full(3, 200.0)
FRONT = np.array([0.0, 0.0, 1.0])


def black():
    return np.zeros((60, 60, 3), np.float32)


def test_polygon_covers_its_area_and_shades_along_its_slope():
    image = black()
    corners = np.array([[10, 20], [49, 20], [49, 39], [10, 39]])
    paint_polygon(image, corners, WHITE, slope=(0.5, 0.0))
    assert (image[..., 0] > 0).sum() == 40 * 20
    np.testing.assert_allclose(image[30, [10, 49], 0], [100, 300], rtol=0.02)
    np.testing.assert_allclose(image[25, 30], image[35, 30])


def test_opacity_lets_the_picture_through():
    image = black() + 100
    paint_polygon(image, np.array([[-5, -5], [70, -5], [70, 70], [-5, 70]]), WHITE, opacity=0.25)
    np.testing.assert_allclose(image, 125, atol=0.5)


def test_ellipsoid_is_brightest_towards_the_light_and_turned():
    image = black()
    light = np.array([-0.6, 0.0, 0.8])
    paint_ellipsoid(image, np.array([30, 30]), (20, 8), np.pi / 2, WHITE, light)
    rows, columns = np.nonzero(image[..., 0])
    assert np.ptp(rows) > 36 and np.ptp(columns) < 19
    assert image[30, 26, 0] > image[30, 30, 0] > image[30, 35, 0] > 50


@pytest.mark.parametrize("radii", [(3.0, 9.0), (6.0, 6.0)])
def test_limb_tapers(radii):
    image = black()
    paint_limb(image, np.array([[12.0, 30.0], [45.0, 30.0]]), radii, WHITE, FRONT)
    widths = (image[..., 0] > 0).sum(axis=0)
    assert abs(widths[12] - 2 * radii[0]) <= 2 and abs(widths[45] - 2 * radii[1]) <= 2
    assert image[30, 30].min() > 190


def test_shapes_outside_change_nothing():
    image = black()
    away = np.array([[200.0, 200.0], [220.0, 210.0]])
    paint_polygon(image, np.array([[-9, -9], [-5, -9], [-5, -5]]), WHITE)
    paint_ellipsoid(image, away[0], (9, 5), 0.3, WHITE, FRONT)
    paint_limb(image, away, (3, 3), WHITE, FRONT)
    assert not image.any()


def test_light_comes_mostly_from_above():
    lights = np.array([random_light(np.random.default_rng(seed)) for seed in range(200)])
    assert (lights[:, 1] < 0).mean() > 0.75 and (lights[:, 2] > 0).all()
