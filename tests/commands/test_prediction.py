import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tf_handgroups.cli import main
from tf_handgroups.convert import trial
from tf_handgroups.convert.contract import contract_path, make_contract, sha256_of, write_contract
from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.hardening import harden
from tf_handgroups.image_file import read_image, write_image
from tf_handgroups.model_file import load_model, save_model


def test_predict_writes_predictions_and_overlays(model, photos, capsys, tmp_path):
    boxes = tmp_path / "boxes.json"
    hands = [
        {"file": "photos/a.png", "box_px": [20, 15, 60, 50], "handedness": "left"},
        {"file": "photos/a.png", "box_px": [50, 25, 30, 30]},
        {"file": "photos/b.png", "box_px": [-10, 10, 50, 50], "handedness": "right"},
    ]
    boxes.write_text(json.dumps({"hands": hands}))
    out = tmp_path / "out"
    arguments = ["predict", "--model", model, photos, "--boxes", boxes, "--out", out]
    assert main([os.fspath(argument) for argument in arguments]) == 0
    assert "3 hands in" in re.sub(r"\s+", " ", capsys.readouterr().out)
    assert sorted(os.listdir(out)) == ["a_overlay.png", "b_overlay.png", "predictions.json"]
    assert read_image(out / "a_overlay.png").shape == (90, 120, 3)
    result = json.loads((out / "predictions.json").read_text())
    assert list(result) == ["schema", "model_sha256", "hands"]
    assert result["schema"] == 1 and result["model_sha256"] == sha256_of(model)
    for hand, asked in zip(result["hands"], hands, strict=True):
        assert pathlib.Path(hand["image"]) == tmp_path / asked["file"]
        assert hand["box_px"] == asked["box_px"]
        assert hand["handedness"] in ("left", "right")
        assert hand["handedness"] == asked.get("handedness", hand["handedness"])
        assert 0 <= hand["presence"] <= 1 and hand["xyz_camera_mm"] is None
        xyz, uv_px = np.array(hand["xyz_relative"]), np.array(hand["uv_px"])
        assert xyz.shape == (21, 3) and uv_px.shape == (21, 2)
        np.testing.assert_array_equal(xyz[9], 0)
        # Soft-argmax cannot leave the crop, a square around the box.
        x, y, width, height = asked["box_px"]
        reach = CROP_MARGIN * max(width, height) / 2
        offset = np.abs(uv_px - [x + width / 2, y + height / 2])
        assert offset.max() <= reach and np.ptp(uv_px) > 1


@pytest.fixture
def predict(fails, model):
    return lambda *arguments, **kwargs: fails("predict", "--model", model, *arguments, **kwargs)


def test_predict_missing_image(predict, tmp_path):
    message = predict(tmp_path / "absent.png")
    assert "absent.png: expected an image file" in message and "Received: no such path" in message


