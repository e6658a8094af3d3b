"""People behind the hand."""

import numpy as np
import pytest

from tf_handgroups.synth import people

MAKERS = (people.person, people.torso, people.bare_skin)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_form_and_seed(make):
    for size in (32, 160):
        for seed in range(12):
            picture = make(np.random.default_rng(seed), size)
            assert picture.shape == (size, size, 3) and picture.dtype == np.float32
            assert np.isfinite(picture).all() and picture.min() > -400 and picture.max() < 700
    one, two = (make(np.random.default_rng(3), 64) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def skin_share(picture):
    red, green, blue = np.moveaxis(picture, -1, 0)
    return ((red > 1.1 * green) & (green > 1.02 * blue)).mean()


def test_skin_can_be_seen():
    bare = [skin_share(people.bare_skin(np.random.default_rng(seed), 64)) for seed in range(30)]
    faces = [skin_share(people.person(np.random.default_rng(seed), 64)) for seed in range(30)]
    assert np.median(bare) > 0.8
    assert np.median(faces) > 0.08


def test_skin_has_every_tone():
    means = [people.bare_skin(np.random.default_rng(seed), 32).mean() for seed in range(40)]
    assert min(means) < 90 and max(means) > 145
