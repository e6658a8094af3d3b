import json
import pathlib
import shutil

import numpy as np
import pytest

from tests.datasets.write_interhand import Frame, write_interhand
from tests.hands import make_sample
from tf_handgroups import camera
from tf_handgroups.datasets.interhand import InterHandDataset
from tf_handgroups.datasets.registry import open_dataset
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.joints import BONES
from tf_handgroups.synth.render import render_sample

SIZE = 128


def rendered(side: str, count: int):
    found, seed = [], 0
    while len(found) < count:
        sample = render_sample(seed, SIZE)
        seed += 1
        if sample.presence and sample.handedness == side:
            found.append(sample)
    return found


@pytest.fixture(scope="module")
def frames():
    right, left = rendered("right", 3), rendered("left", 2)
    return [
        Frame({"right": right[0]}),
        Frame({"left": left[0]}, capture=3, camera="400301", lost=(("left", 8), ("left", 13))),
        Frame(
            {"right": right[1], "left": left[1]},
            capture=3,
            camera="400302",
            frame=11,
            outside=(("right", 20),),
        ),
        # The right wrist was not found, the left one lies outside: both hands are left out.
        Frame(
            {"right": right[2], "left": left[1]},
            camera="400303",
            frame=12,
            lost=(("right", 0),),
            outside=(("left", 0),),
        ),
    ]


@pytest.fixture(scope="module")
def original(frames, tmp_path_factory):
    folder = tmp_path_factory.mktemp("interhand")
    write_interhand(folder, "train", frames)
    write_interhand(folder, "test", frames[:1])
    return folder


@pytest.fixture
def folder(original, tmp_path):
    """A copy that a test may damage."""
    return pathlib.Path(shutil.copytree(original, tmp_path / "copy"))


@pytest.fixture
def edit(folder):
    def edit(name, change, split="train"):
        file = folder / "annotations" / split / f"InterHand2.6M_{split}_{name}.json"
        content = json.loads(file.read_text())
        changed = change(content)
        file.write_text(json.dumps(content if changed is None else changed))
        return folder

    return edit


def check_hand(sample, frame, side):
    hand, first = frame.hands[side], next(iter(frame.hands.values()))
    missing = {joint for which, joint in frame.lost + frame.outside if which == side}
    known = np.array([joint not in missing for joint in range(21)])
    np.testing.assert_allclose(sample.xyz_camera_mm[known], hand.xyz_camera_mm[known], atol=1e-3)
    assert np.isnan(sample.xyz_camera_mm[~known]).all()
    np.testing.assert_allclose(sample.intrinsics_px, first.intrinsics_px, rtol=1e-6)
    uv = camera.project(hand.xyz_camera_mm, first.intrinsics_px)
    np.testing.assert_allclose(sample.uv_px[known], uv[known], atol=5e-3)
    inside = ((uv > -0.5) & (uv < SIZE - 0.5)).all(axis=-1)
    np.testing.assert_array_equal(sample.visible, known & inside)
    np.testing.assert_allclose(sample.box_px, box_around(uv[known]), atol=1e-2)
    assert (sample.handedness, sample.image_size) == (side, (SIZE, SIZE))
    assert sample.sample_id == f"{frame.name}#{side}"
    np.testing.assert_array_equal(read_image(sample.image), read_image(first.image))


ALL = [(0, "right"), (1, "left"), (2, "right"), (2, "left")]


@pytest.mark.parametrize(("hands", "skipped"), [("both", 2), ("right", 1), ("left", 1)])
def test_train(original, frames, hands, skipped):
    dataset = InterHandDataset(original, hands=hands)
    expected = [(frame, side) for frame, side in ALL if hands in ("both", side)]
    assert len(dataset) == len(expected)
    assert dataset.num_skipped == skipped
    assert dataset.options == {"split": "train", "hands": hands}
    for sample, (frame, side) in zip(dataset, expected, strict=True):
        check_hand(sample, frames[frame], side)


def test_other_splits(original, frames):
    dataset = InterHandDataset(original, split="test")
    assert len(dataset) == 1 and dataset.num_skipped == 0
    check_hand(dataset[0], frames[0], "right")
    name = f"interhand:{original}?split=test&hands=right"
    assert open_dataset(name)[0].sample_id == dataset[0].sample_id
    with pytest.raises(InputError, match=r"val_data\.json: expected a file of InterHand2\.6M"):
        InterHandDataset(original, split="val")


def test_joints_far_outside_the_image_are_not_visible(tmp_path):
    hand = make_sample(seed=1)
    hand = make_sample(seed=1, xyz_camera_mm=hand.xyz_camera_mm + np.array([80, 0, 0]))
    (sample,) = InterHandDataset(write_interhand(tmp_path, "train", [Frame({"left": hand})]))
    inside = (sample.uv_px[:, 0] < 127.5) & (sample.uv_px[:, 1] < 95.5)
    assert 0 < inside.sum() < 21
    np.testing.assert_array_equal(sample.visible, inside)
    # Their labels are kept: nobody marked them as unusable.
    assert np.isfinite(sample.xyz_camera_mm).all()


