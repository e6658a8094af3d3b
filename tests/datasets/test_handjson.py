import json

import numpy as np
import pytest

from tf_handgroups import camera
from tf_handgroups.datasets.handjson import (
    CANONICAL_IN_WORDS,
    HandJsonDataset,
    read_boxes,
)
from tf_handgroups.errors import InputError
from tf_handgroups.joints import JOINT_ORDERS

INTRINSICS = {"fx": 500.0, "fy": 510.0, "cx": 60.0, "cy": 50.0}
MATRIX = np.array([[500.0, 0, 60], [0, 510.0, 50], [0, 0, 1]])
XYZ = np.random.default_rng(0).normal(scale=20.0, size=(21, 3)) + np.array([0, 0, 500])
UV = camera.project(XYZ, MATRIX)


def hand(**changes):
    entry = {
        "file": "images/a.png",
        "width": 128,
        "height": 96,
        "handedness": "left",
        "xyz_camera_mm": XYZ.tolist(),
        "intrinsics_px": INTRINSICS,
    }
    entry.update(changes)
    return {key: value for key, value in entry.items() if value != "absent"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"\x89PNG")
    return tmp_path


@pytest.fixture
def write(folder):
    def write(*hands, **top):
        content = {"joint_order": "canonical", "hands": list(hands), **top}
        (folder / "annotations.json").write_text(json.dumps(content))
        return folder

    return write


def test_3d_hand(write):
    dataset = HandJsonDataset(write(hand(), hand(handedness=None)))
    assert (dataset.kind, len(dataset)) == ("handjson", 2)
    first, second = dataset
    np.testing.assert_allclose(first.uv_px, UV, rtol=1e-6)
    np.testing.assert_allclose(first.xyz_camera_mm, XYZ, rtol=1e-6)
    np.testing.assert_allclose(first.intrinsics_px, MATRIX)
    low, high = UV.min(axis=0), UV.max(axis=0)
    np.testing.assert_allclose(first.box_px, [*low, *(high - low)], rtol=1e-5)
    assert first.image == dataset.path / "images" / "a.png"
    assert (first.image_size, first.handedness, first.presence) == ((128, 96), "left", True)
    assert (first.sample_id, second.sample_id) == ("images/a.png#0", "images/a.png#1")
    assert second.handedness is None


def test_2d_hand_without_3d(write):
    entry = hand(xyz_camera_mm="absent", intrinsics_px="absent", uv_px=UV.tolist())
    sample = HandJsonDataset(write(entry))[0]
    np.testing.assert_allclose(sample.uv_px, UV, rtol=1e-6)
    assert sample.xyz_camera_mm is None and sample.intrinsics_px is None


def test_given_2d_wins_over_projection(write):
    sample = HandJsonDataset(write(hand(uv_px=(UV + 1).tolist())))[0]
    np.testing.assert_allclose(sample.uv_px, UV + 1, rtol=1e-6)


def test_visible_means_labelled_and_inside(write):
    uv = np.full((21, 2), 50.0)
    uv[0], uv[1], uv[2], uv[3] = [-0.6, 50], [-0.4, 50], [50, 95.6], [127.4, 95.4]
    uv[4] = [10.0, 10.0]
    labelled = [1] * 21
    labelled[4] = 0
    sample = HandJsonDataset(write(hand(uv_px=uv.tolist(), visible=labelled)))[0]
    expected = np.ones(21, bool)
    expected[[0, 2, 4]] = False
    np.testing.assert_array_equal(sample.visible, expected)
    # The unlabelled joint at (10, 10) does not stretch the box, those outside do.
    np.testing.assert_allclose(sample.box_px, [-0.6, 50, 128.0, 45.6], rtol=1e-5)


def without(points, *joints):
    return [None if joint in joints else row for joint, row in enumerate(points.tolist())]


def test_unlabelled_joints_are_null(write):
    entry = hand(uv_px=without(UV, 4, 20), xyz_camera_mm=without(XYZ, 0, 4), visible=[1] * 21)
    sample = HandJsonDataset(write(entry))[0]
    assert np.flatnonzero(~sample.visible).tolist() == [4, 20]
    assert np.flatnonzero(np.isnan(sample.uv_px).all(axis=-1)).tolist() == [4, 20]
    assert np.flatnonzero(np.isnan(sample.xyz_camera_mm).all(axis=-1)).tolist() == [0, 4]
    rest = [joint for joint in range(21) if joint not in (0, 4, 20)]
    np.testing.assert_allclose(sample.uv_px[rest], UV[rest], rtol=1e-6)
    np.testing.assert_allclose(sample.xyz_camera_mm[rest], XYZ[rest], rtol=1e-6)
    seen = np.delete(UV, [4, 20], axis=0)
    low, high = seen.min(axis=0), seen.max(axis=0)
    np.testing.assert_allclose(sample.box_px, [*low, *(high - low)], rtol=1e-5)


