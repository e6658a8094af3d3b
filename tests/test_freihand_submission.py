import json

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from tests.hands import make_sample
from tf_handgroups import camera
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation import evaluate
from tf_handgroups.freihand_submission import (
    NUM_EVALUATION_HANDS,
    is_labelled,
    read_submission,
    write_submission,
)
from tf_handgroups.joints import BONES
from tf_handgroups.mean_hand import BONE_MM, BONE_RATIOS

INTRINSICS = np.array([[480.0, 0, 112], [0, 480.0, 110], [0, 0, 1]])


def hand(seed=0, bone_mm=40.0, **changes) -> HandSample:
    """A hand with the proportions of `BONE_RATIOS` half a metre away."""
    random = np.random.default_rng(seed)
    pose = np.zeros((21, 3))
    for (parent, child), ratio in zip(BONES, BONE_RATIOS, strict=True):
        step = random.normal(size=3) * 0.4 + np.array([0, -1, 0])
        pose[child] = pose[parent] + ratio * step / np.linalg.norm(step)
    xyz = (bone_mm * pose + [5.0, 40.0, 500.0]).astype(np.float32)
    uv = camera.project(xyz, INTRINSICS)
    return make_sample(
        uv_px=uv,
        xyz_camera_mm=xyz,
        intrinsics_px=INTRINSICS,
        handedness="right",
        sample_id=f"hand{seed}",
        **changes,
    )


def unlabelled(sample: HandSample) -> HandSample:
    return make_sample(
        uv_px=sample.uv_px,
        visible=np.zeros(21),
        xyz_camera_mm=None,
        intrinsics_px=sample.intrinsics_px,
        sample_id=sample.sample_id,
    )


def predictor(truth: list[HandSample], noise_px=0.0, noise_bones=0.0):
    """Predicts from the labels of `truth` with fixed noise, whatever the given samples say."""
    known = {}
    for index, sample in enumerate(truth):
        random = np.random.default_rng(1000 + index)
        z_rel = camera.relative_depth(sample.xyz_camera_mm.astype(np.float64))
        known[sample.sample_id] = {
            "uv_px": sample.uv_px + noise_px * random.normal(size=(21, 2)),
            "z_rel": z_rel + noise_bones * random.normal(size=21),
        }
    return lambda samples: [known[sample.sample_id] for sample in samples]


@pytest.fixture
def hands():
    return [hand(seed) for seed in range(5)]


def test_file_is_what_the_official_script_reads(hands, tmp_path):
    path = tmp_path / "pred.json"
    written = write_submission(predictor(hands), hands, path)
    assert (written.path, written.num_hands, written.num_labelled) == (path, 5, 5)
    content = json.loads(path.read_text())
    assert len(content) == 2
    joints, vertices = (np.array(part) for part in content)
    assert joints.shape == (5, 21, 3) and joints.dtype == np.float64
    assert vertices.shape == (5, 778, 3) and vertices.dtype == np.float64
    np.testing.assert_array_equal(vertices, 0)
    # Metres, in the camera's frame, in the order of the data set.
    truth = np.stack([sample.xyz_camera_mm for sample in hands]) / 1000
    np.testing.assert_allclose(joints, truth, atol=5e-6)


def test_round_trip(hands, tmp_path):
    write_submission(predictor(hands, 2.0, 0.1), hands, tmp_path / "pred.json")
    xyz_mm, vertices_mm = read_submission(tmp_path / "pred.json", num_hands=5)
    joints, vertices = json.loads((tmp_path / "pred.json").read_text())
    np.testing.assert_array_equal(xyz_mm, np.array(joints) * 1000)
    np.testing.assert_array_equal(vertices_mm, np.array(vertices) * 1000)


