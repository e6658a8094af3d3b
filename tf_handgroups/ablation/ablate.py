"""Trains and measures the runs of a grid, as often as needed until all are done."""

import os
import pathlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from tf_handgroups.ablation.grid import Grid
from tf_handgroups.ablation.grid_progress import GridProgress
from tf_handgroups.ablation.report import write_results
from tf_handgroups.ablation.run_measures import measure_run, measures_path
from tf_handgroups.ablation.run_plan import PlannedRun, keep_settings, plan_runs
from tf_handgroups.errors import InputError
from tf_handgroups.recipes.recipe import Recipe
from tf_handgroups.run_folder import RECIPE_FILE
from tf_handgroups.run_record import RunRecord, describe
from tf_handgroups.training import train

VALIDATION = "validation"


def ablate(
    grid: Grid,
    recipe: Recipe,
    train_data: list,
    validation_data: list,
    out: str | os.PathLike,
    *,
    test_data: Mapping[str, Any] | None = None,
    num_seeds: int = 3,
    write: Callable[[str], Any] = print,
) -> pathlib.Path:
    """Trains every variant of a grid with several seeds and compares them.

    Each run is an ordinary one of `train` in a folder of its own. What is finished is
    not repeated, what was interrupted continues; more seeds and further test sets may be
    asked for later. Afterwards the folder has `results.csv`, `groups.csv`, `figures/`,
    `grouping.md` and `report.html`.

    Args:
        grid: Variants and comparisons.
        recipe: What the variants change.
        train_data: Data sets to learn from.
        validation_data: Data sets to validate and measure on.
        out: Folder of the grid.
        test_data: Further data sets to measure on, by name.
        num_seeds: Runs of each variant.
        write: Function that takes progress lines.

    Returns:
        Path of the report.

    Raises:
        InputError: If the folder holds something else, or an argument is unusable.
        KeyboardInterrupt: After Ctrl-C or SIGTERM; the same call continues.
    """
    out = pathlib.Path(out)
    tests = {name: [dataset] for name, dataset in (test_data or {}).items()}
    unfit = [name for name in tests if name == VALIDATION or not name.isidentifier()]
    if unfit:
        raise InputError(
            f"ablate: expected names of test sets that are words, other than {VALIDATION}. "
            f"Received: {', '.join(unfit)}."
        )
    measured_on = {VALIDATION: validation_data, **tests}
    runs = plan_runs(grid, recipe, num_seeds, out)
    lines = {
        name: [describe(dataset) for dataset in datasets]
        for name, datasets in {"training": train_data, **measured_on}.items()
    }
    keep_settings(out, grid, recipe, lines)
    finished = [RunRecord(run.folder).finished for run in runs]
    write(_announcement(runs, finished))
    progress = GridProgress(runs, finished, write=write)
    for index, run in enumerate(runs):
        progress.begin_run(index)
        if not finished[index]:
            _train(run, train_data, validation_data, progress, write)
        for name, datasets in measured_on.items():
            if not measures_path(run.folder, name).is_file():
                write(f"{run.name}: measuring on {name}")
                measure_run(run.folder, name, datasets, all_forms=name == VALIDATION)
        # Otherwise the networks of all runs would stay in memory.
        keras.backend.clear_session()
        progress.end_run(index)
    return write_results(out, grid, recipe, runs, train_data, measured_on)


def _train(run: PlannedRun, train_data, validation_data, progress, write) -> None:
    begun = (run.folder / RECIPE_FILE).is_file()
    if not begun and run.folder.is_dir():
        # Killed before its recipe was written: there is nothing in it yet.
        shutil.rmtree(run.folder)
    train(
        run.recipe,
        train_data,
        validation_data,
        run.folder,
        resume=begun,
        callbacks=[progress],
        write=lambda line: write(f"{run.name}: {line}"),
    )


def _announcement(runs: Sequence[PlannedRun], finished: Sequence[bool]) -> str:
    crops = sum(run.recipe.steps * run.recipe.batch_size for run in runs)
    left = sum(
        run.recipe.steps * run.recipe.batch_size
        for run, done in zip(runs, finished, strict=True)
        if not done
    )
    variants = dict.fromkeys(run.variant.name for run in runs)
    return (
        f"{len(runs)} runs of {len(variants)} variants, {sum(finished)} finished; "
        f"{crops:,} crops to train on in all, {left:,} left."
    )
