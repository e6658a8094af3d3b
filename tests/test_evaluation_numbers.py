"""The numbers of a report, computed again without `Protocol` and `JointMeasures`."""

import numpy as np
import pytest

from tests.evaluation_case import BONE_MM, INTRINSICS, predictor, sample
from tf_handgroups import camera
from tf_handgroups.evaluation import evaluate
from tf_handgroups.metrics.procrustes import procrustes_align
from tf_handgroups.protocols import PROTOCOLS


@pytest.fixture
def hands():
    return [sample(str(seed), seed=seed) for seed in range(7)]


def test_numbers_of_the_protocols_by_hand(hands):
    """From camera and alignment, without `Protocol`: the camera knows the hands' lengths."""

    def wrong(samples):
        rows = predictor()(samples)
        for hand, row in zip(samples, rows, strict=True):
            random = np.random.default_rng(int(hand.sample_id))
            row["uv_px"] = row["uv_px"] + random.normal(scale=5.0, size=(21, 2))
            row["z_rel"] = row["z_rel"] + random.normal(scale=0.3, size=21)
        return rows

    truth = np.stack([hand.xyz_camera_mm for hand in hands]).astype(np.float64)
    guess = wrong(hands)
    uv, z = (np.stack([row[name] for row in guess]) for name in ("uv_px", "z_rel"))
    known = uv, z, np.broadcast_to(INTRINSICS, (7, 3, 3))
    own = camera.recover_absolute(*known, camera.reference_bone_mm(truth))
    given = camera.recover_with_root_depth(*known, truth[:, 9, 2], camera.reference_bone_mm(truth))
    expected = {
        "learnable-groups": given,
        "hand3d": own - own[:, :1] + truth[:, :1],
        "root-relative": own - own[:, 9:10] + truth[:, 9:10],
        "procrustes": procrustes_align(own, truth),
        "freihand": procrustes_align(own, truth, reflection=True),
        "absolute": own,
    }
    report = evaluate(wrong, hands).report
    for name, moved in expected.items():
        distance = np.linalg.norm(moved - truth, axis=-1)
        row, curve = report["errors_3d"][name], report["curves"][name]
        assert 1 < row["mpjpe_mm"] == pytest.approx(distance.mean(), abs=1e-5), name
        assert row["median_mm"] == pytest.approx(np.median(distance, axis=0).mean(), abs=1e-5)
        steps = 100 if name == "freihand" else 20
        grid = np.linspace(0, 50, steps)
        np.testing.assert_allclose(curve["thresholds_mm"], grid, atol=1e-6)
        pck = np.array([(distance <= limit).mean() for limit in grid])
        np.testing.assert_allclose(curve["pck"], pck, atol=1e-6)
        area = ((pck[1:] + pck[:-1]) / 2).mean()
        assert row["auc_0_50"] == pytest.approx(area, abs=1e-6)
        means = [joint["mean_mm"][name] for joint in report["per_joint"]]
        np.testing.assert_allclose(means, distance.mean(axis=0), atol=1e-5)
    twelve = report["curves"]["hand3d"]["pck"][8:]
    area = (np.sum(twelve) - (twelve[0] + twelve[-1]) / 2) / 11
    assert report["errors_3d"]["hand3d"]["auc_20_50"] == pytest.approx(area, abs=1e-6)
    assert report["per_joint"][3]["mean_mm"]["dexter-object"] is None


def test_curves_for_the_eye_are_finer(hands):
    result = evaluate(predictor(offset_px=(3.0, 0.0)), hands)
    assert set(result.curves_mm) == {*PROTOCOLS, "mean hand (procrustes)"}
    for name, (thresholds, shares) in result.curves_mm.items():
        last = 100 if name == "dexter-object" else 50
        np.testing.assert_allclose(thresholds, np.linspace(0, last, 101))
        assert shares[-1] == 1 or name in ("mean hand (procrustes)", "absolute")


def test_hand3d_counts_visible_joints(hands):
    hidden = [
        sample(str(seed), seed=seed, visible=np.arange(21) % 3 != seed % 3) for seed in range(3)
    ]

    def wrong_where_hidden(samples):
        rows = predictor()(samples)
        for hand, row in zip(samples, rows, strict=True):
            row["z_rel"] = row["z_rel"] + 0.1 * ~hand.visible
        return rows

    rows = evaluate(wrong_where_hidden, hidden).report["errors_3d"]
    assert rows["hand3d"]["num_joints"] == 3 * 14
    assert rows["learnable-groups"]["num_joints"] == 3 * 21
    # A third of the joints is a tenth of a bone too far.
    assert rows["learnable-groups"]["mpjpe_mm"] == pytest.approx(0.1 * BONE_MM / 3, rel=0.01)


