"""Whole data sets with known faults; what workers do; what is left after an interruption."""

import collections
import dataclasses
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.datasets.test_shards import write as write_shards
from tests.hands import make_sample, smooth_image
from tf_handgroups import data_check
from tf_handgroups.data_check import check_data
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.datasets.shards import ShardDataset
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.errors import InputError


class Hands(list):
    """Samples in memory as a data set."""

    kind, path, options = "memory", pathlib.Path("hands"), {"side": "both"}


class Stream:
    """A data set that can only be read from front to back and may stop early."""

    kind, path, options = "stream", pathlib.Path("shards"), {}

    def __init__(self, samples, says, error=None):
        self.samples, self.says, self.error = samples, says, error

    def __len__(self):
        return self.says

    def __iter__(self):
        yield from self.samples
        if self.error:
            raise self.error


def jpeg_sample(seed):
    buffer = io.BytesIO()
    Image.fromarray(smooth_image(48, 64, seed)).save(buffer, "JPEG")
    sample = make_sample(smooth_image(48, 64, seed), seed)
    return dataclasses.replace(sample, image=buffer.getvalue())


def spoil(folder: pathlib.Path) -> dict[int, str]:
    """Breaks hands of a handjson folder; returns what each must be blamed for."""
    file = folder / "annotations.json"
    content = json.loads(file.read_text())
    hands = content["hands"]
    (folder / hands[1]["file"]).unlink()
    truncated = folder / hands[4]["file"]
    truncated.write_bytes(truncated.read_bytes()[:-150])
    hands[6]["uv_px"][3][0] = float("nan")
    hands[9]["xyz_camera_mm"].pop()
    hands[12]["file"] = "../outside.jpg"
    hands[13] = "a hand"
    file.write_text(json.dumps(content))
    return {
        1: "expected an image file in this folder",
        4: "damaged or truncated",
        6: "expected finite numbers",
        9: "expected numbers of shape (21, 3)",
        12: "without '..'",
        13: "expected an object",
    }


@pytest.fixture
def folder(tmp_path):
    write_handjson([jpeg_sample(seed) for seed in range(20)], tmp_path / "hands")
    return tmp_path / "hands"


@pytest.mark.parametrize("num_workers", [1, 2])
def test_finds_all_broken_samples_and_only_them(folder, num_workers, monkeypatch):
    monkeypatch.setattr(data_check, "_BATCH", 3)
    reasons = spoil(folder)
    steps = []
    report = check_data(
        HandJsonDataset(folder), num_workers, on_progress=lambda *step: steps.append(step)
    )
    assert {finding.index for finding in report.broken} == set(reasons)
    for finding in report.broken:
        assert reasons[finding.index] in finding.reason
        # The file of the image or of the labels.
        assert str(folder) in finding.reason
    assert report.num_broken == 6 and report.num_samples == 20
    assert report.image_sizes == {"64x48": 14} and report.counts["hands"] == 14
    assert set(report.random_samples) == set(range(20)) - set(reasons)
    assert steps[-1] == (20, 20) and steps == sorted(steps)


def test_names_of_broken_samples(folder):
    spoil(folder)
    broken = {finding.index: finding for finding in check_data(HandJsonDataset(folder)).broken}
    assert broken[4].sample_id == "images/000004.jpg#4"
    assert broken[4].file == os.fspath(folder / "images" / "000004.jpg")
    assert broken[6].sample_id is None and broken[6].file is None


