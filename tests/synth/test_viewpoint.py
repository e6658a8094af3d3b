"""Placement of the hand and the crop's camera."""

import functools

import numpy as np
import pytest

from tf_handgroups.camera import project
from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_mesh import pose_hand
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.pose_prior import random_family, random_pose
from tf_handgroups.synth.viewpoint import (
    BOX_SHARE,
    VIEW_KINDS,
    random_orientation,
    random_view,
)

SIZE = 192


@functools.cache
def views(count=150):
    generator = np.random.default_rng(0)
    poses = [random_pose(generator, HandShape(), random_family(generator)) for _ in range(100)]
    joints = pose_hand(np.array(poses))[0]
    return [
        (joints[index % 100], random_view(generator, joints[index % 100], SIZE))
        for index in range(count)
    ]


def test_box_has_size_and_place_of_a_training_crop():
    for joints, view in views():
        uv = project(view.to_camera(joints), view.intrinsics_px)
        low, high = uv.min(axis=0), uv.max(axis=0)
        share = (high - low).max() / SIZE
        assert BOX_SHARE[0] - 1e-9 <= share <= BOX_SHARE[1] + 1e-9
        assert (np.abs((low + high) / 2 - (SIZE - 1) / 2) <= 0.06 * SIZE + 1e-6).all()


def test_hands_are_near_and_far_but_always_before_the_camera():
    depths = np.array([view.to_camera(joints)[:, 2] for joints, view in views()])
    assert depths.min() > 100
    means = depths.mean(axis=1)
    assert means.min() < 350
    assert 900 < means.max() < 1300


def turns(count=800):
    kinds = [view.kind for _, view in views(count)]
    found = np.array([view.rotation for _, view in views(count)])
    return np.array(kinds), found


def oriented(kind, count=200, **options):
    generator = np.random.default_rng(0)
    return np.array([random_orientation(generator, kind, **options) for _ in range(count)])


def test_orientations_are_rotations_around_all_directions():
    kinds, found = turns()
    np.testing.assert_allclose(
        found @ found.transpose(0, 2, 1), np.broadcast_to(np.eye(3), found.shape), atol=1e-9
    )
    assert (np.linalg.det(found) > 0).all()
    # z of the hand leaves the palm; it points to the camera where its z is negative.
    palm = found[:, 2, 2]
    assert 0.2 < (palm < -0.7).mean() < 0.5
    assert 0.12 < (palm > 0.7).mean() < 0.45
    assert (np.abs(palm) < 0.3).mean() > 0.12
    total = sum(share for share, _ in VIEW_KINDS)
    for share, kind in VIEW_KINDS:
        assert (kinds == kind).mean() == pytest.approx(share / total, abs=0.05)


def test_kinds_look_from_where_they_are_called():
    """In the camera frame z points away from the camera, x right, y down."""
    palm, little, fingers = [0, 0, 1.0], [1.0, 0, 0], [0, -1.0, 0]
    assert np.median(oriented("palm") @ palm, axis=0)[2] < -0.7
    assert np.median(oriented("back") @ palm, axis=0)[2] > 0.7
    assert np.median(oriented("thumb_side") @ little, axis=0)[2] > 0.7
    assert np.median(oriented("little_side") @ little, axis=0)[2] < -0.7
    assert np.median(oriented("fingers_first") @ fingers, axis=0)[2] < -0.7
    own = np.median(oriented("egocentric") @ fingers, axis=0)
    assert own[2] > 0.3  # away from the camera,
    assert own[1] < -0.5  # upwards
    assert own[0] < 0  # and to the left: the right forearm enters at the bottom right
    assert np.ptp(oriented("anywhere") @ palm, axis=0).min() > 1.5


def test_fingers_never_point_straight_away():
    _, found = turns()
    away = np.degrees(np.arcsin(found @ [0.0, -1.0, 0.0])[:, 2])
    assert away.max() <= 65.0001
    assert away.min() < -75


@pytest.mark.parametrize("limit", [0.0, 60.0, 180.0])
def test_roll_covers_its_range_either_way(limit):
    fingers = oriented("palm", 400, max_roll_deg=limit) @ [0.0, -1.0, 0.0]
    roll = np.degrees(np.arctan2(fingers[:, 0], -fingers[:, 1]))
    assert np.abs(roll).max() < limit + 1e-6
    assert roll.min() <= -0.85 * limit and roll.max() >= 0.85 * limit


def test_rejects_unknown_kinds():
    with pytest.raises(InputError, match=r"Received: kind='below'"):
        random_orientation(np.random.default_rng(0), "below")
