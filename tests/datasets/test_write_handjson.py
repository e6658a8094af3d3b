import dataclasses
import json

import numpy as np
import pytest

from tf_handgroups import camera
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.errors import InputError

MATRIX = np.array([[500.0, 0, 60], [0, 510.0, 50], [0, 0, 1]])
XYZ = np.random.default_rng(0).normal(scale=20.0, size=(21, 3)) + np.array([0, 0, 500])
UV = camera.project(XYZ, MATRIX)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"\x89PNG")
    return tmp_path


def samples(image):
    common = {"image_size": (128, 96), "box_px": (1.5, 2, 30, 40)}
    yield HandSample(
        sample_id="full", image=image, uv_px=UV, visible=np.arange(21) % 2, handedness="right",
        xyz_camera_mm=XYZ, intrinsics_px=MATRIX, **common,
    )  # fmt: skip
    uv = UV.copy()
    uv[0] = np.nan
    yield HandSample(
        sample_id="flat", image=b"\xff\xd8...", uv_px=uv, visible=np.arange(21) > 0,
        handedness=None, **common,
    )  # fmt: skip
    yield HandSample(
        sample_id="none", image=image, uv_px=0 * UV, visible=np.zeros(21), handedness=None,
        presence=False, **common,
    )  # fmt: skip


def test_write_round_trip(folder, tmp_path):
    before = list(samples(folder / "images" / "a.png"))
    write_handjson(iter(before), tmp_path / "copy")
    after = HandJsonDataset(tmp_path / "copy")
    assert [sample.image.name for sample in after] == ["000000.png", "000001.jpg", "000000.png"]
    assert after[1].image.read_bytes() == b"\xff\xd8..."
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new.visible, old.visible)
        np.testing.assert_allclose(
            new.uv_px[new.visible], old.uv_px[old.visible], atol=6e-4, rtol=0
        )
        np.testing.assert_allclose(new.box_px, old.box_px)
        assert new.handedness == old.handedness and new.presence == old.presence
        assert new.image_size == old.image_size
    np.testing.assert_allclose(after[0].xyz_camera_mm, XYZ, atol=6e-4)
    np.testing.assert_allclose(after[0].intrinsics_px, MATRIX)
    assert after[1].xyz_camera_mm is None


def test_write_is_all_or_nothing(folder, tmp_path):
    good, flat, _ = samples(folder / "images" / "a.png")
    for broken, message in [
        (samples(folder / "missing.png"), "full: expected a readable image"),
        ([good, dataclasses.replace(flat, image=b"text")], "flat: expected an encoded"),
        (
            [dataclasses.replace(good, intrinsics_px=MATRIX + np.eye(3)[[1, 2, 0]])],
            "intrinsics without skew",
        ),
    ]:
        with pytest.raises(InputError, match=message):
            write_handjson(broken, tmp_path / "copy")
        assert sorted(file.name for file in tmp_path.iterdir()) == ["images"]


def test_write_refuses_to_overwrite(folder, tmp_path):
    write_handjson(samples(folder / "images" / "a.png"), tmp_path / "copy")
    with pytest.raises(InputError, match="overwrite=False"):
        write_handjson(samples(folder / "images" / "a.png"), tmp_path / "copy")


def test_unlabelled_joints_and_a_known_bone_survive(folder, tmp_path):
    full, flat, _ = samples(folder / "images" / "a.png")
    xyz, uv = XYZ.copy(), UV.copy()
    xyz[3], uv[5] = np.nan, np.nan
    visible = np.arange(21) != 5
    write_handjson(
        [
            dataclasses.replace(full, xyz_camera_mm=xyz, uv_px=uv, visible=visible),
            dataclasses.replace(flat, bone_mm=45.25),
        ],
        tmp_path / "copy",
    )
    content = json.loads((tmp_path / "copy" / "annotations.json").read_text())
    first, second = content["hands"]
    assert [row is None for row in first["uv_px"]] == [joint == 5 for joint in range(21)]
    assert [row is None for row in first["xyz_camera_mm"]] == [joint == 3 for joint in range(21)]
    assert "bone_mm" not in first and second["bone_mm"] == 45.25
    assert (first["source"], second["source"]) == ("full", "flat")

    after = HandJsonDataset(tmp_path / "copy")
    np.testing.assert_allclose(after[0].uv_px, uv, atol=6e-4)
    np.testing.assert_allclose(after[0].xyz_camera_mm, xyz, atol=6e-4)
    np.testing.assert_array_equal(after[0].visible, visible)
    assert after[0].bone_mm is None and after[1].bone_mm == 45.25
    assert np.isnan(after[1].uv_px[0]).all()


def test_a_hand_without_any_label_survives(folder, tmp_path):
    full, *_ = samples(folder / "images" / "a.png")
    unlabelled = dataclasses.replace(full, uv_px=np.full((21, 2), np.nan), visible=np.zeros(21))
    write_handjson([unlabelled], tmp_path / "copy")
    assert not HandJsonDataset(tmp_path / "copy")[0].visible.any()
