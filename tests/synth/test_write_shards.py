"""Synthetic shards: same bytes, resumable, honest about what is in the folder."""

import json

import pytest

from tf_handgroups.datasets.shards import ShardDataset
from tf_handgroups.errors import InputError
from tf_handgroups.synth import write_shards
from tf_handgroups.synth.render import render_sample
from tf_handgroups.synth.write_shards import sample_seed, write_synthetic_shards

OPTIONS = {"image_size": 32, "shard_size": 4, "progress": False}


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("shard-*"))}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synth") / "set"
    info = write_synthetic_shards(10, 7, folder, num_workers=1, **OPTIONS)
    return folder, info


def test_index_and_samples(finished):
    folder, info = finished
    assert json.loads((folder / "dataset.json").read_text()) == info
    assert info["shards"] == [f"shard-0000{i}-of-00003.tfrecord" for i in range(3)]
    assert sorted(contents(folder)) == info["shards"]
    samples = list(ShardDataset(folder))
    assert len(samples) == 10
    for index, sample in enumerate(samples):
        expected = render_sample(sample_seed(7, index), 32)
        assert sample.sample_id == expected.sample_id
        assert sample.image == expected.image


def test_processes_give_the_same_bytes(finished, tmp_path):
    write_synthetic_shards(10, 7, tmp_path / "set", num_workers=2, **OPTIONS)
    assert contents(tmp_path / "set") == contents(finished[0])


def test_resumes_and_keeps_complete_shards(finished, tmp_path, monkeypatch):
    calls = []

    def failing(seed, image_size, settings):
        calls.append(seed)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return render_sample(seed, image_size, settings)

    folder = tmp_path / "set"
    monkeypatch.setattr(write_shards, "render_sample", failing)
    with pytest.raises(KeyboardInterrupt):
        write_synthetic_shards(10, 7, folder, num_workers=1, **OPTIONS)
    assert list(contents(folder)) == ["shard-00000-of-00003.tfrecord"]
    assert not (folder / "dataset.json").exists()
    first = folder / "shard-00000-of-00003.tfrecord"
    before = first.stat().st_mtime_ns
    (folder / ".0123.part.tfrecord").write_bytes(b"left behind by a kill")
    write_synthetic_shards(10, 7, folder, num_workers=1, **OPTIONS)
    assert calls[7:] == [sample_seed(7, index) for index in range(4, 10)]
    assert first.stat().st_mtime_ns == before
    assert contents(folder) == contents(finished[0])
    assert not list(folder.glob(".*.part.*"))


def test_another_set_needs_overwrite(finished, tmp_path):
    folder = tmp_path / "set"
    write_synthetic_shards(5, 1, folder, num_workers=1, **OPTIONS)
    with pytest.raises(InputError, match="seed was 1, now 2"):
        write_synthetic_shards(5, 2, folder, num_workers=1, **OPTIONS)
    write_synthetic_shards(3, 2, folder, num_workers=1, overwrite=True, **OPTIONS)
    assert [s.sample_id for s in ShardDataset(folder)] == [f"synth/2000000{i}" for i in range(3)]


def test_foreign_files_are_not_touched(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="no set of shards"):
        write_synthetic_shards(1, 0, tmp_path, **OPTIONS)
    write_synthetic_shards(1, 0, tmp_path, num_workers=1, overwrite=True, **OPTIONS)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    file = tmp_path / "notes.txt"
    with pytest.raises(InputError, match="is a file"):
        write_synthetic_shards(1, 0, file, **OPTIONS)


@pytest.mark.parametrize(
    "bad",
    [
        {"count": 0},
        {"count": True},
        {"seed": -1},
        {"num_workers": 0},
        {"shard_size": 0.5},
        {"image_size": 8},
    ],
)
def test_rejects_arguments(bad, tmp_path):
    name, value = next(iter(bad.items()))
    arguments = {"count": 1, "seed": 0, "out": tmp_path / "set", **bad}
    with pytest.raises(InputError, match=f"Received: {name}={value}"):
        write_synthetic_shards(**arguments)
    assert not (tmp_path / "set").exists()
