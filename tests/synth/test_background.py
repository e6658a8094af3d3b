"""Backgrounds, drawn and photographed."""

import numpy as np
import pytest

from tf_handgroups.synth.background import random_background


@pytest.mark.parametrize("size", [32, 96, 193])
def test_form(size):
    for seed in range(60):
        image = random_background(np.random.default_rng(seed), size, 0.5)
        assert image.shape == (size, size, 3) and image.dtype == np.float32, seed
        assert np.isfinite(image).all() and image.min() >= 0 and image.max() <= 255, seed


def test_variety():
    images = [random_background(np.random.default_rng(seed), 64, 0.35) for seed in range(120)]
    means = np.array([image.mean() for image in images])
    deviations = np.array([image.std() for image in images])
    assert means.std() > 35 and means.min() < 25 and means.max() > 220
    assert deviations.min() < 8 and deviations.max() > 60
    skin_coloured = np.array(
        [
            ((image[..., 0] > 1.15 * image[..., 1]) & (image[..., 1] > 1.05 * image[..., 2])).mean()
            for image in images
        ]
    )
    assert (skin_coloured > 0.5).mean() > 0.1


def test_same_seed_same_picture():
    one, two, other = (
        random_background(np.random.default_rng(seed), 64, 0.35) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).mean() > 1


def test_photographs_are_used_as_often_as_asked_for():
    red = [np.full((90, 120, 3), (250, 10, 10), np.uint8)]

    def is_red(seed, share):
        image = random_background(np.random.default_rng(seed), 32, share, red)
        return bool(np.median(image[..., 0]) > 3 * np.median(image[..., 1:]))

    assert np.mean([is_red(seed, 1.0) for seed in range(60)]) > 0.5
    assert np.mean([is_red(seed, 0.0) for seed in range(60)]) < 0.1
