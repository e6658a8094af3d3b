"""Golden files: arrays one after another, readable in any language by their description."""

import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_handgroups.errors import InputError

DTYPES = ("uint8", "float32", "float64")


def write_arrays(arrays: Mapping[str, np.ndarray], file: str | os.PathLike) -> dict[str, Any]:
    """Writes arrays into one file.

    Args:
        arrays: Name -> array of uint8, float32 or float64.
        file: The file; an existing one is replaced.

    Returns:
        The description: `file` (name without folder), `byte_order` and `arrays`, a list of
        `{"name", "dtype", "shape", "offset"}` in the order of the file, rows first.

    Raises:
        InputError: If an array is of another dtype.

    Example:

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> golden = write_arrays({"box": np.array([1.0, 2.5])}, f"{folder}/golden.bin")
    >>> golden["arrays"]
    [{'name': 'box', 'dtype': 'float64', 'shape': [2], 'offset': 0}]
    >>> read_arrays(folder, golden)["box"].tolist()
    [1.0, 2.5]
    """
    layout, content = [], bytearray()
    for name, array in arrays.items():
        dtype = array.dtype.name
        if dtype not in DTYPES:
            raise InputError(
                f"write_arrays: expected arrays of {', '.join(DTYPES)}. "
                f"Received: {name} of dtype={dtype}. Convert it first."
            )
        layout.append(
            {"name": name, "dtype": dtype, "shape": list(array.shape), "offset": len(content)}
        )
        content += array.astype(array.dtype.newbyteorder("<")).tobytes()
    path = pathlib.Path(file)
    path.write_bytes(content)
    return {"file": path.name, "byte_order": "little", "arrays": layout}


def read_arrays(folder: str | os.PathLike, golden: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Reads a file of `write_arrays`.

    Args:
        folder: Where the file lies.
        golden: Its description.

    Returns:
        Name -> array, in this machine's byte order.

    Raises:
        InputError: If the file is missing or does not fit its description.
    """
    path = pathlib.Path(folder) / golden["file"]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: expected a golden file. Received: {error}. Copy the whole bundle again."
        ) from error
    arrays = {}
    for entry in golden["arrays"]:
        dtype = np.dtype(entry["dtype"])
        count = math.prod(entry["shape"])
        if entry["offset"] + count * dtype.itemsize > len(content):
            raise InputError(
                f"{path}: expected array {entry['name']} of shape {tuple(entry['shape'])} at byte "
                f"{entry['offset']}. Received: {len(content)} bytes. Make the bundle again."
            )
        array = np.frombuffer(content, dtype.newbyteorder("<"), count, entry["offset"])
        arrays[entry["name"]] = array.reshape(entry["shape"]).astype(dtype)
    return arrays
