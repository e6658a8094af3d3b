import json

import numpy as np
import pytest
import tensorflow as tf

from tests.hands import make_sample
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.datasets.shards import ShardDataset, ShardWriter, label_arrays, parse_record
from tf_handgroups.errors import InputError

ARRAYS = ("uv_px", "visible", "box_px", "xyz_camera_mm", "intrinsics_px")


def hands():
    gap = make_sample(seed=2, visible=np.arange(21) != 5, xyz_camera_mm=None)
    gap.uv_px[5] = np.nan
    return [
        make_sample(seed=0),
        make_sample(seed=1, handedness=None, intrinsics_px=None),
        gap,
        make_sample(seed=3, presence=False, sample_id="straße#left"),
    ]


def write(folder, samples, per_shard=3, **index):
    folder.mkdir(exist_ok=True)
    for number, start in enumerate(range(0, len(samples), per_shard)):
        with ShardWriter(folder / f"shard-{number}.tfrecord") as writer:
            for sample in samples[start : start + per_shard]:
                writer.write(sample)
    (folder / "dataset.json").write_text(json.dumps({"count": len(samples), **index}))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "set", hands(), shards=["shard-0.tfrecord", "shard-1.tfrecord"])


def assert_same(received: HandSample, expected: HandSample):
    for name in ("sample_id", "image", "image_size", "handedness", "presence"):
        assert getattr(received, name) == getattr(expected, name), name
    for name in ARRAYS:
        value = getattr(expected, name)
        if value is None:
            assert getattr(received, name) is None, name
        else:
            seen = expected.visible if name == "uv_px" else slice(None)
            np.testing.assert_array_equal(getattr(received, name)[seen], value[seen])


def test_round_trip(folder):
    dataset = ShardDataset(folder)
    assert len(dataset) == 4 and dataset.kind == "shards" and len(dataset.shards) == 2
    for received, expected in zip(dataset, hands(), strict=True):
        assert_same(received, expected)


def test_can_be_read_again_and_again(folder):
    dataset = ShardDataset(folder)
    assert [s.sample_id for s in dataset] == [s.sample_id for s in dataset]


def test_reads_single_hands_in_any_order(folder):
    dataset = ShardDataset(folder)
    for index in (3, 0, 2, 1, -1):
        assert_same(dataset[index], hands()[index])
    for index in (4, -5):
        with pytest.raises(IndexError):
            dataset[index]


def test_reads_single_hands_behind_a_damaged_one(folder):
    shard = folder / "shard-0.tfrecord"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    dataset = ShardDataset(folder)
    with pytest.raises(InputError, match=r"shard-0\.tfrecord: record 1 is truncated or corrupt"):
        dataset[1]
    assert_same(dataset[2], hands()[2])


def test_rejects_single_records_that_are_missing_or_no_hands(folder):
    with tf.io.TFRecordWriter(str(folder / "shard-0.tfrecord")) as writer:
        writer.write(tf.train.Example().SerializeToString())
    dataset = ShardDataset(folder)
    with pytest.raises(InputError, match=r"shard-0\.tfrecord: record 0 is not a hand"):
        dataset[0]
    assert_same(dataset[1], hands()[3])
    with pytest.raises(InputError, match=r"expected 4 records\. .*there is no record 2"):
        dataset[2]


def test_kind_and_options_say_where_the_hands_come_from(tmp_path):
    source = {"kind": "rhd", "name": "RHD_v2", "options": {"split": "training"}}
    packed = ShardDataset(write(tmp_path / "a", hands(), kind="shards", source=source, max_side=64))
    assert packed.kind == "shards"
    assert dict(packed.options) == {
        "source": "rhd",
        "name": "RHD_v2",
        "split": "training",
        "max_side": "64",
    }
    rendered = ShardDataset(write(tmp_path / "b", hands(), kind="synth", seed=3))
    assert rendered.kind == "synth" and dict(rendered.options) == {}


