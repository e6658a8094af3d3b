"""What the tests of results and reports share: a measured grid without any training."""

import dataclasses

import pytest

from tests.ablation.fake_runs import NAMES, fake_run
from tf_handgroups.ablation.grid import Comparison, Grid, Variant
from tf_handgroups.ablation.run_plan import PlannedRun
from tf_handgroups.recipes import quicktest

GRID = Grid(
    "small",
    "three",
    (
        Variant("one", "one group", ("num_groups=1", "grouping=one_group")),
        Variant("three", "three groups"),
        Variant("drawn", "random groups", ("grouping=random",), seeds=2),
    ),
    (
        Comparison("claims", "three", "one", "Do groups help?"),
        Comparison("claims", "three", "drawn", "Does learning help?"),
        Comparison("other", "drawn", "one", "Do random groups help?"),
    ),
)
# Error of a hand's box, by variant and seed.
ERRORS = {
    "one": [0.30, 0.33, 0.28, 0.35, 0.31, 0.29],
    "three": [0.25, 0.27, 0.24, 0.30, 0.25, 0.255],
    "drawn": [0.26, 0.26],
}


def make_small_grid(folder):
    """Grid, recipe and measured runs with six seeds, on `validation` and `photos`."""
    recipe = dataclasses.replace(quicktest(), steps=90)
    runs = []
    for variant in GRID.variants:
        for seed, error in enumerate(ERRORS[variant.name]):
            changed = dataclasses.replace(variant.recipe(recipe), seed=seed)
            run = PlannedRun(variant, changed, folder / "runs" / variant.name / f"seed{seed}")
            values = dict(zip(NAMES, (error, 1 - error, 100 * error, 50 * error), strict=True))
            photos = {"2d/epe_box": error + 0.1, "2d/epe_px": 3.0}
            fake_run(run, {"validation": values, "photos": photos})
            runs.append(run)
    return GRID, recipe, runs


@pytest.fixture
def small_grid(tmp_path):
    return make_small_grid(tmp_path)
