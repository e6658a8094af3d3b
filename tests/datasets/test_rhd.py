import dataclasses
import json
import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.datasets.write_rhd import row_of, write_rhd
from tf_handgroups.camera import project
from tf_handgroups.datasets.registry import open_dataset
from tf_handgroups.datasets.rhd import RhdDataset
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.joints import REFERENCE_BONE
from tf_handgroups.synth.render import render_sample

# Rendered in 320x320 from so far away that each camera could see the others' hands.
SEEDS = {7: "right", 1: "left", 5: "right"}


def seen_by(camera, hand, visible):
    """Another hand, moved to the middle of the same picture."""
    middle = hand.xyz_camera_mm.mean(axis=0)
    (fx, _, cx), (_, fy, cy), _ = camera.intrinsics_px
    target = middle[2] * np.array([(160 - cx) / fx, (160 - cy) / fy, 1])
    xyz = hand.xyz_camera_mm + target - middle
    uv = project(xyz, camera.intrinsics_px)
    inside = ((uv > -0.5) & (uv < 319.5)).all(axis=1)
    assert inside.sum() > 15
    changes = {"xyz_camera_mm": xyz, "uv_px": uv, "visible": visible & inside}
    return dataclasses.replace(
        hand, intrinsics_px=camera.intrinsics_px, box_px=box_around(uv), **changes
    )


@pytest.fixture(scope="module")
def hands():
    right, left, other = (render_sample(seed, 320) for seed in SEEDS)
    assert [hand.handedness for hand in (right, left, other)] == list(SEEDS.values())
    joints = np.arange(21)
    right = dataclasses.replace(right, visible=right.visible & (joints % 4 != 2))
    return {
        # The left hand is nearly hidden in picture 0, not to be seen in picture 41.
        0: (right, seen_by(right, left, joints == 8)),
        7: (left, seen_by(left, right, joints > 3)),
        41: (other, seen_by(other, left, joints < 0)),
    }


@pytest.fixture(scope="module")
def original(hands, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rhd") / "RHD_published_v2"
    write_rhd(folder, "training", hands)
    return write_rhd(folder, "evaluation", {3: hands[7]}, protocol=4)


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "RHD_published_v2")


@pytest.fixture
def change(folder):
    """Changes the labels of one picture, `change(0, xyz=...)`."""

    def change(number, **fields):
        file = folder / "training" / "anno_training.pickle"
        labels = pickle.loads(file.read_bytes())
        labels[number] = {**labels[number], **fields}
        for field in [field for field, value in fields.items() if value is None]:
            del labels[number][field]
        file.write_bytes(pickle.dumps(labels, 2))
        return labels[number]

    return change


def labels_of(folder, number=0):
    return pickle.loads((folder / "training" / "anno_training.pickle").read_bytes())[number]


def assert_is(sample, hand):
    assert sample.handedness == hand.handedness and sample.presence
    np.testing.assert_allclose(sample.xyz_camera_mm, hand.xyz_camera_mm, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(sample.uv_px, hand.uv_px, atol=2e-3)
    np.testing.assert_array_equal(sample.visible, hand.visible)
    np.testing.assert_allclose(sample.intrinsics_px, hand.intrinsics_px, rtol=1e-6)
    np.testing.assert_allclose(sample.box_px, box_around(hand.uv_px[hand.visible]), atol=4e-3)
    reprojected = project(sample.xyz_camera_mm, sample.intrinsics_px)
    assert np.abs(reprojected - sample.uv_px).max() < 0.1


def test_dominant_hands(folder, hands):
    dataset = RhdDataset(folder)
    assert (dataset.kind, dataset.path, len(dataset)) == ("rhd", folder, 3)
    assert dataset.options == {"split": "training", "hands": "dominant"}
    ids = ["training/00000#right", "training/00007#left", "training/00041#right"]
    assert [sample.sample_id for sample in dataset] == ids
    for sample, pair in zip(dataset, hands.values(), strict=True):
        assert_is(sample, pair[0])
    assert dataset[1].image == folder / "training" / "color" / "00007.png"
    assert dataset[1].image_size == (320, 320)
    assert read_image(dataset[1].image).shape == (320, 320, 3)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("left", [(0, "left"), (7, "left")]),
        ("right", [(0, "right"), (7, "right"), (41, "right")]),
        ("both", [(0, "left"), (0, "right"), (7, "left"), (7, "right"), (41, "right")]),
    ],
)
def test_hands_with_a_visible_joint(folder, hands, choice, expected):
    dataset = open_dataset(f"rhd:{folder}?hands={choice}&split=training")
    assert isinstance(dataset, RhdDataset)
    assert dataset.options == {"split": "training", "hands": choice}
    ids = [f"training/{number:05d}#{side}" for number, side in expected]
    assert [sample.sample_id for sample in dataset] == ids and len(dataset) == len(ids)
    for sample, (number, side) in zip(dataset, expected, strict=True):
        (hand,) = [hand for hand in hands[number] if hand.handedness == side]
        assert_is(sample, hand)
    # Masks are only needed to choose the dominant hand.
    shutil.rmtree(folder / "training" / "mask")
    assert len(list(RhdDataset(folder, hands=choice))) == len(ids)