def test_projection_of_the_labelled_joints(write):
    sample = HandJsonDataset(write(hand(xyz_camera_mm=without(XYZ, 7))))[0]
    assert np.flatnonzero(~sample.visible).tolist() == [7] and np.isnan(sample.uv_px[7]).all()
    np.testing.assert_allclose(np.delete(sample.uv_px, 7, 0), np.delete(UV, 7, 0), rtol=1e-6)


def test_null_joints_are_reordered(write):
    """The seventh row of an RHD hand is the index finger's PIP, canonical joint 6."""
    source = [None if row == 7 else [row, 50] for row in range(21)]
    entry = hand(uv_px=source, xyz_camera_mm="absent")
    sample = HandJsonDataset(write(entry, joint_order="rhd"))[0]
    assert np.flatnonzero(~sample.visible).tolist() == [6]
    assert sample.uv_px[[1, 5, 8], 0].tolist() == [4, 8, 5]


def test_no_joint_labelled_in_2d(write):
    entry = hand(uv_px=[None] * 21, box_px=[0, 0, 9, 9])
    sample = HandJsonDataset(write(entry))[0]
    assert sample.presence and not sample.visible.any() and np.isnan(sample.uv_px).all()


def test_known_bone(write):
    without_bone, with_bone = HandJsonDataset(write(hand(), hand(bone_mm=45.25)))
    assert (without_bone.bone_mm, with_bone.bone_mm) == (None, 45.25)


@pytest.mark.parametrize("order", JOINT_ORDERS)
def test_joint_orders(write, order):
    source = np.empty((21, 2))
    source[list(JOINT_ORDERS[order])] = UV
    labelled = np.ones(21, int)
    labelled[JOINT_ORDERS[order][8]] = 0
    entry = hand(uv_px=source.tolist(), visible=labelled.tolist(), xyz_camera_mm="absent")
    sample = HandJsonDataset(write(entry, joint_order=order))[0]
    np.testing.assert_allclose(sample.uv_px, UV, rtol=1e-6)
    assert np.flatnonzero(~sample.visible).tolist() == [8]


@pytest.mark.parametrize("order", ["canonical", CANONICAL_IN_WORDS])
def test_canonical_has_two_names(write, order):
    sample = HandJsonDataset(write(hand(), joint_order=order))[0]
    np.testing.assert_allclose(sample.uv_px, UV, rtol=1e-6)


def test_path_may_be_the_file(write):
    assert len(HandJsonDataset(write(hand()) / "annotations.json")) == 1


def test_hand_that_is_not_there(write):
    entry = {"file": "images/a.png", "width": 128, "height": 96, "presence": False}
    sample = HandJsonDataset(write({**entry, "box_px": [0, 0, 10, 20]}))[0]
    assert not sample.presence and not sample.visible.any()
    with pytest.raises(InputError, match=r"hands\[0\].box_px: expected a box, as `presence`"):
        _ = HandJsonDataset(write(entry))[0]


def test_one_bad_hand_does_not_hide_the_rest(write):
    dataset = HandJsonDataset(write(hand(), hand(width=0), hand()))
    assert dataset[2].sample_id == "images/a.png#2"
    with pytest.raises(InputError, match=r"annotations\.json: hands\[1\]\.width"):
        list(dataset)


