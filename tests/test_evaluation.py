import json

import numpy as np
import pytest

from tests.evaluation_case import BONE_MM, predictor, sample
from tf_handgroups import camera
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation import evaluate
from tf_handgroups.mean_hand import MEAN_POSE
from tf_handgroups.protocols import PROTOCOLS


@pytest.fixture
def hands():
    return [sample(str(seed), seed=seed) for seed in range(7)]


def test_perfect_predictor(hands):
    report = evaluate(predictor(), hands).report
    assert report["data"]["num_hands"] == report["data"]["num_hands_with_camera"] == 7
    assert report["errors_2d"]["epe_px"] == 0.0
    assert report["errors_2d"]["pck_0.2_box"] == 1.0
    assert list(report["errors_3d"]) == list(PROTOCOLS)
    for name, row in report["errors_3d"].items():
        # Weak perspective is an approximation; float32 labels limit the others.
        limit = 1.5 if name == "procrustes-weak-perspective" else 0.02
        assert row["mpjpe_mm"] < limit and row["num_hands"] == 7, name
        assert row["num_joints"] == 7 * (5 if name == "dexter-object" else 21)
        assert row["name"] == name and row["description"] == PROTOCOLS[name].description
        areas = {key for key in row if key.startswith("auc_")}
        assert areas == set(PROTOCOLS[name].aucs) and row.get("auc_20_50", 1.0) == 1.0
    assert 5 < report["mean_hand"]["mpjpe_mm"] < 40


def test_known_2d_offset(hands):
    report = evaluate(predictor(offset_px=(3.0, 4.0)), hands).report
    assert report["errors_2d"]["epe_px"] == pytest.approx(5.0, abs=1e-5)
    sides = np.array([max(hand.box_px[2:]) for hand in hands])
    assert report["errors_2d"]["epe_box"] == pytest.approx((5 / sides).mean(), abs=1e-5)
    assert report["errors_2d"]["num_joints"] == 7 * 21
    assert report["per_joint"][3]["joint"] == "thumb_ip"
    assert report["per_joint"][3]["epe_box"] == pytest.approx((5 / sides).mean(), abs=1e-5)


def test_pck_compares_with_each_hands_own_box():
    near, far = sample("near"), sample("far", seed=1)
    side = max(near.box_px[2:])
    far = sample("far", pose=(far.xyz_camera_mm - far.xyz_camera_mm[9]) / BONE_MM / 3)
    assert max(far.box_px[2:]) < 0.5 * side
    report = evaluate(predictor(offset_px=(0.15 * side, 0)), [near, far]).report
    assert report["errors_2d"]["pck_0.2_box"] == pytest.approx(0.5)


@pytest.mark.parametrize("handedness", ["right", "left", None])
def test_mean_hand_is_mirrored_for_left_hands(handedness):
    pose = camera.mirror_xyz(MEAN_POSE) if handedness != "right" else MEAN_POSE
    hand = sample(pose=pose, handedness=handedness)
    assert evaluate(predictor(), [hand]).report["mean_hand"]["mpjpe_mm"] < 0.1
    other = sample(pose=camera.mirror_xyz(pose), handedness=handedness)
    error = evaluate(predictor(), [other]).report["mean_hand"]["mpjpe_mm"]
    assert error < 0.1 if handedness is None else error > 5


def test_invisible_joints_do_not_count_in_2d():
    visible = np.arange(21) != 4
    uv = sample().uv_px.copy()
    uv[4] = np.nan
    hand = sample(uv_px=uv, visible=visible, xyz_camera_mm=None)

    def predict(samples):
        predictions = predictor(offset_px=(2.0, 0.0))([sample()])
        predictions[0]["uv_px"][4] = 1e4
        return predictions

    report = evaluate(predict, [hand]).report
    assert report["errors_2d"]["epe_px"] == pytest.approx(2.0)
    assert report["errors_2d"]["num_joints"] == 20
    assert report["per_joint"][4]["epe_box"] is None