def test_splits(folder, hands):
    dataset = RhdDataset(folder, split="evaluation")
    assert dataset.options["split"] == "evaluation"
    (sample,) = dataset
    assert sample.sample_id == "evaluation/00003#left"
    assert_is(sample, hands[7][0])


def test_path_may_be_the_split(folder):
    assert len(RhdDataset(folder / "training")) == 3
    assert len(RhdDataset(folder / "evaluation", split="evaluation")) == 1
    with pytest.raises(
        InputError, match=r"Received: split='training'.*splits there: evaluation\. .*\?split="
    ):
        RhdDataset(folder / "evaluation")


def test_number_of_pixels_decides(folder):
    file = folder / "training" / "mask" / "00000.png"

    def side(**counts):
        mask = np.zeros(320 * 320, np.uint8)
        values = [int(value[1:]) for value, count in counts.items() for _ in range(count)]
        mask[: len(values)] = values
        Image.fromarray(mask.reshape(320, 320)).save(file)
        return RhdDataset(folder)[0].handedness

    assert side(_2=1) == side(_17=1) == "left"
    assert side(_18=1) == side(_33=1) == "right"
    # The body is no hand; of equal hands, and of none, it is the right one.
    assert side(_1=1) == side(_17=3, _18=3) == side() == "right"
    assert side(_1=900, _2=2, _17=2, _18=1, _33=2) == "left"


def test_visible_means_flag_and_inside(folder, change):
    uv_vis = labels_of(folder)["uv_vis"]
    places = {1: [-0.6, 9], 2: [-0.4, 9], 3: [9, 319.6], 4: [319.4, 319.4]}
    for joint in range(21):
        uv_vis[row_of("right", joint)] = [*places.get(joint, [100.0, 50.0]), joint != 5]
    change(0, uv_vis=uv_vis)
    sample = RhdDataset(folder)[0]
    assert np.flatnonzero(~sample.visible).tolist() == [1, 3, 5]
    np.testing.assert_allclose(sample.box_px, [-0.4, 9, 319.8, 310.4], rtol=1e-5)


def test_dominant_hand_without_visible_joints(folder, change):
    uv_vis = labels_of(folder)["uv_vis"]
    uv_vis[:, 2] = 0
    change(0, uv_vis=uv_vis)
    sample = RhdDataset(folder)[0]
    assert not sample.visible.any()
    np.testing.assert_allclose(sample.box_px, box_around(uv_vis[21:, :2]), rtol=1e-5)
    assert len(RhdDataset(folder, hands="both")) == 3


def test_skewed_camera_is_kept(folder, change):
    camera = np.array([[500.0, 7, 160], [0, 510, 150], [0, 0, 1]])
    change(0, K=camera)
    np.testing.assert_allclose(RhdDataset(folder)[0].intrinsics_px, camera)


FIELDS = [
    ("K", None),
    ("K", np.eye(2)),
    ("K", np.diag([0.0, 500, 1])),
    ("K", np.full((3, 3), np.nan)),
    ("K", np.full((3, 3), "1")),
    ("uv_vis", None),
    ("uv_vis", np.ones((21, 3))),
    ("uv_vis", np.full((42, 3), np.inf)),
    ("uv_vis", [[1, 2, 1]] * 42),
    ("xyz", None),
    ("xyz", np.ones((42, 2))),
    ("xyz", np.full((42, 3), np.nan)),
    ("xyz", np.full((42, 3), None)),
    ("xyz", np.zeros((42, 3))),
    ("xyz", -np.ones((42, 3))),
]


@pytest.mark.parametrize("choice", ["dominant", "both"])
@pytest.mark.parametrize(("field", "bad"), FIELDS)
def test_rejects_labels(folder, change, field, bad, choice):
    change(7, **{field: bad})
    dataset = RhdDataset(folder, hands=choice)
    message = rf"anno_training\.pickle: \[7\]\.{field}: expected .*Received: {field}="
    ids = []
    with pytest.raises(InputError, match=message):
        ids.extend(sample.sample_id for sample in dataset)
    assert dataset[len(dataset) - 1].sample_id == "training/00041#right"
    assert dataset[0].sample_id.startswith("training/00000")


def test_rejects_an_entry_that_is_no_dict(folder):
    file = folder / "training" / "anno_training.pickle"
    labels = pickle.loads(file.read_bytes())
    file.write_bytes(pickle.dumps({**labels, 7: 3}))
    with pytest.raises(InputError, match=r"\[7\]\.K: expected an array.*Received: K=nothing"):
        _ = RhdDataset(folder)[1]


