"""The pose prior: limits, plausibility, variety."""

import numpy as np
import pytest

from tf_handgroups.synth.hand_mesh import pose_hand
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.pose_prior import FAMILIES, LIMITS_DEG, penetration_mm, random_pose

NAMES = [name for _, name in FAMILIES]


def poses(family, count=30):
    return np.array(
        [random_pose(np.random.default_rng(seed), HandShape(), family) for seed in range(count)]
    )


def extension(joints, finger):
    """Tip-to-knuckle distance over the finger's length: 1 straight, about 0.3 folded."""
    chain = joints[1 + 4 * finger : 5 + 4 * finger]
    return (
        np.linalg.norm(chain[3] - chain[0]) / np.linalg.norm(np.diff(chain, axis=0), axis=1).sum()
    )


@pytest.mark.parametrize("family", NAMES)
def test_angles_are_within_limits(family):
    degrees = np.degrees(poses(family))
    assert (degrees >= LIMITS_DEG[:, 0] - 1e-9).all()
    assert (degrees <= LIMITS_DEG[:, 1] + 1e-9).all()


@pytest.mark.parametrize("family", NAMES)
def test_fingers_do_not_run_deep_into_each_other(family):
    depths = penetration_mm(pose_hand(poses(family))[0])
    # Folded fingers press on each other; sums of dozens of millimetres would mean
    # one finger through another.
    assert np.median(depths) < 25
    assert np.percentile(depths, 90) < 60


def test_families_look_as_they_are_called():
    for joints in pose_hand(poses("spread"))[0]:
        assert min(extension(joints, finger) for finger in range(1, 5)) > 0.9
    for joints in pose_hand(poses("fist"))[0]:
        assert max(extension(joints, finger) for finger in range(1, 5)) < 0.65
    for joints in pose_hand(poses("point"))[0]:
        assert extension(joints, 1) > 0.9
        assert max(extension(joints, finger) for finger in range(2, 5)) < 0.65


def test_most_pinches_bring_a_tip_near_the_thumb():
    joints = pose_hand(poses("pinch", 40))[0]
    gap = np.linalg.norm(joints[:, [8, 12]] - joints[:, 4:5], axis=2).min(axis=1)
    assert np.median(gap) < 25
    assert gap.max() > 30  # and some stay open


def test_poses_vary_and_depend_only_on_the_seed():
    first, second = poses(None), poses(None)
    np.testing.assert_array_equal(first, second)
    deviation = np.degrees(first[:, :21].std(axis=0))
    sideways = np.arange(0, 20, 4)
    assert (deviation[sideways] > 1).all()
    assert (np.delete(deviation, sideways) > 8).all()


def test_penetration_of_hand_made_overlap():
    # Joints about a metre apart but for the index tip, laid onto the middle tip.
    joints = 1000 * np.random.default_rng(0).standard_normal((21, 3))
    apart = penetration_mm(joints)
    joints[8] = joints[12]
    # Radii 7 + 7, less 2.5 mm that count as touching.
    assert penetration_mm(joints) - apart == pytest.approx(11.5, abs=1e-6)


def test_shape_is_considered():
    generator = np.random.default_rng(0)
    thick = HandShape(finger_thickness=np.full(5, 1.3))
    assert random_pose(generator, thick, "fist").shape == (25,)
    joints = pose_hand(poses("fist", 5))[0]
    assert (penetration_mm(joints, 1.3) > penetration_mm(joints, 1.0)).all()
