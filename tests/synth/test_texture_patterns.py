"""Flat surfaces."""

import numpy as np
import pytest

from tf_handgroups.synth import texture_patterns as patterns

MAKERS = (
    patterns.wall,
    patterns.rough,
    patterns.wood,
    patterns.cloth,
    patterns.tiles,
    patterns.leaves,
    patterns.stripes,
    patterns.printed_page,
)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_form_and_variety(make):
    for size in (32, 75, 160):
        pictures = [make(np.random.default_rng(seed), size) for seed in range(12)]
        for picture in pictures:
            assert picture.shape == (size, size, 3) and picture.dtype == np.float32
            assert np.isfinite(picture).all() and picture.min() > -400 and picture.max() < 700
        assert np.std([picture.mean(axis=(0, 1)) for picture in pictures], axis=0).min() > 8


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_same_seed_same_picture(make):
    one, two = (make(np.random.default_rng(3), 64) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_noise_has_unit_deviation_and_more_power_in_coarse_scales():
    noises = np.array(
        [patterns.fractal_noise(np.random.default_rng(seed), 128) for seed in range(20)]
    )
    assert 0.7 < noises.std() < 1.3
    power = np.abs(np.fft.fft2(noises)).mean(axis=0)[0]
    assert power[1:4].mean() > 3 * power[16:20].mean() > 3 * power[50:64].mean() > 0


def test_stretched_noise_changes_less_across():
    noise = patterns.fractal_noise(np.random.default_rng(0), 128, stretch=8)
    across, down = np.abs(np.diff(noise, axis=1)).mean(), np.abs(np.diff(noise, axis=0)).mean()
    assert down > 2.5 * across


def test_tilting_keeps_the_colours():
    picture = np.zeros((64, 64, 3), np.float32)
    picture[:, 32:] = 200
    for seed in range(10):
        tilted = patterns.tilted(np.random.default_rng(seed), picture)
        assert tilted.shape == picture.shape
        assert np.isin(np.round(np.quantile(tilted, [0, 1])), [0, 200]).all()
