"""Placement of the hand and the crop's camera."""

import numpy as np

from tf_handgroups.camera import project
from tf_handgroups.synth.hand_mesh import pose_hand
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.pose_prior import random_family, random_pose
from tf_handgroups.synth.viewpoint import BOX_SHARE, random_orientation, random_view

SIZE = 192


def views(count=150):
    for seed in range(count):
        generator = np.random.default_rng(seed)
        joints = pose_hand(random_pose(generator, HandShape(), random_family(generator)))[0]
        yield joints, random_view(generator, joints, SIZE)


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


def test_orientations_are_rotations_around_all_directions():
    turns = np.array([random_orientation(np.random.default_rng(seed)) for seed in range(600)])
    np.testing.assert_allclose(
        turns @ turns.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (600, 3, 3)), atol=1e-9
    )
    assert (np.linalg.det(turns) > 0).all()
    # z of the hand leaves the palm; it points to the camera where its z is negative.
    palm = turns[:, 2, 2]
    assert 0.3 < (palm < -0.7).mean() < 0.6
    assert 0.15 < (palm > 0.7).mean() < 0.45
    assert (np.abs(palm) < 0.3).mean() > 0.05


def test_roll_covers_sixty_degrees_either_way():
    turns = np.array([random_orientation(np.random.default_rng(seed)) for seed in range(600)])
    fingers = turns @ [0.0, -1.0, 0.0]
    upright = np.abs(fingers[:, 2]) < 0.5
    roll = np.degrees(np.arctan2(fingers[upright, 0], -fingers[upright, 1]))
    assert roll.min() < -50 and roll.max() > 50
    assert np.abs(roll).max() < 61
