"""Commands around the input pipeline: pack data into shards, look at a batch."""

import os
import pathlib
from typing import Annotated

import typer

from tf_handgroups.commands.options import Data, DataList, Out, Overwrite, Seed
from tf_handgroups.commands.terminal import say


def pack(
    data: Data,
    out: Out,
    max_side: Annotated[
        int | None, typer.Option(help="Reduce larger images to this longest side in pixels.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Threads that prepare images.")] = os.cpu_count()
    or 1,
    overwrite: Overwrite = False,
) -> None:
    """Packs a data set into TFRecord shards, which are fast to read.

    Images are turned upright. An interrupted run continues where it stopped.

    Example: `tf-handgroups pack --data handjson:my_hands --out packed/my_hands --max-side 512`
    """
    from tf_handgroups.datasets.pack import pack_dataset
    from tf_handgroups.datasets.registry import open_dataset

    info = pack_dataset(
        open_dataset(data), out, max_side=max_side, num_workers=workers, overwrite=overwrite
    )
    say(f"{info['count']} hands in {out}. Use them as --data shards:{out}")


def show_batch(
    data: DataList,
    out: Annotated[pathlib.Path, typer.Option(help="PNG or JPEG file for the picture.")],
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")] = "mobile",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a field of the recipe: field=value.")
    ] = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """Draws the first batch of a training run as the network sees it, with its labels.

    Joints that count in the loss are dots, others rings.

    Example: `tf-handgroups show-batch --data handjson:my_hands --recipe mobile --out batch.png`
    """
    from tf_handgroups.batch_sheet import batch_sheet, first_batch
    from tf_handgroups.datasets.registry import open_dataset
    from tf_handgroups.image_file import write_image
    from tf_handgroups.recipes import get_recipe, override

    chosen = override(get_recipe(recipe), [*(set_ or []), f"seed={seed}"])
    batch = first_batch([open_dataset(name) for name in data], chosen)
    write_image(out, batch_sheet(*batch), overwrite=overwrite)
    say(f"Batch: {out}")