def test_2d_labels_only(hands):
    flat = [sample(str(seed), seed=seed, xyz_camera_mm=None) for seed in range(3)]
    result = evaluate(predictor(offset_px=(1.0, 0.0)), flat)
    assert result.report["errors_2d"]["epe_px"] == pytest.approx(1.0)
    assert "errors_3d" not in result.report and "mean_hand" not in result.report
    assert result.curves_mm == {}
    mixed = evaluate(predictor(), [*flat, *hands]).report
    assert mixed["data"]["num_hands"] == 10 and mixed["errors_3d"]["procrustes"]["num_hands"] == 7


def test_3d_labels_only():
    hand = sample(visible=np.zeros(21))
    report = evaluate(predictor(), [hand]).report
    assert report["errors_2d"]["epe_px"] is None
    assert report["errors_2d"]["pck_0.2_box"] is report["errors_2d"]["auc_30px"] is None
    assert set(report["errors_3d"]) == set(PROTOCOLS) - {"hand3d"}
    assert report["errors_3d"]["absolute"]["mpjpe_mm"] < 0.02
    assert report["worst"] == []


def test_without_intrinsics_absolute_protocols_are_left_out(hands):
    blind = [sample(str(seed), seed=seed, intrinsics_px=None) for seed in range(3)]
    rows = evaluate(predictor(), blind).report["errors_3d"]
    assert set(rows) == set(PROTOCOLS) - {"absolute", "learnable-groups"}
    weak = rows["procrustes-weak-perspective"]
    explaining = {key: rows["procrustes"][key] for key in ("name", "description", "source")}
    assert rows["procrustes"] == {**weak, **explaining}
    rows = evaluate(predictor(), [*blind, *hands]).report["errors_3d"]
    assert (rows["procrustes"]["num_hands"], rows["absolute"]["num_hands"]) == (10, 7)


def test_one_protocol(hands):
    report = evaluate(predictor(), hands, protocol="root-relative").report
    assert list(report["errors_3d"]) == list(report["curves"]) == ["root-relative"]


def test_hands_without_labels_are_skipped(hands):
    absent = sample("absent", presence=False)
    unlabelled = sample("unlabelled", visible=np.zeros(21), xyz_camera_mm=None)
    seen = []

    def predict(samples):
        seen.extend(hand.sample_id for hand in samples)
        return predictor()(samples)

    report = evaluate(predict, [absent, *hands, unlabelled], batch_size=1).report
    assert report["data"]["num_skipped"] == 2
    assert seen == [hand.sample_id for hand in hands]


def test_batch_size_changes_nothing(hands):
    shift = predictor(offset_px=(2.0, 1.0), offset_z=0.1)
    progress = []
    one = evaluate(shift, hands, batch_size=3, on_progress=lambda *step: progress.append(step))
    assert one.report == evaluate(shift, hands, batch_size=100).report
    assert progress == [(3, 7), (6, 7), (7, 7)]


def noisy(samples):
    predictions = predictor()(samples)
    for hand, prediction in zip(samples, predictions, strict=True):
        prediction["uv_px"] += 2.0 * int(hand.sample_id)
    return predictions


@pytest.fixture
def image():
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (256, 256), (90, 120, 90)).save(stream, "PNG")
    return stream.getvalue()


def test_worst_cases_come_first(image):
    hands = [sample(str(seed), image=image) for seed in (1, 3, 0, 2, 5, 4)]
    result = evaluate(noisy, hands, batch_size=2, num_worst=4)
    assert [case["sample_id"] for case in result.report["worst"]] == ["5", "4", "3", "2"]
    # Four pairs: one full row of three, one more row.
    assert result.worst_image().shape == (2 * 228, 3 * 452, 3)
    assert evaluate(noisy, hands, num_worst=0).worst_image() is None


