"""The skin as points."""

import numpy as np

from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.hand_template import FOREARM_BONE
from tf_handgroups.synth.pose_prior import random_pose
from tf_handgroups.synth.posed_skin import posed_skin


def test_joints_lie_below_the_skin():
    angles = random_pose(np.random.default_rng(0), HandShape(), "spread")
    skin = posed_skin(HandShape(), angles)
    for joint in skin.joints_mm:
        offset = skin.points_mm - joint
        nearest = np.argmin(np.linalg.norm(offset, axis=1))
        assert offset[nearest] @ skin.normals[nearest] > 0


def test_bones_name_the_nearest_part():
    skin = posed_skin(HandShape(), np.zeros(25))
    tip = np.argmin(np.linalg.norm(skin.points_mm - skin.joints_mm[8], axis=1))
    assert skin.bones[tip] == 6
    assert skin.bones[np.argmax(skin.points_mm[:, 1])] == FOREARM_BONE


def test_every_keeps_rows_together():
    skin = posed_skin(HandShape(), np.zeros(25))
    sparse = skin.every(7)
    np.testing.assert_array_equal(sparse.points_mm[3], skin.points_mm[21])
    np.testing.assert_array_equal(sparse.normals[3], skin.normals[21])
