"""Cloth as colour and height."""

import numpy as np
import pytest

from tf_handgroups.synth.cloth import FABRICS, fabric, folds

ACROSS, ALONG = np.meshgrid(np.arange(0, 60, 0.5), np.arange(0, 40, 0.5))


@pytest.mark.parametrize("kind", FABRICS)
def test_cloth_is_finite_and_reproducible(kind):
    one, two = (fabric(np.random.default_rng(3), kind, ACROSS, ALONG) for _ in range(2))
    assert one[0].shape == (*ACROSS.shape, 3) and one[1].shape == ACROSS.shape
    assert one[0].min() >= 0 and one[0].max() <= 1 and np.isfinite(one[1]).all()
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


def test_stripes_run_along_and_rings_around():
    for kind, constant, changing in (("stripes", 0, 1), ("rings", 1, 0)):
        colour, _ = fabric(np.random.default_rng(0), kind, ACROSS, ALONG)
        assert np.ptp(colour, axis=constant).max() < 1e-6
        assert np.ptp(colour, axis=changing).max() > 0.05


def test_knitting_has_relief_and_plain_cloth_none():
    assert np.ptp(fabric(np.random.default_rng(0), "knit", ACROSS, ALONG)[1]) > 0.3
    assert not fabric(np.random.default_rng(0), "plain", ACROSS, ALONG)[1].any()


def test_folds_are_as_deep_as_asked():
    heights = folds(np.random.default_rng(1), ACROSS, ALONG, 2.0)
    assert 1.0 < np.abs(heights).max() <= 2.0
    assert folds(np.random.default_rng(1), np.zeros(0), np.zeros(0), 2.0).shape == (0,)
