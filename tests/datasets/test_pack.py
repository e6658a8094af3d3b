"""Packing: what is upright and small enough stays as it is, labels follow the pixels."""

import dataclasses
import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.hands import encode_png, grid_uv_px, make_sample, smooth_image
from tf_handgroups import camera
from tf_handgroups.datasets import pack as pack_module
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.datasets.pack import pack_dataset, packed_sample, scaled_labels
from tf_handgroups.datasets.shards import ShardDataset, label_arrays
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import orientation_of, read_image


class Hands(list):
    """A data set in memory with everything that packing asks for."""

    kind = "memory"

    def __init__(self, hands, path, **options):
        super().__init__(hands)
        self.path, self.options = path, options


def hands(count):
    return [make_sample(seed=seed) for seed in range(count)]


def encode(image, format, orientation=1):
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(image).save(stream, format, exif=exif, quality=92)
    return stream.getvalue()


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("shard-*"))}


def pack(dataset, out, **options):
    return pack_dataset(dataset, out, **{"num_workers": 2, "progress": False, **options})


def assert_same(received, expected):
    assert received.sample_id == expected.sample_id
    assert tuple(received.image_size) == tuple(expected.image_size)
    for name, value in label_arrays(expected).items():
        np.testing.assert_array_equal(label_arrays(received)[name], value, err_msg=name)


def test_packed_hands_are_the_same(tmp_path):
    xyz = make_sample(seed=1).xyz_camera_mm.copy()
    xyz[3] = np.nan
    samples = [
        make_sample(seed=0, bone_mm=41.5),
        make_sample(seed=1, xyz_camera_mm=xyz, visible=np.arange(21) != 3),
        make_sample(seed=2, handedness=None, intrinsics_px=None, xyz_camera_mm=None),
        make_sample(seed=3, presence=False),
    ]
    info = pack(Hands(samples, tmp_path / "mine", split="all"), tmp_path / "out", shard_size=3)
    assert len(contents(tmp_path / "out")) == 2
    dataset = ShardDataset(tmp_path / "out")
    assert len(dataset) == info["count"] == 4 and dataset.kind == "shards"
    for received, expected in zip(dataset, samples, strict=True):
        assert_same(received, expected)
        assert received.image == expected.image


def test_index_names_the_source_without_its_place(tmp_path):
    source = tmp_path / "mine"
    write_handjson(hands(2), source)
    pack(HandJsonDataset(source), tmp_path / "out", max_side=100)
    index = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert index["source"] == {"kind": "handjson", "name": "mine", "options": {}}
    assert index["max_side"] == 100
    for path in (tmp_path / "out").iterdir():
        assert str(tmp_path).encode() not in path.read_bytes()
    options = ShardDataset(tmp_path / "out").options
    assert dict(options) == {"source": "handjson", "name": "mine", "max_side": "100"}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP"])
def test_upright_images_keep_their_bytes(format):
    image = encode(smooth_image(96, 128), format)
    sample = make_sample(seed=0, image=smooth_image(96, 128))
    sample = dataclasses.replace(sample, image=image)
    for max_side in (None, 128, 500):
        packed = packed_sample(sample, max_side)
        assert packed.image == image
        assert_same(packed, sample)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_photographs_are_turned_upright(orientation, format, tmp_path):
    contents = encode(smooth_image(72, 110), format, orientation)
    upright = read_image(contents)
    sample = dataclasses.replace(make_sample(upright), image=contents)
    (tmp_path / "photo").write_bytes(contents)
    for image in (contents, tmp_path / "photo"):
        packed = packed_sample(dataclasses.replace(sample, image=image))
        assert orientation_of(packed.image) == 1
        assert packed.image.startswith(b"\xff\xd8" if format == "JPEG" else b"\x89PNG")
        again = read_image(packed.image).astype(int)
        assert np.abs(again - upright).max() <= (12 if format == "JPEG" else 0)
        # Turning does not change what the labels are for: the upright image.
        assert_same(packed, sample)


@pytest.mark.parametrize(
    ("size", "max_side", "expected"),
    [
        ((640, 480), 320, (320, 240)),
        ((480, 640), 100, (75, 100)),
        ((101, 67), 50, (50, 33)),
        ((900, 20), 90, (90, 8)),
    ],
)
def test_labels_follow_the_pixels(size, max_side, expected):
    width, height = size
    uv_px = grid_uv_px(width * 0.1, height * 0.1, 3.0)
    uv_px[:, 0] *= width / 100
    sample = make_sample(smooth_image(height, width), uv_px=uv_px)
    packed = packed_sample(sample, max_side)
    assert packed.image_size == expected == read_image(packed.image).shape[1::-1]
    # One edge of the picture is at -0.5 before and after, the other at size - 0.5.
    factor = np.divide(expected, size)
    for axis in (0, 1):
        share = (sample.uv_px[:, axis] + 0.5) / size[axis]
        np.testing.assert_allclose((packed.uv_px[:, axis] + 0.5) / expected[axis], share, rtol=1e-5)
        low = (sample.box_px[axis] + 0.5) * factor[axis] - 0.5
        np.testing.assert_allclose(packed.box_px[axis], low, atol=1e-4)
        extent = sample.box_px[2 + axis] * factor[axis]
        np.testing.assert_allclose(packed.box_px[2 + axis], extent, rtol=1e-5)
    np.testing.assert_array_equal(packed.xyz_camera_mm, sample.xyz_camera_mm)
    np.testing.assert_allclose(
        camera.project(packed.xyz_camera_mm, packed.intrinsics_px), packed.uv_px, atol=1e-3
    )