FIELDS = {
    "file": ["absent", 3, "", "/etc/passwd", "../a.png", "images/../../a.png", "a\0b",
             "C:\\a.png", "C:a.png", "images\\..\\..\\a.png", "missing.png"],
    "width": ["absent", 0, -3, 2.5, "128", True],
    "height": ["absent", 0],
    "handedness": ["Left", 1, []],
    "presence": ["yes", 1],
    "uv_px": [[[1, 2]] * 20, [["1", "2"]] * 21, [[1, 2]] * 20 + [[1]], "text", {},
              [[None, 1]] * 21, [[float("nan"), 1]] * 21, [[float("inf"), 1]] * 21,
              [None] * 20, [None] * 20 + [[1]], [None] * 20 + ["1"], [None] * 20 + [[None, 1]],
              [None] * 20 + [[float("nan"), 1]]],
    "visible": [[1] * 20, ["yes"] * 21, 1],
    "xyz_camera_mm": [[[1, 2]] * 21, [[0, 0, float("nan")]] * 21, [[0, 0, -5]] * 21, [None] * 21,
                      [None] * 20 + [[0, 0, -5]]],
    "bone_mm": [0, -3.5, "45", [45], float("nan"), float("inf")],
    "intrinsics_px": [[500, 500, 1, 1], {"fx": 500}, {**INTRINSICS, "fx": "500"},
                      {**INTRINSICS, "fy": 0}, {**INTRINSICS, "cx": float("nan")}],
    "box_px": [[1, 2, 3], [0, 0, 0, 5], [0, 0, 5, -5], ["0", 0, 5, 5]],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "bad"), [(field, value) for field, values in FIELDS.items() for value in values]
)
def test_rejects(write, field, bad):
    dataset = HandJsonDataset(write(hand(), hand(**{field: bad})))
    with pytest.raises(InputError, match=rf"annotations\.json: hands\[1\]\.{field}: .*Received: "):
        _ = dataset[1]


def test_rejects_a_hand_without_joints(write):
    for missing in ("xyz_camera_mm", "intrinsics_px"):
        with pytest.raises(InputError, match=r"hands\[0\]\.uv_px: expected 2D joints, or"):
            _ = HandJsonDataset(write(hand(**{missing: "absent"})))[0]


def test_rejects_a_hand_without_visible_joints_or_box(write):
    with pytest.raises(InputError, match=r"hands\[0\]\.box_px: expected a box, as no joint"):
        _ = HandJsonDataset(write(hand(visible=[0] * 21)))[0]


def test_rejects_an_entry_that_is_no_object(write):
    with pytest.raises(InputError, match=r"hands\[0\]: expected an object.*Received: hand=7"):
        _ = HandJsonDataset(write(7))[0]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"hands": {}}', "[" * 100_000, '"hands"'])
def test_rejects_files(folder, text):
    (folder / "annotations.json").write_text(text)
    with pytest.raises(InputError, match=r"annotations\.json: expected .*Received: "):
        HandJsonDataset(folder)


def test_rejects_other_bytes(folder):
    (folder / "annotations.json").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match=r"annotations\.json: expected JSON"):
        HandJsonDataset(folder)


def test_rejects_missing_file_and_empty_list(folder, write):
    with pytest.raises(InputError, match="expected a readable handjson file"):
        HandJsonDataset(folder)
    with pytest.raises(InputError, match=r"Received: hands=\[\]"):
        HandJsonDataset(write())


@pytest.mark.parametrize("order", ["thumb first", 3, None, ["canonical"]])
def test_rejects_joint_order(write, order):
    with pytest.raises(InputError, match=r"Received: joint_order=.*Known orders: canonical, rhd"):
        HandJsonDataset(write(hand(), joint_order=order))


def test_read_boxes(write):
    folder = write(
        {"file": "b.png", "box_px": [1, 2, 30, 40]},
        hand(file="c.png"),
        {"file": "d.png", "uv_px": UV.tolist(), "handedness": "right"},
    )
    first, second, third = read_boxes(folder / "annotations.json")
    assert first.image == folder / "b.png" and first.handedness is None
    assert first.box_px.tolist() == [1, 2, 30, 40]
    assert (second.handedness, third.handedness) == ("left", "right")
    np.testing.assert_allclose(second.box_px, third.box_px, rtol=1e-5)
    np.testing.assert_allclose(third.box_px[:2], UV.min(axis=0), rtol=1e-5)


def test_read_boxes_rejects(write):
    with pytest.raises(InputError, match=r"hands\[0\]\.uv_px: expected 2D joints, or"):
        read_boxes(write({"file": "b.png"}))
    with pytest.raises(InputError, match=r"hands\[0\]\.file: expected a path inside"):
        read_boxes(write({"file": "../b.png", "box_px": [1, 2, 3, 4]}))


def test_real_folder(shared_data):
    dataset = HandJsonDataset(shared_data / "real3d_dev")
    assert len(dataset) == 150
    assert {sample.handedness for sample in dataset} == {"left"}
    assert all(sample.visible.sum() >= 15 for sample in dataset)
