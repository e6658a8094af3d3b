"""Commands that make data sets."""

import os
import pathlib
from typing import Annotated

import typer

from tf_handgroups.commands.options import Out, Overwrite, Seed
from tf_handgroups.commands.terminal import console, say


def synth(
    count: Annotated[int, typer.Option(help="Number of images.")],
    out: Out,
    seed: Seed = 0,
    image_size: Annotated[int, typer.Option(help="Side of the images in pixels.")] = 192,
    workers: Annotated[int, typer.Option(help="Processes that render.")] = os.cpu_count() or 1,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting (docs/synth.md lists them): name=value."),
    ] = None,
    preview: Annotated[
        pathlib.Path | None,
        typer.Option(help="Also draw a contact sheet to this PNG, a row for each pose family."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Renders a synthetic training set of hands with exact labels into shards.

    An interrupted run continues where it stopped. A data card in the folder shows how
    poses, views and skin tones are distributed.

    Example: `tf-handgroups synth --count 40000 --seed 1 --out renders/train --set glove=0.1`
    """
    from tf_handgroups.image_file import write_image
    from tf_handgroups.number_fields import with_numbers
    from tf_handgroups.synth.data_card import MOST_SCENES, write_data_card
    from tf_handgroups.synth.preview import preview_sheet
    from tf_handgroups.synth.scene import draw_scene
    from tf_handgroups.synth.settings import SynthSettings
    from tf_handgroups.synth.write_shards import sample_seed, write_synthetic_shards

    settings = with_numbers(SynthSettings, assignments or [])
    description = write_synthetic_shards(
        count,
        seed,
        out,
        image_size=image_size,
        settings=settings,
        num_workers=workers,
        overwrite=overwrite,
    )
    numbers = range(0, count, -(-count // MOST_SCENES))
    scenes = (draw_scene(sample_seed(seed, number), image_size, settings) for number in numbers)
    write_data_card(out, scenes, description)
    if preview is not None:
        write_image(preview, preview_sheet(out, settings), overwrite=True)
        console.print(f"Contact sheet: {preview}")
    console.print(f"{count} images in {out}. Use them as --data synth:{out}")


def convert_coco(
    file: Annotated[pathlib.Path, typer.Argument(help="COCO-style JSON with 21 keypoints a hand.")],
    images: Annotated[pathlib.Path, typer.Option(help="Folder in which the images lie.")],
    out: Out,
    joint_order: Annotated[
        str, typer.Option(help="Order of the keypoints: canonical, rhd, stb, interhand, ho3d.")
    ] = "canonical",
    handedness: Annotated[
        str | None, typer.Option(help="left or right, for hands of which the file says nothing.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Converts COCO-style hand keypoints, as mmpose uses them, to a handjson folder.

    Images are copied. mmpose's 21 keypoints are in canonical order, but those of its RHD
    files in the order rhd. 3D joints (`joint_cam`) and intrinsics are kept.

    Example: `tf-handgroups convert-coco onehand10k_train.json --images OneHand10K/train
    --joint-order canonical --out hands/train`
    """
    from tf_handgroups.datasets.coco_keypoints import read_coco_keypoints
    from tf_handgroups.datasets.write_handjson import write_handjson

    hands = read_coco_keypoints(file, images, joint_order, handedness)
    write_handjson(hands.samples, out, overwrite)
    num_images = len({sample.image for sample in hands.samples})
    say(
        f"{len(hands.samples)} hands in {num_images} images; left out {hands.num_unlabelled} "
        f"without a labelled joint. Use them as --data handjson:{out}"
    )