def test_known_depth_offset():
    """A depth error moves each joint along its viewing ray, only where depth counts."""
    hand = sample()
    rows = evaluate(predictor(offset_z=0.5), [hand]).report["errors_3d"]
    rays = hand.xyz_camera_mm / hand.xyz_camera_mm[:, 2:]
    expected = 0.5 * BONE_MM * np.linalg.norm(rays, axis=-1).mean()
    assert rows["learnable-groups"]["mpjpe_mm"] == pytest.approx(expected, abs=0.01)
    assert rows["root-relative"]["mpjpe_mm"] < 0.5
    assert rows["absolute"]["mpjpe_mm"] < 0.5 and rows["procrustes"]["mpjpe_mm"] < 0.1


def test_own_root_depth_differs_from_the_true_one(hands):
    """Predictions 10% too large look 10% nearer, unless the depth is given."""

    def too_large(samples):
        predictions = predictor()(samples)
        for hand, prediction in zip(samples, predictions, strict=True):
            prediction["uv_px"] = hand.uv_px[9] + 1.1 * (hand.uv_px - hand.uv_px[9])
        return predictions

    rows = evaluate(too_large, hands).report["errors_3d"]
    assert rows["absolute"]["mpjpe_mm"] == pytest.approx(3000 * (1 - 1 / 1.1), rel=0.05)
    assert rows["learnable-groups"]["mpjpe_mm"] < 15


def test_auc_30px_counts_joints_alike():
    """Joint 4 is visible once and 12 px off; the others are 3 px off in two hands."""
    uv = sample().uv_px
    hands = [
        sample("0", xyz_camera_mm=None),
        sample("1", xyz_camera_mm=None, visible=np.arange(21) != 4),
    ]

    def predict(samples):
        offset = np.where(np.arange(21) == 4, 12.0, 3.0)[:, None] * [1, 0]
        return [{"uv_px": uv + offset, "z_rel": np.zeros(21)} for _ in samples]

    grid = np.linspace(0, 30, 20)

    def area(error):
        reached = (grid >= error).astype(float)
        return ((reached[1:] + reached[:-1]) / 2).mean()

    report = evaluate(predict, hands).report
    expected = (area(12.0) + 20 * area(3.0)) / 21
    assert report["errors_2d"]["auc_30px"] == pytest.approx(expected, abs=1e-6)
    assert report["errors_2d"]["epe_px"] == pytest.approx((40 * 3 + 12) / 41, abs=1e-5)


def tips_only(hand, tips):
    """The hand with labels of some fingertips alone, as a data set of tips has them."""
    known = np.isin(np.arange(21), tips)
    xyz = np.where(known[:, None], hand.xyz_camera_mm, np.nan)
    uv_px = np.where(known[:, None], hand.uv_px, np.nan)
    return sample(
        hand.sample_id, seed=int(hand.sample_id), xyz_camera_mm=xyz, uv_px=uv_px, visible=known
    )


def true_poses(hands):
    rows = {hand.sample_id: row for hand, row in zip(hands, predictor()(hands), strict=True)}
    return lambda samples: [rows[hand.sample_id] for hand in samples]


def test_hands_of_which_only_fingertips_are_labelled(hands):
    given = [tips_only(hand, [4, 8, 12, 16, 20]) for hand in hands]
    report = evaluate(true_poses(hands), given, "dexter-object").report
    assert report["errors_3d"]["dexter-object"]["mpjpe_mm"] == pytest.approx(0, abs=0.05)
    assert report["errors_3d"]["dexter-object"]["num_joints"] == 5 * len(hands)
    # A constant pose fits a few points far too well to be compared with.
    assert "mean_hand" not in report
    both = evaluate(true_poses(hands), [*given[:3], *hands[3:]], "dexter-object").report
    assert both["mean_hand"]["num_hands"] == len(hands) - 3


def test_a_single_joint_is_measured_in_its_given_box(hands):
    """Its own tight box is one pixel, in which every error would be huge."""

    def off(samples):
        return [row | {"uv_px": row["uv_px"] + [3, 0]} for row in true_poses(hands)(samples)]

    (given,) = [tips_only(hands[0], [4])]
    report = evaluate(off, [given], "all").report
    expected = 3 / max(given.box_px[2:])
    assert report["errors_2d"]["epe_box"] == pytest.approx(expected, rel=1e-4)


def test_options_of_the_data_are_reported(hands):
    class Hands(list):
        kind, path, options = "rhd", "folder", {"split": "evaluation"}

    report = evaluate(true_poses(hands), Hands(hands), "procrustes").report
    assert report["data"]["options"] == {"split": "evaluation"}
    assert evaluate(true_poses(hands), hands, "procrustes").report["data"]["options"] is None
