"""What an ablation leaves: tables for programs, `grouping.md`, figures, one page to look at."""

import pathlib
from collections.abc import Mapping, Sequence

from tf_handgroups.ablation.ablation_figures import interval_panels
from tf_handgroups.ablation.grid import Grid
from tf_handgroups.ablation.group_sections import (
    groups_section,
    hardening_section,
    runs_by_variant,
    selector_section,
    with_interval,
)
from tf_handgroups.ablation.paired_statistics import mean_interval, smallest_p_value
from tf_handgroups.ablation.report_section import Picture, Section, Table
from tf_handgroups.ablation.rerun_commands import ablate_command, data_name, train_command
from tf_handgroups.ablation.results import (
    MAIN_MEASURES,
    Finding,
    MainMeasure,
    Results,
    finding_rows,
    findings,
    write_table,
)
from tf_handgroups.ablation.run_measures import read_grouping
from tf_handgroups.ablation.run_plan import PlannedRun
from tf_handgroups.ablation.weight_budget import trained_weights
from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.html_page import page, text
from tf_handgroups.joints import JOINT_NAMES
from tf_handgroups.recipes.recipe import Recipe

REPORT_FILE = "report.html"
MARKDOWN_FILE = "grouping.md"
TITLE = "Does grouping help?"


def write_results(
    out: pathlib.Path,
    grid: Grid,
    recipe: Recipe,
    runs: Sequence[PlannedRun],
    train_data: Sequence,
    measured_on: Mapping[str, Sequence],
) -> pathlib.Path:
    """Writes everything about measured runs into the folder of the grid.

    `results.csv` has a row per run, data, form and measure; `comparisons.csv` a row per
    comparison, data and main measure; `groups.csv` a row per run and joint.

    Args:
        out: The folder; older results are replaced.
        grid: Variants and comparisons.
        recipe: What the variants change.
        runs: All of them measured.
        train_data: Data sets learned from.
        measured_on: Data sets measured on, by name; the first is the validation data.

    Returns:
        Path of the page.
    """
    results = Results(runs, list(measured_on))
    validation = results.data[0]
    found = {
        (data, measure.name): findings(results, grid, data, measure)
        for data in results.data
        for measure in _measures_on(results, data)
    }
    write_table(out / "results.csv", results.rows())
    write_table(
        out / "comparisons.csv", finding_rows(one for part in found.values() for one in part)
    )
    write_table(out / "groups.csv", _group_rows(runs))
    sections = [
        _what_section(runs, recipe, train_data, measured_on, results),
        _variants_section(runs, grid, results),
        *(_means_section(runs, results, data) for data in results.data),
    ]
    for data in results.data:
        of_data = [found[data, measure.name] for measure in _measures_on(results, data)]
        if any(of_data):
            sections.append(_comparisons_section(grid, data, of_data))
    sections += [
        groups_section(runs),
        selector_section(runs),
        hardening_section(runs, results, validation),
        _commands_section(runs, grid, recipe, train_data, measured_on, out),
    ]
    for section in sections:
        for picture in section.pictures:
            path = out / "figures" / f"{picture.name}.png"
            with replacing_file(path, overwrite=True) as temporary:
                temporary.write_bytes(picture.png)
    body = f"<h1>{text(TITLE)}</h1>" + "".join(section.html() for section in sections)
    markdown = "\n".join([f"# {TITLE}\n", *(section.markdown() for section in sections)])
    for name, content in ((MARKDOWN_FILE, markdown), (REPORT_FILE, page(TITLE, body))):
        with replacing_file(out / name, overwrite=True) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return out / REPORT_FILE


def _measures_on(results: Results, data: str) -> list[MainMeasure]:
    """The main measures that the labels of the data allow."""
    return [measure for measure in MAIN_MEASURES if results.num_hands(data, measure.name)]


def _group_rows(runs: Sequence[PlannedRun]) -> list[dict]:
    return [
        {
            "variant": run.variant.name,
            "seed": run.recipe.seed,
            "joint": joint,
            "group": group,
        }
        for run in runs
        for joint, group in zip(JOINT_NAMES, read_grouping(run.folder), strict=True)
    ]


def _what_section(runs, recipe, train_data, measured_on, results) -> Section:
    hands = ", ".join(
        f"{name}: {' + '.join(map(data_name, datasets))} "
        f"({results.num_hands(name, MAIN_MEASURES[0].name):,} hands)"
        for name, datasets in measured_on.items()
    )
    chosen = (
        "after the best epoch, which was chosen on the validation data"
        if recipe.patience
        else "after the last step; none of the data was used to choose between steps"
    )
    return Section(
        "What was done",
        (
            f"{len(runs)} runs of recipe `{recipe.name}`: {recipe.steps:,} steps of "
            f"{recipe.batch_size} crops of {recipe.input_size} x {recipe.input_size} pixels each, "
            f"{recipe.precision}, on {' + '.join(map(data_name, train_data))}.",
            f"Measured on {hands}. Numbers are those of the hardened network unless said "
            f"otherwise, {chosen}.",
            "Runs of the same seed see the same pictures in the same order. ± is half the width "
            "of the 95 % t interval over the seeds.",
        ),
    )


