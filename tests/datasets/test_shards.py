import json

import numpy as np
import pytest
import tensorflow as tf

from tests.hands import make_sample
from tf_handgroups.data_check import check_data
from tf_handgroups.datasets import shards
from tf_handgroups.datasets.record_file import RecordFile
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
    with pytest.raises(InputError, match=r"shard-0\.tfrecord: record 1 is truncated or damaged"):
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
    with pytest.raises(InputError, match=r"shard-1\.tfrecord: record 0 is truncated or damaged"):
        next(dataset)


def test_rejects_changed_bytes(folder):
    shard = folder / "shard-0.tfrecord"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    with pytest.raises(InputError, match=r"shard-0\.tfrecord: record 1 is truncated or damaged"):
        list(ShardDataset(folder))


def test_rejects_records_of_something_else(folder):
    with tf.io.TFRecordWriter(str(folder / "shard-0.tfrecord")) as writer:
        writer.write(tf.train.Example().SerializeToString())
    with pytest.raises(InputError, match=r"shard-0\.tfrecord: record 0 is not a hand") as caught:
        list(ShardDataset(folder))
    assert "node" not in str(caught.value)


def truncated_set(folder, keep=1.5, with_sizes=True, **index):
    """Four shards of three hands, the second cut after so many records."""
    samples = [make_sample(seed=0, sample_id=str(number)) for number in range(12)]
    if with_sizes:
        index |= {"shards": [f"shard-{i}.tfrecord" for i in range(4)], "shard_size": 3}
    write(folder, samples, **index)
    shard = folder / "shard-1.tfrecord"
    content = shard.read_bytes()
    # The records are of one size up to the digits of their names.
    assert len({path.stat().st_size for path in folder.glob("shard-[012].tfrecord")}) == 1
    shard.write_bytes(content[: int(len(content) * keep / 3)])
    return ShardDataset(folder)


def read_all(dataset):
    """Names of the hands by index, and the messages where there is none."""
    names, messages = {}, {}
    for index in range(len(dataset)):
        try:
            names[index] = dataset[index].sample_id
        except InputError as error:
            messages[index] = str(error)
    return names, messages


@pytest.mark.parametrize("with_sizes", [True, False])
@pytest.mark.parametrize("keep", [0.001, 0.5, 1.001, 1.5, 2.999])
def test_a_truncated_shard_loses_only_its_end(tmp_path, keep, with_sizes):
    dataset = truncated_set(tmp_path / "set", keep, with_sizes)
    names, messages = read_all(dataset)
    lost = list(range(3 + int(keep), 6))
    assert list(messages) == lost
    assert names == {index: str(index) for index in range(12) if index not in lost}
    for index in lost:
        place = f"shard-1.tfrecord: record {index - 3} is truncated or damaged. "
        assert place in messages[index]
    with pytest.raises(InputError, match=rf"shard-1\.tfrecord: record {int(keep)} is truncated"):
        list(dataset)


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_shards_cut_between_records_are_noticed_by_their_size(tmp_path, keep):
    dataset = truncated_set(tmp_path / "set", keep)
    names, messages = read_all(dataset)
    assert list(messages) == list(range(3 + keep, 6)) and len(names) == 9 + keep
    with pytest.raises(InputError, match=rf"shard-1\.tfrecord: record {keep} is truncated"):
        list(dataset)


@pytest.mark.parametrize("with_sizes", [True, False])
def test_check_data_reports_only_the_lost_records(tmp_path, with_sizes):
    report = check_data(truncated_set(tmp_path / "set", with_sizes=with_sizes))
    assert report.num_samples == 12 and report.num_broken == 2 and report.counts["hands"] == 10
    assert [finding.index for finding in report.broken] == [4, 5]
    for finding in report.broken:
        assert f"shard-1.tfrecord: record {finding.index - 3} is truncated" in finding.reason


def test_several_truncated_shards_without_sizes_lose_only_their_ends(tmp_path):
    truncated_set(tmp_path / "set", with_sizes=False)
    last = tmp_path / "set" / "shard-3.tfrecord"
    last.write_bytes(last.read_bytes()[:-1])
    names, messages = read_all(ShardDataset(tmp_path / "set"))
    assert list(names.values()) == [str(i) for i in (0, 1, 2, 3, 6, 7, 8, 9, 10)]
    assert len(messages) == 3


def test_shards_are_opened_once_and_only_if_needed(tmp_path, monkeypatch):
    opened = []

    def opening(path, *options):
        opened.append(path.name)
        return RecordFile(path, *options)

    monkeypatch.setattr(shards, "RecordFile", opening)
    dataset = truncated_set(tmp_path / "set")
    assert dataset[9].sample_id == "9" and opened == ["shard-3.tfrecord"]
    for _ in range(2):
        read_all(dataset)
    assert sorted(opened) == [f"shard-{i}.tfrecord" for i in range(4)]
    opened.clear()
    scanned = truncated_set(tmp_path / "scanned", with_sizes=False)
    for _ in range(2):
        read_all(scanned)
    assert opened == [f"shard-{i}.tfrecord" for i in range(4)]


@pytest.mark.parametrize(
    "change", [{"shard_size": "3"}, {"shard_size": 0}, {"shard_size": 5}, {"shards": list("abcd")}]
)
def test_an_index_that_does_not_fit_its_shards_gives_no_sizes(tmp_path, change):
    truncated_set(tmp_path / "set")
    index = tmp_path / "set" / "dataset.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | change))
    names, _ = read_all(ShardDataset(tmp_path / "set"))
    assert list(names.values()) == [str(i) for i in range(12) if i not in (4, 5)]


@pytest.mark.parametrize(("kind", "command"), [("synth", "synth"), ("shards", "pack")])
def test_messages_say_what_to_do_and_nothing_of_tensorflow(tmp_path, kind, command):
    dataset = truncated_set(tmp_path / "set", kind=kind)
    with pytest.raises(InputError) as caught:
        list(dataset)
    shard = tmp_path / "set" / "shard-1.tfrecord"
    expected = (
        f"{shard}: record 1 is truncated or damaged. Delete this file and run the same "
        f"`tf-handgroups {command}` command again: it writes only what is missing."
    )
    assert str(caught.value) == read_all(dataset)[1][4] == expected
