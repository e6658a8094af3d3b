"""The benchmark of the pipelines: both sides do what the table says they do."""

import dataclasses
import itertools
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tf_handgroups.augment import Augmentation

torch = pytest.importorskip("torch", reason="PyTorch is not installed; only a benchmark needs it")

from benchmarks import pipeline_throughput, torch_pipeline  # noqa: E402
from benchmarks.torch_pipeline import Ranges, TorchHands  # noqa: E402

STYLES = ("same work", "authors' augmentation")


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return pipeline_throughput.render_files(tmp_path_factory.mktemp("images"), 2)


def test_files_are_complete_hands(samples):
    assert len(samples) == 2
    for sample in samples:
        with Image.open(sample.image) as image:
            assert image.size == (224, 224) and image.format == "JPEG"
        assert sample.visible.all() and sample.xyz_camera_mm is not None


def test_ranges_are_ours():
    ranges = dataclasses.asdict(Ranges())
    assert ranges.pop("hue") == 0.1
    assert ranges == dataclasses.asdict(Augmentation())


def test_pixels_lie_where_the_joints_say(samples):
    assert pipeline_throughput.disagreements(samples, 96, list(STYLES)) == []


def test_scikit_image_agrees_too(samples):
    pytest.importorskip("skimage", reason="scikit-image is not installed; one row needs it")
    assert pipeline_throughput.disagreements(samples[:1], 96, ["scikit-image"]) == []


def test_nothing_is_timed_that_does_something_else(samples, monkeypatch, capsys):
    right = TorchHands._cut

    def shifted(self, image, uv, box):
        image, uv = right(self, image, uv, box)
        return image, uv + 2

    monkeypatch.setattr(TorchHands, "_cut", shifted)
    (line,) = pipeline_throughput.disagreements(samples, 96, ["same work"])
    assert line.startswith("same work: joints differ by")
    monkeypatch.setattr(pipeline_throughput, "STYLES", ("same work",))
    assert pipeline_throughput.main(["--images", "2", "--size", "96"]) == 3
    captured = capsys.readouterr()
    assert not captured.out and "same work" in captured.err


def test_labels_of_the_loader_agree(samples):
    """The ray of each joint's pixel points at the joint, mirrored or not."""
    hands = TorchHands(samples, 96, "same work", Ranges(other_hand=0.5))
    sides = set()
    for index in [0, 1] * 10:
        _, uv, z_rel, xyz, rays, weights = (tensor.numpy() for tensor in hands[index])
        points = np.concatenate([uv, np.ones((21, 1))], axis=1) @ rays.T
        np.testing.assert_allclose(points, xyz / xyz[:, 2:], atol=1e-4)
        bone = np.linalg.norm(xyz[10] - xyz[9])
        np.testing.assert_allclose(z_rel, (xyz[:, 2] - xyz[9, 2]) / bone, atol=1e-5)
        inside = ((uv > -0.5) & (uv < 95.5)).all(axis=1)
        np.testing.assert_array_equal(weights, inside)
        sides.add((index, bool(xyz[0, 0] == samples[index].xyz_camera_mm[0, 0])))
    assert len(sides) == 4


def test_colours_spread_as_ours(samples):
    """Mean and contrast of many crops, compared with our pipeline's."""
    still = dataclasses.replace(Ranges(), rotation_deg=0, scale=1, shift=0, other_hand=0)
    hands = TorchHands(samples[:1], 48, "same work", still)
    theirs = np.stack([hands[0][0].numpy() for _ in range(320)])
    geometry = {"rotation_deg": 0, "scale": 1.0, "shift": 0, "other_hand": 0}
    batches = pipeline_throughput.our_batches(samples[:1], 48, Augmentation(**geometry))
    ours = np.concatenate([images for images, _, _ in batches.take(10).as_numpy_iterator()])
    assert theirs.dtype == ours.dtype == np.float32 and theirs.shape == ours.shape
    assert theirs.min() >= 0 and theirs.max() <= 1
    for statistic in (
        lambda crops: crops.mean((1, 2)),
        lambda crops: crops.std((1, 2)),
        lambda crops: np.abs(np.diff(crops, axis=2)).mean((1, 2)),
        lambda crops: np.ptp(crops.mean((1, 2)), axis=-1, keepdims=True),
    ):
        own, other = statistic(ours), statistic(theirs)
        np.testing.assert_allclose(other.mean(0), own.mean(0), rtol=0.12)
        np.testing.assert_allclose(other.std(0), own.std(0), rtol=0.25)


