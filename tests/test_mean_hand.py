import numpy as np
import pytest

from tf_handgroups.joints import BONES
from tf_handgroups.mean_hand import BONE_MM, BONE_RATIOS, MEAN_POSE
from tf_handgroups.metrics import procrustes_align


@pytest.fixture
def stb_train(shared_data):
    return np.load(shared_data / "pose_statistics" / "stb_train.npy").astype(np.float64)


def test_shapes_and_units():
    assert BONE_RATIOS[BONES.index((9, 10))] == 1.0
    np.testing.assert_array_equal(MEAN_POSE[9], np.zeros(3))
    assert np.linalg.norm(MEAN_POSE[10]) == pytest.approx(1.0, abs=2e-3)


def test_mean_pose_is_a_right_hand():
    """Palm towards the viewer, fingers up: the thumb of a right hand is on the right."""
    across = np.cross(MEAN_POSE[5] - MEAN_POSE[0], MEAN_POSE[17] - MEAN_POSE[0])
    curl = (MEAN_POSE[[8, 12, 16, 20]] - MEAN_POSE[[5, 9, 13, 17]]).mean(axis=0)
    assert across @ curl > 0
    assert curl[2] < 0
    assert MEAN_POSE[12, 1] < MEAN_POSE[0, 1]
    assert MEAN_POSE[4, 0] > MEAN_POSE[20, 0]


def test_ratios_come_from_stb(stb_train):
    parent, child = np.array(BONES).T
    length = np.linalg.norm(stb_train[:, child] - stb_train[:, parent], axis=-1)
    ratios = np.median(length / length[:, [BONES.index((9, 10))]], axis=0)
    np.testing.assert_allclose(BONE_RATIOS, ratios, atol=1e-4)
    reference_mm = 1000 * np.median(length[:, BONES.index((9, 10))])
    assert pytest.approx(reference_mm, abs=0.01) == BONE_MM


def test_mean_pose_comes_from_stb(stb_train):
    mean = stb_train[0]
    for _ in range(8):
        mean = procrustes_align(stb_train, np.broadcast_to(mean, stb_train.shape)).mean(axis=0)
    mean = (mean - mean[9]) / np.linalg.norm(mean[10] - mean[9])
    np.testing.assert_allclose(procrustes_align(mean, MEAN_POSE), MEAN_POSE, atol=2e-3)
