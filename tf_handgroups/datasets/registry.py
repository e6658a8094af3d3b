"""`open_dataset("KIND:PATH?option=value")`: every data set behind one name and interface."""

import importlib
import inspect
import math
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Protocol

from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError

# Classes are named, not imported: a reader's libraries load with its first use.
KINDS = {
    "handjson": "tf_handgroups.datasets.handjson:HandJsonDataset",
    "freihand": "tf_handgroups.datasets.freihand:FreiHandDataset",
    "interhand": "tf_handgroups.datasets.interhand:InterHandDataset",
    "rhd": "tf_handgroups.datasets.rhd:RhdDataset",
    "ho3d": "tf_handgroups.datasets.ho3d:Ho3dDataset",
    "stb": "tf_handgroups.datasets.stb:StbDataset",
    "dexter-object": "tf_handgroups.datasets.dexter_object:DexterObjectDataset",
    "shards": "tf_handgroups.datasets.shards:ShardDataset",
    "synth": "tf_handgroups.datasets.shards:ShardDataset",
}


class Dataset(Protocol):
    """What every data set offers: its name, its length, and hands one by one.

    Attributes:
        kind: Key of `KINDS`.
        path: Folder or file.
        options: How it is read, `{name: value}`, with the defaults; reports print them.

    `open_dataset` gives every data set a `weight` as well, 1.0 by default: how many times
    as often as those of a data set with weight 1 its samples are drawn in training.
    """

    kind: str
    path: pathlib.Path
    options: Mapping[str, str]

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[HandSample]: ...

    def __getitem__(self, index: int) -> HandSample: ...


def open_dataset(name: str) -> Dataset:
    """Opens a data set without reading its images.

    Args:
        name: `"KIND:PATH"`, e.g. `"handjson:my_hands"`, or with options of the kind,
            `"KIND:PATH?split=training&hands=both"`. KIND is a key of `KINDS`. Every kind
            has the option `weight`, a number greater than 0: with `?weight=2` training
            draws each of its samples twice as often as those of the other data sets.

    Returns:
        A `Dataset`; iterating it yields `HandSample`.

    Raises:
        InputError: If the kind or an option is unknown, the path does not exist, or the
            folder is not such a data set.

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
    path, _, query = path.partition("?")
    module, _, reader = KINDS[kind].partition(":")
    if not os.path.exists(path):
        raise InputError(
            f"{path}: expected an existing path after {kind}:. Received: name={name!r}. "
            "Check the path; it is relative to the current folder."
        )
    dataset = getattr(importlib.import_module(module), reader)
    options = _options(dataset, query, name)
    weight = _weight(options.pop("weight", "1"), name)
    opened = dataset(pathlib.Path(path), **options)
    opened.weight = weight
    return opened


def _weight(value: str, name: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise InputError(
            f"open_dataset: expected a number greater than 0 as weight. "
            f"Received: weight={value!r} in name={name!r}. Leave a data set out rather than "
            "giving it the weight 0."
        )
    return weight


def _options(dataset: type, query: str, name: str) -> dict[str, str]:
    """The options of a name, checked against the arguments that the data set takes."""
    known = [*list(inspect.signature(dataset).parameters)[1:], "weight"]
    options = {}
    for part in query.split("&") if query else []:
        option, equals, value = part.partition("=")
        if not equals or not value or option not in known or option in options:
            raise InputError(
                f"open_dataset: expected options as ?option=value&option=value. "
                f"Received: {part!r} in name={name!r}. "
                f"Known options: {', '.join(known)}."
            )
        options[option] = value
    return options
