import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.datasets.write_ho3d import on_canvas, python2_pickle, write_ho3d
from tf_handgroups.camera import project
from tf_handgroups.datasets.ho3d import Ho3dDataset
from tf_handgroups.datasets.registry import open_dataset
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.synth.render import render_sample

# Right hands.
SEEDS = (5, 6, 7)


@pytest.fixture(scope="module")
def hands():
    samples = [on_canvas(render_sample(seed, 128)) for seed in SEEDS]
    # One hand is partly outside.
    samples[1] = on_canvas(render_sample(SEEDS[1], 128), left=-60, top=400)
    assert 0 < samples[1].visible.sum() < 21
    names = ("ABF10/0000", "ABF10/0012", "MC1/0003")
    return dict(zip(names, samples, strict=True))


@pytest.fixture(scope="module", params=[2, 3])
def original(request, hands, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ho3d") / f"HO3D_v{request.param}"
    (a, first), (b, second), (c, third) = hands.items()
    frames = {a: first, "ABF10/0001": None, b: second, c: third}
    write_ho3d(folder, "train", frames, request.param)
    return write_ho3d(folder, "evaluation", {"AP10/0000": first, "AP10/0001": third}, request.param)


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / original.name)


@pytest.fixture
def change(folder):
    """Changes the labels of one frame, `change("train", "MC1/0003", camMat=...)`."""

    def change(split, name, **fields):
        sequence, frame = name.split("/")
        file = folder / split / sequence / "meta" / f"{frame}.pkl"
        meta = pickle.loads(file.read_bytes(), encoding="latin1")
        meta = {
            key: value
            for key, value in {**meta, **fields}.items()
            if not (isinstance(value, str) and value == "absent")
        }
        file.write_bytes(pickle.dumps(meta, 2))

    return change