def test_counts():
    partly = make_sample(seed=2)
    partly.xyz_camera_mm[4] = np.nan
    samples = [
        make_sample(seed=0),
        make_sample(seed=1, visible=np.arange(21) % 2),
        partly,
        make_sample(seed=3, xyz_camera_mm=None, handedness=None, bone_mm=30.0),
        make_sample(seed=4, xyz_camera_mm=None, intrinsics_px=None),
        make_sample(smooth_image(32, 40), seed=5, presence=False, handedness=None),
        make_sample(seed=6, box_px=(500, 500, 20, 20)),
    ]
    report = check_data(Hands(samples))
    assert report.counts == {
        "hands": 6, "without_hand": 1, "left": 1, "right": 4, "unknown_side": 1,
        "labelled_3d": 3, "partly_3d": 1, "only_2d": 2, "with_intrinsics": 5, "bone_only": 1,
        "suspicious": 1,
    }  # fmt: skip
    assert report.visible_share == pytest.approx((5 * 21 + 10) / (6 * 21))
    assert list(report.image_sizes.items()) == [("128x96", 6), ("40x32", 1)]
    assert report.options == {"side": "both"} and report.path == "hands"
    assert report.num_suspicious == {"box_outside": 1}
    assert [finding.index for finding in report.suspicious["box_outside"]] == [6]
    assert list(report.suspicious_samples) == [6]


def test_spreads_are_those_of_all_hands():
    samples = [make_sample(seed=seed) for seed in range(5)]
    spreads = check_data(Hands(samples)).spreads
    xyz = np.stack([sample.xyz_camera_mm for sample in samples]).astype(float)
    bone = np.linalg.norm(xyz[:, 10] - xyz[:, 9], axis=-1)
    assert spreads["reference_bone_mm"].count == 5
    assert spreads["reference_bone_mm"].median == pytest.approx(np.median(bone), rel=5e-4)
    assert spreads["root_depth_mm"].minimum == xyz[:, 9, 2].min()
    assert spreads["root_depth_mm"].maximum == xyz[:, 9, 2].max()
    assert spreads["bones_mm"].count == 100
    assert spreads["reprojection_px"].count == 105 and spreads["reprojection_px"].maximum < 1e-3


def test_workers_change_nothing(monkeypatch):
    monkeypatch.setattr(data_check, "_BATCH", 2)
    samples = Hands(make_sample(seed=seed) for seed in range(11))
    samples[7] = dataclasses.replace(samples[7], image=b"")
    alone, together = (check_data(samples, workers, num_tiles=4) for workers in (1, 3))
    assert alone.as_dict() == together.as_dict()
    assert list(alone.random_samples) == list(together.random_samples)


def test_random_samples_are_seeded_and_from_everywhere():
    samples = Hands([make_sample()] * 40)
    chosen = [list(check_data(samples, num_tiles=5, seed=seed).random_samples) for seed in range(9)]
    again = list(check_data(samples, num_tiles=5, seed=3).random_samples)
    assert again == chosen[3] and len({tuple(indices) for indices in chosen}) == 9
    assert all(len(indices) == 5 and indices == sorted(indices) for indices in chosen)
    assert min(map(min, chosen)) < 8 and max(map(max, chosen)) > 31


def test_every_sample_is_as_likely_on_the_sheet():
    found = data_check._Found(num_tiles=3, seed=0)
    times = collections.Counter()
    for _ in range(2000):
        found.tiles, found.num_read = [], 0
        for index in range(10):
            found.num_read += 1
            found._add_tile(index, make_sample)
        times.update(index for index, _ in found.tiles)
    # 600 each, standard deviation 20.
    assert all(500 < times[index] < 700 for index in range(10))


def test_truncated_shard_is_reported(tmp_path):
    write_shards(tmp_path / "set", [make_sample(seed=seed) for seed in range(6)])
    shard = tmp_path / "set" / "shard-1.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-20])
    report = check_data(ShardDataset(tmp_path / "set"))
    assert report.num_samples == 6 and report.num_broken >= 1
    assert report.counts["hands"] >= 3 and len(report.broken) == report.num_broken
    assert "shard-1.tfrecord" in report.broken[-1].reason


def test_what_lies_behind_the_end_of_a_stream_is_broken():
    samples = [make_sample(seed=seed) for seed in range(3)]
    report = check_data(Stream(samples, 10, InputError("shard 1 is truncated")))
    assert report.num_broken == 7 and report.num_samples == 10 and report.counts["hands"] == 3
    assert [finding.index for finding in report.broken] == [3, 4]
    assert report.broken[0].reason == "shard 1 is truncated"
    assert "6 are missing or cannot be reached" in report.broken[1].reason


