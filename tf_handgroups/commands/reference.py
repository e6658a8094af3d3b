"""The command that imports the authors' checkpoint."""

import pathlib
from typing import Annotated

import typer

from tf_handgroups.commands.options import Overwrite
from tf_handgroups.commands.terminal import say


def import_reference(
    checkpoint: Annotated[
        pathlib.Path, typer.Argument(help="PyTorch file with `model_state_dict`, `Temperature`.")
    ],
    out: Annotated[pathlib.Path, typer.Option(help="The .keras file to write.")],
    joint_order: Annotated[
        str, typer.Option(help="Order of the joints in the checkpoint: rhd, canonical, stb, ...")
    ] = "rhd",
    licence: Annotated[str, typer.Option(help="Licence of the weights.")] = "not stated",
    overwrite: Overwrite = False,
) -> None:
    """Imports the checkpoint of the paper's authors (needs the extra `torch`).

    The model has the joints in canonical order; it trains on, converts and predicts like
    one of ours.

    Example: `tf-handgroups import-reference RHD_final.pth --out reference.keras`
    """
    from tf_handgroups.hardening import grouping_of
    from tf_handgroups.reference_checkpoint import import_reference as run_import

    model = run_import(checkpoint, out, joint_order, licence, overwrite)
    temperature = float(model.selector.current_temperature)
    say(
        f"Imported: {out}, joints moved from order {joint_order} to canonical. "
        f"Group of each joint: {list(grouping_of(model))}; temperature {temperature:g}"
    )
