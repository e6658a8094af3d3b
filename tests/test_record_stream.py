"""Order, mixing and resuming of the stream, for lists, files and shards."""

import collections
import json
import os

import numpy as np
import pytest
import tensorflow as tf

from tests.hands import make_sample
from tf_handgroups import record_stream as record_stream_module
from tf_handgroups.datasets.shards import ShardDataset, ShardWriter
from tf_handgroups.errors import InputError
from tf_handgroups.record_stream import read_image_bytes, record_stream


class Hands(list):
    """A data set in memory, with a weight."""

    def __init__(self, hands, weight=1.0):
        super().__init__(hands)
        self.weight = weight


def hands(count, name="a", **changes):
    return [make_sample(seed=0, sample_id=f"{name}{i}", **changes) for i in range(count)]


def shards(folder, samples, per_shard=4):
    folder.mkdir()
    for number, start in enumerate(range(0, len(samples), per_shard)):
        with ShardWriter(folder / f"shard-{number}.tfrecord") as writer:
            for sample in samples[start : start + per_shard]:
                writer.write(sample)
    (folder / "dataset.json").write_text(json.dumps({"count": len(samples)}))
    return ShardDataset(folder)


def ids(datasets, count=None, training=True, seed=0):
    stream = record_stream(datasets, training, seed)
    stream = stream if count is None else stream.take(count)
    return [record["sample_id"].decode() for record in stream.as_numpy_iterator()]


@pytest.fixture
def packed(tmp_path):
    return shards(tmp_path / "shards", hands(11, "s"))


def test_without_training_one_pass_in_order(packed):
    expected = [f"a{i}" for i in range(3)] + [f"s{i}" for i in range(11)] + ["b0"]
    sets = [Hands(hands(3), weight=9.0), [], packed, hands(1, "b")]
    assert ids(sets, training=False) == expected


def test_every_sample_comes_once_per_pass(packed):
    for dataset, name in ((hands(11, "s"), "memory"), (packed, "shards")):
        stream = ids([dataset], 33)
        passes = [stream[start : start + 11] for start in (0, 11, 22)]
        for one in passes:
            assert sorted(one) == sorted(f"s{i}" for i in range(11)), name
        assert passes[0] != passes[1] != passes[2]


def test_shards_of_one_file_and_small_buffers(packed, tmp_path, monkeypatch):
    monkeypatch.setattr(record_stream_module, "SHUFFLE_BYTES", 1)
    assert sorted(ids([packed], 11)) == sorted(f"s{i}" for i in range(11))
    single = shards(tmp_path / "single", hands(2, "s"))
    assert sorted(ids([single], 2)) == ["s0", "s1"]


def test_shards_are_mixed_with_each_other_beyond_the_buffer(packed, monkeypatch):
    """With a buffer of one record only the files' order and the reading side by side mix."""
    monkeypatch.setattr(record_stream_module, "SHUFFLE_RECORDS", 1)
    first = {tuple(name[1:] for name in ids([packed], 3, seed=seed)) for seed in range(6)}
    assert len(first) > 1
    assert all(len({int(number) // 4 for number in three}) == 3 for three in first)


def test_same_seed_same_stream(packed):
    sets = [hands(5), packed, Hands(hands(4, "b"), weight=2.0)]
    first, again, other = (ids(sets, 60, seed=seed) for seed in (7, 7, 8))
    assert first == again != other


def test_skipping_continues_the_same_stream(packed):
    sets = [hands(5), packed]
    rest = record_stream(sets, True, 3).skip(40).take(20).as_numpy_iterator()
    assert [record["sample_id"].decode() for record in rest] == ids(sets, 60, seed=3)[40:]


def test_without_weights_every_sample_is_as_likely(packed):
    stream = ids([hands(4), packed], 6000)
    share = sum(name.startswith("a") for name in stream) / 6000
    # Binomial: the standard deviation is 0.006.
    assert abs(share - 4 / 15) < 0.02
    # From the start, and not one set after the other.
    assert {name[0] for name in stream[:30]} == {"a", "s"}


@pytest.mark.parametrize("weight", [0.25, 3.0])
def test_weight_is_relative_to_the_size(weight):
    stream = ids([Hands(hands(4), weight=weight), hands(12, "b")], 6000)
    counts = collections.Counter(stream)
    mean = {
        name: np.mean([counts[f"{name}{i}"] for i in range(size)])
        for name, size in (("a", 4), ("b", 12))
    }
    np.testing.assert_allclose(mean["a"] / mean["b"], weight, rtol=0.15)


def test_every_set_goes_through_all_its_samples_before_repeating():
    stream = [name for name in ids([hands(3), hands(9, "b")], 300) if name[0] == "b"]
    passes = [stream[start : start + 9] for start in range(0, len(stream) - 8, 9)]
    assert len(passes) > 10 and all(len(set(one)) == 9 for one in passes)


def test_weight_of_a_single_set_does_not_matter():
    assert ids([Hands(hands(5), weight=0.1), []], 10) == ids([hands(5)], 10)


def test_images_are_read_late_and_once_per_record(tmp_path):
    memory = make_sample(seed=0)
    path = tmp_path / "hand.png"
    path.write_bytes(memory.image)
    on_disk = make_sample(seed=0)
    object.__setattr__(on_disk, "image", path)
    stream = record_stream([[memory, on_disk]], False, 0)
    light = list(stream.as_numpy_iterator())
    assert [record["image"] for record in light] == [memory.image, b""]
    assert [record["file"].decode() for record in light] == ["", os.fspath(path)]
    full = list(stream.map(read_image_bytes).as_numpy_iterator())
    assert [record["image"] for record in full] == [memory.image] * 2
    assert "file" not in full[0]


def test_records_of_all_kinds_have_one_structure(packed):
    of_shards = record_stream([packed], False, 0).element_spec
    of_memory = record_stream([hands(2)], False, 0).element_spec
    assert of_shards == of_memory
    assert of_memory["orientation"] == tf.TensorSpec((), tf.int64)


@pytest.mark.parametrize("datasets", [[], [[]], [[], []]])
@pytest.mark.parametrize("training", [True, False])
def test_rejects_no_samples(datasets, training):
    with pytest.raises(InputError, match=r"expected at least one sample\. Received: none"):
        record_stream(datasets, training, 0)


def test_rejects_files_that_are_no_images(tmp_path):
    sample = make_sample(seed=0)
    object.__setattr__(sample, "image", tmp_path / "absent.png")
    with pytest.raises(InputError, match=r"absent\.png: expected a readable image"):
        record_stream([[sample]], True, 0)
