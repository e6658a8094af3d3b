import csv

import numpy as np
import pytest
from scipy import stats

from tests.ablation.conftest import ERRORS
from tf_handgroups.ablation.paired_statistics import Interval
from tf_handgroups.ablation.results import (
    MAIN_MEASURES,
    Finding,
    Results,
    finding_rows,
    findings,
    write_table,
)
from tf_handgroups.errors import InputError

BOX, PCK, PA = MAIN_MEASURES


@pytest.fixture
def results(small_grid):
    return Results(small_grid[2], ["validation", "photos"])


def test_rows_are_tidy(results, small_grid):
    rows = results.rows()
    keys = [tuple(row[name] for name in ("variant", "seed", "data", "form", "measure"))
            for row in rows]  # fmt: skip
    assert len(set(keys)) == len(rows)
    # Four forms of four and of two measures, and the number of weights, twice.
    assert len(rows) == len(small_grid[2]) * (4 * 4 + 1 + 4 * 2 + 1)
    (row,) = [
        row for row, key in zip(rows, keys, strict=True)
        if key == ("three", 3, "photos", "hardened", "2d/epe_box")
    ]  # fmt: skip
    assert row["value"] == pytest.approx(0.4) and row["num_hands"] == 7


def test_values_by_seed(results):
    assert results.values("drawn", "validation", "2d/epe_box") == {0: 0.26, 1: 0.26}
    sampled = results.values("drawn", "validation", "2d/epe_box", "sampled")
    assert sampled == pytest.approx({0: 0.286, 1: 0.286})
    assert results.values("drawn", "photos", PA.name) == {}
    assert results.num_hands("photos", BOX.name) == 7
    assert results.num_hands("photos", PA.name) == 0


def test_findings_are_those_of_the_paired_tests(results, small_grid):
    grouping, learning, random = findings(results, small_grid[0], "validation", BOX)
    first, second = np.array(ERRORS["three"]), np.array(ERRORS["one"])
    expected = stats.ttest_rel(first, second).confidence_interval(0.95)
    assert grouping.interval.count == 6
    assert (grouping.interval.low, grouping.interval.high) == pytest.approx(tuple(expected))
    exact = stats.permutation_test(
        (first - second,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert grouping.p_value == pytest.approx(exact.pvalue) == pytest.approx(2 / 64)
    # Two comparisons in the family: the smaller p-value counts twice.
    assert grouping.corrected_p_value == pytest.approx(4 / 64)
    assert grouping.verdict.startswith("three is better by the interval, not confirmed")
    # Only the seeds that both have; one difference is up, the other down.
    assert learning.differences == pytest.approx({0: -0.01, 1: 0.01})
    assert learning.corrected_p_value == 1.0
    assert learning.verdict == "no difference found: the interval holds zero"
    # A family by itself: nothing to correct.
    assert random.corrected_p_value == random.p_value == 0.5


def test_a_larger_share_of_right_joints_is_better(results, small_grid):
    finding = findings(results, small_grid[0], "validation", PCK)[0]
    assert finding.interval.mean > 0 and finding.verdict.startswith("three is better")


def test_what_was_not_measured_is_not_compared(results, small_grid):
    assert findings(results, small_grid[0], "photos", PA) == []


@pytest.mark.parametrize(
    ("interval", "corrected", "words"),
    [
        (Interval(-1, -np.inf, np.inf, 1), 1.0, "one seed: nothing can be said"),
        (Interval(-1, -3, 1, 3), 0.01, "no difference found: the interval holds zero"),
        (Interval(-1, -2, -0.5, 8), 0.05, "three is better"),
        (Interval(1, 0.5, 2, 8), 0.01, "one is better"),
        (Interval(1, 0.5, 2, 8), 0.06, "one is better by the interval, not confirmed by the "
         "corrected exact test"),
        (Interval(-1, -2, -0.5, 3), 0.25, "three is better by the interval; 3 seeds are too few "
         "for the exact test to confirm anything"),
    ],
)  # fmt: skip
def test_findings_in_words(interval, corrected, words, small_grid):
    comparison = small_grid[0].comparisons[0]
    finding = Finding(comparison, "validation", BOX, {}, interval, corrected, corrected)
    assert finding.verdict == words


def test_tables(results, small_grid, tmp_path):
    rows = finding_rows(findings(results, small_grid[0], "validation", BOX))
    write_table(tmp_path / "table.csv", rows)
    with open(tmp_path / "table.csv", newline="") as file:
        first = next(csv.DictReader(file))
    assert first["variant"] == "three" and first["num_seeds"] == "6"
    assert float(first["difference"]) == pytest.approx(
        np.mean(ERRORS["three"]) - np.mean(ERRORS["one"])
    )
    write_table(tmp_path / "none.csv", [])
    assert not (tmp_path / "none.csv").exists()


def test_rejects_runs_that_were_not_measured(small_grid):
    with pytest.raises(InputError, match="Received: a missing or damaged file"):
        Results(small_grid[2], ["validation", "film"])
