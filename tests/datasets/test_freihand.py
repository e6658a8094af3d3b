import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest

from tests.datasets.write_freihand import VERSION_GREYS, right_hands, write_freihand, write_list
from tf_handgroups import camera
from tf_handgroups.crop import crop_matrix, transform_points
from tf_handgroups.datasets.freihand import VERSIONS, FreiHandDataset
from tf_handgroups.datasets.registry import open_dataset
from tf_handgroups.errors import InputError
from tf_handgroups.freihand_submission import is_labelled, read_submission, write_submission
from tf_handgroups.image_file import read_image
from tf_handgroups.joints import BONES, JOINT_ORDERS
from tf_handgroups.mean_hand import BONE_MM

TRAINING, EVALUATION = 3, 2


@pytest.fixture(scope="module")
def hands():
    return right_hands(TRAINING + EVALUATION)


@pytest.fixture(scope="module")
def original(hands, tmp_path_factory):
    folder = tmp_path_factory.mktemp("freihand")
    return write_freihand(folder, hands[:TRAINING], hands[TRAINING:])


@pytest.fixture
def folder(original, tmp_path):
    """A copy that a test may damage."""
    return pathlib.Path(shutil.copytree(original, tmp_path / "copy"))


@pytest.fixture
def unlabelled(folder):
    (folder / "evaluation_xyz.json").unlink()
    return folder


def change(file: pathlib.Path, index: int, value) -> None:
    rows = json.loads(file.read_text())
    rows[index] = value
    write_list(file, rows)


def check_labels(sample, hand):
    np.testing.assert_allclose(sample.xyz_camera_mm, hand.xyz_camera_mm, rtol=1e-6)
    np.testing.assert_allclose(sample.uv_px, hand.uv_px, atol=2e-3)
    np.testing.assert_array_equal(sample.visible, hand.visible)
    np.testing.assert_array_equal(sample.intrinsics_px, hand.intrinsics_px)
    reprojected = camera.project(sample.xyz_camera_mm, sample.intrinsics_px)
    np.testing.assert_allclose(reprojected, sample.uv_px, atol=2e-3)
    assert (sample.handedness, sample.image_size, sample.presence) == ("right", (224, 224), True)


@pytest.mark.parametrize(
    "versions", ["all", "gs", "hom", "sample", "auto", "gs,auto", "auto,gs", "gs,hom,sample,auto"]
)
def test_training(original, hands, versions):
    dataset = FreiHandDataset(original, versions=versions)
    chosen = [name for name in VERSIONS if versions == "all" or name in versions.split(",")]
    assert len(dataset) == TRAINING * len(chosen)
    assert dataset.options == {
        "split": "training",
        "versions": ",".join(chosen),
        "boxes": "joints",
    }
    expected = [(name, hand) for name in chosen for hand in range(TRAINING)]
    for sample, (name, hand) in zip(dataset, expected, strict=True):
        check_labels(sample, hands[hand])
        np.testing.assert_allclose(sample.box_px, hands[hand].box_px, atol=2e-3)
        file_id = hand + TRAINING * VERSIONS.index(name)
        assert sample.sample_id == f"training/{file_id:08d}"
        assert sample.image == original / "training" / "rgb" / f"{file_id:08d}.jpg"
        assert sample.bone_mm is None
        # The picture is that of the hand, with the background asked for.
        picture = read_image(sample.image)
        grey = VERSION_GREYS[VERSIONS.index(name)]
        assert abs(float(picture[-8:, -8:].mean()) - grey) < 3
        drawn = read_image(hands[hand].image)
        assert np.abs(picture[:100].astype(float) - drawn[:100]).mean() < 3


def test_evaluation_with_labels(original, hands):
    dataset = FreiHandDataset(original, split="evaluation")
    assert len(dataset) == EVALUATION
    assert dataset.options == {"split": "evaluation", "boxes": "image"}
    for sample, hand in zip(dataset, hands[TRAINING:], strict=True):
        check_labels(sample, hand)
        bone_mm = np.linalg.norm(hand.xyz_camera_mm[10] - hand.xyz_camera_mm[9])
        assert sample.bone_mm == pytest.approx(bone_mm, rel=1e-6)
        assert is_labelled(sample)
    assert dataset[1].sample_id == "evaluation/00000001"


