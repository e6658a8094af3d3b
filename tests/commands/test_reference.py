"""`import-reference`, and that what it writes takes the same road as a network of ours."""

import json
import os
import re

import numpy as np
import pytest

from tests.hands import make_sample
from tests.reference_state import reference_state
from tests.test_training import eager_test
from tests.test_training import eagerly as eagerly
from tf_handgroups.cli import main
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.joints import JOINT_ORDERS

pytestmark = pytest.mark.early

torch = pytest.importorskip("torch", reason="the extra `torch` is not installed")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "net.pth"
    state = reference_state("handgroups:")
    tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
    torch.save({"model_state_dict": tensors, "Temperature": 0.5}, path)
    return path


@pytest.fixture(scope="module")
def imported(checkpoint, tmp_path_factory):
    out = tmp_path_factory.mktemp("imported") / "model.keras"
    assert main(["import-reference", os.fspath(checkpoint), "--out", os.fspath(out)]) == 0
    return out


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "hands"
    write_handjson([make_sample(seed=seed) for seed in range(10)], folder)
    return f"handjson:{folder}"


def run(*arguments) -> int:
    return main([os.fspath(argument) for argument in arguments])


def test_says_what_was_imported(checkpoint, tmp_path, capsys):
    out = tmp_path / "model.keras"
    assert run("import-reference", checkpoint, "--out", out, "--licence", "CC0") == 0
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    groups = np.argmax(reference_state("handgroups:")["meta_S.weight"], axis=1)
    moved = groups[list(JOINT_ORDERS["rhd"])].tolist()
    assert "joints moved from order rhd to canonical" in text
    assert f"Group of each joint: {moved}; temperature 0.5" in text


def test_order_is_an_option(checkpoint, tmp_path, capsys):
    out = tmp_path / "model.keras"
    assert run("import-reference", checkpoint, "--out", out, "--joint-order", "canonical") == 0
    groups = np.argmax(reference_state("handgroups:")["meta_S.weight"], axis=1)
    assert f"Group of each joint: {groups.tolist()}" in capsys.readouterr().out


def test_errors_leave_nothing(fails, checkpoint, tmp_path, imported):
    message = fails("import-reference", tmp_path / "absent.pth", out="a.keras")
    assert "absent.pth: expected a PyTorch checkpoint. Received: no such file" in message
    message = fails("import-reference", imported, out="a.keras")
    assert "expected a PyTorch checkpoint of tensors" in message
    message = fails("import-reference", checkpoint, "--joint-order", "coco", out="a.keras")
    assert "coco" in message
    message = fails("import-reference", checkpoint, out="a.h5")
    assert "expected a file name ending in .keras" in message


def test_existing_file_is_kept(checkpoint, imported, capsys):
    before = imported.read_bytes()
    assert run("import-reference", checkpoint, "--out", imported) == 2
    assert "--overwrite" in capsys.readouterr().err and imported.read_bytes() == before


@eager_test
def test_imported_network_trains(imported, data, tmp_path):
    """At a quarter of its resolution: the weights do not depend on it, and CI has two cores."""
    out = tmp_path / "run"
    changes = ["input_size=64", "steps=2", "steps_per_epoch=2", "batch_size=2"]
    sets = [part for change in changes for part in ("--set", change)]
    assert (
        run(
            *("train", "--recipe", "paper", "--data", data, "--val", data, "--out", out),
            *("--initial-model", imported, *sets),
        )
        == 0
    )
    rows = (out / "history.csv").read_text().splitlines()
    assert len(rows) == 2 and (out / "model.keras").is_file()
    history = dict(zip(rows[0].split(","), rows[1].split(","), strict=True))
    assert np.isfinite(float(history["loss"])) and "presence_loss" not in history


def test_imported_network_hardens_converts_and_predicts(imported, data, photos, tmp_path):
    converted, bundle, result = tmp_path / "converted", tmp_path / "bundle", tmp_path / "result"
    variants = ("float32", "int8_mixed")
    chosen = [part for name in variants for part in ("--variant", name)]
    # Random weights have no clear peaks; int8 may move them by more than its gate.
    counts = ("--calibration", "8", "--validation", "2", "--accept-loss")
    assert (
        run("convert", "--model", imported, "--data", data, "--out", converted, *chosen, *counts)
        == 0
    )
    report = json.loads((converted / "report.json").read_text())
    assert set(report["variants"]) == set(variants)
    assert report["variants"]["float32"]["gate"]["passed"]
    assert run("bundle", "--converted", converted, "--data", data, "--out", bundle) == 0
    poses = {}
    for model in (imported, converted / "model_hardened.keras", bundle):
        assert run("predict", "--model", model, photos, "--out", result, "--overwrite") == 0
        hands = json.loads((result / "predictions.json").read_text())["hands"]
        assert len(hands) == 2
        assert {(hand["handedness"], hand["presence"]) for hand in hands} == {(None, None)}
        poses[model] = np.array([hand["uv_px"] for hand in hands])
    np.testing.assert_allclose(
        poses[imported], poses[converted / "model_hardened.keras"], atol=0.01
    )
