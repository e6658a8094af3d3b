"""Crops of a data set, as the network sees them: for calibration and golden vectors."""

import pathlib
from typing import Any

import numpy as np

from tf_handgroups.convert.labelled_crops import labelled_crops
from tf_handgroups.convert.predict import find_images, full_frame_box
from tf_handgroups.crop import crop_image, crop_matrix
from tf_handgroups.datasets.registry import open_dataset
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image


def dataset_crops(dataset, size: int, count: int, seed: int = 0) -> np.ndarray:
    """Cuts the crops of `count` randomly chosen hands, left hands mirrored.

    Args:
        dataset: Data set as of `open_dataset`.
        size: Side of the crops in pixels.
        count: How many; at most as many as the data set has.
        seed: Of the choice.

    Returns:
        `(count, size, size, 3)` float32 in [0, 1].

    Raises:
        InputError: If the data set has fewer hands than asked for.

    Example:

    >>> from tf_handgroups.synth.render import render_sample
    >>> dataset_crops([render_sample(seed, 64) for seed in range(3)], 32, 2).shape
    (2, 32, 32, 3)
    """
    return labelled_crops(dataset, size, count, seed).pixels


IMAGES = "images"


def calibration_origin(source: str, seed: int) -> dict[str, Any]:
    """Returns what a report says of calibration crops: `data` without the folders above, `seed`.

    Example:

    >>> calibration_origin("synth:renders/val", 3)
    {'data': 'synth:val', 'seed': 3}
    """
    kind, _, path = source.partition(":")
    return {"data": f"{kind}:{pathlib.PurePath(path).name}", "seed": seed}


def calibration_crops(
    source: str, size: int, count: int, seed: int = 0
) -> tuple[np.ndarray, dict[str, Any]]:
    """Cuts crops of any data set, or takes those that lie in a plain folder of images.

    Args:
        source: `KIND:PATH` of a data set; or `images:FOLDER`, pictures that need no labels,
            of which each is one window: shown whole, on its square.
        size: Side of the crops in pixels.
        count: How many at most; of a folder of images all, if there are fewer.
        seed: Of the choice.

    Returns:
        `(count, size, size, 3)` float32 in [0, 1], and where they come from, see
        `calibration_origin`.

    Raises:
        InputError: If the source cannot be read or has too few hands.
    """
    kind, _, path = source.partition(":")
    origin = calibration_origin(source, seed)
    if kind != IMAGES:
        return dataset_crops(open_dataset(source), size, count, seed), origin
    folder = pathlib.Path(path)
    if not folder.is_dir():
        raise InputError(
            f"calibration_crops: expected {IMAGES}:FOLDER with a folder of images. "
            f"Received: source={source!r}, which is no folder. Check the path."
        )
    files = find_images([folder])
    chosen = sorted(np.random.default_rng(seed).permutation(len(files))[:count])
    crops = []
    for index in chosen:
        image = read_image(files[index])
        box = full_frame_box(image.shape[1], image.shape[0])
        crops.append(crop_image(image, crop_matrix(box, size), size))
    return np.stack(crops), origin