def test_missing_and_additional_samples():
    samples = [make_sample(seed=seed) for seed in range(3)]
    report = check_data(Stream(samples, 4))
    assert report.num_broken == 1 and "Received: 3" in report.broken[0].reason
    report = check_data(Stream(samples, 2))
    assert report.num_broken == 0 and report.num_samples == 3


def test_surprises_of_a_loader_are_findings():
    class Surprising(Hands):
        def __iter__(self):
            return (self[index] for index in range(3))

        def __getitem__(self, index):
            return {}["no such key"] if index == 1 else super().__getitem__(index)

    report = check_data(Surprising([make_sample()] * 3))
    assert [(f.index, f.reason) for f in report.broken] == [(1, "KeyError: 'no such key'")]
    assert report.counts["hands"] == 2


def test_only_some_findings_are_kept_but_all_counted(monkeypatch):
    monkeypatch.setattr(data_check, "MAX_BROKEN", 2)
    monkeypatch.setattr(data_check, "MAX_SUSPICIOUS", 3)
    strange = make_sample(box_px=(500, 500, 20, 20))
    broken = dataclasses.replace(strange, image=b"")
    report = check_data(Hands([broken] * 4 + [strange] * 5), num_tiles=1)
    assert report.num_broken == 4 and len(report.broken) == 2
    assert report.num_suspicious["box_outside"] == 5
    assert len(report.suspicious["box_outside"]) == 3 and len(report.suspicious_samples) == 1


def test_few_batches_are_under_way(monkeypatch):
    """The data set is read only a little ahead of what is checked."""
    monkeypatch.setattr(data_check, "_BATCH", 2)
    read = 0

    def entries():
        nonlocal read
        for index in range(60):
            read = index
            yield index, make_sample()

    ahead = [read - index for index, _, _ in data_check._checked(entries(), 2)]
    assert len(ahead) == 60 and max(ahead) <= 2 * (2 * 2 + 1)


@pytest.mark.parametrize(
    "bad", [{"num_workers": 0}, {"num_workers": True}, {"num_tiles": -1}, {"num_workers": 1.5}]
)
def test_rejects_bad_arguments(bad):
    ((name, value),) = bad.items()
    with pytest.raises(InputError, match=f"Received: {name}={value}"):
        check_data(Hands([make_sample()]), **bad)


class Deadly:
    def __reduce__(self):
        return os._exit, (9,)


def test_death_of_a_worker_is_an_error(monkeypatch):
    monkeypatch.setattr(data_check, "_BATCH", 1)
    samples = Hands([make_sample(), make_sample(), make_sample()])
    object.__setattr__(samples[1], "sample_id", Deadly())
    with pytest.raises(RuntimeError, match="a worker process died"):
        check_data(samples, 2)


# Without the modules of the tests, which would load TensorFlow first.
SLOW = """
from tf_handgroups.data_check import check_data
from tf_handgroups.synth.render import render_sample

class Endless:
    kind, path, options = "endless", "nowhere", {}
    def __init__(self):
        self.sample = render_sample(0, 64)
    def __iter__(self):
        while True:
            yield self.sample
    def __len__(self):
        return 10**9

if __name__ == "__main__":
    check_data(Endless(), 2, on_progress=lambda done, total: print(done, flush=True))
"""


def children_of(pid: int) -> list[int]:
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not pathlib.Path("/proc/self/task").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path, kill):
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    root = pathlib.Path(__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": os.fspath(root), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout.readline()
        workers = children_of(process.pid)
        assert len(workers) >= 2
        if kill == signal.SIGINT:
            # As a terminal does: to all processes.
            os.killpg(process.pid, kill)
        else:
            process.kill()
        _, errors = process.communicate(timeout=150)
        deadline = time.monotonic() + 30
        while any(map(is_running, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(is_running, workers))
        if kill == signal.SIGINT:
            # One traceback, of the script itself.
            assert errors.count("KeyboardInterrupt") == 1, errors
    finally:
        if process.poll() is None:
            process.kill()
