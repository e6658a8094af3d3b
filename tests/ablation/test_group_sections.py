import dataclasses
import json
import math

import numpy as np
import pytest

from tests.ablation.conftest import ERRORS
from tf_handgroups.ablation.group_sections import (
    groups_section,
    hardening_section,
    is_learned,
    runs_by_variant,
    selector_section,
    with_interval,
)
from tf_handgroups.ablation.paired_statistics import Interval, mean_interval
from tf_handgroups.ablation.results import Results
from tf_handgroups.recipes import quicktest


def rows_of(section):
    return {row[0]: dict(zip(section.table.head, row, strict=True)) for row in section.table.rows}


def test_stability_and_groups(small_grid):
    runs = small_grid[2]
    thumb = [0] + [1] * 4 + [2] * 16
    three = [run for run in runs if run.variant.name == "three"]
    for run in three:
        # Other names for the same groups, and one joint elsewhere in one run.
        grouping = [(group + run.recipe.seed) % 3 for group in thumb]
        grouping[20] = grouping[0] if run.recipe.seed == 5 else grouping[20]
        (run.folder / "grouping.json").write_text(json.dumps(grouping))
    rows = rows_of(groups_section(runs))
    # One group is no grouping; the drawn ones show what chance gives.
    assert list(rows) == ["three", "drawn"]
    assert rows["drawn"]["groups"] == "drawn" and rows["three"]["runs"] == "6"
    mean, _, span = rows["three"]["ARI between runs"].partition(" ")
    assert 0.9 < float(mean) < 1 and span.endswith("to 1.00)")
    first = rows["three"][groups_section(runs).table.head[-1]].split(" ")[0]
    assert first == "0.1111.2222.2222.2222.2222"
    names = [picture.name for picture in groups_section(runs).pictures]
    assert names == ["groups-three", "shared-three"]


def test_entropy_at_both_ends(small_grid):
    runs = small_grid[2]
    rows = rows_of(selector_section(runs))
    assert list(rows) == ["three"]
    row = rows["three"]
    assert row["uniform (nats)"] == f"{math.log(3):.3f}"
    assert row["after the first epoch"] == f"{math.log(3):.3f} ± 0.000"
    # At the end one group has (2 + 1 / 3) / 3 of every joint.
    shares = np.array([7 / 9, 1 / 9, 1 / 9])
    assert row["at the end"].startswith(f"{-(shares * np.log(shares)).sum():.3f}")
    assert row["decided joints (%)"] == "0 ± 0"
    assert row["grouping fixed after"] == "70% of the steps"
    assert [picture.name for picture in selector_section(runs).pictures] == ["entropy"]


def test_noise_until_the_end_is_said_so(small_grid):
    runs = [
        dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, commit_at=1.0))
        for run in small_grid[2]
    ]
    assert rows_of(selector_section(runs))["three"]["grouping fixed after"] == "never"


def test_nothing_learned_leaves_nothing_to_show(small_grid):
    fixed = [run for run in small_grid[2] if run.variant.name == "one"]
    for section in (groups_section(fixed), selector_section(fixed)):
        assert section.table is None and not section.pictures
    results = Results(fixed, ["validation"])
    assert hardening_section(fixed, results, "validation").table is None


def test_costs_of_hardening_are_paired(small_grid):
    runs = small_grid[2]
    section = hardening_section(runs, Results(runs, ["validation"]), "validation")
    assert {row[0] for row in section.table.rows} == {"three"}
    row = dict(zip(section.table.head, section.table.rows[0], strict=True))
    interval = mean_interval([0.1 * error for error in ERRORS["three"]])
    expected = f"+{interval.mean * 100:.2f} ± {interval.half_width * 100:.2f}"
    assert row["sampled - hardened"] == row["expected - hardened"] == expected
    assert row["trained: largest difference"] == "0"
    assert "on validation data" in section.words[0]


def test_variants_keep_their_order(small_grid):
    assert {name: len(runs) for name, runs in runs_by_variant(small_grid[2]).items()} == {
        "one": 6, "three": 6, "drawn": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "learned"),
    [({}, True), ({"num_groups": 1}, False), ({"grouping": (0,) * 21}, False)],
)
def test_what_is_learned(changes, learned):
    assert is_learned(dataclasses.replace(quicktest(), **changes)) is learned


def test_means_with_their_intervals():
    assert with_interval(Interval(-0.5, -0.75, -0.25, 4), 2) == "-0.50 ± 0.25"
    assert with_interval(mean_interval([0.5]), 1, scale=100, sign=True) == "+50.0 (one seed)"
