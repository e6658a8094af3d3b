"""Packs any data set into shards: upright images, if wanted smaller, and their labels."""

import collections
import contextlib
import dataclasses
import io
import os
import pathlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import numpy as np
from PIL import Image

from tf_handgroups.datasets.registry import Dataset
from tf_handgroups.datasets.sample import HandSample, image_bytes
from tf_handgroups.datasets.shard_folder import check_numbers, write_shard_folder
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import MIN_SIDE_PX, orientation_of, read_image

# Raised when the same call would write other bytes.
PACK_VERSION = 1
MIN_MAX_SIDE_PX = 32
_JPEG_QUALITY = 95
# Samples under way for each worker.
_AHEAD = 4


def pack_dataset(
    dataset: Dataset,
    out: str | os.PathLike,
    *,
    max_side: int | None = None,
    num_workers: int = 2,
    shard_size: int = 1000,
    overwrite: bool = False,
    progress: bool = True,
) -> dict:
    """Writes all samples of a data set into shards; an interrupted call can be repeated.

    Finished shards are kept then. The bytes of a shard depend on the data set and on
    `max_side` and `shard_size`, not on the number of workers. `dataset.json` says what
    was packed: kind, options and the name of its folder.

    Args:
        dataset: As of `datasets.registry.open_dataset`. Its weight is not packed.
        out: Folder for `shard-*.tfrecord` and `dataset.json`.
        max_side: See `packed_sample`.
        num_workers: Threads that decode and encode images.
        shard_size: Samples per shard.
        overwrite: Whether a different set in `out` may be replaced.
        progress: Whether to show a progress bar with the time left.

    Returns:
        The content of `dataset.json`.

    Raises:
        InputError: If an argument is out of range, `out` holds something else, or a
            sample or its image is broken.

    Example:

    >>> import tempfile
    >>> from tf_handgroups.datasets.handjson import HandJsonDataset
    >>> from tf_handgroups.datasets.write_handjson import write_handjson
    >>> from tf_handgroups.datasets.shards import ShardDataset
    >>> from tf_handgroups.synth.render import render_sample
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_handjson([render_sample(0, 96)], folder / "mine")
    >>> info = pack_dataset(HandJsonDataset(folder / "mine"), folder / "packed", max_side=64,
    ...     progress=False)
    >>> info["source"]["name"], ShardDataset(folder / "packed")[0].image_size
    ('mine', (64, 64))
    """
    check_numbers(
        "pack_dataset",
        num_workers=(num_workers, 1, 1024),
        shard_size=(shard_size, 1, 10**9),
        **({} if max_side is None else {"max_side": (max_side, MIN_MAX_SIDE_PX, 2**16)}),
    )
    if not len(dataset):
        raise InputError("pack_dataset: expected at least one sample. Received: none.")
    settings = {
        "kind": "shards",
        "version": PACK_VERSION,
        "source": {
            "kind": dataset.kind,
            "name": pathlib.Path(dataset.path).resolve().name,
            "options": dict(dataset.options),
        },
        "max_side": max_side,
        "count": len(dataset),
        "shard_size": shard_size,
    }

    @contextlib.contextmanager
    def packing(numbers: Sequence[int]) -> Iterator[Iterator[HandSample]]:
        with ThreadPoolExecutor(num_workers) as pool:
            try:
                yield _in_order(pool, dataset, numbers, max_side, _AHEAD * num_workers)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    return write_shard_folder(
        out, settings, packing, activity="packing", overwrite=overwrite, progress=progress
    )


def packed_sample(sample: HandSample, max_side: int | None = None) -> HandSample:
    """Returns a sample with an upright image in memory that is not too large.

    The bytes of the image stay as they are where it is upright and small enough;
    otherwise it is encoded anew, a JPEG as JPEG and everything else as PNG. Joints, box
    and intrinsics follow the pixels.

    Args:
        sample: Any sample.
        max_side: Longest side in pixels to which a larger image is reduced, or `None`.

    Returns:
        A `HandSample` whose image is bytes.

    Raises:
        InputError: If the image cannot be decoded, or has another size than the sample
            says.

    Example:

    >>> from tf_handgroups.synth.render import render_sample
    >>> sample = render_sample(0, 96)
    >>> packed_sample(sample).image == sample.image
    True
    >>> small = packed_sample(sample, max_side=48)
    >>> bool(np.allclose(small.uv_px, (sample.uv_px + 0.5) / 2 - 0.5, atol=1e-4))
    True
    """
    contents = image_bytes(sample)
    try:
        image = read_image(contents)
        upright = orientation_of(contents) == 1
    except InputError as error:
        raise InputError(f"{sample.sample_id}: {error}") from error
    height, width = image.shape[:2]
    if (width, height) != tuple(sample.image_size):
        raise InputError(
            f"{sample.sample_id}: expected an image of the size that the labels are for, "
            f"{sample.image_size}. Received: size={(width, height)}. Labels and pixels "
            "would not agree."
        )
    size = _fitted(width, height, max_side)
    if upright and size == (width, height):
        return dataclasses.replace(sample, image=contents)
    if size != (width, height):
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    packed = dataclasses.replace(sample, image=_encode(image, contents.startswith(b"\xff\xd8")))
    return scaled_labels(packed, size)


def scaled_labels(sample: HandSample, size: tuple[int, int]) -> HandSample:
    """Returns a sample whose labels are those of its image resized to `size`.

    Args:
        sample: Any sample; its image is not touched.
        size: New `(width, height)` in pixels.

    Returns:
        A `HandSample` of this image size.

    Example:

    >>> sample = HandSample(sample_id="0", image=b"", image_size=(100, 50),
    ...     uv_px=np.full((21, 2), 9.5), visible=np.ones(21), handedness=None,
    ...     box_px=(-0.5, -0.5, 10, 10))
    >>> small = scaled_labels(sample, (50, 25))
    >>> small.uv_px[0].tolist(), small.box_px.tolist()
    ([4.5, 4.5], [-0.5, -0.5, 5.0, 5.0])
    """
    scale = np.divide(size, sample.image_size)
    # Integers are pixel centres: the left edge of the image, which stays, is at -0.5.
    shift = (scale - 1) / 2
    box = sample.box_px.astype(np.float64)
    changes: dict = {
        "image_size": (int(size[0]), int(size[1])),
        "uv_px": sample.uv_px * scale + shift,
        "box_px": np.concatenate([box[:2] * scale + shift, box[2:] * scale]),
    }
    if sample.intrinsics_px is not None:
        affine = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]], [0, 0, 1]])
        changes["intrinsics_px"] = affine @ sample.intrinsics_px
    return dataclasses.replace(sample, **changes)


def _in_order(
    pool: ThreadPoolExecutor,
    dataset: Dataset,
    numbers: Sequence[int],
    max_side: int | None,
    ahead: int,
) -> Iterator[HandSample]:
    """Yields packed samples; only a few are in memory at a time."""
    waiting: collections.deque[Future[HandSample]] = collections.deque()
    for number in numbers:
        # Labels are read here: data sets need not be safe to use from several threads.
        waiting.append(pool.submit(packed_sample, dataset[number], max_side))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _fitted(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    longer = max(width, height)
    if max_side is None or longer <= max_side:
        return width, height
    width, height = (max(MIN_SIDE_PX, round(side * max_side / longer)) for side in (width, height))
    return width, height


def _encode(image: np.ndarray, as_jpeg: bool) -> bytes:
    stream = io.BytesIO()
    if as_jpeg:
        Image.fromarray(image).save(stream, "JPEG", quality=_JPEG_QUALITY)
    else:
        Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()
