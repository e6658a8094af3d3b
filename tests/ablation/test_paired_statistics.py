"""Against tables, SciPy's own tests and counting by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from tf_handgroups.ablation.paired_statistics import (
    MAX_EXACT,
    Interval,
    holm,
    mean_interval,
    sign_flip_p_value,
    smallest_p_value,
)
from tf_handgroups.errors import InputError

# Two-sided 95 % quantiles of Student's t, from the printed table.
T_TABLE = {2: 12.706, 3: 4.303, 4: 3.182, 6: 2.571, 11: 2.228}


@pytest.mark.parametrize("count", T_TABLE)
def test_interval_matches_the_printed_table(count):
    values = np.random.default_rng(count).normal(3, 2, count)
    interval = mean_interval(values)
    deviation = math.sqrt(sum((value - sum(values) / count) ** 2 for value in values) / (count - 1))
    expected = T_TABLE[count] * deviation / math.sqrt(count)
    assert interval.half_width == pytest.approx(expected, rel=2e-4)
    assert interval.mean == pytest.approx(sum(values) / count) and interval.count == count
    assert interval.high - interval.mean == pytest.approx(interval.mean - interval.low)


def test_interval_is_that_of_the_paired_t_test():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, 5), rng.normal(0.3, 1, 5)
    interval = mean_interval(first - second)
    expected = stats.ttest_rel(first, second).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected))


def test_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = [
        mean_interval(values).low <= 5 <= mean_interval(values).high
        for values in rng.normal(5, 2, (2000, 4))
    ]
    # Three standard deviations of a share of 2000.
    assert abs(np.mean(hits) - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 2000)


def test_one_value_says_nothing_about_its_spread():
    assert mean_interval([2.5]) == Interval(2.5, -math.inf, math.inf, 1)
    assert mean_interval([2.5]).holds_zero


@pytest.mark.parametrize(
    ("low", "high", "holds"), [(-1, 1, True), (0, 1, True), (0.1, 1, False), (-1, -0.1, False)]
)
def test_whether_zero_lies_inside(low, high, holds):
    assert Interval((low + high) / 2, low, high, 3).holds_zero is holds


@pytest.mark.parametrize("seed", range(6))
def test_p_value_is_the_share_of_sign_patterns(seed):
    rng = np.random.default_rng(seed)
    # Rounded, so that there are ties.
    differences = np.round(rng.normal(0.5, 1, 3 + seed), 1)
    patterns = list(itertools.product((-1, 1), repeat=len(differences)))
    seen = abs(sum(differences))
    extreme = sum(
        abs(sum(sign * value for sign, value in zip(pattern, differences, strict=True)))
        >= seen - 1e-9
        for pattern in patterns
    )
    assert sign_flip_p_value(differences) == pytest.approx(extreme / len(patterns))


def test_p_value_is_that_of_scipy():
    differences = np.random.default_rng(3).normal(0.4, 1, 8)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert sign_flip_p_value(differences) == pytest.approx(expected)


def test_no_effect_and_the_largest_effect():
    assert sign_flip_p_value([0.0, 0.0, 0.0]) == 1
    assert sign_flip_p_value([1.0, -1.0]) == 1
    for count in range(1, 12):
        assert sign_flip_p_value([1.0] * count) == smallest_p_value(count)
    assert sign_flip_p_value([1.0] * MAX_EXACT) == 2.0 ** (1 - MAX_EXACT)


def test_holm_against_a_worked_example():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([0.2]) == [0.2] and holm([]) == []


def test_holm_rejects_what_the_step_down_rule_rejects():
    rng = np.random.default_rng(5)
    for _ in range(200):
        p_values = rng.uniform(0, 0.2, 5)
        rejected, level = set(), 0.05
        for rank, index in enumerate(np.argsort(p_values)):
            if p_values[index] > level / (5 - rank):
                break
            rejected.add(index)
        corrected = holm(p_values.tolist())
        assert {index for index in range(5) if corrected[index] <= level} == rejected


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], [math.inf], [[1.0, 2.0]]])
def test_rejects_what_is_no_list_of_numbers(bad):
    for function in (mean_interval, sign_flip_p_value):
        with pytest.raises(InputError, match="Received: values="):
            function(bad)


def test_rejects_more_than_can_be_counted():
    with pytest.raises(InputError, match="Received: 21"):
        sign_flip_p_value([1.0] * (MAX_EXACT + 1))