def test_image_files_are_stored_with_their_bytes(tmp_path):
    sample = make_sample(seed=0)
    path = tmp_path / "hand.png"
    path.write_bytes(sample.image)
    in_file = make_sample(seed=0)
    object.__setattr__(in_file, "image", path)
    folder = write(tmp_path / "set", [in_file])
    path.unlink()
    assert_same(next(iter(ShardDataset(folder))), sample)


def test_same_samples_same_bytes(tmp_path):
    contents = []
    for name in ("a", "b"):
        folder = write(tmp_path / name, hands())
        contents.append([shard.read_bytes() for shard in ShardDataset(folder).shards])
    assert contents[0] == contents[1] and len(contents[0]) == 2


def test_labels_have_fixed_shapes_whatever_is_known():
    known, unknown = label_arrays(hands()[0]), label_arrays(hands()[2])
    assert {name: value.shape for name, value in known.items()} == {
        name: value.shape for name, value in unknown.items()
    }
    assert {name: value.dtype for name, value in known.items()} == {
        name: value.dtype for name, value in unknown.items()
    }
    assert np.isfinite(unknown["uv_px"]).all() and np.isnan(unknown["xyz_camera_mm"]).all()
    codes = [int(label_arrays(hand)["handedness"]) for hand in hands()]
    assert codes == [1, -1, 1, 0]
    assert [int(label_arrays(hand)["presence"]) for hand in hands()] == [1, 1, 1, 0]


def test_records_parse_in_a_graph(folder):
    records = tf.data.TFRecordDataset([str(path) for path in ShardDataset(folder).shards])
    parsed = next(iter(records.map(parse_record).batch(4)))
    expected = [label_arrays(hand) for hand in hands()]
    for name in expected[0]:
        np.testing.assert_array_equal(parsed[name], np.stack([labels[name] for labels in expected]))


def test_rejects_missing_folder_and_index(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(
            InputError, match=r"expected a folder of shards with dataset\.json\. Received: no such"
        ):
            ShardDataset(path)


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"count": 1, "source": [1]}', '{"count": "many"}', '{"count": null}']
)
def test_rejects_damaged_index(folder, text):
    (folder / "dataset.json").write_text(text)
    with pytest.raises(InputError, match=r"dataset\.json: expected JSON with a `count`\. Received"):
        ShardDataset(folder)


def test_rejects_set_without_shards(tmp_path):
    (tmp_path / "dataset.json").write_text('{"count": 1}')
    with pytest.raises(InputError, match=r"expected \*\.tfrecord files\. Received: none"):
        ShardDataset(tmp_path)


def test_rejects_missing_shard(folder):
    (folder / "shard-1.tfrecord").unlink()
    with pytest.raises(InputError, match=r"expected 2 shards\. Received: 1\."):
        ShardDataset(folder)


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_rejects_truncated_shard(folder, share):
    shard = folder / "shard-1.tfrecord"
    content = shard.read_bytes()
    shard.write_bytes(content[: int(len(content) * share)])
    dataset = iter(ShardDataset(folder))
    # The shard before it is still readable.
    assert [next(dataset).sample_id for _ in range(3)] == [h.sample_id for h in hands()[:3]]
    with pytest.raises(InputError, match=r"shard-1\.tfrecord: record 0 is truncated or corrupt"):
        next(dataset)


def test_rejects_changed_bytes(folder):
    shard = folder / "shard-0.tfrecord"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    with pytest.raises(InputError, match=r"shard-0\.tfrecord: record [0-2] is truncated or"):
        list(ShardDataset(folder))


def test_rejects_records_of_something_else(folder):
    with tf.io.TFRecordWriter(str(folder / "shard-0.tfrecord")) as writer:
        writer.write(tf.train.Example().SerializeToString())
    with pytest.raises(InputError, match=r"shard-0\.tfrecord: record [0-2] is truncated or"):
        list(ShardDataset(folder))
