"""Where the networks look."""

import dataclasses
import math

import numpy as np
import pytest

from benchmarks.peers_windows import (
    BEST_CASES,
    THEIR_REGION,
    UPRIGHT_BOX,
    best_case,
    box_way,
    degrees_around_zero,
    labelled,
    turn_error_deg,
    turned_upright,
    window_of_box,
)
from tests.peers_case import sample_of, the_hand
from tf_handgroups.crop import crop_matrix, transform_points
from tf_handgroups.rotated_dataset import rotate_sample
from tf_handgroups.teacher.hand_region import region_of_joints


def points_up(window, uv):
    seen = transform_points(window.matrix(100), uv)
    knuckles = seen[9] / 2 + (seen[5] + seen[13]) / 4
    return seen[0, 0] == pytest.approx(knuckles[0]) and seen[0, 1] > knuckles[1]


def test_window_of_a_box_is_that_of_our_crops():
    box = (10, 20, 30, 50)
    for margin in (1.5, 2.2):
        expected = crop_matrix(box, 64, margin)
        np.testing.assert_allclose(window_of_box(np.array(box), margin).matrix(64), expected)
    assert (box_way(), box_way(2.0)) == ("box x1.5", "box x2")


@pytest.mark.parametrize("degrees", [0, 40, 90, 180, -120])
def test_turned_window_shows_the_hand_upright(degrees):
    sample = rotate_sample(sample_of(the_hand()), degrees)
    plain = window_of_box(sample.box_px)
    window = turned_upright(plain, sample.uv_px)
    assert window.side_px == plain.side_px and (window.centre_px == plain.centre_px).all()
    assert points_up(window, sample.uv_px)


@pytest.mark.parametrize("degrees", [0, 40, 90, 180, -120])
def test_best_cases_turn_with_the_picture(degrees):
    first = sample_of(the_hand())
    sample = rotate_sample(first, degrees)
    for way in BEST_CASES:
        window = best_case(way, sample)
        assert points_up(window, sample.uv_px)
        seen, before = (
            transform_points(best_case(way, one).matrix(100), one.uv_px) for one in (sample, first)
        )
        np.testing.assert_allclose(seen, before, atol=1e-3)
    region = region_of_joints(sample.uv_px.astype(np.float64))
    assert best_case(THEIR_REGION, sample).side_px == pytest.approx(region.side_px)


def test_upright_box_has_the_margin_of_our_crops():
    sample = rotate_sample(sample_of(the_hand()), 70)
    seen = transform_points(best_case(UPRIGHT_BOX, sample).matrix(150), sample.uv_px)
    low, high = seen.min(axis=0), seen.max(axis=0)
    assert (high - low).max() == pytest.approx(100, rel=1e-4)
    np.testing.assert_allclose((low + high) / 2, [74.5, 74.5], atol=1e-3)


def test_best_case_needs_the_joints_that_turn_the_window():
    sample = sample_of(the_hand(), xyz_camera_mm=None)
    for hidden, left in ((4, BEST_CASES), (6, (UPRIGHT_BOX,)), (9, ())):
        visible = np.arange(21) != hidden
        uv = np.where(visible[:, None], sample.uv_px, np.nan)
        one = dataclasses.replace(sample, uv_px=uv, visible=visible)
        assert tuple(way for way in BEST_CASES if best_case(way, one) is not None) == left
        assert (turn_error_deg(one, sample.uv_px) is None) == (hidden == 9)
        assert labelled(one).sum() == 20


def test_hidden_joints_with_3d_labels_are_known():
    hidden = sample_of(the_hand(), visible=np.zeros(21))
    assert labelled(hidden).all()
    assert not labelled(dataclasses.replace(hidden, xyz_camera_mm=None)).any()


@pytest.mark.parametrize(("turn", "expected"), [(30, 30), (-50, 50), (190, 170)])
def test_error_of_the_direction(turn, expected):
    sample = sample_of(the_hand())
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    turned = sample.uv_px @ np.array([[cos, sin], [-sin, cos]])
    assert turn_error_deg(sample, turned) == pytest.approx(expected, abs=1e-3)
    assert degrees_around_zero(math.radians(190)) == pytest.approx(-170)
