"""Scenes behind the hand."""

import numpy as np
import pytest

from tf_handgroups.synth import scenery

MAKERS = (
    scenery.room,
    scenery.window_light,
    scenery.desk,
    scenery.screen,
    scenery.street,
    scenery.bokeh,
)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_form_and_variety(make):
    for size, number in ((32, 40), (160, 8)):
        pictures = [make(np.random.default_rng(seed), size) for seed in range(number)]
        for picture in pictures:
            assert picture.shape == (size, size, 3) and picture.dtype == np.float32
            assert np.isfinite(picture).all() and picture.min() > -400 and picture.max() < 900
        # No two are alike, and there is something to see in them.
        assert np.std([picture.mean() for picture in pictures]) > 4
        assert np.median([picture.std() for picture in pictures]) > 5


def test_windows_are_overexposed():
    pictures = [scenery.window_light(np.random.default_rng(seed), 64) for seed in range(20)]
    assert np.mean([(picture.min(axis=2) > 200).mean() > 0.03 for picture in pictures]) > 0.6
    assert np.mean([np.median(picture) < 160 for picture in pictures]) > 0.6


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_same_seed_same_picture(make):
    one, two = (make(np.random.default_rng(3), 64) for _ in range(2))
    np.testing.assert_array_equal(one, two)
