"""Which runs a grid means, where they lie, and that a folder holds one grid only."""

import dataclasses
import json
import pathlib
from typing import Any

from tf_handgroups.ablation.grid import Grid, Variant
from tf_handgroups.ablation.weight_budget import trained_weights, with_weights
from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.errors import InputError
from tf_handgroups.recipes.recipe import Recipe

RUNS_FOLDER = "runs"
SETTINGS_FILE = "settings.json"


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """One training of a grid.

    Args:
        variant: What is trained.
        recipe: The whole recipe, with seed and width.
        folder: Where it lies.
    """

    variant: Variant
    recipe: Recipe
    folder: pathlib.Path

    @property
    def name(self) -> str:
        """Name of the run for people."""
        return f"{self.variant.name}, seed {self.recipe.seed}"


def plan_runs(grid: Grid, recipe: Recipe, num_seeds: int, out: pathlib.Path) -> list[PlannedRun]:
    """Returns all runs of a grid, all variants of the first seed first.

    All variants get as many weights as that of the budget, as nearly as the width of
    their branches allows. The seeds are `recipe.seed` and those after it.

    Args:
        grid: Variants and comparisons.
        recipe: What the variants change.
        num_seeds: Runs of each variant.
        out: Folder of the grid.

    Raises:
        InputError: If there is no seed, or a variant cannot have that many weights.

    Example:

    >>> from tf_handgroups.ablation.grid import get_grid
    >>> from tf_handgroups.recipes import quicktest
    >>> runs = plan_runs(get_grid("main"), quicktest(), 2, pathlib.Path("grid"))
    >>> len(runs), runs[5].name, runs[5].folder.as_posix()
    (8, 'learned-3, seed 1', 'grid/runs/learned-3/seed1')
    """
    if num_seeds < 1:
        raise InputError(f"ablate: expected at least one seed. Received: seeds={num_seeds}.")
    budget = trained_weights(grid.variant(grid.budget).recipe(recipe))
    recipes = {}
    for variant in grid.variants:
        changed = variant.recipe(recipe)
        if variant.name != grid.budget:
            changed = with_weights(changed, budget)
        recipes[variant.name] = changed
    return [
        PlannedRun(
            variant,
            dataclasses.replace(recipes[variant.name], seed=seed),
            out / RUNS_FOLDER / variant.name / f"seed{seed}",
        )
        for number, seed in enumerate(range(recipe.seed, recipe.seed + num_seeds))
        for variant in grid.variants
        if variant.seeds is None or number < variant.seeds
    ]


def keep_settings(
    out: pathlib.Path, grid: Grid, recipe: Recipe, data_sets: dict[str, list[str]]
) -> None:
    """Writes what defines the runs of a folder, or checks that it is the same as before.

    More seeds and further test sets may be asked for later.

    Args:
        out: Folder of the grid.
        grid: Variants and comparisons.
        recipe: What the variants change.
        data_sets: A line per data set of `training`, `validation` and every test set.

    Raises:
        InputError: If the folder holds another grid, or something that is no grid.
    """
    # Through JSON, which knows no tuples.
    now: dict[str, Any] = json.loads(
        json.dumps(
            {
                "schema": 1,
                "grid": dataclasses.asdict(grid),
                "recipe": dataclasses.asdict(recipe),
                "data_sets": data_sets,
            }
        )
    )
    file = out / SETTINGS_FILE
    if not file.is_file():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(
                f"{out}: expected a new or empty folder, or one of an ablation. "
                "Received: an existing one. Choose another --out."
            )
    else:
        try:
            before = json.loads(file.read_text(encoding="utf-8"))
            known = before["data_sets"]
            different = [name for name in now if name != "data_sets" and now[name] != before[name]]
            different += [f"data {name}" for name in known if known[name] != now["data_sets"].get(
                name, known[name])]  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{file}: expected the settings of an ablation. Received: a damaged file. "
                "Choose another --out."
            ) from error
        if different:
            raise InputError(
                f"{out}: was begun with other settings. Received: another {', '.join(different)}. "
                f"Give the arguments of before ({SETTINGS_FILE} has them), or another --out."
            )
        now["data_sets"] = known | now["data_sets"]
    with replacing_file(file, overwrite=True) as temporary:
        temporary.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
