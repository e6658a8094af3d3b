import math

import cv2
import numpy as np
import pytest

from tests.teacher.fake_teacher import map_picture, right_hand
from tf_handgroups.crop import invert, transform_points
from tf_handgroups.teacher.hand_region import (
    HandRegion,
    cut_region,
    region_of_joints,
    region_of_palm,
)
from tf_handgroups.teacher.palm_detection import Palm


def turned(points, degrees):
    """Clockwise on the screen."""
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])


def palm_at(wrist, knuckle, box):
    points = np.tile(np.asarray(knuckle, float), (7, 1))
    points[0] = wrist
    return Palm(0.9, np.array(box, float), points)


@pytest.mark.parametrize("degrees", [0, 37, 90, -120, 180])
def test_joints_point_up_in_their_region(degrees):
    uv = np.add(turned(right_hand()[:, :2] * 10, degrees), (50, 70))
    region = region_of_joints(uv)
    upright = transform_points(region.matrix(224), uv)
    expected = transform_points(
        region_of_joints(right_hand()[:, :2] * 10).matrix(224), right_hand()[:, :2] * 10
    )
    np.testing.assert_allclose(upright, expected, atol=1e-6)
    assert upright[0, 1] > upright[9, 1] > upright[12, 1]
    assert (upright > 0).all() and (upright < 223).all()


def test_region_of_joints_is_twice_the_steady_joints_and_a_bit_towards_the_fingers():
    uv = np.zeros((21, 2))
    uv[[5, 9, 13]] = (0, -10)
    uv[[6, 10, 14, 18]] = (0, -20)
    uv[4] = (900, 900)  # a tip, which does not count
    region = region_of_joints(uv)
    assert region.side_px == pytest.approx(40)
    assert region.centre_px == pytest.approx([0, -12])


@pytest.mark.parametrize("degrees", [0, 25, 90, 180])
def test_region_of_palm_in_a_turned_and_scaled_window(degrees):
    palm = palm_at((96, 120), (96, 80), (76, 80, 40, 40))
    window = HandRegion(np.array([30.0, 40.0]), 384.0, math.radians(degrees)).matrix(192)
    region = region_of_palm(palm, window)
    # One pixel of the window is two of the image.
    assert region.side_px == pytest.approx(2.6 * 40 * 2)
    np.testing.assert_allclose(
        transform_points(window, region.centre_px), (96, 100 - 20), atol=1e-9
    )
    wrist, knuckle = transform_points(invert(window), palm.keypoints_px[[0, 2]])
    up = transform_points(region.matrix(224), np.array([wrist, knuckle]))
    assert up[0, 0] == pytest.approx(up[1, 0]) and up[0, 1] > up[1, 1]


def test_varied_region_keeps_the_centre():
    region = HandRegion(np.array([30.0, 40.0]), 100.0, 0.5)
    other = region.varied(1.2, 0.1)
    assert (other.side_px, other.rotation_rad) == pytest.approx((120, 0.6))
    for mirror in (False, True):
        middle = transform_points(other.matrix(224, mirror), region.centre_px)
        assert middle == pytest.approx([111.5, 111.5])


@pytest.mark.parametrize("side", [60, 150, 700, 1500])
def test_cut_region_shows_what_the_matrix_says(side):
    """Also where the picture is reduced first."""
    picture = cv2.resize(map_picture((160, 160)), None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    matrix = HandRegion(np.array([320.0, 310.0]), side, 0.4).matrix(224)
    crop = cut_region(picture, matrix, 224, cv2.BORDER_CONSTANT)
    place = np.array([111, 105])
    column, row = transform_points(invert(matrix), place)
    # The picture's pixel x shows the map at (x + 0.5) / 4 - 0.5.
    expected = np.array([(column + 0.5) / 4 - 0.5, (row + 0.5) / 4 - 0.5]) + 20
    np.testing.assert_allclose(crop[place[1], place[0], :2] * 255, expected, atol=1.0)


def test_cut_region_border():
    matrix = HandRegion(np.array([0.0, 0.0]), 100.0, 0.0).matrix(50)
    black = cut_region(np.full((40, 40, 3), 200, np.uint8), matrix, 50, cv2.BORDER_CONSTANT)
    repeated = cut_region(np.full((40, 40, 3), 200, np.uint8), matrix, 50, cv2.BORDER_REPLICATE)
    assert black[0, 0].max() == 0 and black.dtype == np.float32
    np.testing.assert_allclose(repeated, 200 / 255, atol=1e-6)
