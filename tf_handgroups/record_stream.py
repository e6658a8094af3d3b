"""The stream of records behind a pipeline: one pass in order, or an endless shuffled mix.

A record is the dict of `shards.parse_record` plus `file` and `orientation`. Its image is
read only by `read_image_bytes`, so that skipping and shuffling records is cheap.
"""

import os

import numpy as np
import tensorflow as tf

from tf_handgroups.datasets.shards import ShardDataset, label_arrays, parse_record
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import orientation_of

# Records of shards carry their images: the shuffle buffer is bounded in both ways.
SHUFFLE_RECORDS = 8192
SHUFFLE_BYTES = 512 * 2**20
# Shards that are read side by side in training.
OPEN_SHARDS = 4


def record_stream(datasets: list, training: bool, seed: int) -> tf.data.Dataset:
    """Returns the records of several data sets as one stream.

    Otherwise than in training they follow each other in order, once. In training every
    data set is shuffled and repeated by itself and each record is drawn from data set i
    with a probability proportional to `weight_i * len_i`, so that without weights every
    sample of all sets is as likely, however large the sets are. A data set without the
    attribute `weight` has 1.

    Args:
        datasets: Data sets as of `datasets.registry.open_dataset`, or lists of samples.
        training: Whether the stream is shuffled, mixed and endless.
        seed: Of the order. The same seed (and `tf.random.set_seed`, if it was called)
            gives the same stream.

    Returns:
        Dataset of records.

    Raises:
        InputError: If there is no sample.

    Example:

    >>> from tf_handgroups.synth.render import render_sample
    >>> hands = [render_sample(number, 64) for number in range(2)]
    >>> stream = record_stream([hands, hands[:1]], training=False, seed=0)
    >>> [record["sample_id"].decode() for record in stream.as_numpy_iterator()]
    ['synth/00000000', 'synth/00000001', 'synth/00000000']
    """
    datasets = [dataset for dataset in datasets if len(dataset)]
    if not datasets:
        raise InputError("build_pipeline: expected at least one sample. Received: none.")
    seeds = [seed + place if training else None for place in range(len(datasets))]
    streams = [_records(*pair) for pair in zip(datasets, seeds, strict=True)]
    if not training:
        return _concatenated(streams)
    streams = [stream.repeat() for stream in streams]
    if len(streams) == 1:
        return streams[0]
    shares = np.array([getattr(dataset, "weight", 1.0) * len(dataset) for dataset in datasets])
    return tf.data.Dataset.sample_from_datasets(
        streams, weights=(shares / shares.sum()).tolist(), seed=seed
    )


def read_image_bytes(record: dict) -> dict:
    """Returns a record whose `image` holds the encoded bytes, read from `file` if need be."""
    record = dict(record)
    file, image = record.pop("file"), record["image"]
    record["image"] = tf.cond(tf.equal(file, ""), lambda: image, lambda: tf.io.read_file(file))
    return record


def _concatenated(streams: list[tf.data.Dataset]) -> tf.data.Dataset:
    whole = streams[0]
    for stream in streams[1:]:
        whole = whole.concatenate(stream)
    return whole


def _records(dataset, seed: int | None) -> tf.data.Dataset:
    """One pass over a data set, shuffled anew in every repetition if there is a seed."""
    return (_shards if isinstance(dataset, ShardDataset) else _samples)(dataset, seed)


def _shards(dataset: ShardDataset, seed: int | None) -> tf.data.Dataset:
    files = [os.fspath(path) for path in dataset.shards]
    if seed is None:
        records = tf.data.TFRecordDataset(files)
    else:
        records = tf.data.Dataset.from_tensor_slices(files).shuffle(len(files), seed=seed)
        records = records.interleave(
            tf.data.TFRecordDataset,
            cycle_length=min(OPEN_SHARDS, len(files)),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        mean_bytes = 1 + sum(path.stat().st_size for path in dataset.shards) // len(dataset)
        buffer = min(len(dataset), SHUFFLE_RECORDS, 1 + SHUFFLE_BYTES // mean_bytes)
        records = records.shuffle(buffer, seed=seed)

    def parse(record):
        return parse_record(record) | {"file": "", "orientation": tf.ones((), tf.int64)}

    return records.map(parse, num_parallel_calls=tf.data.AUTOTUNE)


def _samples(dataset, seed: int | None) -> tf.data.Dataset:
    """Labels are held in memory once, and what is shuffled are their numbers."""
    columns: dict[str, list] = {"sample_id": [], "file": [], "image": [], "orientation": []}
    orientations: dict[str, int] = {}
    for sample in dataset:
        in_memory = isinstance(sample.image, bytes)
        file = "" if in_memory else os.fspath(sample.image)
        if in_memory or file not in orientations:
            orientations[file] = orientation_of(sample.image)
        columns["sample_id"].append(sample.sample_id)
        columns["image"].append(sample.image if in_memory else b"")
        columns["file"].append(file)
        columns["orientation"].append(np.int64(orientations[file]))
        for name, value in label_arrays(sample).items():
            columns.setdefault(name, []).append(value)
    tensors = {
        name: tf.constant(values) if isinstance(values[0], (str, bytes)) else np.stack(values)
        for name, values in columns.items()
    }
    tensors = {name: tf.constant(values) for name, values in tensors.items()}
    count = len(columns["file"])
    numbers = tf.data.Dataset.range(count)
    if seed is not None:
        numbers = numbers.shuffle(count, seed=seed)
    return numbers.map(
        lambda number: {name: values[number] for name, values in tensors.items()},
        num_parallel_calls=tf.data.AUTOTUNE,
    )
