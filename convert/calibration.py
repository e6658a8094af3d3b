"""Crops of a data set, as the network sees them: for calibration and golden vectors."""

import numpy as np

from tf_handgroups.convert.labelled_crops import labelled_crops


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
