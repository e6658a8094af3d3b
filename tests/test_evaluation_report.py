import io

import numpy as np
import pytest
from PIL import Image

from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation_report import TILE_PX, Evaluation, WorstCase, cases_image

REPORT = {
    "data": {"kind": "handjson", "path": None, "num_hands": 2},
    "errors_2d": {"protocol": "visible joints", "epe_px": 1.23456, "epe_box": None},
}
ROW = {
    "name": "procrustes",
    "description": "aligned",
    "source": "Umeyama",
    "mpjpe_mm": 7.654321,
    "auc_20_50": None,
    "num_hands": 2,
}


def worst_case(visible, image=None):
    stream = io.BytesIO()
    Image.new("RGB", (100, 80), (40, 40, 40)).save(stream, "PNG")
    uv = np.stack([np.linspace(20, 80, 21), np.linspace(20, 60, 21)], axis=-1)
    sample = HandSample(
        sample_id="images/a.png#0", image=image or stream.getvalue(), image_size=(100, 80),
        uv_px=uv, visible=visible, handedness=None, box_px=(20, 20, 60, 40),
    )  # fmt: skip
    return WorstCase(sample, uv + np.array([0.0, 15.0]), 0.25)


def test_table_without_3d():
    table = Evaluation(REPORT, {}, {}, []).table()
    assert "1.235" in table and "visible joints" in table
    assert "epe_box" not in table and "3D" not in table


def test_table_with_3d():
    tips = {key: value for key, value in ROW.items() if key != "auc_20_50"} | {"auc_0_100": 0.125}
    rows = {"procrustes": ROW, "dexter-object": {**tips, "description": "five tips"}}
    mean_hand = {**ROW, "description": "a constant pose"}
    report = {**REPORT, "errors_3d": rows, "mean_hand": mean_hand}
    lines = Evaluation(report, {}, {}, []).table().splitlines()
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]
    heads = [[cell.strip() for cell in line.split("┃")[1:-1]] for line in lines if "┃" in line]
    # Each protocol has its own areas; the counts stand behind all of them.
    assert heads[0] == ["protocol", "mpjpe_mm", "auc_20_50", "auc_0_100", "num_hands"]
    assert ["procrustes", "7.654", "-", "-", "2"] in cells
    assert ["dexter-object", "7.654", "-", "0.125", "2"] in cells
    # Every name is explained.
    for name, meaning in [("procrustes", "aligned"), ("dexter-object", "five tips"),
                          ("mean hand", "a constant pose")]:  # fmt: skip
        assert [name, meaning, "Umeyama"] in cells
    assert max(map(len, lines)) <= 120


def test_curves_of_other_ranges_get_their_own_panel(tmp_path, monkeypatch):
    drawn = {}

    def panels(curves):
        drawn.update(curves)
        return b"picture"

    monkeypatch.setattr("tf_handgroups.evaluation_report.pck_panels", panels)
    near, far = (np.array([0.0, 50.0]), np.ones(2)), (np.array([0.0, 100.0]), np.ones(2))
    curves_mm = {"hand3d": near, "dexter-object": far, "freihand": near}
    Evaluation(REPORT, curves_mm, {"2D": near}, []).save(tmp_path / "out")
    assert {label: list(curves) for label, curves in drawn.items()} == {
        "error threshold (mm), 0-50": ["hand3d", "freihand"],
        "error threshold (mm), 0-100": ["dexter-object"],
        "error threshold (box sides)": ["2D"],
    }


def test_worst_image_shows_truth_and_prediction_apart():
    picture = Evaluation(REPORT, {}, {}, [worst_case(np.ones(21))]).worst_image()
    assert picture.shape == (TILE_PX + 4, 2 * TILE_PX + 4, 3) and picture.dtype == np.uint8
    truth, guess = picture[:, 2 : TILE_PX + 2], picture[:, TILE_PX + 2 : -2]
    rows = [np.flatnonzero(np.ptp(half, axis=-1) > 60)
            for half in (truth, guess)]  # fmt: skip
    # The prediction lies 15 image pixels lower: coloured pixels further down.
    assert rows[1].mean() > rows[0].mean() + 20 * TILE_PX


def test_unlabelled_joints_are_not_drawn_as_truth():
    case = worst_case(np.arange(21) < 9)
    all_labelled = Evaluation(REPORT, {}, {}, [worst_case(np.ones(21))]).worst_image()
    some_labelled = Evaluation(REPORT, {}, {}, [case]).worst_image()
    coloured = [
        (np.ptp(picture[:, : TILE_PX + 2], axis=-1) > 60).sum()
        for picture in (all_labelled, some_labelled)
    ]
    assert 0 < coloured[1] < 0.6 * coloured[0]


def test_no_worst_cases():
    assert Evaluation(REPORT, {}, {}, []).worst_image() is None


def test_unreadable_image_leaves_nothing_behind(tmp_path):
    result = Evaluation(REPORT, {}, {}, [worst_case(np.ones(21), image=b"text")])
    with pytest.raises(InputError, match="expected a JPEG, PNG"):
        result.save(tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_no_picture_of_nothing():
    with pytest.raises(InputError, match="expected at least one hand"):
        cases_image([])
