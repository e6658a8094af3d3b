"""The command that reads a data set to the end before a training does."""

import os
import pathlib
from typing import Annotated

import typer

from tf_handgroups.commands.options import AsJson, Overwrite, Seed
from tf_handgroups.commands.terminal import print_json, progress, say
from tf_handgroups.errors import InputError


def check_data(
    data: Annotated[
        str, typer.Argument(metavar="KIND:PATH", help="Data set, e.g. handjson:my_hands.")
    ],
    out: Annotated[
        pathlib.Path | None,
        typer.Option(help="Folder for report.json, table.txt and contact sheets."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that decode images.")] = (
        os.cpu_count() or 1
    ),
    allow_broken: Annotated[
        int, typer.Option(min=0, help="Broken samples that are still fine.")
    ] = 0,
    seed: Seed = 0,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Reads every sample: counts, ranges, reprojection error, what is broken or strange.

    Exit code 2 if more samples are broken than --allow-broken; strange ones are only
    named. The contact sheet of --out shows random samples with their joints: look at it.

    Example: `tf-handgroups check-data handjson:my_hands --out my_hands_report`
    """
    from tf_handgroups.data_check import check_data as run_check
    from tf_handgroups.datasets.registry import open_dataset

    if out is not None and not overwrite and out.exists() and not _is_empty_folder(out):
        # Before a long reading, not after it.
        raise InputError(f"{out}: already exists. Choose another --out or pass --overwrite.")
    dataset = open_dataset(data)
    with progress("reading") as show:
        report = run_check(dataset, num_workers=workers, seed=seed, on_progress=show)
    if out is not None:
        report.save(out, overwrite=overwrite)
    if as_json:
        print_json(report.as_dict())
    else:
        say(report.table())
        if out is not None:
            say(f"Report: {out}")
    if report.num_broken > allow_broken:
        raise InputError(
            f"{data}: {report.num_broken} of {report.num_samples} samples are broken. "
            f"Received: allow_broken={allow_broken}. Correct or remove them, or pass "
            f"--allow-broken {report.num_broken}."
        )


def _is_empty_folder(path: pathlib.Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
