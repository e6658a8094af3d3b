import numpy as np
import pytest

from tests.teacher.fake_teacher import SIZE, FakeTeacher, left_hand, map_picture, right_hand
from tests.teacher.test_hand_region import turned
from tf_handgroups.teacher.find_hands import VIEWS, find_hands, look
from tf_handgroups.teacher.geometry_checks import LabelLimits, why_rejected
from tf_handgroups.teacher.hand_region import HandRegion


def turned_hand(xyz, degrees):
    return np.concatenate([turned(xyz[:, :2], degrees), xyz[:, 2:]], axis=-1)


@pytest.mark.parametrize("degrees", [0, 50, -100, 170])
@pytest.mark.parametrize("hand", [right_hand, left_hand])
def test_finds_the_joints_in_any_direction(hand, degrees):
    xyz = turned_hand(hand(), degrees)
    teacher = FakeTeacher(xyz, place_px=(100, 85), scale=10, is_right=hand is right_hand)
    (found,) = find_hands(teacher, map_picture())
    np.testing.assert_allclose(found.uv_px, teacher.uv, atol=0.2)
    np.testing.assert_allclose(found.xyz_m, 0.04 * xyz, atol=1e-3)
    assert found.spread.max() < 0.005 and found.palm_distance < 0.01
    assert (found.right > 0.5) == (hand is right_hand) and found.right_range < 0.05
    assert why_rejected(found, SIZE, LabelLimits(min_side_px=30)) is None


def test_looks_at_it_turned_scaled_and_mirrored():
    teacher = FakeTeacher(right_hand())
    find_hands(teacher, map_picture())
    views = np.array(teacher.views[1:])
    assert len(views) == len(VIEWS) == 10
    determinants = np.linalg.det(views[:, :, :2])
    assert (determinants > 0).sum() == 5
    scales = np.sqrt(np.abs(determinants))
    assert scales.max() / scales.min() == pytest.approx(1.2 / 0.85, rel=0.02)


def test_disagreement_is_spread():
    teacher = FakeTeacher(right_hand(), noise_px=8.0)
    (found,) = find_hands(teacher, map_picture())
    # Eight pixels of a crop about twice the hand, in two directions.
    assert 0.03 < found.spread.mean() < 0.15
    assert "spread" in why_rejected(found, SIZE, LabelLimits())
    sure = find_hands(FakeTeacher(right_hand(), noise_px=0.5), map_picture())[0]
    assert sure.spread.mean() < found.spread.mean() / 8


def test_a_palm_without_a_hand_is_left_out():
    assert find_hands(FakeTeacher(right_hand(), presence=0.05), map_picture()) == []


def test_nothing_found():
    assert find_hands(FakeTeacher(right_hand(), upright_within_deg=-1), map_picture()) == []


@pytest.mark.parametrize("mirror", [False, True])
def test_one_look_is_in_the_picture_whatever_the_region(mirror):
    teacher = FakeTeacher(right_hand(), place_px=(100, 85), scale=10)
    region = HandRegion(np.array([98.0, 70.0]), 130.0, 0.7)
    seen = look(teacher.landmarks, map_picture(), region, mirror)
    np.testing.assert_allclose(seen.uv_px, teacher.uv, atol=0.2)
    np.testing.assert_allclose(seen.z_px, 10 * (teacher.xyz[:, 2] - teacher.xyz[0, 2]), atol=0.2)
    np.testing.assert_allclose(seen.xyz_m, 0.04 * teacher.xyz, atol=1e-3)
    assert seen.right > 0.5