def _variants_section(runs, grid, results: Results) -> Section:
    rows = []
    by_variant = runs_by_variant(runs)
    budget = trained_weights(by_variant[grid.budget][0].recipe)
    for name, of_variant in by_variant.items():
        first = of_variant[0]
        count = trained_weights(first.recipe)
        hardened = results.values(name, results.data[0], "model/weights")
        smallest, largest = min(hardened.values()), max(hardened.values())
        span = f"{smallest:,.0f}" + (f" - {largest:,.0f}" if largest > smallest else "")
        rows.append(
            (
                name,
                first.variant.title,
                str(first.recipe.num_groups),
                str(first.recipe.group_channels),
                f"{count:,}",
                f"{count / budget - 1:+.2%}",
                span,
                str(len(of_variant)),
            )
        )
    head = (
        "variant", "what", "groups", "width", "trained weights", f"against {grid.budget}",
        "hardened weights", "runs",
    )  # fmt: skip
    return Section(
        "Variants",
        (
            f"All have as many weights as `{grid.budget}`, as nearly as the width of their "
            "branches allows.",
        ),
        Table(head, tuple(rows)),
    )


def _means_section(runs, results: Results, data: str) -> Section:
    measures = _measures_on(results, data)
    rows, panels = [], {measure.title: {} for measure in measures}
    for name, of_variant in runs_by_variant(runs).items():
        cells = []
        for measure in measures:
            values = list(results.values(name, data, measure.name).values())
            interval = mean_interval(values)
            cells.append(with_interval(interval, measure.digits, measure.scale))
            panels[measure.title][name] = _scaled(values, measure.scale)
        rows.append((name, str(len(of_variant)), *cells))
    words = () if measures else ("No hand has labels for the measures of this table.",)
    return Section(
        f"Means on {data}",
        words,
        Table(("variant", "runs", *panels), tuple(rows)) if measures else None,
        (
            Picture(
                f"means-{data}",
                interval_panels(panels),
                f"On {data}: mean and 95 % interval; grey: the seeds.",
            ),
        )
        if measures
        else (),
    )


def _comparisons_section(grid: Grid, data: str, found: Sequence[Sequence[Finding]]) -> Section:
    rows, panels = [], {}
    for of_measure in found:
        for one in of_measure:
            measure, interval = one.measure, one.interval
            rows.append(
                (
                    one.comparison.family,
                    one.comparison.question,
                    f"{one.comparison.variant} - {one.comparison.reference}",
                    measure.title,
                    str(interval.count),
                    with_interval(interval, measure.digits, measure.scale, sign=True),
                    f"{one.p_value:.3f}",
                    f"{one.corrected_p_value:.3f}",
                    one.verdict,
                )
            )
        measure = of_measure[0].measure
        better = "left" if measure.smaller_is_better else "right"
        panels[f"{measure.title}\n{better} of zero: the first is better"] = {
            f"{one.comparison.variant} - {one.comparison.reference}": _scaled(
                list(one.differences.values()), measure.scale
            )
            for one in of_measure
        }
    counts = sorted({one.interval.count for part in found for one in part})
    limits = ", ".join(f"{smallest_p_value(count):.3g} with {count}" for count in counts)
    rows.sort(key=lambda row: [one.family for one in grid.comparisons].index(row[0]))
    head = (
        "family", "question", "difference of", "measure", "seeds", "mean, 95 % interval",
        "p", "p after Holm", "finding",
    )  # fmt: skip
    return Section(
        f"Comparisons on {data}",
        (
            "Differences are taken seed by seed: mean with paired 95 % t interval, and the exact "
            "p-value of flipping their signs (two-sided), corrected by Holm's method over the "
            "comparisons of a family on the same data and measure. The smallest p-value that is "
            f"possible with so many seeds: {limits}.",
        ),
        Table(head, tuple(rows)),
        (
            Picture(
                f"differences-{data}",
                interval_panels(panels, zero=True),
                f"On {data}: paired differences with their 95 % intervals; grey: the seeds.",
            ),
        ),
    )


def _scaled(values: Sequence[float], scale: float):
    scaled = [value * scale for value in values]
    return mean_interval(scaled), scaled


def _commands_section(runs, grid, recipe, train_data, measured_on, out) -> Section:
    names = {name: [data_name(one) for one in datasets] for name, datasets in measured_on.items()}
    (_, validation), *tests = names.items()
    data = [data_name(one) for one in train_data]
    seeds = max(len(of_variant) for of_variant in runs_by_variant(runs).values())
    commands = [
        (
            "Everything; what is finished is not repeated:",
            ablate_command(
                grid, recipe, data, validation, {name: one for name, (one,) in tests}, seeds,
                str(out),
            ),
        )
    ]  # fmt: skip
    for name, of_variant in runs_by_variant(runs).items():
        first = of_variant[0].recipe
        seeds_done = ", ".join(str(run.recipe.seed) for run in of_variant)
        folder = f"rerun/{name}"
        measuring = [
            f"tf-handgroups evaluate --model {folder}/model.keras --data {one} "
            f"--out {folder}/on-{label}"
            for label, datasets in names.items()
            for one in datasets
        ]
        commands.append(
            (
                f"`{name}` with seed {first.seed} (seeds {seeds_done} were run; `--set seed=N`):",
                "\n".join([train_command(first, data, validation, folder), *measuring]),
            )
        )
    return Section(
        "How to run it again", ("Each row of the tables by itself:",), commands=tuple(commands)
    )
