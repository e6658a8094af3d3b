"""Sharp clutter behind the hand."""

import numpy as np
import pytest

from tf_handgroups.synth.clutter import full_shelves, scatter


def edges(picture):
    grey = picture.mean(axis=2)
    return np.abs(np.diff(grey, axis=1)).mean()


@pytest.mark.parametrize("size", [32, 96, 193])
def test_shelves_are_full_everywhere(size):
    for seed in range(12):
        picture = full_shelves(np.random.default_rng(seed), size)
        assert picture.shape == (size, size, 3) and picture.dtype == np.float32
        assert np.isfinite(picture).all()
        half = size // 2
        quarters = [picture[y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
        assert min(quarter.std() for quarter in quarters) > 3, seed


def test_scatter_adds_edges_and_keeps_its_input():
    plain = np.full((96, 96, 3), 120, np.float32)
    found = [scatter(np.random.default_rng(seed), plain) for seed in range(40)]
    assert (plain == 120).all()
    assert np.mean([edges(picture) for picture in found]) > 1.5
    assert all(np.isfinite(picture).all() for picture in found)


def test_same_seed_same_picture():
    one, two = (full_shelves(np.random.default_rng(3), 48) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    one, two = (scatter(np.random.default_rng(4), one) for _ in range(2))
    np.testing.assert_array_equal(one, two)
