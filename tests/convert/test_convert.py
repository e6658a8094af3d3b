"""Tests of the whole conversion."""

import json

import keras
import numpy as np
import pytest
from rich.console import Console

from tests.convert.conftest import METADATA, PAPER_RECIPES, SIZE, build_stand_in, make_crops
from tests.hands import make_sample
from tf_handgroups.convert import convert as module
from tf_handgroups.convert.contract import sha256_of
from tf_handgroups.convert.convert import convert_model
from tf_handgroups.convert.labelled_crops import labelled_crops
from tf_handgroups.convert.parity_gates import Gate
from tf_handgroups.convert.quantize import RECIPES
from tf_handgroups.convert.run import KerasRunner, LiteRTRunner
from tf_handgroups.convert.sealed_model import read_verified
from tf_handgroups.errors import GateError, InputError
from tf_handgroups.models.hand_pose_model import HandPoseModel

pytestmark = pytest.mark.early

IMPOSSIBLE = Gate({"uv_px.mean": 0.0}, "Nothing passes this, so that a failure can be seen.")


def test_writes_models_contracts_and_report(converted, keras_file, crops):
    names = {path.name for path in converted.iterdir()}
    models = {f"hand_{recipe}" for recipe in RECIPES}
    assert names == {
        "report.html",
        "report.json",
        *(f"{model}.tflite" for model in models),
        *(f"{model}.contract.json" for model in models),
    }
    report = json.loads((converted / "report.json").read_text())
    assert report["source"] == {"file": "hand.keras", "sha256": sha256_of(keras_file)}
    assert report["crops"] == {"calibration": 16, "validation": len(crops)}
    for recipe, variant in report["variants"].items():
        contract, content = read_verified(converted / variant["file"])
        assert contract.recipe == recipe
        assert contract.values["parity"]["gate"] == "passed"
        assert len(content) == variant["bytes"] == variant["benchmark"]["bytes"]
        assert variant["gate"]["passed"] and not variant["gate"]["failures"]
        # XNNPACK knows no int16; and turning bytes into int8 it leaves to LiteRT.
        whole = recipe not in ("int8", "int16x8")
        assert recipe == "int16x8" or variant["graph"]["partitions"] == 1
        assert (variant["graph"]["delegated_share"] == 1.0) == whole
        maps = recipe == "int8"
        assert variant["decoding"] == ("heatmap_expectation" if maps else "coordinates")
        assert contract.decoding["kind"] == variant["decoding"]
        assert variant["input"]["dtype"] == ("uint8" if maps else "float32")
        calibrated = {"calibration": {"crops": 16}} if RECIPES[recipe].needs_calibration else {}
        assert contract.values["quantization"] == {"recipe": recipe} | calibrated
    assert report["variants"]["float32"]["parity"]["uv_px"]["max"] < 1e-2


@pytest.mark.parametrize("recipe", ["float32", "int8_mixed"])
def test_files_that_take_bytes(keras_file, crops, tmp_path, recipe):
    report = convert_model(
        keras_file,
        tmp_path / "out",
        [recipe],
        calibration_crops=make_crops(8, seed=1),
        validation_crops=crops,
        metadata=METADATA,
        benchmark_rounds=3,
        input_type="uint8",
        calibration_source={"data": "synth:val", "seed": 5},
    )
    assert report["calibration"] == {"data": "synth:val", "seed": 5, "crops": 8}
    assert report["variants"][recipe]["file"] == f"hand_{recipe}_uint8.tflite"
    path = tmp_path / "out" / f"hand_{recipe}_uint8.tflite"
    image = json.loads(path.with_suffix(".contract.json").read_text())["input"]
    assert (image["dtype"], image["range"]) == ("uint8", [0, 255])
    assert image["quantization"]["scale"] == pytest.approx(1 / 255, rel=1e-6)
    assert image["quantization"]["zero_point"] == 0
    # The runner takes the same crops as ever.
    received, expected = LiteRTRunner(path)(crops), KerasRunner(keras_file)(crops)
    assert np.linalg.norm(received["uv_px"] - expected["uv_px"], axis=-1).mean() < 0.5