def official_errors_mm(truth, prediction):
    """The alignment of FreiHAND's eval.py, written from its description."""
    errors = []
    for true, guess in zip(truth, prediction, strict=True):
        true_centred, guess_centred = true - true.mean(axis=0), guess - guess.mean(axis=0)
        true_size, guess_size = np.linalg.norm(true_centred), np.linalg.norm(guess_centred)
        rotation, scale = orthogonal_procrustes(
            true_centred / true_size, guess_centred / guess_size
        )
        aligned = guess_centred / guess_size @ rotation.T * scale * true_size + true.mean(axis=0)
        errors.append(np.linalg.norm(aligned - true, axis=-1))
    return np.stack(errors)


@pytest.mark.parametrize("with_labels", [True, False])
def test_official_numbers_of_the_file_are_ours(with_labels, hands, tmp_path):
    predict = predictor(hands, noise_px=4.0, noise_bones=0.3)
    given = hands if with_labels else [unlabelled(sample) for sample in hands]
    write_submission(predict, given, tmp_path / "pred.json")
    joints, _ = json.loads((tmp_path / "pred.json").read_text())
    truth = np.stack([sample.xyz_camera_mm for sample in hands]).astype(np.float64)
    errors = official_errors_mm(truth / 1000, np.array(joints)) * 1000

    ours = evaluate(predict, hands, protocol="freihand").report["errors_3d"]["freihand"]
    assert errors.mean() > 2
    # The file is rounded to a micrometre.
    assert ours["mpjpe_mm"] == pytest.approx(errors.mean(), abs=2e-3)
    thresholds = np.linspace(0, 50, 100)
    curve = (errors.ravel()[:, None] <= thresholds).mean(axis=0)
    assert ours["auc_0_50"] == pytest.approx(np.trapezoid(curve, thresholds) / 50, abs=1e-3)


def test_hands_without_labels_get_a_typical_size(tmp_path):
    hands = [hand(0, bone_mm=31.0), hand(1, bone_mm=35.0)]
    given = [hands[0], unlabelled(hands[1])]
    written = write_submission(predictor(hands), given, tmp_path / "pred.json")
    assert (written.num_hands, written.num_labelled) == (2, 1)
    xyz_mm, _ = read_submission(tmp_path / "pred.json", num_hands=2)
    np.testing.assert_allclose(camera.reference_bone_mm(xyz_mm), [31.0, BONE_MM], atol=5e-3)


def test_hands_marked_absent_get_a_row(hands, tmp_path):
    given = [hand(0, presence=False), hands[1]]
    written = write_submission(predictor(hands), given, tmp_path / "pred.json")
    assert (written.num_hands, written.num_labelled) == (2, 1)
    assert [is_labelled(sample) for sample in given] == [False, True]


def test_size_of_the_set_is_noted(hands, tmp_path):
    part = write_submission(predictor(hands), hands[:3], tmp_path / "part.json")
    assert part.note.startswith("3 rows") and "3960" in part.note
    assert part.as_dict()["path"] == str(tmp_path / "part.json")
    json.dumps(part.as_dict())
    progress = []
    whole = write_submission(
        predictor(hands),
        [hands[0]] * NUM_EVALUATION_HANDS,
        tmp_path / "whole.json",
        on_progress=lambda done, total: progress.append((done, total)),
    )
    assert whole.num_hands == 3960 and whole.note is None
    assert progress[0] == (32, 3960) and progress[-1] == (3960, 3960)
    assert (tmp_path / "whole.json").stat().st_size < 60e6


def refused(match, predict, dataset, path, **options):
    with pytest.raises(InputError, match=match):
        write_submission(predict, dataset, path, **options)
    assert not list(path.parent.glob(".*")), "a temporary file is left"