@pytest.mark.parametrize(
    "option", [{"split": "training"}, {"split": ""}, {"hands": "interacting"}, {"hands": "Left"}]
)
def test_rejects_options(original, option):
    ((name, value),) = option.items()
    with pytest.raises(InputError, match=rf"Received: {name}='{value}'\. Known: "):
        InterHandDataset(original, **option)


def test_rejects_a_set_without_such_hands(original):
    with pytest.raises(InputError, match=r"at least one hand with a valid wrist.*hands='left'"):
        InterHandDataset(original, split="test", hands="left")


@pytest.mark.parametrize("name", ["data", "camera", "joint_3d"])
def test_rejects_files(folder, name):
    file = folder / "annotations" / "train" / f"InterHand2.6M_train_{name}.json"
    for text, message in [("{", "expected JSON"), ("[" * 100_000, "expected JSON"), ("[]", "")]:
        file.write_text(text)
        with pytest.raises(InputError, match=rf"train_{name}\.json: .*{message}.*Received: "):
            InterHandDataset(folder)
    file.unlink()
    with pytest.raises(InputError, match=rf"train_{name}\.json: expected a file of InterHand"):
        InterHandDataset(folder)


def put(where, index, field, value):
    def change(content):
        content[where][index][field] = value

    return change


ENTRIES = [
    *(("images", "id", bad) for bad in (None, "7", 1.5, True, -1, 1021, 2**70)),
    *(("images", field, bad) for field in ("width", "height") for bad in (None, 0, "12", 2.5)),
    *(("images", field, None) for field in ("capture", "camera", "frame_idx")),
    *(("images", "file_name", bad) for bad in (None, "", 7)),
    *(("annotations", "image_id", bad) for bad in (None, "7", 8, 5000, -1, 2**70)),
    *(("annotations", "joint_valid", bad) for bad in (None, [1] * 41, [2] * 42, "x", [[1], 1])),
    *(("annotations", "hand_type", bad) for bad in (None, "both", 3, [])),
]


@pytest.mark.parametrize(("where", "field", "bad"), ENTRIES)
def test_rejects_entries(edit, where, field, bad):
    folder = edit("data", put(where, 1, field, bad))
    # Of two images with one id it is the later one that is named.
    index = r"\d" if bad == 1021 else "1"
    with pytest.raises(InputError, match=rf"{where}\[{index}\]\.{field}: .*Received: {field}="):
        InterHandDataset(folder)


@pytest.mark.parametrize("name", ["images", "annotations"])
@pytest.mark.parametrize("bad", [None, 3, {}, {"id": 5}])
def test_rejects_entries_of_another_kind(edit, name, bad):
    folder = edit("data", lambda content: content[name].append(bad))
    with pytest.raises(InputError, match=rf"expected a list `{name}` of objects.*Received: 5 ent"):
        InterHandDataset(folder)


def test_rejects_missing_lists_and_images(edit):
    folder = edit("data", lambda content: {"images": content["images"]})
    with pytest.raises(InputError, match=r"`annotations`.*Received: no list"):
        InterHandDataset(folder)


def test_rejects_annotations_without_images(edit):
    folder = edit("data", lambda content: content["images"].clear())
    with pytest.raises(InputError, match=r"annotations\[0\]\.image_id"):
        InterHandDataset(folder)


CAMERAS = [
    ("campos", [1.0, 2.0]),
    ("campos", [1.0, 2.0, float("nan")]),
    ("camrot", [[1.0, 0, 0], [0, 2.0, 0], [0, 0, 1.0]]),
    ("camrot", [1.0] * 9),
    ("focal", [500.0, 0.0]),
    ("focal", "500"),
    ("focal", [[1], [1, 2]]),
    ("princpt", None),
]


@pytest.mark.parametrize(("field", "bad"), CAMERAS)
def test_rejects_cameras(edit, field, bad):
    def change(content):
        content["3"][field]["400302"] = bad

    with pytest.raises(
        InputError, match=rf"camera\.json: \[3\]\.{field}\[400302\]: .*Received: {field}="
    ):
        InterHandDataset(edit("camera", change))


def test_rejects_a_missing_camera(edit):
    def change(content):
        del content["0"]

    with pytest.raises(InputError, match=r"camera\.json: \[0\]\.camrot\[400303\]"):
        InterHandDataset(edit("camera", change))


@pytest.mark.parametrize(
    "bad",
    [
        None,
        {},
        {"world_coord": [[1.0] * 3] * 41, "joint_valid": [1] * 42},
        {"world_coord": [[1.0] * 3] * 42, "joint_valid": [1] * 41},
        {"world_coord": [[1.0] * 3] * 42},
        {"world_coord": "x", "joint_valid": [1] * 42},
    ],
)
def test_rejects_joints(edit, bad):
    def change(content):
        content["3"]["11"] = bad

    with pytest.raises(InputError, match=r"joint_3d\.json: .*capture 3, frame 11, which"):
        InterHandDataset(edit("joint_3d", change))


