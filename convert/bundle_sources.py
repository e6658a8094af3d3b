"""What goes into a bundle beside the models: golden crops and the licence text."""

import pathlib

import numpy as np

from tf_handgroups.convert.bundle import find_variants
from tf_handgroups.convert.calibration import dataset_crops
from tf_handgroups.convert.sealed_model import read_verified
from tf_handgroups.datasets.registry import open_dataset
from tf_handgroups.errors import InputError

NUM_GOLDEN = 4


def golden_crops(converted: pathlib.Path, data: str, seed: int = 0) -> np.ndarray:
    """Returns the crops whose results go into a bundle as golden vectors.

    Args:
        converted: Folder written by `convert`.
        data: `KIND:PATH` of a data set.
        seed: Of the choice.

    Returns:
        `(4, size, size, 3)` float32 in [0, 1].

    Raises:
        InputError: If there is no converted model or too few hands.
    """
    contract, _ = read_verified(next(iter(find_variants(converted).values())))
    return dataset_crops(open_dataset(data), contract.input_size, NUM_GOLDEN, seed)


def read_licence(path: pathlib.Path | None) -> str | None:
    """Returns the text of a licence file, `None` for no file.

    Raises:
        InputError: If the file cannot be read.

    Example:

    >>> read_licence(None) is None
    True
    """
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a licence text. Received: {error}.") from error
