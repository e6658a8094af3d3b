import numpy as np
import pytest

from tests.datasets.write_stb import BB, SK, palm_of, stb_column, write_labels, write_stb
from tf_handgroups.datasets.registry import open_dataset
from tf_handgroups.datasets.stb import StbDataset
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image

TEST = ("B1Counting", "B1Random")
TRAIN = tuple(f"B{number}{motion}" for number in range(2, 7) for motion in ("Counting", "Random"))


@pytest.fixture(scope="module")
def stb(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stb")
    return folder, write_stb(folder)


def check(sample, truth, intrinsics):
    """Everything about a sample, one joint at a time."""
    np.testing.assert_allclose(sample.xyz_camera_mm, truth, rtol=0, atol=1e-3)
    np.testing.assert_allclose(sample.intrinsics_px, intrinsics, rtol=1e-6)
    for joint, (x, y, z) in enumerate(truth):
        u = intrinsics[0, 0] * x / z + intrinsics[0, 2]
        v = intrinsics[1, 1] * y / z + intrinsics[1, 2]
        np.testing.assert_allclose(sample.uv_px[joint], [u, v], rtol=0, atol=0.01)
        assert sample.visible[joint] == (-0.5 < u < 639.5 and -0.5 < v < 479.5)
    low, high = sample.uv_px.min(axis=0), sample.uv_px.max(axis=0)
    np.testing.assert_allclose(sample.box_px, [*low, *(high - low)], rtol=1e-5)
    assert (sample.handedness, sample.presence, sample.bone_mm) == ("left", True, None)
    assert sample.image_size == read_image(sample.image).shape[1::-1]


def test_default_is_training_from_the_left_camera(stb):
    folder, truth = stb
    dataset = open_dataset(f"stb:{folder}")
    assert isinstance(dataset, StbDataset) and dataset.kind == "stb" and dataset.path == folder
    assert dataset.options == {
        "split": "train",
        "camera": "bb-left",
        "wrist": "ring",
        "sk_frame": "depth",
    }
    names = [f"{sequence}/BB_left_{frame}.png" for sequence in TRAIN for frame in (0, 1)]
    samples = list(dataset)
    assert len(dataset) == len(samples) == 20
    assert [sample.sample_id for sample in samples] == names
    for sample in samples:
        assert sample.image == folder / "images" / sample.sample_id
        check(sample, truth[sample.sample_id], BB)


def test_some_hands_are_wholly_in_the_image(stb):
    folder, _ = stb
    assert any(sample.visible.all() for sample in StbDataset(folder, camera="all"))


@pytest.mark.parametrize(
    ("camera", "prefixes"),
    [
        ("bb-left", ["BB_left"]),
        ("bb-right", ["BB_right"]),
        ("bb", ["BB_left", "BB_right"]),
        ("sk", ["SK_color"]),
        ("all", ["BB_left", "BB_right", "SK_color"]),
    ],
)
def test_cameras(stb, camera, prefixes):
    folder, truth = stb
    dataset = open_dataset(f"stb:{folder}?split=test&camera={camera}")
    expected = [
        f"{sequence}/{prefix}_{frame}.png"
        for sequence in TEST
        for prefix in prefixes
        for frame in (0, 1)
    ]
    assert [sample.sample_id for sample in dataset] == expected
    for sample in dataset:
        check(sample, truth[sample.sample_id], SK if "SK" in sample.sample_id else BB)


@pytest.mark.parametrize(
    ("split", "sequences"), [("train", TRAIN), ("test", TEST), ("all", TEST + TRAIN)]
)
def test_splits(stb, split, sequences):
    dataset = StbDataset(stb[0], split=split)
    found = dict.fromkeys(sample.sample_id.split("/")[0] for sample in dataset)
    assert tuple(found) == sequences and len(dataset) == 2 * len(sequences)


def test_sk_labels_of_the_colour_camera(tmp_path):
    truth = write_stb(tmp_path, TEST, num_frames=1, sk_frame="colour")
    for sample in StbDataset(tmp_path, split="test", camera="sk", sk_frame="colour"):
        check(sample, truth[sample.sample_id], SK)
    # By the other reading the hand lies elsewhere.
    sample = StbDataset(tmp_path, split="test", camera="sk")[0]
    shift = sample.xyz_camera_mm - truth[sample.sample_id]
    assert (np.linalg.norm(shift, axis=-1) > 15).all()


@pytest.mark.parametrize("wrist", ["ring", "middle", "knuckles", "palm"])
@pytest.mark.parametrize("camera", ["bb-right", "sk"])
def test_wrist_rules(tmp_path, wrist, camera):
    truth = write_stb(tmp_path, TEST, num_frames=1, wrist=wrist)
    for sample in StbDataset(tmp_path, split="test", camera=camera, wrist=wrist):
        check(sample, truth[sample.sample_id], SK if camera == "sk" else BB)


def test_unlabelled_wrist(stb):
    folder, truth = stb
    for sample in StbDataset(folder, split="test", wrist="unlabelled"):
        xyz = truth[sample.sample_id]
        np.testing.assert_allclose(sample.xyz_camera_mm[1:], xyz[1:], rtol=0, atol=1e-3)
        assert np.isnan(sample.xyz_camera_mm[0]).all() and np.isnan(sample.uv_px[0]).all()
        assert not sample.visible[0]
        low, high = sample.uv_px[1:].min(axis=0), sample.uv_px[1:].max(axis=0)
        np.testing.assert_allclose(sample.box_px, [*low, *(high - low)], rtol=1e-5)


@pytest.mark.parametrize(
    ("option", "known"),
    [
        ("split=validation", "train, test, all"),
        ("camera=left", "bb-left, bb-right, bb, sk, all"),
        ("wrist=hand3d", "ring, middle, knuckles, palm, unlabelled"),
        ("sk_frame=color", "depth, colour"),
    ],
)
def test_rejects_options(stb, option, known):
    name, _, value = option.partition("=")
    with pytest.raises(InputError, match=f"Received: {name}='{value}'. Known: {known}"):
        open_dataset(f"stb:{stb[0]}?{option}")


@pytest.fixture
def small(tmp_path):
    """One frame a sequence, and the labels of its hand to write others over."""
    truth = write_stb(tmp_path, TEST, num_frames=2)
    xyz = truth["B1Random/BB_left_1.png"]
    return tmp_path, stb_column(xyz, palm_of(xyz, "ring"))


def test_missing_labels(tmp_path):
    with pytest.raises(InputError, match=r"B2Counting_BB.mat: expected the labels.*no such file"):
        StbDataset(tmp_path)


def test_missing_image(small):
    folder, _ = small
    (folder / "images" / "B1Random" / "BB_left_1.png").unlink()
    dataset = StbDataset(folder, split="test")
    assert len([dataset[index] for index in range(3)]) == 3
    with pytest.raises(InputError, match=r"BB_left_1.png: expected the image of frame 1 of"):
        list(dataset)


@pytest.mark.parametrize("contents", [b"", b"MATLAB 5.0", bytes(200), b"\x89PNG" * 100])
def test_damaged_labels(small, contents):
    path = small[0] / "labels" / "B1Random_BB.mat"
    path.write_bytes(contents)
    with pytest.raises(InputError, match=r"B1Random_BB.mat: expected"):
        StbDataset(small[0], split="test")


def test_truncated_labels(small):
    path = small[0] / "labels" / "B1Random_BB.mat"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"B1Random_BB.mat: expected"):
        StbDataset(small[0], split="test")


