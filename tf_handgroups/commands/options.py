"""Options that several commands share, with one meaning and one help text."""

import pathlib
from typing import Annotated

import typer

Out = Annotated[pathlib.Path, typer.Option(help="Folder for the results.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for another program.")]
Data = Annotated[str, typer.Option(help="Data set as KIND:PATH, e.g. synth:renders/train.")]
DataList = Annotated[list[str], typer.Option(help="Data set as KIND:PATH; may be repeated.")]
Model = Annotated[pathlib.Path, typer.Option(help=".keras, .tflite or bundle folder.")]
Threads = Annotated[int, typer.Option(min=1, max=64, help="CPU threads of LiteRT.")]
ThreadsList = Annotated[
    list[int] | None, typer.Option(min=1, max=64, help="CPU threads of LiteRT.")
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Take a .tflite file with another hash or without a contract beside it; the "
        "contract inside it is used, and it is tried in a process of its own first.",
    ),
]
