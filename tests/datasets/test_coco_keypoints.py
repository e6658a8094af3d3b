import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.datasets.write_coco import RHD_ROWS, rendered_hands, write_coco
from tf_handgroups import camera
from tf_handgroups.datasets.coco_keypoints import read_coco_keypoints
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.errors import InputError


@pytest.fixture(scope="module")
def hands():
    return rendered_hands(3)


@pytest.fixture
def source(tmp_path, hands):
    """Writes hands with changes to the JSON file; reads it with options."""

    class Source:
        folder = tmp_path
        content = write_coco(tmp_path, hands)

        def annotation(self, **changes):
            self._change(self.content["annotations"][1], changes)
            return self

        def image(self, **changes):
            self._change(self.content["images"][1], changes)
            return self

        def _change(self, entry, changes):
            entry.update(changes)
            for key in [key for key, value in changes.items() if value == "absent"]:
                del entry[key]

        def read(self, *options, **named):
            (tmp_path / "test.json").write_text(json.dumps(self.content))
            return read_coco_keypoints(tmp_path / "test.json", tmp_path / "img", *options, **named)

    return Source()


def assert_same(got, expected):
    assert got.handedness == expected.handedness and got.image_size == expected.image_size
    np.testing.assert_array_equal(got.visible, expected.visible)
    seen = expected.visible
    np.testing.assert_allclose(got.uv_px[seen], expected.uv_px[seen], atol=1e-3)
    assert np.isnan(got.uv_px[~seen]).all()
    np.testing.assert_allclose(got.xyz_camera_mm, expected.xyz_camera_mm, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(got.intrinsics_px, expected.intrinsics_px, atol=1e-3)
    np.testing.assert_allclose(got.box_px, expected.box_px, atol=1e-3)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(("order", "rows"), [("canonical", range(21)), ("rhd", RHD_ROWS)])
def test_gives_back_the_rendered_hands(tmp_path, hands, order, rows, nested):
    unlabelled = dataclasses.replace(hands[0], visible=np.zeros(21))
    hidden = dataclasses.replace(hands[1], visible=np.arange(21) != 6)
    write_coco(tmp_path, [hands[0], unlabelled, hidden, hands[2]], rows, nested)
    read = read_coco_keypoints(tmp_path / "test.json", tmp_path / "img", order)
    assert read.num_unlabelled == 1
    names = ["00000.jpg#9000", "00002.jpg#9002", "00003.jpg#9003"]
    assert [sample.sample_id for sample in read.samples] == names

    write_handjson(read.samples, tmp_path / "converted")
    converted = HandJsonDataset(tmp_path / "converted")
    for expected, sample, after in zip([hands[0], hidden, hands[2]], read.samples, converted,
                                       strict=True):  # fmt: skip
        assert_same(sample, expected)
        assert_same(after, expected)
        assert after.image.read_bytes() == expected.image
        again = camera.project(after.xyz_camera_mm, after.intrinsics_px)
        assert np.abs(again - after.uv_px)[after.visible].max() < 0.1
    entries = json.loads((tmp_path / "converted" / "annotations.json").read_text())["hands"]
    assert [entry["source"] for entry in entries] == names


def test_several_hands_share_an_image(source):
    other = {**source.content["annotations"][0], "image_id": 101, "hand_type": "left", "id": "b"}
    source.content["annotations"].append(other)
    samples = source.read().samples
    assert [sample.image.name for sample in samples] == [
        "00000.jpg", "00001.jpg", "00002.jpg", "00001.jpg"
    ]  # fmt: skip
    assert samples[3].sample_id == "00001.jpg#b"
    write_handjson(samples, source.folder / "converted")
    assert len(list((source.folder / "converted" / "images").iterdir())) == 3


def test_image_may_lie_deeper(source):
    (source.folder / "img" / "s1").mkdir()
    (source.folder / "img" / "00001.jpg").rename(source.folder / "img" / "s1" / "a.jpg")
    assert source.image(file_name="s1/a.jpg").read().samples[1].sample_id == "s1/a.jpg#9001"


def test_labels_are_hidden_or_seen(source):
    labels = [0, 1, 2] * 7
    keypoints = [[20.0 + joint, 50.0, label] for joint, label in enumerate(labels)]
    keypoints[1][0], keypoints[2][0], keypoints[4][0], keypoints[5][0] = -0.6, -0.4, 95.4, 95.6
    sample = source.annotation(keypoints=keypoints, bbox="absent").read().samples[1]
    expected = np.array(labels) > 0
    assert np.isnan(sample.uv_px[~expected]).all()
    # As everywhere: the box is around all labelled joints, outside ones included.
    uv = np.array(keypoints)[expected, :2]
    np.testing.assert_allclose(sample.box_px, box_around(uv), rtol=1e-5)
    expected[[1, 5]] = False
    inside = (np.array(keypoints)[:, 0] > -0.5) & (np.array(keypoints)[:, 0] < 95.5)
    np.testing.assert_array_equal(sample.visible, expected & inside)


@pytest.mark.parametrize(
    ("changes", "default", "expected"),
    [
        ({"hand_type": "left"}, "right", "left"),
        ({"hand_type": "absent", "handedness": "left"}, "right", "left"),
        ({"hand_type": "absent"}, "right", "right"),
        ({"hand_type": None}, None, None),
    ],
)
def test_handedness(source, changes, default, expected):
    sample = source.annotation(**changes).read(handedness=default).samples[1]
    assert sample.handedness == expected


def test_hand_without_3d(source):
    sample = source.annotation(joint_cam="absent").image(cam_param="absent").read().samples[1]
    assert sample.xyz_camera_mm is None and sample.intrinsics_px is None


@pytest.mark.parametrize("column", [False, True])
def test_single_3d_joints_may_be_unknown(source, hands, column):
    valid = [int(joint not in (0, 12)) for joint in range(21)]
    joint_cam = source.content["annotations"][1]["joint_cam"]
    joint_cam[0] = [0, 0, 0]
    source.annotation(joint_valid=[[value] for value in valid] if column else valid)
    xyz = source.read().samples[1].xyz_camera_mm
    assert np.flatnonzero(np.isnan(xyz).all(axis=-1)).tolist() == [0, 12]
    np.testing.assert_allclose(xyz[1], hands[1].xyz_camera_mm[1], rtol=1e-5, atol=1e-3)


def test_unknown_3d_joints_are_reordered(tmp_path, hands):
    content = write_coco(tmp_path, hands[:1], RHD_ROWS)
    # The second row is the tip of the thumb.
    content["annotations"][0]["joint_valid"] = [int(row != 1) for row in range(21)]
    (tmp_path / "test.json").write_text(json.dumps(content))
    sample = read_coco_keypoints(tmp_path / "test.json", tmp_path / "img", "rhd").samples[0]
    assert np.flatnonzero(np.isnan(sample.xyz_camera_mm[:, 0])).tolist() == [4]


def test_no_known_3d_joint(source):
    assert source.annotation(joint_valid=[0] * 21).read().samples[1].xyz_camera_mm is None


@pytest.mark.parametrize("place", ["image", "annotation"])
@pytest.mark.parametrize("nested", [True, False])
def test_places_of_the_intrinsics(source, place, nested):
    camera_of = {"focal": [210, 220], "princpt": [40.5, 41]}
    source.image(cam_param="absent")
    getattr(source, place)(**({"cam_param": camera_of} if nested else camera_of))
    matrix = source.read().samples[1].intrinsics_px
    np.testing.assert_array_equal(matrix, [[210, 0, 40.5], [0, 220, 41], [0, 0, 1]])


def test_size_is_that_of_the_upright_image(source, hands):
    """As OpenCV, and so mmpose, reads it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.new("RGB", (96, 64)).save(stream, "JPEG", exif=exif)
    (source.folder / "img" / "00001.jpg").write_bytes(stream.getvalue())
    assert source.image(width=64, height=96).read().samples[1].image_size == (64, 96)
    with pytest.raises(InputError, match=r"images\[1\]: width, height: expected .*\(64, 96\)"):
        source.image(width=96, height=64).read()


FLAT = [50, 40, 1] * 21
ANNOTATION = {
    "image_id": ["absent", None, 7, True, [1], 1.5],
    "keypoints": ["absent", None, FLAT[:60], FLAT * 2, [[50, 40]] * 21, "text", ["50"] * 63,
                  [50, 40, 3] * 21, [50, 40, 0.5] * 21, [50, 40, -1] * 21,
                  [float("nan"), 40, 1] * 21, [float("inf"), 40, 1] * 21, [1e300, 40, 1] * 21,
                  [10**400, 40, 1] * 21, [None, 40, 1] * 21],
    "bbox": [[1, 2, 3], [1, 2, 0, 5], [1, 2, 5, -1], ["1", 2, 3, 4], [float("nan"), 2, 3, 4]],
    "hand_type": ["interacting", 1, ["left"]],
    "handedness": [{}],
    "joint_cam": [[[1, 2]] * 21, [[1, 2, 500]] * 20, [[1, 2, float("nan")]] * 21,
                  [[1, 2, 500]] * 20 + [[0, 0, 0]], [[1, 2, 500]] * 20 + [[1, 2, -500]],
                  [[0.01, 0.02, 0.5]] * 20 + [[0.08, 0, 0.5]]],
    "joint_valid": [[1] * 20, "yes"],
    "cam_param": [[1, 2], {"focal": 500, "princpt": [1, 2]}, {"focal": [500, 500]},
                  {"princpt": [1, 2]}, {"focal": [500, 0], "princpt": [1, 2]},
                  {"focal": [500, float("nan")], "princpt": [1, 2]}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "bad"), [(field, value) for field, values in ANNOTATION.items() for value in values]
)
def test_rejects_annotations(source, field, bad):
    if field == "handedness":
        source.annotation(hand_type="absent")
    with pytest.raises(InputError, match=rf"test\.json: annotation id=9001: {field}.*Received: "):
        source.annotation(**{field: bad}).read()


def test_annotation_without_id_is_named_by_its_place(source):
    with pytest.raises(InputError, match=r"test\.json: annotation id=1: bbox"):
        source.annotation(id="absent", bbox=[1]).read()
    with pytest.raises(InputError, match=r"test\.json: annotations\[1\]: id: expected a number"):
        source.annotation(id=[1]).read()


IMAGE = {
    "id": ["absent", None, [1], 100],
    "file_name": ["absent", 3, "", "a\0b", "/etc/hostname", "../outside.jpg", "link.jpg",
                  "s/../../outside.jpg", "absent.jpg", "."],
    "width": ["absent", 0, 96.0, "96", True, 97],
    "height": [0, 95],
    "cam_param": [{"focal": [500, 500]}, 3],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "bad"), [(field, value) for field, values in IMAGE.items() for value in values]
)
def test_rejects_images(source, hands, field, bad):
    (source.folder / "outside.jpg").write_bytes(hands[0].image)
    (source.folder / "img" / "link.jpg").symlink_to(source.folder / "outside.jpg")
    with pytest.raises(InputError, match=rf"test\.json: images\[1\]: .*{field}.*Received: "):
        source.image(**{field: bad}).read()


def test_rejects_an_image_that_is_none(source):
    (source.folder / "img" / "00001.jpg").write_text("text")
    with pytest.raises(InputError, match=r"images\[1\]: .*00001\.jpg: expected a JPEG"):
        source.read()


def test_images_without_hands_need_not_exist(source):
    source.content["images"].append({"id": 5})
    assert len(source.read().samples) == 3


@pytest.mark.parametrize("field", ["images", "annotations"])
def test_rejects_entries_that_are_no_objects(source, field):
    source.content[field][1] = 7
    with pytest.raises(InputError, match=rf"test\.json: {field}\[1\]: expected an object.*: 7"):
        source.read()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"images": []}', '{"images": 1, "annotations": []}', "[" * 99999]
)
def test_rejects_files(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json: expected .*Received: "):
        read_coco_keypoints(tmp_path / "a.json", tmp_path)


def test_rejects_missing_files_and_folders(source):
    with pytest.raises(InputError, match=r"absent\.json: expected a readable COCO keypoint file"):
        read_coco_keypoints(source.folder / "absent.json", source.folder)
    with pytest.raises(InputError, match="expected the folder of the images"):
        read_coco_keypoints(source.folder / "test.json", source.folder / "absent")


def test_rejects_a_file_without_labels(source):
    source.content["annotations"] = []
    with pytest.raises(InputError, match=r"at least one hand .* Received: 0 annotations"):
        source.read()


def test_rejects_options(source):
    with pytest.raises(InputError, match=r"Received: joint_order='mano'\. Known orders: "):
        source.read("mano")
    with pytest.raises(InputError, match="Received: handedness='Left'"):
        source.read(handedness="Left")


@pytest.mark.parametrize(
    ("name", "order", "labelled", "sides"),
    [
        ("onehand10k", "canonical", [20, 7, 15, 21], {None}),
        ("panoptic", "canonical", [21] * 4, {None}),
        ("freihand", "canonical", [21] * 8, {None}),
        ("rhd", "rhd", [21] * 3, {"left", "right"}),
    ],
)
def test_real_files(shared_data, tmp_path, name, order, labelled, sides):
    folder = shared_data / "mmpose_samples" / name
    hands = read_coco_keypoints(folder / f"test_{name}.json", folder, order)
    write_handjson(hands.samples, tmp_path / "hands")
    converted = list(HandJsonDataset(tmp_path / "hands"))
    assert [int(sample.visible.sum()) for sample in converted] == labelled
    assert {sample.handedness for sample in converted} == sides
    for sample in converted:
        low, size = sample.box_px[:2], sample.box_px[2:]
        inside = (sample.uv_px >= low - 2) & (sample.uv_px <= low + size + 2)
        assert inside[sample.visible].all()
        assert (sample.xyz_camera_mm is not None) == (name == "rhd")
        if sample.xyz_camera_mm is not None:
            again = camera.project(sample.xyz_camera_mm, sample.intrinsics_px)
            assert np.abs(again - sample.uv_px)[sample.visible].max() < 0.1
            lengths = np.linalg.norm(np.diff(sample.xyz_camera_mm[5:9], axis=0), axis=-1)
            assert 20 < camera.reference_bone_mm(sample.xyz_camera_mm) < 60
            assert (lengths[0] > lengths[1:]).all()  # MCP-PIP is a finger's longest bone
