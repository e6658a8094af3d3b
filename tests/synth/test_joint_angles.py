"""Angles measured from joints."""

import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_mesh import pose_hand, rotation
from tf_handgroups.synth.joint_angles import ANGLE_NAMES, joint_angles_deg, palm_frame


def measured(**changes_deg):
    """Angles by name after changing some of the 25 (given as a12=50) from a flat hand."""
    angles = np.zeros(25)
    for name, value in changes_deg.items():
        angles[int(name[1:])] = np.radians(value)
    return dict(zip(ANGLE_NAMES, joint_angles_deg(pose_hand(angles)[0]), strict=True))


def test_hand_made_finger_has_the_angles_it_was_made_with():
    joints = np.zeros((21, 3))
    for finger, x in enumerate((-20.0, 0.0, 20.0, 40.0)):
        joints[5 + 4 * finger] = (x, -80, 0)
        heading, place = 0.0, joints[5 + 4 * finger]
        for part, (bend, length) in enumerate(zip((30, 50, 40), (40, 25, 20), strict=True)):
            heading += np.radians(bend)
            place = place + length * np.array([0, -np.cos(heading), np.sin(heading)])
            joints[6 + 4 * finger + part] = place
    joints[1:5] = [(-20, -10, 5), (-45, -35, 5), (-60, -60, 5), (-70, -80, 5)]
    found = dict(zip(ANGLE_NAMES, joint_angles_deg(joints), strict=True))
    for finger in ("index", "middle", "ring", "little"):
        assert found[f"{finger} MCP flexion"] == pytest.approx(30, abs=1e-6)
        assert found[f"{finger} PIP flexion"] == pytest.approx(50, abs=1e-6)
        assert found[f"{finger} DIP flexion"] == pytest.approx(40, abs=1e-6)
        assert found[f"{finger} MCP abduction"] == pytest.approx(0, abs=1e-6)
    assert found["thumb radial abduction"] == pytest.approx(45, abs=1e-6)
    assert found["thumb palmar abduction"] == pytest.approx(0, abs=1e-6)
    assert found["thumb MCP flexion"] == pytest.approx(14.04, abs=0.1)


@pytest.mark.parametrize("finger", range(4))
@pytest.mark.parametrize("bend", [-20.0, 45.0, 90.0])
def test_bends_are_found_in_a_posed_hand(finger, bend):
    name = ("index", "middle", "ring", "little")[finger]
    flat = measured()
    for part, joint in enumerate(("MCP", "PIP", "DIP")):
        found = measured(**{f"a{5 + 4 * finger + part}": bend})
        change = found[f"{name} {joint} flexion"] - flat[f"{name} {joint} flexion"]
        # Joints lie a little off the bones' axes.
        assert change == pytest.approx(bend, abs=5)


def test_gaps_are_positive_for_parted_fingers():
    parted = measured(a4=15, a16=-30)
    assert parted["index-little spread"] == pytest.approx(45, abs=4)
    assert parted["index-middle gap"] == pytest.approx(15, abs=4)
    assert parted["ring-little gap"] == pytest.approx(30, abs=4)


def test_thumb_moves_out_sideways_and_before_the_palm():
    assert measured(a0=50)["thumb radial abduction"] > measured(a0=20)["thumb radial abduction"]
    assert measured(a1=45)["thumb palmar abduction"] > measured(a1=10)["thumb palmar abduction"]
    assert measured(a3=60)["thumb IP flexion"] > measured(a3=0)["thumb IP flexion"] + 40


def test_rotation_size_and_batch_do_not_matter():
    joints = pose_hand(np.random.default_rng(0).uniform(0, 1, (3, 25)))[0]
    turn = rotation(0, 1.0) @ rotation(1, 2.0) @ rotation(2, 3.0)
    moved = 0.01 * (joints @ turn.T) + [1.0, 2.0, 3.0]
    np.testing.assert_allclose(joint_angles_deg(moved), joint_angles_deg(joints), atol=1e-6)
    np.testing.assert_allclose(joint_angles_deg(joints[1]), joint_angles_deg(joints)[1])


def test_palm_frame_is_right_handed_and_orthonormal():
    forward, dorsal, lateral = palm_frame(pose_hand(np.zeros(25))[0])
    axes = np.stack([forward, dorsal, lateral])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-9)
    assert lateral[0] < -0.9  # the thumb's side of a right hand seen from its back


@pytest.mark.parametrize("shape", [(20, 3), (21, 2), (21,)])
def test_rejects_other_shapes(shape):
    with pytest.raises(InputError, match=r"Received: shape="):
        joint_angles_deg(np.zeros(shape))
