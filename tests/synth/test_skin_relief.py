"""Creases, knuckles and nails."""

import numpy as np

from tf_handgroups.synth.hand_layout import MAP_SIZE, unrolled
from tf_handgroups.synth.skin_relief import back_relief, paint_nails, palm_relief

JOINTS = unrolled("webxr").joints


def around(image, joint, radius=4):
    x, y = JOINTS[joint].astype(int)
    return image[y - radius : y + radius + 1, x - radius : x + radius + 1]


def test_fingers_have_creases_at_their_joints_and_not_between():
    for seed in range(5):
        groove = palm_relief(np.random.default_rng(seed), "webxr", 0.3).groove
        for joint in (6, 10, 14, 18):
            x, y = ((JOINTS[joint] + JOINTS[joint + 1]) / 2).astype(int)
            between = groove[y - 1 : y + 2, x - 1 : x + 2]
            assert around(groove, joint).max() > 0.3 > between.max() + 0.1


def test_knuckles_stand_out_and_dip_between():
    for seed in range(5):
        height = back_relief(np.random.default_rng(seed), "webxr", 0.0).height_mm
        for one, two in ((5, 9), (9, 13), (13, 17)):
            x, y = ((JOINTS[one] + JOINTS[two]) / 2).astype(int)
            assert np.median(around(height, one, 2)) > height[y, x] + 0.3


def test_age_deepens_wrinkles():
    young, old = (back_relief(np.random.default_rng(1), "webxr", age) for age in (0.0, 1.0))
    assert old.groove.sum() > 2 * young.groove.sum()
    assert young.veins.max() > 0.5


def test_nails_lie_at_the_ends_of_all_fingers_only():
    painted = np.full((*MAP_SIZE[::-1], 6), 0.5, np.float32)
    paint_nails(np.random.default_rng(0), painted, JOINTS, np.full(3, 0.5))
    for finger in range(5):
        tip, before = JOINTS[4 + 4 * finger], JOINTS[3 + 4 * finger]
        x, y = (tip + 0.15 * (before - tip)).astype(int)
        assert painted[y, x, 4] > 0.55
        x, y = before.astype(int)
        np.testing.assert_allclose(painted[y, x], 0.5, atol=0.01)
