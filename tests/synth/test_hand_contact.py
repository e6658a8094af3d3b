"""Touching: the thumb reaches its place; overlap is counted."""

import numpy as np
import pytest

from tf_handgroups.synth import hand_contact
from tf_handgroups.synth.hand_contact import (
    DORSAL,
    FLESH_MM,
    PALMAR,
    RADIAL,
    SOFT_MM,
    Touch,
    bring_thumb,
    penetration_mm,
)
from tf_handgroups.synth.hand_mesh import pose_hand
from tf_handgroups.synth.hand_shape import HandShape, random_shape
from tf_handgroups.synth.pose_draft import LIMITS_DEG

LIMITS = np.radians(LIMITS_DEG)


def opposed(count=6, finger=1):
    """Thumb and one finger half way to each other."""
    angles = np.zeros((count, 25))
    angles[:, [0, 1, 2, 3, 20]] = np.radians([24, 46, 12, 18, 38])
    angles[:, 4 * finger + 1 : 4 * finger + 4] = np.radians([50, 48, 26])
    return np.clip(
        angles + np.random.default_rng(0).normal(0, 0.05, angles.shape), LIMITS[:, 0], LIMITS[:, 1]
    )


def pads(angles, shape, touch):
    thumb = hand_contact._chain(angles, 0, shape)
    finger = hand_contact._chain(angles, touch.finger, shape)
    tilted = hand_contact._pad(touch.tilt)
    one = hand_contact._skin_point(thumb, 0, shape, 2, 0.68, tilted)
    two = hand_contact._skin_point(finger, touch.finger, shape, touch.part, touch.share, tilted)
    return one, two


@pytest.mark.parametrize("finger", range(5))
def test_chain_equals_the_posed_hand(finger):
    generator = np.random.default_rng(1)
    angles = generator.uniform(LIMITS[:, 0], LIMITS[:, 1], (4, 25))
    shape = random_shape(generator)
    joints = pose_hand(angles, shape)[0][:, 1 + 4 * finger : 5 + 4 * finger]
    np.testing.assert_allclose(hand_contact._chain(angles, finger, shape).joints, joints, atol=1e-9)


@pytest.mark.parametrize("finger", [0, 2])
def test_derivatives_agree_with_finite_differences(finger):
    generator, shape = np.random.default_rng(2), HandShape()
    angles = generator.uniform(LIMITS[:, 0], LIMITS[:, 1], (1, 25))
    index = [0, 1, 20, 2, 3] if finger == 0 else 4 * finger + np.arange(4)

    def values(angles):
        chain = hand_contact._chain(angles, finger, shape)
        point, outward = hand_contact._skin_point(chain, finger, shape, 2, 0.6, PALMAR)
        return chain, point, outward

    point_mm, turn = hand_contact._POINT_MM, hand_contact._TURN
    jacobian = hand_contact._jacobian(*values(angles))[0]
    for row, angle in enumerate(index):
        step = np.zeros((1, 25))
        step[0, angle] = 1e-5
        (_, point, outward), (_, before, turned) = values(angles + step), values(angles - step)
        expected = (
            np.concatenate([(point - before)[0] / point_mm, (outward - turned)[0] / turn]) / 2e-5
        )
        np.testing.assert_allclose(jacobian[row], expected, atol=1e-4)


@pytest.mark.parametrize("finger", range(1, 5))
@pytest.mark.parametrize("gap", [1.0, 12.0])
def test_pads_meet_and_face_each_other(finger, gap):
    # The little finger is at the end of the thumb's reach.
    touch = Touch(finger, gap_mm=gap, moves=True, tilt=0.8)
    start = opposed(finger=finger)
    (point, outward), (target, facing) = pads(
        bring_thumb(start, HandShape(), touch, LIMITS), HandShape(), touch
    )
    distance = np.linalg.norm(point - target, axis=1)
    assert np.median(np.abs(distance - gap)) < (2.0 if finger < 4 else 9.0)
    assert np.median((outward * facing).sum(axis=1)) < (-0.6, -0.4, -0.2, 0.2)[finger - 1]


def test_the_thumb_alone_moves_to_fixed_places():
    start = opposed()
    start[:, 5:8] = np.radians([80, 95, 60])
    for touch in (
        Touch(1, 1, 0.5, DORSAL),
        Touch(1, 0, 0.8, RADIAL),
        Touch(0, point_mm=(5, 10, 15)),
    ):
        found = bring_thumb(start, HandShape(), touch, LIMITS)
        moved = np.abs(found - start).max(axis=0) > 0
        assert set(np.flatnonzero(moved)) <= {0, 1, 2, 3, 20}
        assert moved.any()
        assert (found >= LIMITS[:, 0]).all() and (found <= LIMITS[:, 1]).all()


def test_closer_than_before():
    touch = Touch(2, moves=True)
    start = opposed(finger=2)
    (before, _), (goal, _) = pads(start, HandShape(), touch)
    (after, _), (end, _) = pads(bring_thumb(start, HandShape(), touch, LIMITS), HandShape(), touch)
    assert (np.linalg.norm(after - end, axis=1) < np.linalg.norm(before - goal, axis=1)).all()


def test_input_is_left_alone():
    start = opposed()
    copy = start.copy()
    bring_thumb(start, HandShape(), Touch(1, moves=True), LIMITS)
    np.testing.assert_array_equal(start, copy)


def test_penetration_of_hand_made_overlap():
    # Joints about a metre apart but for the index's last bone, laid onto the middle's.
    joints = 1000 * np.random.default_rng(0).standard_normal((21, 3))
    apart = penetration_mm(joints)
    joints[7:9] = joints[11:13]
    radii = FLESH_MM[1, 2] + FLESH_MM[2, 2]
    length = np.linalg.norm(joints[12] - joints[11])
    assert length > 100  # so that only spheres at the same share meet
    assert penetration_mm(joints) - apart == pytest.approx(3 * (radii - SOFT_MM), abs=1e-6)


def test_thicker_fingers_overlap_more():
    joints = pose_hand(opposed())[0]
    assert (penetration_mm(joints, 1.3) >= penetration_mm(joints, 1.0)).all()
