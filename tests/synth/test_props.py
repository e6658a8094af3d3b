"""Held objects and occluders."""

import numpy as np

from tf_handgroups.synth.hand_mesh import pose_hand
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.pose_prior import random_pose
from tf_handgroups.synth.props import draw_capsule, random_held_capsule, random_occluder


def test_capsule_is_a_disc_with_depth():
    far = np.full((40, 40), np.inf, np.float32)
    ends = np.array([[20.0, 20.0], [20.0, 20.0]])
    visible, body, normals = draw_capsule(ends, np.array([100.0, 100.0]), 10.0, 10.0, far)
    assert abs(body.sum() - np.pi * 100) < 20
    np.testing.assert_array_equal(visible, body)
    np.testing.assert_allclose(normals[20, 20], [0, 0, -1], atol=1e-6)
    assert normals[20, 28][0] > 0.7
    # Its front is at 90 mm, its rim at 100 mm: a wall at 95 mm hides the rim only.
    wall = np.full((40, 40), 95, np.float32)
    visible, body, _ = draw_capsule(ends, np.array([100.0, 100.0]), 10.0, 10.0, wall)
    assert visible[20, 20] and not visible[20, 29] and body[20, 29]


def test_held_objects_leave_room_for_the_fingers():
    found = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        joints = pose_hand(random_pose(generator, HandShape(), "grasp"))[0]
        held = random_held_capsule(generator, joints, HandShape())
        if held is not None:
            ends, radius = held
            found += 1
            assert radius > 5
            assert np.linalg.norm(joints - ends.mean(axis=0), axis=1).min() > radius + 6.9
    assert found > 5


def test_occluders_are_rare_and_small():
    layers = [random_occluder(np.random.default_rng(seed), 96) for seed in range(800)]
    shown = [layer for layer in layers if layer is not None]
    assert 0.03 < len(shown) / 800 < 0.12
    for layer in shown:
        assert layer[..., 3].min() >= 0 and layer[..., 3].max() <= 1.001
        assert layer[..., 3].mean() < 0.25
