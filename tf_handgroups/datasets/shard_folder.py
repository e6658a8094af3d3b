"""Writing a folder of shards so that an interrupted run can go on, whatever the source."""

import json
import os
import pathlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.datasets.shards import INDEX_NAME, ShardWriter
from tf_handgroups.errors import InputError

# Written first, so that an interrupted run knows whether its shards fit a new call.
_SETTINGS_NAME = ".shards-settings.json"


def write_shard_folder(
    out: str | os.PathLike,
    settings: dict,
    making: Callable[[Sequence[int]], AbstractContextManager],
    *,
    activity: str = "writing",
    overwrite: bool = False,
    progress: bool = True,
) -> dict:
    """Writes the shards that are still missing, then `dataset.json`.

    Args:
        out: The folder.
        settings: Everything that tells this set from another, with `count` and
            `shard_size`; it becomes the content of `dataset.json`.
        making: Gives for the numbers of samples a context with an iterator over these
            samples, in this order.
        activity: What the progress bar says.
        overwrite: Whether another set in `out` may be replaced.
        progress: Whether to show a progress bar with samples per second.

    Returns:
        The content of `dataset.json`: the settings and the names of the shards.

    Raises:
        InputError: If `out` is a file or holds something else.

    Example:

    >>> import contextlib, tempfile
    >>> from tf_handgroups.datasets.shards import ShardDataset
    >>> from tf_handgroups.synth.render import render_sample
    >>> @contextlib.contextmanager
    ... def rendering(numbers):
    ...     yield (render_sample(number, 64) for number in numbers)
    >>> folder = tempfile.mkdtemp()
    >>> settings = {"kind": "shards", "count": 3, "shard_size": 2}
    >>> write_shard_folder(folder, settings, rendering, progress=False)["shards"]
    ['shard-00000-of-00002.tfrecord', 'shard-00001-of-00002.tfrecord']
    >>> [sample.sample_id for sample in ShardDataset(folder)]
    ['synth/00000000', 'synth/00000001', 'synth/00000002']
    """
    count, shard_size = settings["count"], settings["shard_size"]
    names = shard_names(count, shard_size)
    # As it will be read again: tuples have become lists.
    info = json.loads(json.dumps(settings | {"shards": names}))
    folder = pathlib.Path(out)
    _prepare_folder(folder, info, overwrite)
    missing = [index for index, name in enumerate(names) if not (folder / name).is_file()]
    numbers = [
        number
        for shard in missing
        for number in range(shard * shard_size, min(count, (shard + 1) * shard_size))
    ]
    with _progress_bar(progress) as bar, making(numbers) as samples:
        task = bar.add_task(activity, total=count, completed=count - len(numbers), rate=0.0)
        for shard in missing:
            size = min(shard_size, count - shard * shard_size)
            with (
                replacing_file(folder / names[shard]) as temporary,
                ShardWriter(temporary) as writer,
            ):
                for _ in range(size):
                    sample: HandSample = next(samples)
                    writer.write(sample)
                    bar.update(task, advance=1, rate=bar.tasks[task].speed or 0.0)
    with replacing_file(folder / INDEX_NAME, overwrite=True) as temporary:
        temporary.write_text(json.dumps(info, indent=1) + "\n")
    return info


def shard_names(count: int, shard_size: int) -> list[str]:
    """Returns the file names of a set's shards in order.

    Example:

    >>> shard_names(5, 3)
    ['shard-00000-of-00002.tfrecord', 'shard-00001-of-00002.tfrecord']
    """
    total = -(-count // shard_size)
    return [f"shard-{index:05d}-of-{total:05d}.tfrecord" for index in range(total)]


def check_numbers(where: str, **ranges: tuple[int, int, int]) -> None:
    """Checks arguments that must be integers.

    Args:
        where: The function they are for.
        ranges: `name=(value, lowest, highest)`.

    Raises:
        InputError: If a value is no integer, or out of range.

    Example:

    >>> check_numbers("pack_dataset", num_workers=(2, 1, 64))
    """
    for name, (value, low, high) in ranges.items():
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(
                f"{where}: expected `{name}` to be an integer from {low} to {high}. "
                f"Received: {name}={value!r}. Choose a number in this range."
            )


def _prepare_folder(folder: pathlib.Path, info: dict, overwrite: bool) -> None:
    """Leaves only complete shards of the same set in the folder."""
    settings = folder / _SETTINGS_NAME
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file, expected a folder. Choose another path.")
    content = sorted(folder.iterdir()) if folder.exists() else []
    previous = _read_json(settings) or _read_json(folder / INDEX_NAME)
    if content and previous != info:
        if not overwrite:
            found = "no set of shards" if previous is None else _difference(previous, info)
            raise InputError(
                f"{folder}: holds other files than this set ({found}). Received: overwrite=False. "
                "Choose another folder or pass --overwrite."
            )
        for path in (*folder.glob("shard-*.tfrecord"), folder / INDEX_NAME, settings):
            path.unlink(missing_ok=True)
    for leftover in folder.glob(".*.part.*"):
        leftover.unlink()
    with replacing_file(settings, overwrite=True) as temporary:
        temporary.write_text(json.dumps(info) + "\n")


def _difference(previous: dict, info: dict) -> str:
    keys = [key for key in info if key != "shards" and previous.get(key) != info[key]]
    return ", ".join(f"{key} was {previous.get(key)!r}, now {info[key]!r}" for key in keys)


def _read_json(path: pathlib.Path) -> dict | None:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _progress_bar(visible: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.1f} img/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        disable=not visible,
    )