def assert_is(sample, hand, size=(640, 480)):
    assert sample.image_size == size and sample.handedness == "right" and sample.presence
    np.testing.assert_allclose(sample.xyz_camera_mm, hand.xyz_camera_mm, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(sample.uv_px, hand.uv_px, atol=2e-3)
    np.testing.assert_array_equal(sample.visible, hand.visible)
    np.testing.assert_allclose(sample.intrinsics_px, hand.intrinsics_px, rtol=1e-6)
    np.testing.assert_allclose(sample.box_px, box_around(hand.uv_px[hand.visible]), atol=4e-3)
    reprojected = project(sample.xyz_camera_mm, sample.intrinsics_px)
    assert np.abs(reprojected - sample.uv_px).max() < 0.1


def test_train(folder, hands):
    dataset = Ho3dDataset(folder)
    assert (dataset.kind, dataset.path, len(dataset)) == ("ho3d", folder, 3)
    assert dataset.options == {"split": "train"}
    assert dataset.num_unannotated == 1
    for sample, (name, hand) in zip(dataset, hands.items(), strict=True):
        assert sample.sample_id == f"train/{name}"
        assert_is(sample, hand)
    suffix = {"2": ".png", "3": ".jpg"}[folder.name[-1]]
    assert dataset[2].image == folder / "train" / "MC1" / "rgb" / f"0003{suffix}"
    assert read_image(dataset[2].image).shape == (480, 640, 3)


def test_evaluation_has_the_wrist_alone(folder, hands):
    dataset = open_dataset(f"ho3d:{folder}?split=evaluation")
    assert isinstance(dataset, Ho3dDataset)
    assert dataset.options == {"split": "evaluation"} and dataset.num_unannotated == 0
    assert [sample.sample_id for sample in dataset] == [
        "evaluation/AP10/0000",
        "evaluation/AP10/0001",
    ]
    for sample, name in zip(dataset, ("ABF10/0000", "MC1/0003"), strict=True):
        hand = hands[name]
        np.testing.assert_allclose(sample.xyz_camera_mm[0], hand.xyz_camera_mm[0], rtol=1e-6)
        np.testing.assert_allclose(sample.uv_px[0], hand.uv_px[0], atol=2e-3)
        assert np.isnan(sample.xyz_camera_mm[1:]).all() and np.isnan(sample.uv_px[1:]).all()
        assert np.flatnonzero(sample.visible).tolist() == [0]
        np.testing.assert_allclose(sample.box_px, hand.box_px, rtol=1e-5)
        np.testing.assert_allclose(sample.intrinsics_px, hand.intrinsics_px, rtol=1e-6)


def test_evaluation_with_all_joints(folder, hands, change):
    """As somebody may write them, now that the labels of these splits are published."""
    train = pickle.loads((folder / "train/MC1/meta/0003.pkl").read_bytes(), encoding="latin1")
    change("evaluation", "AP10/0001", handJoints3D=train["handJoints3D"])
    sample = Ho3dDataset(folder, split="evaluation")[1]
    hand = hands["MC1/0003"]
    np.testing.assert_allclose(sample.xyz_camera_mm, hand.xyz_camera_mm, rtol=1e-6, atol=1e-4)
    np.testing.assert_array_equal(sample.visible, hand.visible)
    np.testing.assert_allclose(sample.box_px, hand.box_px, rtol=1e-5)


def test_wrist_may_be_a_row_and_the_box_an_array(folder, hands, change):
    wrist = np.array([[0.01, 0.02, -0.5]])
    change("evaluation", "AP10/0000", handJoints3D=wrist, handBoundingBox=np.array([1, 2, 9, 20]))
    sample = Ho3dDataset(folder, split="evaluation")[0]
    np.testing.assert_allclose(sample.xyz_camera_mm[0], [10, -20, 500])
    np.testing.assert_allclose(sample.box_px, [1, 2, 8, 18])


def test_wrist_outside_the_image(folder, change):
    change("evaluation", "AP10/0000", handJoints3D=np.array([5.0, 0.0, -0.5]))
    sample = Ho3dDataset(folder, split="evaluation")[0]
    assert not sample.visible.any() and sample.uv_px[0, 0] > 640


def test_hand_outside_the_image(folder, change):
    joints = np.full((21, 3), [5.0, 0.0, -0.5]) + np.arange(21)[:, None] * 0.001
    change("train", "MC1/0003", handJoints3D=joints)
    sample = Ho3dDataset(folder)[2]
    assert not sample.visible.any()
    np.testing.assert_allclose(sample.box_px, box_around(sample.uv_px), rtol=1e-5)


def test_size_is_that_of_the_image(folder):
    (file,) = (folder / "train" / "MC1" / "rgb").iterdir()
    Image.new("RGB", (60, 40)).save(file)
    sample = Ho3dDataset(folder)[2]
    assert sample.image_size == (60, 40) and not sample.visible.any()


@pytest.mark.parametrize("field", ["objRot", "handJoints3D"])
def test_frames_without_annotation_are_counted(folder, change, field):
    change("train", "ABF10/0012", **{field: None})
    dataset = Ho3dDataset(folder)
    assert (len(dataset), dataset.num_unannotated) == (2, 2)
    assert [sample.sample_id for sample in dataset] == ["train/ABF10/0000", "train/MC1/0003"]


def test_objects_are_not_needed(folder, change):
    objects = ("objRot", "objTrans", "objName", "objLabel", "objCorners3DRest")
    change("train", "MC1/0003", **dict.fromkeys(objects, "absent"))
    assert len(Ho3dDataset(folder)) == 3


def test_only_listed_frames_are_read(folder):
    (folder / "train.txt").write_text("\nMC1/0003\r\n\nABF10/0000")
    ids = [sample.sample_id for sample in Ho3dDataset(folder)]
    assert ids == ["train/MC1/0003", "train/ABF10/0000"]


FIELDS = [
    ("camMat", "absent"),
    ("camMat", None),
    ("camMat", np.eye(4)),
    ("camMat", np.diag([-600.0, 600, 1])),
    ("camMat", np.full((3, 3), np.nan)),
    ("handJoints3D", "absent"),
    ("handJoints3D", np.ones((20, 3))),
    ("handJoints3D", np.array([0.0, 0, -0.5])),
    ("handJoints3D", np.full((21, 3), np.inf)),
    ("handJoints3D", [[0, 0]] * 20 + [[1]]),
    ("handJoints3D", np.full((21, 3), 0.5)),  # as if z pointed forward
]


@pytest.mark.parametrize(("field", "bad"), FIELDS)
def test_rejects_labels(folder, change, field, bad):
    change("train", "ABF10/0012", **{field: bad})
    dataset = Ho3dDataset(folder)
    message = rf"ABF10/meta/0012\.pkl: {field}: .*expected .*Received: "
    with pytest.raises(InputError, match=message):
        list(dataset)
    assert dataset[2].sample_id == "train/MC1/0003"


@pytest.mark.parametrize(
    "bad", ["absent", [1, 2, 3], [9, 0, 3, 5], [0, 9, 5, 3], [0, 0, 0, 5], [0, 0, np.nan, 5]]
)
def test_rejects_boxes(folder, change, bad):
    change("evaluation", "AP10/0001", handBoundingBox=bad)
    dataset = Ho3dDataset(folder, split="evaluation")
    message = r"AP10/meta/0001\.pkl: handBoundingBox: expected .*Received: handBoundingBox="
    with pytest.raises(InputError, match=message):
        _ = dataset[1]
    assert dataset[0].sample_id == "evaluation/AP10/0000"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "expected a readable pickle"),
        (b"", "expected a complete pickle"),
        (python2_pickle([1, 2]), r"expected a dict\. Received: list"),
        (b"cos\nsystem\n(S'true'\ntR.", r"Received: global=os\.system"),
        (b"cchumpy.ch\nCh\n.", r"Received: global=chumpy\.ch\.Ch"),
    ],
)
def test_rejects_meta_files(folder, content, text):
    file = folder / "train" / "ABF10" / "meta" / "0012.pkl"
    file.unlink() if content is None else file.write_bytes(content)
    dataset = Ho3dDataset(folder)
    with pytest.raises(InputError, match=rf"ABF10/meta/0012\.pkl: .*{text}"):
        _ = dataset[1]
    assert dataset[2].sample_id == "train/MC1/0003"


