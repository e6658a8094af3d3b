"""The command that finds hands in images."""

import pathlib
from typing import Annotated

import typer
from rich.progress import track

from tf_handgroups.commands.options import Model, Out, Overwrite, Threads, Trust
from tf_handgroups.commands.terminal import errors, say


def predict(
    model: Model,
    inputs: Annotated[list[pathlib.Path], typer.Argument(help="Images or folders of images.")],
    out: Out,
    boxes: Annotated[
        pathlib.Path | None,
        typer.Option(help="handjson file with `file`, `box_px`, `handedness` of each hand."),
    ] = None,
    threads: Threads = 1,
    trust: Trust = False,
    overwrite: Overwrite = False,
) -> None:
    """Finds the 21 joints of hands: predictions.json and overlays.

    Without --boxes the whole image is taken as one hand's window.

    Example: `tf-handgroups predict --model android_assets photo.jpg --boxes boxes.json
    --out result`
    """
    from tf_handgroups.convert.predict_files import predict_files

    count = predict_files(
        model,
        inputs,
        out,
        boxes=boxes,
        num_threads=threads,
        trust=trust,
        overwrite=overwrite,
        track=lambda items: track(items, "predicting", console=errors),
    )
    say(f"{count} hands in {out / 'predictions.json'}, overlays beside it.")
