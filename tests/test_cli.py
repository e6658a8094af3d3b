"""The command line as a user or a script meets it: exit codes, messages, files."""

import json
import os
import pathlib
import re
import shutil

import numpy as np
import pytest
import typer.main

from tests.hands import make_like_trained, make_sample, smooth_image, tiny_model
from tf_handgroups.cli import app, main
from tf_handgroups.convert.contract import contract_path, make_contract, sha256_of, write_contract
from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.datasets.handjson import write_handjson
from tf_handgroups.errors import GateError, InputError
from tf_handgroups.hardening import harden
from tf_handgroups.image_file import read_image, write_image
from tf_handgroups.model_file import load_model, save_model
from tf_handgroups.recipes import RECIPES

COMMANDS = sorted(typer.main.get_command(app).commands)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "quick.keras"
    save_model(make_like_trained(tiny_model(num_groups=2)), path)
    return path


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for name, seed in (("a.png", 1), ("b.png", 2)):
        write_image(folder / name, smooth_image(90, 120, seed))
    return folder


@pytest.fixture
def fails(capsys, tmp_path):
    """Runs a command that must fail without leaving results; returns its message."""

    def run(*arguments, code=2, out="out"):
        if out:
            arguments = (*arguments, "--out", tmp_path / out)
        assert main([os.fspath(argument) for argument in arguments]) == code
        captured = capsys.readouterr()
        assert not captured.out
        assert "Traceback" not in captured.err
        if out:
            assert not (tmp_path / out).exists()
        # As one line: the terminal's width must not matter.
        return re.sub(r"[\s│]+", " ", captured.err)

    return run


def test_there_are_the_documented_commands():
    documented = "demo synth train evaluate predict convert bundle benchmark"
    assert set(documented.split()) <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_and_shows_an_example(command, capsys):
    assert main([command, "--help"]) == 0
    text = re.sub(r"[\s│]+", " ", capsys.readouterr().out)
    assert f"Example: tf-handgroups {command} " in text
    # The example uses options that exist.
    example = typer.main.get_command(app).commands[command].help.split("Example:")[1]
    for option in re.findall(r"--[a-z-]+", example):
        assert option in text


def test_help_of_the_whole(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["dance"],
        ["predict"],
        ["predict", "--model", "m.keras"],
        ["synth", "--count", "many", "--out", "x"],
        ["train", "--no-such-option"],
        ["benchmark", "a.tflite", "--rounds", "1"],
        ["train", "--data", "a:b", "--val", "a:b", "--out", "x", "--strategy", "horovod"],
    ],
    ids=" ".join,
)
def test_usage_errors(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert not captured.out and "Traceback" not in captured.err and len(captured.err) > 20
    assert not os.listdir(tmp_path)


def test_unknown_recipe_lists_the_known(fails):
    message = fails("train", "--recipe", "paper2", "--data", "a:b", "--val", "a:b")
    assert "Received: recipe='paper2'" in message
    assert all(name in message for name in RECIPES)


def test_unknown_kind_lists_the_known(fails, tmp_path):
    for command in (
        ("train", "--recipe", "quicktest", "--data", f"photos:{tmp_path}", "--val", "synth:x"),
        ("evaluate", "--model", "m.keras", "--data", f"photos:{tmp_path}"),
    ):
        message = fails(*command)
        assert "Received: kind='photos'" in message and "handjson, synth" in message


def test_unknown_field_lists_the_known(fails):
    message = fails("train", "--set", "stepps=3", "--data", "a:b", "--val", "a:b")
    assert "Received: 'stepps'" in message and "steps_per_epoch" in message


def test_train_refuses_an_existing_run(model, capsys, tmp_path):
    write_handjson([make_sample(seed=1)], tmp_path / "hands")
    data = f"handjson:{tmp_path / 'hands'}"
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(model, run / "model.keras")
    before = sha256_of(run / "model.keras")
    arguments = ["train", "--recipe", "quicktest", "--data", data, "--val", data]
    assert main([*arguments, "--out", str(run)]) == 2
    assert "--resume" in capsys.readouterr().err
    assert os.listdir(run) == ["model.keras"] and sha256_of(run / "model.keras") == before
    assert main([*arguments, "--out", str(run), "--resume"]) == 2
    assert "Start without --resume" in capsys.readouterr().err


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


@pytest.mark.parametrize("name", ["absent.keras", "text.keras", "hand.onnx"])
def test_unusable_models(fails, photos, tmp_path, name):
    (tmp_path / "text.keras").write_text("no model")
    assert f"{name}: expected a" in fails("predict", "--model", tmp_path / name, photos)


def test_empty_bundle_folder(fails, photos, tmp_path):
    (tmp_path / "bundle").mkdir()
    message = fails("predict", "--model", tmp_path / "bundle", photos)
    assert "expected the description of a bundle" in message


def test_convert_refuses_unusable_arguments(fails, model, tmp_path):
    write_handjson([make_sample(seed=seed) for seed in range(3)], tmp_path / "hands")
    data = f"handjson:{tmp_path / 'hands'}"
    message = fails("convert", "--model", model, "--data", data, "--variant", "int4")
    assert "Received: recipe='int4'" in message and "float32" in message
    message = fails("convert", "--model", model, "--data", data)
    assert "between 1 and 3 samples" in message and "Received: count=400" in message


def test_bundle_needs_something_to_do(fails, tmp_path):
    assert "expected --converted and --data, or --check" in fails("bundle")
    assert "bundle.json" in fails("bundle", "--check")


def test_benchmark_of_missing_file(fails, tmp_path):
    assert "absent.tflite" in fails("benchmark", tmp_path / "absent.tflite", out=None)


def test_evaluate_refuses_unknown_protocol(fails, model, tmp_path):
    write_handjson([make_sample(seed=seed) for seed in range(2)], tmp_path / "hands")
    data = f"handjson:{tmp_path / 'hands'}"
    message = fails("evaluate", "--model", model, "--data", data, "--protocol", "best")
    assert "best" in message and "root_relative" in message


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (InputError("bad [file] name"), 2, "error: bad [file] name"),
        (GateError("too lossy"), 3, "error: too lossy"),
        (OSError("no space left"), 1, "error: no space left"),
        (RuntimeError(), 1, "error: RuntimeError"),
        (KeyboardInterrupt(), 1, "Interrupted."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_become_exit_codes(error, code, text, capsys, monkeypatch):
    def raise_it(*arguments, **options):
        raise error

    monkeypatch.delenv("HANDGROUPS_DEBUG", raising=False)
    monkeypatch.setattr("tf_handgroups.convert.bundle.check_bundle", raise_it)
    assert main(["bundle", "--check"]) == code
    assert capsys.readouterr().err.strip() == text


def test_debugging_shows_the_traceback(monkeypatch):
    def raise_it(*arguments, **options):
        raise ZeroDivisionError("deep inside")

    monkeypatch.setenv("HANDGROUPS_DEBUG", "1")
    monkeypatch.setattr("tf_handgroups.convert.bundle.check_bundle", raise_it)
    with pytest.raises(ZeroDivisionError, match="deep inside"):
        main(["bundle", "--check"])


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
