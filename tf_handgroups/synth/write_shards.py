"""Renders a synthetic training set into TFRecord shards, with several processes."""

import contextlib
import functools
import json
import multiprocessing
import os
import pathlib
from collections.abc import Iterable, Iterator

import cv2
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
from tf_handgroups.synth.scene import SYNTH_VERSION, check_image_size, render_sample

# Sample i of the set with seed s has the sample seed s * SEED_STRIDE + i, so that
# sets with different seeds never share a picture.
SEED_STRIDE = 10_000_000

# Written first, so that an interrupted run knows whether its shards fit a new call.
_SETTINGS_NAME = ".synth-settings.json"
_CHUNK = 16
_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def sample_seed(seed: int, index: int) -> int:
    """Returns the seed of one sample of a set.

    Example:
    >>> sample_seed(2, 5)
    20000005
    """
    return seed * SEED_STRIDE + index


def shard_names(count: int, shard_size: int) -> list[str]:
    """Returns the file names of a set's shards in order.

    Example:
    >>> shard_names(5, 3)
    ['shard-00000-of-00002.tfrecord', 'shard-00001-of-00002.tfrecord']
    """
    total = -(-count // shard_size)
    return [f"shard-{index:05d}-of-{total:05d}.tfrecord" for index in range(total)]


def write_synthetic_shards(
    count: int,
    seed: int,
    out: str | os.PathLike,
    *,
    image_size: int = 192,
    num_workers: int = 2,
    shard_size: int = 2000,
    overwrite: bool = False,
    progress: bool = True,
) -> dict:
    """Renders `count` samples into `out`; an interrupted call continues where it stopped.

    The bytes of a shard depend only on seed, image size, shard size, count and
    `SYNTH_VERSION`, not on the number of workers.

    Args:
        count: Number of samples, 1 to 10 million.
        seed: Seed of the set, not negative.
        out: Folder for `shard-*.tfrecord` and `dataset.json`.
        image_size: Side of the pictures in pixels.
        num_workers: Processes that render; 1 renders in this process.
        shard_size: Samples per shard.
        overwrite: Whether a different set in `out` may be replaced.
        progress: Whether to show a progress bar with images per second.

    Returns:
        The content of `dataset.json`: kind, version, seed, count, image_size,
        shard_size and the shards' names.

    Raises:
        InputError: If an argument is out of range or `out` holds something else.
    """
    _check_arguments(count, seed, image_size, num_workers, shard_size)
    names = shard_names(count, shard_size)
    info = {
        "kind": "synth",
        "version": SYNTH_VERSION,
        "seed": int(seed),
        "count": int(count),
        "image_size": int(image_size),
        "shard_size": int(shard_size),
        "shards": names,
    }
    folder = pathlib.Path(out)
    _prepare_folder(folder, info, overwrite)
    missing = [index for index, name in enumerate(names) if not (folder / name).is_file()]
    seeds = [
        sample_seed(seed, index)
        for shard in missing
        for index in range(shard * shard_size, min(count, (shard + 1) * shard_size))
    ]
    with _progress_bar(progress) as bar, _rendering(seeds, image_size, num_workers) as samples:
        task = bar.add_task("rendering", total=count, completed=count - len(seeds), rate=0.0)
        for shard in missing:
            size = min(shard_size, count - shard * shard_size)
            with replacing_file(folder / names[shard]) as temporary:
                with ShardWriter(temporary) as writer:
                    for _ in range(size):
                        writer.write(next(samples))
                        bar.update(task, advance=1, rate=bar.tasks[task].speed or 0.0)
    with replacing_file(folder / INDEX_NAME, overwrite=True) as temporary:
        temporary.write_text(json.dumps(info, indent=1) + "\n")
    return info


def _check_arguments(count, seed, image_size, num_workers, shard_size):
    for name, value, low, high in (
        ("count", count, 1, SEED_STRIDE),
        ("seed", seed, 0, 2**31),
        ("num_workers", num_workers, 1, 1024),
        ("shard_size", shard_size, 1, SEED_STRIDE),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(
                f"write_synthetic_shards: expected `{name}` to be an integer from {low} to "
                f"{high}. Received: {name}={value!r}. Choose a number in this range."
            )
    check_image_size(image_size)


def _prepare_folder(folder: pathlib.Path, info: dict, overwrite: bool) -> None:
    """Leaves only complete shards of the same set in the folder."""
    settings = folder / _SETTINGS_NAME
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file, expected a folder. Choose another path.")
    content = sorted(folder.iterdir()) if folder.exists() else []
    previous = _read_json(settings)
    if content and previous != info:
        if not overwrite:
            found = "no synthetic set" if previous is None else _difference(previous, info)
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


def _start_worker() -> None:
    cv2.setNumThreads(1)


@contextlib.contextmanager
def _rendering(
    seeds: Iterable[int], image_size: int, num_workers: int
) -> Iterator[Iterator[HandSample]]:
    """Yields an iterator over the rendered samples in the order of the seeds."""
    render = functools.partial(render_sample, image_size=image_size)
    if num_workers == 1:
        yield map(render, seeds)
        return
    # Workers are processes already: threads inside them only compete with each other.
    # "spawn", because TensorFlow may be loaded here and does not survive a fork.
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        pool = multiprocessing.get_context("spawn").Pool(num_workers, _start_worker)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    try:
        yield pool.imap(render, seeds, chunksize=_CHUNK)
    finally:
        pool.terminate()
        pool.join()