def test_evaluation_without_labels(unlabelled, hands):
    dataset = FreiHandDataset(unlabelled, split="evaluation")
    for sample, hand in zip(dataset, hands[TRAINING:], strict=True):
        assert sample.xyz_camera_mm is None and not sample.visible.any()
        np.testing.assert_array_equal(sample.intrinsics_px, hand.intrinsics_px)
        bone_mm = np.linalg.norm(hand.xyz_camera_mm[10] - hand.xyz_camera_mm[9])
        assert sample.bone_mm == pytest.approx(bone_mm, rel=1e-6)
        assert not is_labelled(sample)


def test_boxes(original, hands):
    """The window of `image` is the picture; that of `joints` is 1.5 times the hand."""
    for split, start in (("training", 0), ("evaluation", TRAINING)):
        whole = FreiHandDataset(original, split=split, boxes="image")[1]
        corners = transform_points(crop_matrix(whole.box_px, 224), [[0, 0], [223, 223]])
        np.testing.assert_allclose(corners, [[0, 0], [223, 223]], atol=1e-4)
        tight = FreiHandDataset(original, split=split, boxes="joints")
        assert tight.options["boxes"] == "joints"
        np.testing.assert_allclose(tight[1].box_px, hands[start + 1].box_px, atol=2e-3)


def test_opens_by_name(original):
    name = f"freihand:{original}?split=training&versions=gs,auto&boxes=image"
    assert len(open_dataset(name)) == 2 * TRAINING


@pytest.mark.parametrize(
    "option",
    [
        {"split": "train"},
        {"boxes": "tight"},
        {"versions": "green"},
        {"versions": ""},
        {"versions": "gs,gs"},
        {"versions": "gs,"},
        {"versions": "gs,all"},
        {"split": "evaluation", "versions": "gs"},
    ],
)
def test_rejects_options(original, option):
    (name,) = list(option)[-1:]
    with pytest.raises(InputError, match=rf"Received: {name}='{option[name]}'\. Known: "):
        FreiHandDataset(original, **option)


def test_rejects_boxes_of_unknown_joints(unlabelled):
    with pytest.raises(InputError, match=r"evaluation_xyz\.json: .*Received: boxes='joints'"):
        FreiHandDataset(unlabelled, split="evaluation", boxes="joints")


@pytest.mark.parametrize(
    ("split", "name"),
    [("training", "K"), ("training", "xyz"), ("evaluation", "K"), ("evaluation", "scale")],
)
def test_rejects_missing_and_broken_lists(folder, split, name):
    file = folder / f"{split}_{name}.json"
    for text, message in [
        ("{", "expected JSON"),
        ("{}", "expected a list"),
        ("[" * 100_000, "expected JSON"),
        ("[]", "expected as many entries in every list"),
    ]:
        file.write_text(text)
        with pytest.raises(InputError, match=message):
            FreiHandDataset(folder, split=split)
    file.unlink()
    with pytest.raises(InputError, match=rf"{split}_{name}\.json: expected a file of FreiHAND"):
        FreiHandDataset(folder, split=split)


@pytest.mark.parametrize("bad", [None, "text", [1.0], [[1.0] * 3] * 20, {}])
@pytest.mark.parametrize(
    ("split", "name"), [("training", "K"), ("training", "xyz"), ("evaluation", "scale")]
)
def test_rejects_rows_of_another_shape(folder, split, name, bad):
    change(folder / f"{split}_{name}.json", 1, bad)
    with pytest.raises(InputError, match=rf"{split}_{name}\.json: \[1\]: expected numbers of"):
        FreiHandDataset(folder, split=split)


@pytest.mark.parametrize("name", ["K", "xyz", "scale"])
def test_rejects_lists_of_different_length(folder, name):
    file = folder / f"evaluation_{name}.json"
    write_list(file, json.loads(file.read_text())[:1])
    with pytest.raises(InputError, match=rf"Received: .*evaluation_{name}\.json 1\b"):
        FreiHandDataset(folder, split="evaluation")


