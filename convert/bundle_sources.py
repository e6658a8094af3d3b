"""What goes into a bundle beside the models: golden crops and the licence text."""

import pathlib

import numpy as np

from tf_handgroups.convert.bundle import LICENCE_FILE, find_variants, read_bundle, read_golden
from tf_handgroups.convert.calibration import dataset_crops
from tf_handgroups.convert.run import BUNDLE_FILE
from tf_handgroups.convert.sealed_model import read_verified
from tf_handgroups.datasets.registry import open_dataset
from tf_handgroups.errors import InputError

NUM_GOLDEN = 4


def golden_crops(converted: pathlib.Path, data: str | None, seed: int = 0) -> np.ndarray:
    """Returns the crops whose results go into a bundle as golden vectors.

    Args:
        converted: Folder written by `convert`, or a bundle.
        data: `KIND:PATH` of a data set; `None` takes the crops that the bundle has.
        seed: Of the choice.

    Returns:
        `(4, size, size, 3)` float32 in [0, 1].

    Raises:
        InputError: If there is no converted model or too few hands, or `data` is `None` and
            the folder is no bundle.
    """
    if data is None:
        if not (converted / BUNDLE_FILE).is_file():
            raise InputError(
                f"{converted}: expected --data KIND:PATH, hands for the golden vectors. Received: "
                f"none, and no {BUNDLE_FILE} here. A folder of convert has no vectors of its own."
            )
        bundle = read_bundle(converted)
        return read_golden(converted, bundle["variants"][bundle["default"]]["golden"])["image"]
    contract, _ = read_verified(next(iter(find_variants(converted).values())))
    return dataset_crops(open_dataset(data), contract.input_size, NUM_GOLDEN, seed)


def read_licence(path: pathlib.Path | None, converted: pathlib.Path) -> str | None:
    """Returns the text of a licence file, `None` for no file.

    Args:
        path: The file; `None` takes the one of a bundle.
        converted: Folder written by `convert`, or a bundle.

    Raises:
        InputError: If the file cannot be read.

    Example:

    >>> read_licence(None, pathlib.Path("converted")) is None
    True
    """
    if path is None:
        path = converted / LICENCE_FILE
        if not path.is_file():
            return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a licence text. Received: {error}.") from error