@pytest.mark.parametrize("bad", [float("nan"), 1e9])
def test_one_bad_hand_does_not_hide_the_rest(edit, bad):
    def change(content):
        # The left wrist; world x goes against the view of the camera.
        content["3"]["11"]["world_coord"][41] = [-bad, -bad, -bad]

    dataset = InterHandDataset(edit("joint_3d", change))
    assert dataset[2].sample_id.endswith("image11.jpg#right")
    with pytest.raises(InputError, match=r"train_data\.json: annotations\[2\], left hand: project"):
        list(dataset)


@pytest.mark.parametrize(
    "bad", ["../test/Capture0/ROM01_No_Interaction/cam400262/image10210.jpg", "{absolute}", "a\0b"]
)
def test_rejects_images_elsewhere(edit, tmp_path, bad):
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"...")
    bad = bad.replace("{absolute}", str(outside))
    # Images are listed backwards.
    dataset = InterHandDataset(edit("data", put("images", 3, "file_name", bad)))
    assert dataset[1].handedness == "left"
    with pytest.raises(InputError, match=r"annotations\[0\], right hand: .* inside .*file_name="):
        _ = dataset[0]


def test_rejects_links_that_lead_elsewhere(folder, tmp_path):
    dataset = InterHandDataset(folder)
    outside = dataset[0].image.rename(tmp_path / "outside.jpg")
    (folder / "images" / "train" / dataset._frames.file_names[3]).symlink_to(outside)
    with pytest.raises(InputError, match="expected the path of an image inside"):
        _ = dataset[0]


def test_images_may_lie_behind_a_link(folder, tmp_path):
    images = (folder / "images").rename(tmp_path / "disk")
    (folder / "images").symlink_to(images)
    assert len(list(InterHandDataset(folder))) == len(ALL)


def test_names_missing_images(folder):
    dataset = InterHandDataset(folder)
    dataset[1].image.unlink()
    assert dataset[2].handedness == "right"
    with pytest.raises(InputError, match=r"annotations\[1\], left hand: .*image10210.*no such"):
        _ = dataset[1]


def test_real_annotations(shared_data, tmp_path):
    source = shared_data / "mmpose_samples" / "interhand2.6m"
    (tmp_path / "annotations" / "test").mkdir(parents=True)
    (tmp_path / "images" / "test").mkdir(parents=True)
    for name in ("data", "camera", "joint_3d"):
        shutil.copy(
            source / f"test_interhand2.6m_{name}.json",
            tmp_path / "annotations" / "test" / f"InterHand2.6M_test_{name}.json",
        )
    for image in source.glob("*.jpg"):
        shutil.copy(image, tmp_path / "images" / "test")
    dataset = InterHandDataset(tmp_path, split="test")
    assert dataset.num_skipped == 0
    assert [sample.sample_id for sample in dataset] == [
        "image69148.jpg#right",
        "image69148.jpg#left",
        "image44669.jpg#right",
        "image44669.jpg#left",
        "image29590.jpg#left",
        "image2017.jpg#right",
    ]
    data = json.loads((source / "test_interhand2.6m_data.json").read_text())
    boxes = {entry["id"]: entry["bbox"] for entry in data["annotations"]}
    for sample in dataset:
        height, width = read_image(sample.image).shape[:2]
        assert sample.image_size == (width, height)
        assert sample.visible.all()
        assert 700 < sample.xyz_camera_mm[:, 2].min() < sample.xyz_camera_mm[:, 2].max() < 1500
        bones = np.array(
            [
                np.linalg.norm(sample.xyz_camera_mm[child] - sample.xyz_camera_mm[parent])
                for parent, child in BONES
            ]
        )
        # Anatomy: no bone is longer than from the wrist to a knuckle.
        assert 10 < bones.min() and bones.max() < 130
        assert bones[[4, 8, 12, 16]].min() > np.delete(bones, [0, 4, 8, 12, 16]).max()
        # The hand lies in the box of the frame, which has some margin.
        (image_id,) = (
            entry["id"] for entry in data["images"] if entry["file_name"] == sample.image.name
        )
        x, y, width, height = boxes[image_id]
        assert ((sample.uv_px >= [x - 1, y - 1]) & (sample.uv_px <= [x + width, y + height])).all()
        # Fingers bend towards the palm, which lies on different sides of the two hands; those
        # of the praying hands are straight.
        xyz = sample.xyz_camera_mm - sample.xyz_camera_mm[0]
        normal = np.cross(xyz[5], xyz[17])
        bend_mm = (xyz[[8, 12, 16, 20]].mean(axis=0) - xyz[9]) @ normal / np.linalg.norm(normal)
        if "44669" not in sample.sample_id:
            assert bend_mm > 10 if sample.handedness == "right" else bend_mm < -10