def test_save(tmp_path, image):
    hands = [sample(str(seed), seed=seed, image=image) for seed in range(3)]
    result = evaluate(noisy, hands)
    result.save(tmp_path / "out")
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names == ["pck.png", "report.json", "table.txt", "worst.png"]
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == result.report
    table = (tmp_path / "out" / "table.txt").read_text(encoding="utf-8")
    for name in (*PROTOCOLS, "mean hand", "Li et al.", "auc_0_100"):
        assert name in table
    with pytest.raises(InputError, match="overwrite=False"):
        result.save(tmp_path / "out")
    result.save(tmp_path / "out", overwrite=True)


def test_save_without_3d_and_without_worst(tmp_path):
    result = evaluate(predictor(), [sample(xyz_camera_mm=None)], num_worst=0)
    result.save(tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "pck.png", "report.json", "table.txt",
    ]  # fmt: skip


@pytest.mark.parametrize("protocol", ["PA", "", None])
def test_rejects_protocol(hands, protocol):
    with pytest.raises(InputError, match=r"Received: name=.*Known protocols: learnable-groups, "):
        evaluate(predictor(), hands, protocol=protocol)


@pytest.mark.parametrize(
    ("protocol", "change", "needed"),
    [("freihand", {"xyz_camera_mm": None}, "3D joints"),
     ("learnable-groups", {"intrinsics_px": None}, "3D joints and intrinsics"),
     ("hand3d", {"visible": np.zeros(21)}, "visible 3D joints")],
)  # fmt: skip
def test_rejects_protocol_that_the_labels_do_not_allow(protocol, change, needed):
    message = f"protocol {protocol} needs hands with {needed}. Received: protocol='{protocol}'"
    with pytest.raises(InputError, match=message):
        evaluate(predictor(), [sample(**change)], protocol=protocol)


@pytest.mark.parametrize(
    "change",
    [{"uv_px": np.zeros((20, 2))}, {"uv_px": np.full((21, 2), np.nan)}, {"z_rel": None},
     {"z_rel": np.zeros((21, 1))}],
)  # fmt: skip
def test_rejects_predictions(hands, change):
    def predict(samples):
        rows = [{**row, **change} for row in predictor()(samples)]
        return [{key: value for key, value in row.items() if value is not None} for row in rows]

    name = next(iter(change))
    with pytest.raises(InputError, match=f"evaluate: 0: expected a finite prediction {name} of"):
        evaluate(predict, hands)


def test_rejects_missing_predictions(hands):
    with pytest.raises(InputError, match=r"Received: len\(predictions\)=6"):
        evaluate(lambda samples: predictor()(samples)[1:], hands)


def test_rejects_a_hand_without_size(hands):
    flat = np.repeat(hands[0].xyz_camera_mm[:1], 21, axis=0)
    with pytest.raises(InputError, match="evaluate: flat: expected a hand with a bone 9-10"):
        evaluate(lambda _: predictor()(hands[:1]), [sample("flat", xyz_camera_mm=flat)])


def test_rejects_a_data_set_without_labels():
    with pytest.raises(InputError, match="Received: 1 hands, all without one"):
        evaluate(predictor(), [sample(presence=False)])


def test_real_photographs(shared_data, tmp_path, capsys):
    dataset = HandJsonDataset(shared_data / "real3d_dev")
    result = evaluate(predictor(), dataset)
    result.save(tmp_path / "out")
    mean_hand = result.report["mean_hand"]["mpjpe_mm"]
    with capsys.disabled():
        print(f"\nmean hand on {len(dataset)} photographs: {mean_hand:.2f} mm")
    assert 17.5 < mean_hand < 18.5
    rows = result.report["errors_3d"]
    assert rows["learnable-groups"]["mpjpe_mm"] < 0.01
    # What the average proportions cost a hand whose prediction is exact.
    assert rows["procrustes"]["mpjpe_mm"] < 1.5
    assert rows["procrustes-weak-perspective"]["mpjpe_mm"] < 3.5
