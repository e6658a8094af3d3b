"""The pose prior: limits, plausibility, variety."""

import functools

import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_contact import penetration_mm
from tf_handgroups.synth.hand_mesh import pose_hand
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.joint_angles import ANGLE_NAMES, joint_angles_deg
from tf_handgroups.synth.pose_draft import LIMITS_DEG
from tf_handgroups.synth.pose_prior import FAMILIES, random_family, random_pose

NAMES = [name for _, name in FAMILIES]


@functools.cache
def poses(family, count=30):
    return np.array(
        [random_pose(np.random.default_rng(seed), HandShape(), family) for seed in range(count)]
    )


@functools.cache
def mixed(count=600):
    generator = np.random.default_rng(0)
    return np.array(
        [random_pose(generator, HandShape(), random_family(generator)) for _ in range(count)]
    )


def angle(joints, name):
    return joint_angles_deg(joints)[..., ANGLE_NAMES.index(name)]


def extension(joints, finger):
    """Tip-to-knuckle distance over the finger's length: 1 straight, about 0.3 folded."""
    chain = joints[..., 1 + 4 * finger : 5 + 4 * finger, :]
    length = np.linalg.norm(np.diff(chain, axis=-2), axis=-1).sum(axis=-1)
    return np.linalg.norm(chain[..., 3, :] - chain[..., 0, :], axis=-1) / length


def extensions(family):
    joints = pose_hand(poses(family))[0]
    return np.stack([extension(joints, finger) for finger in range(5)], axis=1)


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
    assert np.median(depths) < 12
    assert np.percentile(depths, 90) < 40


def test_straight_and_folded_fingers_are_as_the_name_says():
    assert extensions("spread")[:, 1:].min() > 0.9
    assert extensions("flat")[:, 1:].min() > 0.9
    for family in ("fist", "thumb_up"):
        assert np.percentile(extensions(family)[:, 1:], 95) < 0.68, family
        assert extensions(family)[:, 1:].max() < 0.8, family
    for family, up in (("point", [1]), ("horns", [1, 4]), ("victory", [1, 2])):
        found = extensions(family)
        assert found[:, up].min() > 0.85, family
        down = [finger for finger in range(1, 5) if finger not in up]
        assert np.median(found[:, down], axis=0).max() < 0.65, family


def test_open_hands_spread_as_far_as_people_can():
    spread = angle(pose_hand(poses("spread"))[0], "index-little spread")
    assert np.median(spread) > 35
    assert spread.max() > 55
    flat = angle(pose_hand(poses("flat"))[0], "index-little spread")
    assert np.median(flat) < 12


def test_single_gaps_and_crossed_fingers_occur():
    joints = pose_hand(poses("gap", 60))[0]
    gaps = np.stack(
        [angle(joints, f"{pair} gap") for pair in ("index-middle", "middle-ring", "ring-little")], 1
    )
    for pair in range(3):
        others = np.delete(gaps, pair, axis=1).max(axis=1)
        assert ((gaps[:, pair] > 18) & (others < 12)).any()
    assert (gaps[:, 0] < -12).any()


def test_bent_fingers_lose_their_freedom_sideways():
    joints = pose_hand(mixed())[0]
    side, bend = angle(joints, "ring MCP abduction"), angle(joints, "ring MCP flexion")
    assert side[bend > 75].std() < 0.7 * side[bend < 15].std()


def test_ring_and_little_finger_go_together_more_than_index_and_little():
    joints = pose_hand(mixed())[0]
    mcp = np.stack(
        [angle(joints, f"{name} MCP flexion") for name in ("index", "middle", "ring", "little")]
    )
    found = np.corrcoef(mcp)
    assert found[2, 3] > 0.6
    assert found[0, 3] < found[1, 2]
    assert found[0, 3] < found[2, 3]


@pytest.mark.parametrize(("family", "closed"), [("ok", 0.8), ("pinch", 0.35)])
def test_pads_of_pinches_meet(family, closed):
    joints = pose_hand(poses(family, 60))[0]
    middle = 0.35 * joints[:, 3:20:4] + 0.65 * joints[:, 4:21:4]
    gap = np.linalg.norm(middle[:, 1:] - middle[:, :1], axis=2).min(axis=1)
    # Pads of 8.5 and 6.3 mm half thickness, up to 3 mm apart.
    assert (gap < 21).mean() >= closed
    # Not through each other.
    assert np.percentile(gap, 5) > 10
    if family == "pinch":
        assert gap.max() > 50


def test_every_combination_of_extended_fingers_occurs():
    found = np.stack([extension(pose_hand(poses("sign", 200))[0], f) > 0.8 for f in range(1, 5)], 1)
    assert len(np.unique(found, axis=0)) == 16


def test_thumbs_go_everywhere():
    joints = pose_hand(mixed())[0]
    radial, palmar = (
        angle(joints, "thumb radial abduction"),
        angle(joints, "thumb palmar abduction"),
    )
    assert np.percentile(radial, 2) < 15 and np.percentile(radial, 98) > 55
    assert np.percentile(palmar, 2) < 8 and np.percentile(palmar, 98) > 45
    assert np.percentile(angle(joints, "thumb IP flexion"), 95) > 40


def test_poses_vary_and_depend_only_on_the_seed():
    poses.cache_clear()
    first = poses("relaxed")
    poses.cache_clear()
    np.testing.assert_array_equal(first, poses("relaxed"))
    deviation = np.degrees(mixed()[:, :21].std(axis=0))
    assert (deviation > 3).all()


def test_families_are_drawn_by_weight():
    generator = np.random.default_rng(0)
    drawn = [random_family(generator) for _ in range(4000)]
    total = sum(weight for weight, _ in FAMILIES)
    for weight, name in FAMILIES:
        assert drawn.count(name) / 4000 == pytest.approx(weight / total, abs=0.025)


def test_rejects_unknown_families():
    with pytest.raises(InputError, match=r"Received: family='salute'"):
        random_pose(np.random.default_rng(0), HandShape(), "salute")
