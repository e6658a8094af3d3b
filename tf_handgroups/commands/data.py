"""Commands that make data sets."""

import os
import pathlib
from typing import Annotated

import typer

from tf_handgroups.commands.options import Out, Overwrite, Seed
from tf_handgroups.commands.terminal import console


def synth(
    count: Annotated[int, typer.Option(help="Number of images.")],
    out: Out,
    seed: Seed = 0,
    image_size: Annotated[int, typer.Option(help="Side of the images in pixels.")] = 192,
    workers: Annotated[int, typer.Option(help="Processes that render.")] = os.cpu_count() or 1,
    preview: Annotated[
        pathlib.Path | None, typer.Option(help="Also draw a contact sheet to this PNG.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Renders a synthetic training set of hands with exact labels into shards.

    An interrupted run continues where it stopped.

    Example: `tf-handgroups synth --count 40000 --seed 1 --out renders/train`
    """
    import itertools

    from tf_handgroups.datasets.shards import ShardDataset
    from tf_handgroups.image_file import write_image
    from tf_handgroups.synth.contact_sheet import contact_sheet
    from tf_handgroups.synth.write_shards import write_synthetic_shards

    write_synthetic_shards(
        count, seed, out, image_size=image_size, num_workers=workers, overwrite=overwrite
    )
    if preview is not None:
        samples = list(itertools.islice(ShardDataset(out), 48))
        write_image(preview, contact_sheet(samples, columns=8), overwrite=True)
        console.print(f"Contact sheet: {preview}")
    console.print(f"{count} images in {out}. Use them as --data synth:{out}")