def test_predict_truncated_image(predict, photos):
    content = (photos / "b.png").read_bytes()
    (photos / "b.png").write_bytes(content[: len(content) // 2])
    assert "b.png: expected a complete image. Received: damaged or trunc" in predict(photos)


def test_predict_text_named_jpg(predict, tmp_path):
    (tmp_path / "note.jpg").write_text("Not an image.\n" * 100)
    assert "note.jpg: expected a JPEG, PNG, WebP or BMP image. Received: something else" in predict(
        tmp_path / "note.jpg"
    )


def test_predict_image_of_one_pixel(predict, tmp_path):
    write_image(tmp_path / "dot.png", np.zeros((1, 1, 3), np.uint8))
    assert "Received: size=1x1" in predict(tmp_path / "dot.png")


def test_predict_box_outside_the_image(predict, photos, tmp_path):
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({"hands": [{"file": "photos/a.png", "box_px": [500, 5, 20, 20]}]}))
    message = predict(photos / "a.png", "--boxes", boxes)
    assert "Received: box_px=[500.0, 5.0, 20.0, 20.0]" in message and "a.png" in message


def test_predict_boxes_file_that_is_no_json(predict, photos, tmp_path):
    (tmp_path / "boxes.json").write_text("hands: []")
    assert "boxes.json: expected JSON" in predict(photos, "--boxes", tmp_path / "boxes.json")


def test_predict_keeps_existing_results(model, photos, capsys, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "precious.txt").write_text("old")
    assert main(["predict", "--model", str(model), str(photos), "--out", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert os.listdir(out) == ["precious.txt"]


@pytest.fixture
def tflite(tmp_path):
    """A file with a contract; only its hash is right."""
    path = tmp_path / "hand.tflite"
    path.write_bytes(bytes(range(256)) * 20)
    metadata = {"grouping": [0] * 21, "input_size": 64, "training_data": "none", "licence": "CC0"}
    write_contract(make_contract(path, metadata, "float32", parity={}), contract_path(path))
    return path


def test_truncated_tflite(fails, tflite, photos):
    tflite.write_bytes(tflite.read_bytes()[:2000])
    message = fails("predict", "--model", tflite, photos)
    assert "expected 5120 bytes" in message and "Received: bytes=2000" in message


def test_tflite_with_another_hash(fails, tflite, photos):
    tflite.write_bytes(tflite.read_bytes()[::-1])
    assert "Received: sha256=" in fails("predict", "--model", tflite, photos)


def test_tflite_that_is_none(fails, tflite, photos):
    assert "hand.tflite" in fails("predict", "--model", tflite, photos)


def test_tflite_without_contract(fails, tflite, photos):
    contract_path(tflite).unlink()
    assert "hand.contract.json: expected the contract" in fails(
        "predict", "--model", tflite, photos
    )


SHIPPED = pathlib.Path(__file__).parents[2] / "android_assets"


@pytest.fixture
def lone(tmp_path):
    """The shipped model, separated from its contract."""
    path = tmp_path / "lone.tflite"
    shutil.copy(next(SHIPPED.glob("*_int8_mixed.tflite")), path)
    return path


def test_lone_tflite_needs_trust(fails, lone, photos, tmp_path):
    message = fails("predict", "--model", lone, photos)
    assert "lone.contract.json: expected the contract of the model beside it" in message
    assert "--trust takes it with the contract inside it" in message
    for name, options in (("bundle", ["--model", SHIPPED]), ("lone", ["--model", lone, "--trust"])):
        arguments = ["predict", *options, photos, "--out", tmp_path / name]
        assert main([os.fspath(argument) for argument in arguments]) == 0
    results = [
        json.loads((tmp_path / name / "predictions.json").read_text())
        for name in ("bundle", "lone")
    ]
    assert results[0] == results[1] and results[1]["model_sha256"] == sha256_of(lone)


def test_damaged_tflite_is_refused_with_and_without_trust(fails, lone, photos):
    content = lone.read_bytes()
    lone.write_bytes(content[: len(content) // 2])
    assert "expected the contract" in fails("predict", "--model", lone, photos)
    message = fails("predict", "--model", lone, photos, "--trust")
    assert "lone.tflite: expected a complete LiteRT model. Received: " in message


def test_crash_of_the_runtime_is_a_message(fails, lone, photos, monkeypatch):
    program = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    pipe = subprocess.PIPE

    def crash():
        command = [sys.executable, "-c", program]
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)

    monkeypatch.setattr(trial, "start_child", crash)
    message = fails("predict", "--model", lone, photos, "--trust")
    assert "lone.tflite: " in message and "died of SIGSEGV" in message


@pytest.mark.parametrize("name", ["absent.keras", "text.keras", "hand.onnx"])
def test_unusable_models(fails, photos, tmp_path, name):
    (tmp_path / "text.keras").write_text("no model")
    assert f"{name}: expected a" in fails("predict", "--model", tmp_path / name, photos)


def test_empty_bundle_folder(fails, photos, tmp_path):
    (tmp_path / "bundle").mkdir()
    message = fails("predict", "--model", tmp_path / "bundle", photos)
    assert "expected the description of a bundle" in message


def test_hardened_model_file_predicts_too(model, photos, tmp_path):
    hardened = tmp_path / "hardened.keras"
    save_model(harden(load_model(model)), hardened)
    results = []
    for file in (model, hardened):
        out = tmp_path / file.stem
        assert (
            main(["predict", "--model", str(file), str(photos / "a.png"), "--out", str(out)]) == 0
        )
        results.append(json.loads((out / "predictions.json").read_text())["hands"][0])
    np.testing.assert_allclose(results[0]["uv_px"], results[1]["uv_px"], atol=2e-3)
