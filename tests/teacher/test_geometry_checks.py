import numpy as np
import pytest

from tests.teacher.fake_teacher import SIZE, found_hand, left_hand, right_hand
from tf_handgroups.errors import InputError
from tf_handgroups.mean_hand import MEAN_POSE
from tf_handgroups.teacher.geometry_checks import (
    LabelLimits,
    bone_ratio,
    flexions,
    labelled_joints,
    reprojection,
    why_rejected,
)

LIMITS = LabelLimits()


def one_joint_worse(spread):
    return np.where(np.arange(21) == 8, spread, 0.01)


def test_a_good_hand_is_kept():
    assert why_rejected(found_hand(), SIZE, LIMITS) is None
    assert why_rejected(found_hand(left_hand(), right=0.02), SIZE, LIMITS) is None
    assert labelled_joints(found_hand(), SIZE, LIMITS).all()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"presence": 0.8}, "presence 0.8, limit 0.9"),
        ({"palm_score": 0.4}, "palm_score"),
        ({"palm_distance": 0.3}, "palm_distance"),
        ({"spread": np.full(21, 0.04)}, "spread 0.04, limit 0.03"),
        ({"spread": np.where(np.arange(21) < 4, 0.06, 0.01)}, "unlabelled_joints 4, limit 3"),
        ({"right": 0.6}, "side_doubt 0.4, limit 0.25"),
        ({"box_px": np.array([0, 0, 10, 30.0])}, "small 30, limit 40"),
        ({"uv_px": found_hand().uv_px[:, ::-1]}, "reprojection"),
        ({"uv_px": np.add(found_hand().uv_px, (0, 60))}, "unlabelled_joints"),
        ({"xyz": right_hand(-40)}, "flexion index PIP -40 degrees"),
        ({"xyz": left_hand(30)}, "flexion index PIP -30 degrees"),
        ({"xyz": right_hand(118), "box_px": np.array([0, 0, 90, 90.0])}, "flexion index MCP 118"),
    ],
)
def test_every_reason_to_reject(changes, reason):
    assert why_rejected(found_hand(**changes), SIZE, LIMITS).startswith(reason)


def test_a_bone_of_another_length():
    xyz = right_hand()
    xyz[8] = xyz[7] + 4 * (xyz[8] - xyz[7])
    assert bone_ratio(xyz) == pytest.approx(4)
    assert why_rejected(found_hand(xyz, uv_px=found_hand().uv_px), SIZE, LIMITS).startswith("bone")
    assert bone_ratio(np.zeros((21, 3))) > 1


def test_proportions_do_not_depend_on_size_or_the_thumbs_root():
    xyz = 7 * right_hand()
    assert bone_ratio(xyz) == pytest.approx(1)
    xyz[1:5] += xyz[1]
    assert bone_ratio(xyz) == pytest.approx(1)


@pytest.mark.parametrize("bend", [-30, 0, 15, 60])
def test_flexion_is_measured_for_both_hands(bend):
    expected = np.full((4, 3), bend)
    np.testing.assert_allclose(flexions(right_hand(bend), True), expected, atol=1e-6)
    np.testing.assert_allclose(flexions(left_hand(bend), False), expected, atol=1e-6)
    np.testing.assert_allclose(flexions(left_hand(bend), True), -expected, atol=1e-6)


def test_the_mean_of_real_hands_bends_forward():
    assert (flexions(MEAN_POSE, True) > 0).all()


def test_an_unsure_joint_and_one_outside_get_no_label():
    hand = found_hand(spread=one_joint_worse(0.06))
    assert np.flatnonzero(~labelled_joints(hand, SIZE, LIMITS)).tolist() == [8]
    hand.uv_px[12] = (100, -0.6)
    assert np.flatnonzero(~labelled_joints(hand, SIZE, LIMITS)).tolist() == [8, 12]
    hand.uv_px[12] = (199.4, -0.4)
    assert np.flatnonzero(~labelled_joints(hand, SIZE, LIMITS)).tolist() == [8]


def test_reprojection_ignores_scale_and_place():
    assert reprojection(found_hand()) == pytest.approx(0, abs=1e-9)
    moved = found_hand(uv_px=3 * found_hand().uv_px + 7)
    assert reprojection(moved) == pytest.approx(0, abs=1e-9)
    assert reprojection(found_hand(xyz_m=np.zeros((21, 3)))) > 0.1


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_bad_limits(value):
    with pytest.raises(InputError, match="Received: max_spread="):
        LabelLimits(max_spread=value)
