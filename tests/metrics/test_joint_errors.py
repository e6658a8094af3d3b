import numpy as np
import pytest

from tf_handgroups.metrics.joint_errors import MaskedMean, joint_distances, mask_of


def test_mask_shapes():
    truth = np.zeros((2, 3, 2), "float32")
    for weight in ([1.0, 0.0], [[1.0], [0.0]], [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]):
        np.testing.assert_array_equal(
            mask_of(np.array(weight), truth), [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
        )


def test_distances_match_numpy():
    random = np.random.default_rng(0)
    truth, guess = random.normal(size=(2, 4, 21, 3)).astype("float32")
    expected = np.linalg.norm(truth - guess, axis=-1)
    np.testing.assert_allclose(
        joint_distances(truth, guess, np.ones((4, 21), "float32")), expected, rtol=1e-6
    )


def test_base_class_measures_nothing():
    class Unfinished(MaskedMean):
        num_axes = 2

    with pytest.raises(NotImplementedError):
        Unfinished().update_state(np.zeros((1, 21, 2)), np.zeros((1, 21, 2)))