def test_names_missing_images(folder):
    images = folder / "training" / "rgb"
    (images / "00000004.jpg").unlink()
    with pytest.raises(InputError, match=r"expected 12 images .*1 missing: 00000004\.jpg\. "):
        FreiHandDataset(folder)
    assert len(FreiHandDataset(folder, versions="gs,auto")) == 2 * TRAINING
    for file in images.iterdir():
        file.unlink()
    with pytest.raises(InputError, match=r"12 missing: 00000000\.jpg, .*00000004\.jpg, \.\.\."):
        FreiHandDataset(folder)
    shutil.rmtree(folder / "training")
    with pytest.raises(InputError, match="expected a folder of images"):
        FreiHandDataset(folder)


@pytest.mark.parametrize(("split", "count"), [("training", 12), ("evaluation", 2)])
def test_names_images_without_an_entry(folder, split, count):
    images = folder / split / "rgb"
    shutil.copy(images / "00000000.jpg", images / f"{count:08d}.jpg")
    with pytest.raises(InputError, match=rf"expected {count} images at most.* 1 more: 000000"):
        FreiHandDataset(folder, split=split)


def test_one_bad_hand_does_not_hide_the_rest(folder):
    change(folder / "training_xyz.json", 1, [[0.1, 0.1, -0.5]] * 21)
    dataset = FreiHandDataset(folder)
    assert dataset[2].sample_id == "training/00000002"
    with pytest.raises(InputError, match=r"training_xyz\.json: \[1\]: project: .*in front of"):
        list(dataset)


def test_rejects_numbers(folder):
    nan = float("nan")
    change(folder / "evaluation_xyz.json", 0, [[nan] * 3] * 21)
    with pytest.raises(InputError, match=r"evaluation_xyz\.json: \[0\]: .*finite"):
        _ = FreiHandDataset(folder, split="evaluation")[0]
    for scale in (nan, 0.0, -0.03, float("inf")):
        change(folder / "evaluation_scale.json", 1, scale)
        with pytest.raises(InputError, match=r"scale\.json: \[1\]: .*Received: scale="):
            _ = FreiHandDataset(folder, split="evaluation")[1]
    good = [[500.0, 0, 112], [0, 500.0, 112], [0, 0, 1.0]]
    for row, column, value in [(0, 0, 0.0), (1, 1, -5.0), (0, 2, nan), (2, 2, 2.0), (2, 0, 1.0)]:
        matrix = [list(line) for line in good]
        matrix[row][column] = value
        change(folder / "training_K.json", 2, matrix)
        with pytest.raises(InputError, match=r"training_K\.json: \[2\]: .*Received: K="):
            _ = FreiHandDataset(folder)[2]


def test_rejects_millimetres(folder):
    for split, name in (("training", "xyz"), ("evaluation", "scale"), ("evaluation", "xyz")):
        file = folder / f"{split}_{name}.json"
        before = file.read_text()
        write_list(file, (1000 * np.array(json.loads(before))).tolist())
        with pytest.raises(InputError, match=rf"{name}\.json: expected metres. Received: median"):
            FreiHandDataset(folder, split=split)
        file.write_text(before)


def test_image_that_goes_later_is_an_error(folder):
    dataset = FreiHandDataset(folder)
    dataset[0].image.unlink()
    with pytest.raises(InputError, match=r"00000000\.jpg: expected an image file"):
        _ = dataset[0]


def predictor(hands):
    """Knows the true pixels and depths of the evaluation set, but no length."""

    def predict(samples):
        rows = []
        for sample in samples:
            hand = hands[TRAINING + int(sample.sample_id[-8:])]
            xyz = hand.xyz_camera_mm.astype(np.float64)
            rows.append({"uv_px": hand.uv_px, "z_rel": camera.relative_depth(xyz)})
        return rows

    return predict