@pytest.mark.parametrize(
    "labels", [np.zeros((21, 3, 5)), np.zeros((3, 21)), np.zeros((3, 21, 0)), np.array(["palm"])]
)
def test_labels_of_another_shape(small, labels):
    write_labels(small[0], "B1Random", "BB", labels)
    with pytest.raises(InputError, match=r"B1Random_BB.mat: expected numbers.*Received: shape="):
        StbDataset(small[0], split="test")


def test_labels_of_another_name(small):
    import scipy.io

    scipy.io.savemat(small[0] / "labels" / "B1Random_BB.mat", {"joints": np.zeros((3, 21, 2))})
    with pytest.raises(InputError, match=r"B1Random_BB.mat: expected.*Received: no handPara"):
        StbDataset(small[0], split="test")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "frame 1: expected finite"),
        (np.inf, "frame 1: expected finite"),
        (-300.0, "frame 1: expected joints in front of the camera"),
        (0.0, "frame 1.*smallest z=0"),
    ],
)
def test_one_bad_frame_hides_no_other(small, value, message):
    folder, column = small
    bad = column.copy()
    bad[2, 7] = value
    write_labels(folder, "B1Random", "BB", np.stack([column, bad, column], axis=-1))
    dataset = StbDataset(folder, split="test")
    assert len(dataset) == 5 and dataset[2].visible.any()
    with pytest.raises(InputError, match=message):
        dataset[3]


def test_single_precision_labels(small):
    folder, column = small
    write_labels(folder, "B1Random", "BB", column[..., None].astype(np.float32))
    sample = StbDataset(folder, split="test")[2]
    np.testing.assert_allclose(sample.xyz_camera_mm[17], column[:, 1], rtol=1e-6)


def test_real_poses(tmp_path, shared_data):
    """STB's own labels, which others converted: right hands, canonical, metres."""
    poses = np.load(shared_data / "pose_statistics" / "stb_test.npy")[::100].astype(np.float64)
    left = poses * 1000 * [-1, 1, 1]
    columns = np.stack([stb_column(xyz, palm_of(xyz, "ring")) for xyz in left], axis=-1)
    for sequence in TEST:
        write_labels(tmp_path, sequence, "BB", columns)
        (tmp_path / "images" / sequence).mkdir(parents=True)
        for frame in range(len(left)):
            (tmp_path / "images" / sequence / f"BB_left_{frame}.png").write_bytes(b"")
    samples = list(StbDataset(tmp_path, split="test"))
    np.testing.assert_allclose(
        [sample.xyz_camera_mm for sample in samples[: len(left)]], left, rtol=0, atol=1e-3
    )
    # These poses come from this camera: it has nearly all of them in view.
    assert np.mean([sample.visible for sample in samples]) > 0.99
    bones = [np.linalg.norm(s.xyz_camera_mm[10] - s.xyz_camera_mm[9]) for s in samples]
    np.testing.assert_allclose(bones, 40, atol=0.01)
