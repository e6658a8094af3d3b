"""Folders of runs as `train` and `measure_run` leave them, without training."""

import csv
import dataclasses
import json
import pathlib

import numpy as np

from tf_handgroups.ablation.run_measures import FORMS, Measure, measures_path
from tf_handgroups.ablation.run_plan import PlannedRun
from tf_handgroups.grouping import named_grouping
from tf_handgroups.selector_history import append_selector

NAMES = ("2d/epe_box", "2d/pck_0.2_box", "procrustes/mpjpe_mm", "2d/epe_px")


def write_measures(folder: pathlib.Path, data: str, measures: list[Measure]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with open(measures_path(folder, data), "w", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in dataclasses.fields(Measure)])
        table.writeheader()
        table.writerows(dataclasses.asdict(measure) for measure in measures)


def fake_run(run: PlannedRun, values: dict, grouping=None) -> None:
    """Leaves a finished and measured run.

    Args:
        run: Which.
        values: Data -> measure -> value of the hardened form; the others are 10 % larger.
        grouping: 21 group indices; the run's own fixed or a random one by default.
    """
    recipe = run.recipe
    for data, of_data in values.items():
        write_measures(
            run.folder,
            data,
            [
                Measure("hardened", "model/weights", 1000.0 + recipe.seed, 0),
                *(
                    Measure(form, name, value * (1 if form in ("hardened", "trained") else 1.1), 7)
                    for form in FORMS
                    for name, value in of_data.items()
                ),
            ],
        )
    if grouping is None:
        name = recipe.grouping or "random"
        grouping = named_grouping(name, recipe.num_groups, recipe.seed)
    (run.folder / "grouping.json").write_text(json.dumps(list(grouping)))
    for epoch in range(3):
        sure = np.eye(recipe.num_groups)[list(grouping)]
        shares = (epoch * sure + 1 / recipe.num_groups) / (epoch + 1)
        step = recipe.steps * (epoch + 1) // 3
        append_selector(run.folder / "selector.csv", epoch, step, shares)