def test_a_dot_stays_under_its_joint():
    v, u = np.mgrid[:240, :320]
    dot = 255 * np.exp(-((u - 201.3) ** 2 + (v - 88.6) ** 2) / 200)
    image = np.repeat(np.round(dot)[..., None], 3, axis=-1).astype(np.uint8)
    uv_px = grid_uv_px(100, 100, 10)
    uv_px[5] = (201.3, 88.6)
    packed = packed_sample(make_sample(image, uv_px=uv_px), max_side=77)
    mass = read_image(packed.image)[..., 0].astype(float)
    rows, columns = np.mgrid[: mass.shape[0], : mass.shape[1]]
    found = [(mass * columns).sum() / mass.sum(), (mass * rows).sum() / mass.sum()]
    np.testing.assert_allclose(found, packed.uv_px[5], atol=0.05)


def test_reduction_averages():
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    packed = packed_sample(make_sample(image), max_side=48)
    expected = image.reshape(32, 2, 48, 2, 3).mean((1, 3))
    assert np.abs(read_image(packed.image) - expected).max() <= 0.5


def test_unlabelled_joints_stay_unlabelled():
    sample = make_sample(seed=0, visible=np.arange(21) != 5)
    sample.uv_px[5] = np.nan
    scaled = scaled_labels(sample, (64, 48))
    assert np.isnan(scaled.uv_px[5]).all() and np.isfinite(scaled.uv_px[6]).all()
    np.testing.assert_array_equal(scaled.visible, sample.visible)


@pytest.mark.parametrize("num_workers", [1, 3])
def test_bytes_do_not_depend_on_workers(num_workers, tmp_path):
    dataset = Hands(hands(7), tmp_path)
    for name, number in (("a", 2), ("b", num_workers)):
        pack(dataset, tmp_path / name, num_workers=number, shard_size=3, max_side=64)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_resumes_and_keeps_finished_shards(tmp_path, monkeypatch):
    dataset = Hands(hands(7), tmp_path)
    pack(dataset, tmp_path / "whole", shard_size=2)
    asked = []

    def failing(sample, max_side):
        asked.append(sample.sample_id)
        if sample.sample_id == "hand5" and asked.count("hand5") == 1:
            raise KeyboardInterrupt
        return packed_sample(sample, max_side)

    monkeypatch.setattr(pack_module, "packed_sample", failing)
    with pytest.raises(KeyboardInterrupt):
        pack(dataset, tmp_path / "cut", shard_size=2)
    assert len(contents(tmp_path / "cut")) == 2
    assert not (tmp_path / "cut" / "dataset.json").exists()
    asked.clear()
    asked.append("hand5")
    pack(dataset, tmp_path / "cut", shard_size=2)
    assert asked[1:] == ["hand4", "hand5", "hand6"]
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_shards_can_be_packed_again(tmp_path):
    pack(Hands(hands(3), tmp_path), tmp_path / "a")
    pack(ShardDataset(tmp_path / "a"), tmp_path / "b", max_side=64)
    assert [sample.image_size for sample in ShardDataset(tmp_path / "b")] == [(64, 48)] * 3
    assert ShardDataset(tmp_path / "b").info["source"]["options"]["source"] == "memory"


def test_few_samples_are_in_memory(tmp_path):
    samples, read = hands(8), []

    class Watched(Hands):
        def __getitem__(self, index):
            read.append(index)
            return super().__getitem__(index)

    seen = []
    with pack_module.ThreadPoolExecutor(2) as pool:
        for _ in pack_module._in_order(pool, Watched(samples, tmp_path), range(8), None, 3):
            seen.append(len(read))
    assert seen[:4] == [3, 4, 5, 6] and read == list(range(8))


def test_another_set_needs_overwrite(tmp_path):
    dataset = Hands(hands(2), tmp_path / "mine", split="a")
    pack(dataset, tmp_path / "out")
    with pytest.raises(InputError, match=r"max_side was None, now 64.*overwrite=False"):
        pack(dataset, tmp_path / "out", max_side=64)
    with pytest.raises(InputError, match=r"source was .*'a'.* now .*'b'"):
        pack(Hands(hands(2), tmp_path / "mine", split="b"), tmp_path / "out")
    pack(dataset, tmp_path / "out", max_side=64, overwrite=True)
    assert ShardDataset(tmp_path / "out")[0].image_size == (64, 48)


def test_rejects_broken_images(tmp_path):
    sample = make_sample(seed=0)
    whole = cv2.imencode(".jpg", smooth_image(96, 128))[1].tobytes()
    broken = dataclasses.replace(sample, image=whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"hand0: .*Received: damaged or truncated"):
        pack(Hands([sample, broken], tmp_path), tmp_path / "out")
    assert not (tmp_path / "out" / "dataset.json").exists()
    with pytest.raises(InputError, match=r"hand0: expected a readable image.*absent"):
        packed_sample(dataclasses.replace(sample, image=tmp_path / "absent.png"))


def test_rejects_images_of_another_size():
    sample = dataclasses.replace(make_sample(seed=0), image=encode_png(smooth_image(64, 64)))
    with pytest.raises(InputError, match=r"hand0: .*\(128, 96\)\. Received: size=\(64, 64\)"):
        packed_sample(sample)


@pytest.mark.parametrize(
    "bad", [{"max_side": 31}, {"max_side": 100.0}, {"num_workers": 0}, {"shard_size": True}]
)
def test_rejects_arguments(bad, tmp_path):
    name, value = next(iter(bad.items()))
    with pytest.raises(InputError, match=f"pack_dataset: .*Received: {name}={value}"):
        pack(Hands(hands(1), tmp_path), tmp_path / "out", **bad)
    with pytest.raises(InputError, match="expected at least one sample"):
        pack(Hands([], tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()
