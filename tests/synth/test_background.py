"""Procedural backgrounds."""

import numpy as np
import pytest

from tf_handgroups.synth.background import random_background


@pytest.mark.parametrize("size", [32, 96, 192])
def test_form(size):
    for seed in range(10):
        image = random_background(np.random.default_rng(seed), size)
        assert image.shape == (size, size, 3) and image.dtype == np.float32
        assert np.isfinite(image).all() and image.min() >= 0 and image.max() <= 255


def test_variety():
    images = [random_background(np.random.default_rng(seed), 64) for seed in range(80)]
    means = np.array([image.mean() for image in images])
    deviations = np.array([image.std() for image in images])
    assert means.std() > 25
    assert deviations.min() < 15 and deviations.max() > 50


def test_same_seed_same_picture():
    one, two, other = (random_background(np.random.default_rng(seed), 64) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).mean() > 1