def test_network_of_the_paper_in_every_variant(paper_converted, crops):
    report = json.loads((paper_converted / "report.json").read_text())
    assert list(report["variants"]) == PAPER_RECIPES
    assert report["hardening"] is None  # the file was hardened before
    for recipe, variant in report["variants"].items():
        contract, content = read_verified(paper_converted / variant["file"])
        maps = recipe == "int8"
        expected = ["heatmaps", "depth_maps"] if maps else ["uv_px", "z_rel"]
        assert list(contract.values["outputs"]) == expected
        assert "positive_logit" not in contract.values["handedness"]
        assert "must be known" in contract.values["handedness"]["rule"]
        assert contract.values["training_data"] == METADATA["training_data"]
        assert len(content) == variant["bytes"]
        parity = contract.values["parity"]
        assert set(parity) == {"crops", "units", "uv_px", "z_rel", "gate"}
        assert (parity["crops"], parity["uv_px"]) == (len(crops), variant["parity"]["uv_px"])
        passed = variant["gate"]["passed"]
        assert parity["gate"] == ("passed" if passed else "loss accepted")
        assert passed or "int8" in recipe or recipe == "int16x8"
        # Eight bits may be too few for random weights, a broken conversion is off by more.
        assert parity["uv_px"]["mean"] < 1.0


def convert(keras_file, out, **changed):
    arguments = {
        "recipes": ["float32", "float16"],
        "validation_crops": make_crops(2, seed=3),
        "metadata": METADATA,
        "benchmark_rounds": 0,
        "console": Console(quiet=True),
    }
    return convert_model(keras_file, out, **(arguments | changed))


def test_variant_outside_its_gate_is_not_written(keras_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(module.GATES, "float16", IMPOSSIBLE)
    with pytest.raises(GateError, match=r"Received: float16: uv_px\.mean=.* > 0 crop px"):
        convert(keras_file, tmp_path / "out", console=Console())
    assert "failed" in capsys.readouterr().out  # the table comes before the error
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "hand_float32.tflite",
        "hand_float32.contract.json",
        "report.html",
        "report.json",
    }
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["variants"]["float16"]["file"] is None


def test_nothing_is_written_if_every_variant_fails(keras_file, tmp_path, monkeypatch):
    monkeypatch.setitem(module.GATES, "float16", IMPOSSIBLE)
    with pytest.raises(GateError, match="Nothing was written"):
        convert(keras_file, tmp_path / "out", recipes=["float16"])
    assert not list(tmp_path.iterdir())


def test_crops_with_labels_give_everything_a_table_needs(keras_file, tmp_path, capsys):
    hands = [make_sample(seed=seed) for seed in range(6)]
    report = convert(
        keras_file,
        tmp_path / "out",
        validation_crops=labelled_crops(hands, SIZE, 6),
        benchmark_rounds=3,
        console=Console(width=100),
    )
    assert report == json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["crops"]["validation"] == 6
    for recipe, variant in report["variants"].items():
        parity = variant["parity"]
        assert parity["against_labels"]["mpjpe_mm"]["num_hands"] == 6
        assert abs(parity["against_labels"]["mpjpe_mm"]["change_percent"]) < 1
        assert parity["uv_px"]["max"] >= parity["uv_px"]["mean"] > 0
        assert len(variant["joints"]["xyz_mm"]["mean"]) == 21
        assert variant["benchmark"]["ratio_spread"][0] <= variant["benchmark"]["ratio"]
        assert variant["bytes"] and variant["graph"]["partitions"] == 1
        assert variant["op_support"]["edgetpu"]["runs"] == 0
        contract, _ = read_verified(tmp_path / "out" / f"hand_{recipe}.tflite")
        assert contract.values["parity"]["against_labels"] == parity["against_labels"]
    printed = " ".join(capsys.readouterr().out.split())
    assert "MPJPE" in printed and "as documented, not measured" in printed
    assert "Against the labels" in (tmp_path / "out" / "report.html").read_text()


