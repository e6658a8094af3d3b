"""The commands that do a run, or the whole grid, once more."""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence

from tf_handgroups.ablation.grid import GRIDS, Grid
from tf_handgroups.recipes import RECIPES
from tf_handgroups.recipes.recipe import Recipe


def recipe_words(recipe: Recipe) -> list[str]:
    """Returns the arguments that choose a recipe: what differs from a known one.

    Example:

    >>> recipe_words(dataclasses.replace(RECIPES["quicktest"](), num_groups=2))
    ['--recipe', 'quicktest', '--set', 'num_groups=2']
    """
    known = recipe.name if recipe.name in RECIPES else "mobile"
    base = RECIPES[known]()
    words = ["--recipe", known]
    for prefix, record, start in (
        ("", recipe, base),
        ("augmentation.", recipe.augmentation, base.augmentation),
    ):
        for field in dataclasses.fields(record):
            value = getattr(record, field.name)
            if field.name != "augmentation" and value != getattr(start, field.name):
                words += ["--set", f"{prefix}{field.name}={value}"]
    return words


def train_command(recipe: Recipe, data: Sequence[str], val: Sequence[str], out: str) -> str:
    """Returns the command that trains one run, for a terminal.

    Args:
        recipe: Of the run.
        data: Names of the training sets.
        val: Names of the validation sets.
        out: Run folder.

    Example:

    >>> train_command(RECIPES["mobile"](), ["synth:a"], ["synth:b"], "run")
    'tf-handgroups train --recipe mobile --data synth:a --val synth:b --out run'
    """
    words = ["tf-handgroups", "train", *recipe_words(recipe)]
    return shlex.join([*words, *_flags("--data", data), *_flags("--val", val), "--out", out])


def ablate_command(
    grid: Grid,
    recipe: Recipe,
    data: Sequence[str],
    val: Sequence[str],
    tests: Mapping[str, str],
    num_seeds: int,
    out: str,
) -> str:
    """Returns the command that trains and compares the whole grid.

    Args:
        grid: Variants and comparisons.
        recipe: What they change.
        data: Names of the training sets.
        val: Names of the validation sets.
        tests: Names of the test sets, by their short names.
        num_seeds: Runs of each variant.
        out: Folder of the grid.

    Example:

    >>> recipe = RECIPES["quicktest"]()
    >>> ablate_command(GRIDS["main"], recipe, ["synth:a"], ["synth:b"], {}, 3, "o")[14:]
    'ablate --grid main --seeds 3 --recipe quicktest --data synth:a --val synth:b --out o'
    """
    name = grid.name if grid == GRIDS.get(grid.name) else f"{grid.name}.json"
    words = ["tf-handgroups", "ablate", "--grid", name, "--seeds", str(num_seeds)]
    words += [*recipe_words(recipe), *_flags("--data", data), *_flags("--val", val)]
    words += _flags("--test", [f"{short}={long}" for short, long in tests.items()])
    return shlex.join([*words, "--out", out])


def data_name(dataset) -> str:
    """Returns the name that opens a data set, with its options.

    Example:

    >>> class Hands(list):
    ...     kind, path, options = "rhd", "RHD", {"split": "training"}
    >>> data_name(Hands())
    'rhd:RHD?split=training'
    """
    values = dict(getattr(dataset, "options", {}))
    if getattr(dataset, "weight", 1.0) != 1.0:
        values["weight"] = f"{dataset.weight:g}"
    options = "&".join(f"{name}={value}" for name, value in values.items())
    name = f"{getattr(dataset, 'kind', 'KIND')}:{getattr(dataset, 'path', 'PATH')}"
    return f"{name}?{options}" if options else name


def _flags(flag: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]