@pytest.mark.parametrize(("share", "colour"), [(0, "red"), (1 / 3, "lime"), (-1 / 3, "blue")])
def test_hue_turns(share, colour):
    turned = torch_pipeline._turn_hue(Image.new("RGB", (8, 8), "red"), share)
    expected = np.asarray(Image.new("RGB", (8, 8), colour)).astype(int)
    assert np.abs(np.asarray(turned) - expected).max() <= 8


def test_loader_gives_float32_batches_from_a_worker(samples):
    hands = TorchHands(samples, 32, "authors' augmentation")
    images, uv, *_ = next(iter(torch_pipeline.loader(hands, 4, num_workers=1)))
    assert images.shape == (4, 32, 32, 3) and images.dtype == torch.float32
    assert 0 <= images.min() and 0.2 < images.max() <= 1 and uv.shape == (4, 21, 2)


def test_workers_do_not_load_tensorflow():
    code = "import sys, benchmarks.torch_pipeline; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_images_in_memory_are_refused(samples):
    held = dataclasses.replace(samples[0], image=samples[0].image.read_bytes())
    with pytest.raises(TypeError, match="files"):
        TorchHands([held], 32, "same work")[0]


def test_rounds_alternate_and_drain_what_was_prepared(monkeypatch):
    taken = []
    clock = itertools.count()
    monkeypatch.setattr(pipeline_throughput, "come_to_rest", lambda: None)
    monkeypatch.setattr(pipeline_throughput.time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(pipeline_throughput, "own_seconds", lambda: 2.0 * next(clock))
    sources = {name: map(taken.append, itertools.repeat(name)) for name in "ab"}
    wall, cpu = pipeline_throughput.measure(sources, rounds=2, num_batches=3)
    order = [name for name, _ in itertools.groupby(taken)]
    assert order == ["b", "a", "b", "a"] and len(taken) == 3 * 2 * (12 + 3)
    # perf_counter, own_seconds, perf_counter, own_seconds.
    np.testing.assert_allclose(wall["a"], [3 * 32 / 2] * 2)
    np.testing.assert_allclose(cpu["b"], [3 * 32 / 4] * 2)


def test_rest_is_waited_for(monkeypatch):
    slept = []
    monkeypatch.setattr(pipeline_throughput.time, "sleep", slept.append)
    work = iter([0.0, 0.4, 0.8, 0.81])
    pipeline_throughput.come_to_rest(lambda: next(work))
    assert len(slept) == 3
    pipeline_throughput.come_to_rest(itertools.count().__next__, patience_s=0.01)


def test_table():
    ours = pipeline_throughput.OURS
    wall = {ours: np.full(4, 800.0), "other": np.full(4, 200.0)}
    cpu = {ours: np.full(4, 300.0), "other": np.full(4, 100.0)}
    text = pipeline_throughput.table(wall, cpu, cores=2)
    assert "400 (400-400)" in text.splitlines()[1]
    assert "4.00 (4.00-4.00)" in text.splitlines()[2] and "3.00 (3.00-3.00)" in text.splitlines()[2]


@pytest.mark.parametrize("bad", ["--size=8", "--rounds=2", "--batches=0", "--images=0"])
def test_unusable_arguments(bad, capsys):
    with pytest.raises(SystemExit) as error:
        pipeline_throughput.main([bad])
    assert error.value.code == 2 and "expected" in capsys.readouterr().err