def test_loss_may_be_accepted(keras_file, tmp_path, monkeypatch):
    monkeypatch.setitem(module.GATES, "float16", IMPOSSIBLE)
    report = convert(keras_file, tmp_path / "out", accept_loss=True, name="other")
    assert report["variants"]["float16"]["file"] == "other_float16.tflite"
    assert not report["variants"]["float16"]["gate"]["passed"]
    contract, _ = read_verified(tmp_path / "out" / "other_float16.tflite")
    assert contract.values["parity"]["gate"] == "loss accepted"


def test_outputs_are_those_of_the_model_not_those_of_given_metadata(tmp_path, stand_in):
    outputs = {name: stand_in.output[name] for name in ("uv_px", "z_rel", "presence")}
    keras.Model(stand_in.input, outputs).save(tmp_path / "pose.keras")
    convert(tmp_path / "pose.keras", tmp_path / "out", recipes=["float32"])
    runner = LiteRTRunner(tmp_path / "out" / "pose_float32.tflite")
    assert list(runner(make_crops(1, seed=3))) == list(runner.contract.values["outputs"])
    assert list(runner.contract.values["outputs"]) == list(outputs)


def test_broken_export_stops_everything(keras_file, tmp_path, monkeypatch):
    keras.utils.set_random_seed(99)
    from tf_handgroups.convert.export import export_float32

    wrong = export_float32(build_stand_in())
    monkeypatch.setattr(module, "export_float32", lambda model: wrong)
    with pytest.raises(GateError, match=r"float32 export: .* Received: uv_px"):
        convert(keras_file, tmp_path / "out", accept_loss=True)
    assert not list(tmp_path.iterdir())


def test_refuses_to_overwrite(keras_file, tmp_path):
    convert(keras_file, tmp_path / "out", recipes=["float32"])
    with pytest.raises(InputError, match="already exists"):
        convert(keras_file, tmp_path / "out")
    convert(keras_file, tmp_path / "out", recipes=["float16"], overwrite=True)
    assert not (tmp_path / "out" / "hand_float32.tflite").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"recipes": []}, r"Received: recipes=\[\]"),
        ({"recipes": ["int4"]}, "Received: recipe='int4'"),
        ({"name": "a/b"}, "Received: name='a/b'"),
        ({"validation_crops": None}, "Received: validation_crops=None"),
        ({"validation_crops": np.zeros((1, 8, 8, 3))}, "validation_crops: .* Received: shape="),
        ({"recipes": ["int8_mixed"]}, "Received: crops=0"),
        ({"metadata": {}}, r"with grouping\. Received: metadata="),
    ],
)
def test_rejects_unusable_arguments(keras_file, tmp_path, changed, message):
    with pytest.raises(InputError, match=message):
        convert(keras_file, tmp_path / "out", **changed)
    assert not list(tmp_path.iterdir())


def test_calibration_crops_serve_for_validation_too(keras_file, tmp_path):
    report = convert(
        keras_file, tmp_path / "out", validation_crops=None, calibration_crops=make_crops(3, 5)
    )
    assert report["crops"] == {"calibration": 3, "validation": 3}


@pytest.fixture(scope="module")
def trained_file(tmp_path_factory):
    model = HandPoseModel(input_size=64, encoder="tiny", group_channels=8, num_groups=3)
    path = tmp_path_factory.mktemp("trained") / "trained.keras"
    model.save(path)
    return path


def test_the_real_network_converts(trained_file, tmp_path, crops):
    # Not hardened yet: the conversion does it. Random weights, hence only float recipes.
    report = convert(trained_file, tmp_path / "out", metadata=None, validation_crops=crops)
    contract, _ = read_verified(tmp_path / "out" / "trained_float32.tflite")
    assert set(contract.values["grouping"]) <= {0, 1, 2}
    assert contract.values["training_data"]
    assert all(variant["gate"]["passed"] for variant in report["variants"].values())
    assert report["hardening"]["difference_px"] < 0.01
    hardened = KerasRunner(tmp_path / "out" / "trained_hardened.keras")(crops)
    np.testing.assert_allclose(
        hardened["uv_px"], KerasRunner(trained_file)(crops)["uv_px"], atol=0.01
    )
