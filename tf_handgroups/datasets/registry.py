"""`open_dataset("KIND:PATH")`: every data set behind one name and one interface."""

import importlib
import os
import pathlib
from collections.abc import Iterator
from typing import Protocol

from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError

# Classes are named, not imported: a reader's libraries load with its first use.
KINDS = {
    "handjson": "tf_handgroups.datasets.handjson:HandJsonDataset",
    "synth": "tf_handgroups.datasets.shards:ShardDataset",
}


class Dataset(Protocol):
    """What every data set offers: its name, its length, and hands one by one."""

    kind: str
    path: pathlib.Path

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[HandSample]: ...


def open_dataset(name: str) -> Dataset:
    """Opens a data set without reading its images.

    Args:
        name: `"KIND:PATH"`, e.g. `"handjson:my_hands"`. KIND is a key of `KINDS`.

    Returns:
        A `Dataset`; iterating it yields `HandSample`.

    Raises:
        InputError: If the kind is unknown, the path does not exist, or the folder
            is not such a data set.

    Example:

    >>> open_dataset("photos:/data")
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: open_dataset: unknown kind of data set. ...
    """
    kind, colon, path = name.partition(":")
    if not colon or not path:
        raise InputError(
            f"open_dataset: expected KIND:PATH. Received: name={name!r}. "
            f"Known kinds: {', '.join(KINDS)}. Example: handjson:my_hands."
        )
    if kind not in KINDS:
        raise InputError(
            f"open_dataset: unknown kind of data set. Received: kind={kind!r}. "
            f"Known kinds: {', '.join(KINDS)}."
        )
    if not os.path.exists(path):
        raise InputError(
            f"{path}: expected an existing path after {kind}:. Received: name={name!r}. "
            "Check the path; it is relative to the current folder."
        )
    module, _, reader = KINDS[kind].partition(":")
    return getattr(importlib.import_module(module), reader)(pathlib.Path(path))