@pytest.mark.parametrize("labels", [[], {}, 3, None, {"a": {}}, {-1: {}}, {True: {}}, {1.5: {}}])
def test_rejects_other_pickles(folder, labels):
    (folder / "training" / "anno_training.pickle").write_bytes(pickle.dumps(labels))
    with pytest.raises(InputError, match=r"anno_training\.pickle: expected .*Received: labels="):
        RhdDataset(folder)


def test_rejects_pickles_that_run_something(folder):
    (folder / "training" / "anno_training.pickle").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(InputError, match=r"anno_training\.pickle: .*Received: global=os\.system"):
        RhdDataset(folder)


def test_rejects_a_set_without_the_hand(folder, change):
    for number in (0, 7, 41):
        uv_vis = labels_of(folder, number)["uv_vis"]
        uv_vis[:21, 2] = 0
        change(number, uv_vis=uv_vis)
    assert len(RhdDataset(folder, hands="right")) == 3
    with pytest.raises(InputError, match=r"expected a visible hand\. Received: none with hands='l"):
        RhdDataset(folder, hands="left")


@pytest.mark.parametrize("kind", ["color", "mask"])
def test_rejects_missing_images(folder, kind):
    (folder / "training" / kind / "00007.png").unlink()
    dataset = RhdDataset(folder)
    with pytest.raises(InputError, match=rf"\[7\]\.{kind}: expected an image file.*00007\.png"):
        list(dataset)
    assert dataset[2].sample_id == "training/00041#right"


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"half"])
def test_rejects_damaged_masks(folder, content):
    file = folder / "training" / "mask" / "00007.png"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
    with pytest.raises(InputError, match=r"mask/00007\.png: expected a complete PNG image"):
        _ = RhdDataset(folder)[1]


@pytest.mark.parametrize(("mode", "size"), [("RGB", (320, 320)), ("L", (160, 160)), ("1", (9, 9))])
def test_rejects_other_masks(folder, mode, size):
    Image.new(mode, size).save(folder / "training" / "mask" / "00007.png")
    text = rf"mask/00007\.png: expected the mask.*Received: mode={mode}, size={size[0]}x{size[1]}"
    with pytest.raises(InputError, match=text):
        _ = RhdDataset(folder)[1]


@pytest.mark.parametrize(
    ("option", "known"),
    [("split", "training, evaluation"), ("hands", "dominant, left, right, both")],
)
@pytest.mark.parametrize("value", ["test", "", "Left"])
def test_rejects_options(folder, option, value, known):
    with pytest.raises(InputError, match=rf"Received: {option}='{value}'\. Known: {known}\."):
        RhdDataset(folder, **{option: value})


def test_rejects_other_folders(tmp_path):
    with pytest.raises(InputError, match=r"Received: split='training'.*splits there: none"):
        RhdDataset(tmp_path)


def write_real(shared_data, folder):
    """mmpose's copies of three images, with their labels put back where RHD has them."""
    source = shared_data / "mmpose_samples" / "rhd"
    content = json.loads((source / "test_rhd.json").read_text())
    cameras = {image["id"]: image["cam_param"] for image in content["images"]}
    labels = {}
    (folder / "color").mkdir()
    for entry in content["annotations"]:
        number = entry["image_id"]
        camera = np.diag([*cameras[number]["focal"], 1.0])
        camera[:2, 2] = cameras[number]["princpt"]
        uv_vis, xyz = np.zeros((42, 3)), np.zeros((42, 3))
        first = {"left": 0, "right": 21}[entry["hand_type"]]
        uv_vis[first : first + 21] = entry["keypoints"]
        xyz[first : first + 21] = np.array(entry["joint_cam"]) / 1000
        labels[number] = {"K": camera, "uv_vis": uv_vis, "xyz": xyz}
        shutil.copy(source / f"{number:05d}.png", folder / "color")
    (folder / "anno_training.pickle").write_bytes(pickle.dumps(labels, 2))
    return folder


def test_real_labels(shared_data, tmp_path):
    dataset = RhdDataset(write_real(shared_data, tmp_path), hands="both")
    ids = ["training/00111#left", "training/01111#left", "training/11111#right"]
    assert [sample.sample_id for sample in dataset] == ids
    for sample in dataset:
        assert read_image(sample.image).shape == (320, 320, 3) and sample.visible.all()
        # The labels are rounded to four digits.
        projected = project(sample.xyz_camera_mm, sample.intrinsics_px)
        assert np.abs(projected - sample.uv_px).max() < 0.3
        first, second = sample.xyz_camera_mm[list(REFERENCE_BONE)]
        assert 20 < np.linalg.norm(first - second) < 60
        # Neighbours along a finger are as far apart as bones are long, and the knuckles,
        # not the tips, are what lies at the same distance from the wrist in every pose.
        fingers = sample.xyz_camera_mm[1:].reshape(5, 4, 3)
        bones = np.linalg.norm(np.diff(fingers, axis=1), axis=-1)
        assert (bones < 60).all() and (bones > 10).all()
        palm = np.linalg.norm(fingers[1:, 0] - sample.xyz_camera_mm[0], axis=-1)
        assert (palm > 70).all() and (palm < 110).all()
