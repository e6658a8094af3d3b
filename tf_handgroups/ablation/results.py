"""The numbers of all runs in one table, and what they say about each comparison."""

import csv
import dataclasses
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tf_handgroups.ablation.grid import Comparison, Grid
from tf_handgroups.ablation.paired_statistics import (
    Interval,
    holm,
    mean_interval,
    sign_flip_p_value,
    smallest_p_value,
)
from tf_handgroups.ablation.run_measures import Measure, read_measures
from tf_handgroups.ablation.run_plan import PlannedRun
from tf_handgroups.atomic_files import replacing_file

LEVEL = 0.05


@dataclasses.dataclass(frozen=True)
class MainMeasure:
    """A measure that the tables show; `results.csv` has all others.

    Args:
        name: In `results.csv`.
        title: For people, with unit.
        scale: What values are multiplied by before they are shown.
        digits: After the point.
        smaller_is_better: Whether it is an error.
    """

    name: str
    title: str
    scale: float
    digits: int
    smaller_is_better: bool

    def show(self, value: float, sign: bool = False) -> str:
        """Returns a value as text.

        Example:

        >>> MAIN_MEASURES[0].show(0.1234), MAIN_MEASURES[2].show(0.5, sign=True)
        ('12.34', '+0.50')
        """
        return f"{value * self.scale:{'+' if sign else ''}.{self.digits}f}"


MAIN_MEASURES = (
    MainMeasure("2d/epe_box", "2D error (% of the box)", 100.0, 2, True),
    MainMeasure("2d/pck_0.2_box", "PCK@0.2 (%)", 100.0, 2, False),
    MainMeasure("procrustes/mpjpe_mm", "PA-MPJPE (mm)", 1.0, 2, True),
)


class Results:
    """All measures of the runs of a grid.

    Args:
        runs: The runs, all of them measured.
        data: Names of the data they were measured on.

    Raises:
        InputError: If a run is not measured.
    """

    def __init__(self, runs: Sequence[PlannedRun], data: Sequence[str]):
        self.runs = runs
        self.data = list(data)
        self._measures: dict[tuple[str, int, str], list[Measure]] = {
            (run.variant.name, run.recipe.seed, name): read_measures(run.folder, name)
            for run in runs
            for name in data
        }

    def values(
        self, variant: str, data: str, measure: str, form: str = "hardened"
    ) -> dict[int, float]:
        """Returns a measure of a variant, by seed; empty if it could not be taken."""
        return {
            seed: one.value
            for (of_variant, seed, on), measures in self._measures.items()
            if (of_variant, on) == (variant, data)
            for one in measures
            if (one.form, one.measure) == (form, measure)
        }

    def num_hands(self, data: str, measure: str) -> int:
        """Returns on how many hands a measure was taken."""
        return max(
            (
                one.num_hands
                for (_, _, on), measures in self._measures.items()
                for one in measures
                if (on, one.measure) == (data, measure)
            ),
            default=0,
        )

    def rows(self) -> list[dict[str, Any]]:
        """Returns one row per run, data set, form and measure."""
        return [
            {"variant": variant, "seed": seed, "data": data, **dataclasses.asdict(measure)}
            for (variant, seed, data), measures in self._measures.items()
            for measure in measures
        ]


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the runs say about a comparison.

    Args:
        comparison: Which.
        data: Name of the data.
        measure: What was compared.
        differences: Variant minus reference, by seed.
        interval: Of their mean.
        p_value: Exact, by flipping signs.
        corrected_p_value: After Holm, over the family on the same data and measure.
    """

    comparison: Comparison
    data: str
    measure: MainMeasure
    differences: Mapping[int, float]
    interval: Interval
    p_value: float
    corrected_p_value: float

    @property
    def verdict(self) -> str:
        """The finding in words."""
        count = self.interval.count
        if count < 2:
            return "one seed: nothing can be said"
        if self.interval.holds_zero:
            return "no difference found: the interval holds zero"
        better = (self.interval.mean < 0) == self.measure.smaller_is_better
        what = f"{self.comparison.variant if better else self.comparison.reference} is better"
        if self.corrected_p_value <= LEVEL:
            return what
        if smallest_p_value(count) > LEVEL:
            return (
                f"{what} by the interval; {count} seeds are too few for the exact test to "
                "confirm anything"
            )
        return f"{what} by the interval, not confirmed by the corrected exact test"


def findings(results: Results, grid: Grid, data: str, measure: MainMeasure) -> list[Finding]:
    """Compares variants seed by seed; only seeds that both have count.

    Args:
        results: Of the runs.
        grid: Has the comparisons.
        data: Name of the data.
        measure: What to compare.

    Returns:
        One per comparison that has a seed in common, in the order of the grid.
    """
    found = []
    for comparison in grid.comparisons:
        of_variant = results.values(comparison.variant, data, measure.name)
        of_reference = results.values(comparison.reference, data, measure.name)
        differences = {
            seed: of_variant[seed] - of_reference[seed]
            for seed in of_variant
            if seed in of_reference
        }
        if differences:
            numbers = list(differences.values())
            found.append(
                Finding(
                    comparison, data, measure, differences, mean_interval(numbers),
                    sign_flip_p_value(numbers), 1.0,
                )
            )  # fmt: skip
    corrected = {}
    for family in dict.fromkeys(one.comparison.family for one in found):
        members = [one for one in found if one.comparison.family == family]
        values = holm([one.p_value for one in members])
        corrected |= dict(zip([one.comparison for one in members], values, strict=True))
    return [dataclasses.replace(one, corrected_p_value=corrected[one.comparison]) for one in found]


def finding_rows(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """Returns findings as rows of `comparisons.csv`, in the units of `results.csv`."""
    return [
        {
            "family": one.comparison.family,
            "variant": one.comparison.variant,
            "reference": one.comparison.reference,
            "data": one.data,
            "measure": one.measure.name,
            "num_seeds": one.interval.count,
            "difference": one.interval.mean,
            "low": one.interval.low,
            "high": one.interval.high,
            "p_value": one.p_value,
            "holm_p_value": one.corrected_p_value,
            "verdict": one.verdict,
        }
        for one in found
    ]


def write_table(path: pathlib.Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows with the same columns as CSV; without rows nothing.

    Args:
        path: The file; it is replaced.
        rows: The rows.
    """
    if not rows:
        return
    with replacing_file(path, overwrite=True) as temporary:
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
