"""The command that trains."""

import enum
import pathlib
from typing import Annotated

import typer

from tf_handgroups.commands.options import DataList, Out
from tf_handgroups.commands.terminal import say


class Strategy(enum.StrEnum):
    """Distribution strategies of `train`."""

    AUTO = "auto"
    SINGLE = "single"
    MIRRORED = "mirrored"
    MULTIWORKER = "multiworker"
    TPU = "tpu"


def train(
    data: DataList,
    val: DataList,
    out: Out,
    recipe: Annotated[str, typer.Option(help="Name of the recipe, or a recipe.json.")] = "mobile",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a field of the recipe: field=value.")
    ] = None,
    strategy: Annotated[Strategy, typer.Option(help="How to distribute.")] = Strategy.AUTO,
    initial_model: Annotated[
        pathlib.Path | None, typer.Option(help="A trained .keras file to start from.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the model.")] = "not stated",
    state_every: Annotated[
        float, typer.Option(help="Minutes between two states for --resume.", min=0.0)
    ] = 10.0,
    data_service: Annotated[
        str | None,
        typer.Option(help="HOST:PORT of a dispatcher whose workers prepare the training data."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
) -> None:
    """Trains a network with Keras `fit`.

    Ctrl-C ends it after the current step; --resume continues it, also after a crash.

    Example: `tf-handgroups train --recipe mobile --data synth:renders/train
    --val synth:renders/val --out runs/mobile --set steps=9000`
    """
    from tf_handgroups.datasets.registry import open_dataset
    from tf_handgroups.recipes import get_recipe, override
    from tf_handgroups.strategies import make_strategy
    from tf_handgroups.training import train as run_training

    chosen = override(get_recipe(recipe), set_ or [])
    # Several workers have to find each other before anything else is computed.
    made = make_strategy(strategy.value)
    run_training(
        chosen,
        [open_dataset(name) for name in data],
        [open_dataset(name) for name in val],
        out,
        strategy=made,
        resume=resume,
        initial_model=initial_model,
        licence=licence,
        state_minutes=state_every,
        data_service=data_service,
        write=say,
    )
    say(f"Trained model: {out / 'model.keras'}")