def test_write_refuses(hands, tmp_path):
    path = tmp_path / "pred.json"
    good = predictor(hands)
    no_camera = make_sample(sample_id="hand1", intrinsics_px=None)
    refused(r"hand1: .*Received: intrinsics_px=None", good, [hands[0], no_camera], path)
    refused(r"Received: len\(dataset\)=0", good, [], path)
    refused(
        r"each of 5 hands. Received: len\(predictions\)=4",
        lambda samples: good(samples)[:-1],
        hands,
        path,
    )
    collapsed = hand(2)
    collapsed.xyz_camera_mm[10] = collapsed.xyz_camera_mm[9]
    refused(r"hand2: .*Received: bone_mm=0", good, [collapsed], path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"z_rel": np.full(21, np.nan)}, r"hand3: .*z_rel.*finite=False"),
        ({"uv_px": np.zeros((20, 2))}, r"hand3: .*uv_px.*Received: shape=\(20, 2\)"),
        ({"uv_px": None}, r"hand3: .*uv_px.*Received: shape=\(\)"),
    ],
)
def test_write_refuses_unusable_predictions(change, match, hands, tmp_path):
    def predict(samples):
        rows = predictor(hands)(samples)
        return [*rows[:3], rows[3] | change, rows[4]]

    refused(match, predict, hands, tmp_path / "pred.json")
    assert not list(tmp_path.iterdir())


def test_write_refuses_a_set_that_ends_early(hands, tmp_path):
    class Short(list):
        def __len__(self):
            return 7

    refused(r"Received: hands=5, len\(dataset\)=7", predictor(hands), Short(hands), tmp_path / "p")


def test_existing_file_is_kept(hands, tmp_path):
    path = tmp_path / "pred.json"
    path.write_text("old")
    called = []
    refused("--overwrite", called.append, hands, path)
    assert path.read_text() == "old" and not called
    write_submission(predictor(hands), hands, path, overwrite=True)
    read_submission(path, num_hands=5)


def content(count=3, vertices=4):
    random = np.random.default_rng(0)
    return [
        (random.normal(size=(count, 21, 3)) * 0.05 + [0, 0, 0.6]).tolist(),
        np.zeros((count, vertices, 3)).tolist(),
    ]


def saved(tmp_path, value):
    path = tmp_path / "pred.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_read_accepts_other_meshes(tmp_path):
    xyz_mm, vertices_mm = read_submission(saved(tmp_path, content()), num_hands=3)
    assert xyz_mm.shape == (3, 21, 3) and vertices_mm.shape == (3, 4, 3)
    assert 500 < np.median(xyz_mm[..., 2]) < 700


def test_read_refuses_misshapen_files(tmp_path):
    def refuses(match, value, num_hands=3):
        with pytest.raises(InputError, match=match):
            read_submission(saved(tmp_path, value), num_hands)

    refuses("expected JSON", "[[1, 2")
    refuses("list of two lists", {"xyz": []})
    refuses("list of two lists", content()[:1])
    refuses("list of two lists", [*content(), []])
    refuses(r"3960 rows of joints.*Received: rows=3", content(), num_hands=3960)
    refuses(r"3 rows of vertices.*Received: rows=2", [content()[0], content(2)[1]])
    for part, name in ((0, "joints"), (1, "vertices")):
        value = content()
        value[part][1] = value[part][1][:-1]
        refuses(rf"{name}, row 1: .*Received: shape=\({len(value[part][1])}, 3\)", value)
        value = content()
        value[part][2][3] = [0.0, 1.0]
        refuses(rf"{name}, row 2: .*Received: shape", value)
        value = content()
        value[part][2][3][0] = "far"
        refuses(rf"{name}, row 2: ", value)
        value[part][2][3][0] = float("nan")
        refuses(rf"{name}, row 2: .*finite numbers. Received: 1 NaN", value)
    value = content()
    value[0] = (np.array(value[0]) * 1000).tolist()
    refuses("expected joints in metres", value)


def test_read_refuses_unreadable_files(tmp_path):
    for path in (tmp_path / "absent.json", tmp_path):
        with pytest.raises(InputError, match=r"expected FreiHAND's pred\.json"):
            read_submission(path, num_hands=3)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"expected FreiHAND's pred\.json"):
        read_submission(tmp_path / "binary.json", num_hands=3)
