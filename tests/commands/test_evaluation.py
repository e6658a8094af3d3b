import json
import os
import pathlib
import re
import shutil

import numpy as np
import pytest

from tests.hands import make_sample
from tf_handgroups.cli import main
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.freihand_submission import read_submission
from tf_handgroups.image_file import read_image


def write_hands(folder, count=2, **changes) -> str:
    write_handjson([make_sample(seed=seed, **changes) for seed in range(count)], folder)
    return f"handjson:{folder}"


def run(*arguments) -> int:
    return main([os.fspath(argument) for argument in arguments])


def test_evaluate_refuses_unknown_protocol(fails, model, tmp_path):
    data = write_hands(tmp_path / "hands")
    message = fails("evaluate", "--model", model, "--data", data, "--protocol", "best")
    assert "Received: " in message and "'best'" in message and "absolute" in message


def test_submission_beside_the_report(model, tmp_path, capsys):
    data = write_hands(tmp_path / "hands", count=3)
    out, file = tmp_path / "report", tmp_path / "pred.json"
    arguments = ["evaluate", "--model", model, "--data", data, "--out", out, "--submission", file]
    assert run(*arguments) == 0
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "pred.json, 3 hands" in text and "Note: 3 rows: FreiHAND's server expects 3960" in text
    assert f"Report: {out}" in text and (out / "report.json").is_file()
    xyz_mm, _ = read_submission(file, num_hands=3)
    assert xyz_mm.shape == (3, 21, 3)
    before = file.read_bytes()

    # Neither is replaced; --json keeps standard output for the program.
    assert run(*arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    file.unlink()
    assert run(*arguments) == 2 and not file.exists()
    assert "--overwrite" in capsys.readouterr().err
    assert run(*arguments, "--overwrite", "--json") == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["submission"]["num_hands"] == 3 and report["data"]["num_hands"] == 3
    assert "3960" in captured.err and file.read_bytes() == before


def test_submission_predicts_each_hand_once(model, tmp_path, monkeypatch):
    from tf_handgroups.convert.predict import Predictor

    seen = []
    call = Predictor.__call__

    def counted(self, samples):
        seen.extend(sample.sample_id for sample in samples)
        return call(self, samples)

    monkeypatch.setattr(Predictor, "__call__", counted)
    data = write_hands(tmp_path / "hands", count=3)
    out, file = tmp_path / "report", tmp_path / "pred.json"
    assert (
        run("evaluate", "--model", model, "--data", data, "--out", out, "--submission", file) == 0
    )
    assert len(seen) == len(set(seen)) == 3


@pytest.mark.parametrize("as_json", [False, True])
def test_submission_needs_no_labels(as_json, model, tmp_path, capsys):
    # As in an evaluation set whose labels are not public: only a box and a camera.
    data = write_hands(tmp_path / "hands", visible=np.zeros(21), xyz_camera_mm=None)
    out, file = tmp_path / "report", tmp_path / "pred.json"
    arguments = ["evaluate", "--model", model, "--data", data, "--out", out]
    assert run(*arguments) == 2
    assert "at least one labelled hand" in capsys.readouterr().err
    options = ["--submission", file, *(["--json"] if as_json else [])]
    assert run(*arguments, *options) == 0
    captured = capsys.readouterr()
    told = re.sub(r"\s+", " ", captured.err if as_json else captured.out)
    assert "is labelled: there is no report" in told
    assert not out.exists()
    read_submission(file, num_hands=2)
    if as_json:
        assert list(json.loads(captured.out)) == ["submission"]


def test_submission_needs_a_camera(fails, model, tmp_path):
    data = write_hands(tmp_path / "hands", intrinsics_px=None)
    file = tmp_path / "pred.json"
    message = fails("evaluate", "--model", model, "--data", data, "--submission", file)
    assert "expected the camera's intrinsics" in message and not file.exists()


def test_rotation_is_stated(model, tmp_path, capsys):
    data = write_hands(tmp_path / "hands", count=3)
    errors = []
    for degrees in ("0", "-90"):
        out = tmp_path / f"report{degrees}"
        arguments = ["evaluate", "--model", model, "--data", data, "--out", out]
        assert run(*arguments, "--rotation", degrees) == 0
        report = json.loads((out / "report.json").read_text())
        assert report["data"]["rotation_deg"] == float(degrees)
        assert report["data"]["kind"] == "handjson"
        assert re.search(rf"rotation_deg\s+│ {degrees}\b", capsys.readouterr().out)
        errors.append(report["errors_2d"]["epe_px"])
    assert errors[0] != errors[1]


def test_submission_is_not_turned(fails, model, tmp_path):
    data = write_hands(tmp_path / "hands")
    file = tmp_path / "pred.json"
    arguments = ["evaluate", "--model", model, "--data", data, "--submission", file]
    message = fails(*arguments, "--rotation", "90")
    assert "Received: --rotation 90" in message and not file.exists()


def write_report(folder, kind="synth"):
    thresholds = np.linspace(0, 50, 20)
    report = {
        "data": {"kind": kind, "path": "renders/val", "num_hands": 4},
        "curves": {
            "learnable-groups": {
                "thresholds_mm": thresholds.tolist(),
                "pck": (thresholds / 60).tolist(),
            }
        },
    }
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def test_plot_pck_draws_published_curves(tmp_path, capsys):
    assert run("plot-pck", "--out", tmp_path / "all.png") == 0
    assert "all.png" in re.sub(r"\s+", "", capsys.readouterr().out)
    assert run("plot-pck", "--out", tmp_path / "stb.png", "--benchmark", "stb") == 0
    widths = [read_image(tmp_path / name).shape[1] for name in ("all.png", "stb.png")]
    assert widths[0] > 2.5 * widths[1]


def test_plot_pck_draws_reports(tmp_path):
    folder = write_report(tmp_path / "report")
    assert run("plot-pck", "--out", tmp_path / "all.png") == 0
    arguments = ["plot-pck", "--report", f"rhd:mine={folder}", "--report", f"stb={folder}"]
    assert run(*arguments, "--out", tmp_path / "ours.png") == 0
    heights = [read_image(tmp_path / name).shape[0] for name in ("all.png", "ours.png")]
    assert heights[1] > heights[0]


def test_plot_pck_refuses(fails, tmp_path):
    folder = write_report(tmp_path / "report")
    assert "ending in .png" in fails("plot-pck")
    message = fails("plot-pck", "--benchmark", "ho3d", out="out.png")
    assert "rhd, stb, dexter-object" in message
    assert "Received: report='rhd'" in fails("plot-pck", "--report", "rhd", out="out.png")
    arguments = ["plot-pck", "--report", f"dexter-object={folder}"]
    assert "Evaluate with --protocol dexter-object" in fails(*arguments, out="out.png")
    (tmp_path / "old.png").write_text("old")
    assert run("plot-pck", "--out", tmp_path / "old.png") == 2
    assert (tmp_path / "old.png").read_text() == "old"
    assert run("plot-pck", "--out", tmp_path / "old.png", "--overwrite") == 0


def test_lone_tflite_needs_trust(fails, tmp_path):
    data = write_hands(tmp_path / "hands", count=1)
    shipped = pathlib.Path(__file__).parents[2] / "android_assets"
    lone = tmp_path / "lone.tflite"
    shutil.copy(next(shipped.glob("*_int8_mixed.tflite")), lone)
    assert "--trust takes it" in fails("evaluate", "--model", lone, "--data", data)
    out = tmp_path / "trusted"
    assert run("evaluate", "--model", lone, "--data", data, "--out", out, "--trust") == 0
    assert (out / "report.json").is_file()