def test_submission(original, hands, tmp_path):
    dataset = FreiHandDataset(original, split="evaluation")
    written = write_submission(predictor(hands), dataset, tmp_path / "pred.json")
    assert (written.num_hands, written.num_labelled) == (EVALUATION, EVALUATION)
    xyz_mm, _ = read_submission(tmp_path / "pred.json", num_hands=EVALUATION)
    for got, sample in zip(xyz_mm, dataset, strict=True):
        # True pixels, and true depths from the root on: in the true unit.
        np.testing.assert_allclose(
            camera.project(got, sample.intrinsics_px), sample.uv_px, atol=2e-3
        )
        true_depth = sample.xyz_camera_mm[:, 2] - sample.xyz_camera_mm[9, 2]
        np.testing.assert_allclose(got[:, 2] - got[9, 2], true_depth, atol=5e-3)


def test_submission_takes_the_known_bone(unlabelled, hands, tmp_path):
    dataset = FreiHandDataset(unlabelled, split="evaluation")
    written = write_submission(predictor(hands), dataset, tmp_path / "known.json")
    assert (written.num_hands, written.num_labelled) == (EVALUATION, 0)
    without = [dataclasses.replace(sample, bone_mm=None) for sample in dataset]
    write_submission(predictor(hands), without, tmp_path / "typical.json")
    known, _ = read_submission(tmp_path / "known.json", num_hands=EVALUATION)
    typical, _ = read_submission(tmp_path / "typical.json", num_hands=EVALUATION)
    for index, sample in enumerate(dataset):
        assert abs(sample.bone_mm - BONE_MM) > 0.1
        np.testing.assert_allclose(
            known[index], typical[index] * sample.bone_mm / BONE_MM, atol=5e-3
        )


def test_real_evaluation_images(shared_data):
    dataset = FreiHandDataset(shared_data / "freihand_eval200", split="evaluation")
    assert len(dataset) == 200
    bones = []
    for sample in dataset:
        assert sample.xyz_camera_mm is None and not sample.visible.any()
        bones.append(sample.bone_mm)
    assert 15 < min(bones) and max(bones) < 50
    for sample in (dataset[0], dataset[199]):
        assert read_image(sample.image).shape == (224, 224, 3)


def test_real_conversion(shared_data, tmp_path):
    """File ids of the four backgrounds and joint order, as others have converted them."""
    source = shared_data / "mmpose_samples" / "freihand"
    content = json.loads((source / "test_freihand.json").read_text())
    keypoints = {
        entry["image_id"]: np.array(entry["keypoints"]).reshape(21, 3)[:, :2]
        for entry in content["annotations"]
    }
    assert len(keypoints) == 8
    rows = sorted({file_id % 32560 for file_id in keypoints})
    assert len(rows) == 2
    # A folder of these two hands, at a made-up depth.
    (tmp_path / "training" / "rgb").mkdir(parents=True)
    for version in range(4):
        for index, row in enumerate(rows):
            np.testing.assert_allclose(keypoints[row + 32560 * version], keypoints[row], atol=1e-6)
            shutil.copy(
                source / f"{row + 32560 * version:08d}.jpg",
                tmp_path / "training" / "rgb" / f"{index + 2 * version:08d}.jpg",
            )
    write_list(tmp_path / "training_K.json", [[[1000, 0, 0], [0, 1000, 0], [0, 0, 1]]] * 2)
    write_list(
        tmp_path / "training_xyz.json",
        [[[u / 1000, v / 1000, 1.0] for u, v in keypoints[row].tolist()] for row in rows],
    )
    for sample in FreiHandDataset(tmp_path):
        assert read_image(sample.image).shape == (224, 224, 3)

        # Read in another order, bones run to and fro or the thumb starts far from the wrist.
        plausible = {}
        for order, source in JOINT_ORDERS.items():
            placed = sample.uv_px[list(source)]
            lengths = [np.linalg.norm(placed[child] - placed[parent]) for parent, child in BONES]
            if np.argmin([lengths[BONES.index((0, base))] for base in (1, 5, 9, 13, 17)]) == 0:
                plausible[order] = sum(lengths)
        assert min(plausible, key=plausible.__getitem__) == "canonical"