@pytest.mark.parametrize("content", [None, b"", b"GIF89a"])
def test_rejects_images(folder, content):
    (file,) = (folder / "train" / "MC1" / "rgb").iterdir()
    file.unlink() if content is None else file.write_bytes(content)
    dataset = Ho3dDataset(folder)
    with pytest.raises(InputError, match=r"MC1/rgb/0003.*: expected an image.*Received: "):
        _ = dataset[2]
    assert dataset[0].sample_id == "train/ABF10/0000"


@pytest.mark.parametrize(
    "line",
    ["0000", "../0000", "MC1/../../0003", "/etc/passwd", "MC1/0003/x", "MC1\\0003", "MC1/00 3",
     "ABF10/0000", "MC1/", "a/b.c"],
)  # fmt: skip
def test_rejects_lists(folder, line):
    (folder / "train.txt").write_text(f"ABF10/0000\n{line}\n")
    with pytest.raises(InputError, match=r"train\.txt: line 2: expected SEQUENCE/FRAME.*Received"):
        Ho3dDataset(folder)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"MC1/\xc3\xa9"])
def test_rejects_other_bytes(folder, content):
    (folder / "train.txt").write_bytes(content)
    with pytest.raises(InputError, match=r"train\.txt: expected the list of frames.*Received: "):
        Ho3dDataset(folder)


def test_rejects_missing_and_empty_lists(folder):
    (folder / "train.txt").write_text("\n")
    with pytest.raises(InputError, match=r"train\.txt: .*Received: an empty file"):
        Ho3dDataset(folder)
    (folder / "train.txt").write_text("ABF10/0001\n")
    with pytest.raises(InputError, match=r"train\.txt: expected annotated frames\. Received: 1 fr"):
        Ho3dDataset(folder)
    (folder / "train.txt").unlink()
    with pytest.raises(InputError, match=r"train\.txt: expected the list of frames.*Received: "):
        Ho3dDataset(folder)


@pytest.mark.parametrize("split", ["training", "test", ""])
def test_rejects_options(folder, split):
    with pytest.raises(InputError, match=rf"Received: split='{split}'\. Known: train, evaluation"):
        Ho3dDataset(folder, split=split)
