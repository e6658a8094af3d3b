"""The command that asks whether grouping helps."""

from typing import Annotated

import typer

from tf_handgroups.commands.options import DataList, Out
from tf_handgroups.commands.terminal import say
from tf_handgroups.errors import InputError


def ablate(
    data: DataList,
    val: DataList,
    out: Out,
    test: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=KIND:PATH", help="Also measure on this; may be repeated."),
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="Name of the recipe, or a recipe.json.")
    ] = "quicktest",
    grid: Annotated[
        str, typer.Option(help="main, full, or a JSON file (docs/grouping.md).")
    ] = "main",
    seeds: Annotated[int, typer.Option(min=1, max=20, help="Runs of each variant.")] = 3,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a field of the recipe of all runs: field=value."),
    ] = None,
) -> None:
    """Trains variants of a network with several seeds and compares them.

    Does grouping help, does learning the groups, does fusion? Ctrl-C ends it after the
    current step; the same command continues it, also with more --seeds or another --test.

    Example: `tf-handgroups ablate --data synth:renders/train --val synth:renders/val
    --test photos=handjson:photos --grid main --seeds 5 --set steps=2000 --out grouping`
    """
    from tf_handgroups.ablation.ablate import ablate as run_ablation
    from tf_handgroups.ablation.grid import get_grid
    from tf_handgroups.datasets.registry import open_dataset
    from tf_handgroups.recipes import get_recipe, override

    tests = {}
    for argument in test or []:
        name, equals, dataset = argument.partition("=")
        if not equals or not name or name in tests:
            raise InputError(
                f"--test: expected NAME=KIND:PATH, every name once. Received: {argument!r}. "
                "Example: --test photos=handjson:photos."
            )
        tests[name] = dataset
    report = run_ablation(
        get_grid(grid),
        override(get_recipe(recipe), set_ or []),
        [open_dataset(name) for name in data],
        [open_dataset(name) for name in val],
        out,
        test_data={name: open_dataset(dataset) for name, dataset in tests.items()},
        num_seeds=seeds,
        write=say,
    )
    say(f"Report: {report}")
