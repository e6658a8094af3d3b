"""Renders a synthetic training set into TFRecord shards, with several processes."""

import contextlib
import functools
import multiprocessing
import multiprocessing.pool
import os
from collections.abc import Iterable, Iterator, Sequence

import cv2

from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.datasets.shard_folder import check_numbers, write_shard_folder
from tf_handgroups.synth.render import render_sample
from tf_handgroups.synth.scene import SYNTH_VERSION, check_image_size
from tf_handgroups.synth.settings import SynthSettings

# Sample i of the set with seed s has the sample seed s * SEED_STRIDE + i, so that
# sets with different seeds never share a picture.
SEED_STRIDE = 10_000_000

_CHUNK = 16
# Workers are processes already: threads inside them only compete with each other. The
# last three keep glibc from giving the memory of every picture back to the system.
_WORKER_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 29),
    "MALLOC_TOP_PAD_": str(1 << 26),
}


def sample_seed(seed: int, index: int) -> int:
    """Returns the seed of one sample of a set.

    Example:
    >>> sample_seed(2, 5)
    20000005
    """
    return seed * SEED_STRIDE + index


def write_synthetic_shards(
    count: int,
    seed: int,
    out: str | os.PathLike,
    *,
    image_size: int = 192,
    settings: SynthSettings | None = None,
    num_workers: int = 2,
    shard_size: int = 2000,
    overwrite: bool = False,
    progress: bool = True,
) -> dict:
    """Renders `count` samples into `out`; an interrupted call continues where it stopped.

    The bytes of a shard depend only on seed, image size, settings, shard size, count and
    `SYNTH_VERSION`, not on the number of workers.

    Args:
        count: Number of samples, 1 to 10 million.
        seed: Seed of the set, not negative.
        out: Folder for `shard-*.tfrecord` and `dataset.json`.
        image_size: Side of the pictures in pixels.
        settings: How often optional things appear.
        num_workers: Processes that render; 1 renders in this process.
        shard_size: Samples per shard.
        overwrite: Whether a different set in `out` may be replaced.
        progress: Whether to show a progress bar with images per second.

    Returns:
        The content of `dataset.json`: kind, version, seed, count, image_size, settings,
        shard_size and the shards' names.

    Raises:
        InputError: If an argument is out of range or `out` holds something else.
    """
    check_numbers(
        "write_synthetic_shards",
        count=(count, 1, SEED_STRIDE),
        seed=(seed, 0, 2**31),
        num_workers=(num_workers, 1, 1024),
        shard_size=(shard_size, 1, SEED_STRIDE),
    )
    check_image_size(image_size)
    settings = settings or SynthSettings()
    description = {
        "kind": "synth",
        "version": SYNTH_VERSION,
        "seed": int(seed),
        "count": int(count),
        "image_size": int(image_size),
        "settings": settings.as_dict(),
        "shard_size": int(shard_size),
    }

    def making(numbers: Sequence[int]) -> contextlib.AbstractContextManager:
        seeds = [sample_seed(seed, index) for index in numbers]
        return _rendering(seeds, image_size, settings, num_workers)

    return write_shard_folder(
        out, description, making, activity="rendering", overwrite=overwrite, progress=progress
    )


def _start_worker() -> None:
    cv2.setNumThreads(1)


@contextlib.contextmanager
def _rendering(
    seeds: Iterable[int], image_size: int, settings: SynthSettings, num_workers: int
) -> Iterator[Iterator[HandSample]]:
    """Yields an iterator over the rendered samples in the order of the seeds."""
    render = functools.partial(render_sample, image_size=image_size, settings=settings)
    if num_workers == 1:
        yield map(render, seeds)
        return
    with render_pool(num_workers) as pool:
        yield pool.imap(render, seeds, chunksize=_CHUNK)


@contextlib.contextmanager
def render_pool(num_workers: int) -> Iterator[multiprocessing.pool.Pool]:
    """Starts processes that render one picture at a time each, and ends them.

    Args:
        num_workers: Number of processes.

    Returns:
        A context with the pool.

    Example:
    >>> with render_pool(1) as pool:
    ...     samples = pool.map(render_sample, range(2))
    >>> len(samples)
    2
    """
    before = {name: os.environ.get(name) for name in _WORKER_ENVIRONMENT}
    os.environ.update(_WORKER_ENVIRONMENT)
    try:
        # "spawn", because TensorFlow may be loaded here and does not survive a fork.
        pool = multiprocessing.get_context("spawn").Pool(num_workers, _start_worker)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    try:
        yield pool
    finally:
        pool.terminate()
        pool.join()
