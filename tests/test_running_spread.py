"""Spreads of streams against NumPy on the whole."""

import numpy as np
import pytest

from tf_handgroups.running_spread import RELATIVE_BIN, RunningSpread, Spread

STREAMS = {
    "lengths": np.random.default_rng(0).lognormal(3.5, 0.5, 2001),
    "both signs": np.random.default_rng(1).normal(0, 500, 1000),
    "far below zero": -np.random.default_rng(2).uniform(1e3, 1e6, 11),
    "tiny": np.random.default_rng(3).uniform(0, 1e-5, 64),
    "one": np.array([42.0]),
    "two": np.array([1.0, 1000.0]),
    "same": np.full(9, 7.3),
    "huge": np.array([1e-30, 1e30, 3.4e38]),
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("step", [1, 7, 5000])
def test_spread_is_that_of_the_whole(name, step):
    values = STREAMS[name]
    spread = RunningSpread()
    for start in range(0, len(values), step):
        spread.add(values[start : start + step])
    result = spread.result()
    assert (result.count, result.minimum, result.maximum) == (
        len(values),
        values.min(),
        values.max(),
    )
    np.testing.assert_allclose(result.mean, values.mean(), rtol=1e-9)
    np.testing.assert_allclose(result.median, np.median(values), rtol=RELATIVE_BIN, atol=1e-6)


def test_numbers_that_are_not_finite_do_not_count():
    spread = RunningSpread()
    spread.add([[np.nan, 1.0], [np.inf, -np.inf]])
    spread.add(np.nan)
    assert spread.result() == Spread(1, 1.0, 1.0, 1.0, 1.0)


def test_no_numbers():
    assert RunningSpread().result() == Spread(0, None, None, None, None)


def test_memory_does_not_grow_with_the_stream():
    spread = RunningSpread()
    for seed in range(20):
        spread.add(np.random.default_rng(seed).uniform(5, 150, 50_000))
    assert spread.result().count == 1_000_000
    # ln(150 / 5) in steps of RELATIVE_BIN.
    assert len(spread._bins) < 7000
