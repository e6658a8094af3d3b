import json
import pathlib
import shutil

from tests.convert.bundles import refresh_sums
from tests.hands import make_sample
from tf_handgroups.cli import main
from tf_handgroups.convert.contract import read_contract
from tf_handgroups.datasets.write_handjson import write_handjson


def test_convert_refuses_unusable_arguments(fails, model, tmp_path):
    write_handjson([make_sample(seed=seed) for seed in range(3)], tmp_path / "hands")
    data = f"handjson:{tmp_path / 'hands'}"
    message = fails("convert", "--model", model, "--data", data, "--variant", "int4")
    assert "Received: recipe='int4'" in message and "float32" in message
    message = fails("convert", "--model", model, "--data", data, "--input-type", "int8")
    assert "among float32, uint8. Received: input_type='int8'" in message
    nowhere = f"images:{tmp_path / 'nowhere'}"
    message = fails("convert", "--model", model, "--data", data, "--calibration-data", nowhere)
    assert "expected images:FOLDER with a folder of images." in message
    message = fails("convert", "--model", model, "--data", data)
    assert "between 1 and 3 samples" in message and "Received: count=400" in message


SHIPPED = pathlib.Path(__file__).parents[2] / "android_assets"


def test_bundle_needs_something_to_do(fails, tmp_path):
    assert "expected --converted DIR, or --check DIR. Received: neither" in fails("bundle")
    assert "bundle.json" in fails("bundle", "--check", tmp_path / "absent", out=None)


def test_bundle_refuses_unusable_arguments(fails, tmp_path):
    (tmp_path / "empty").mkdir()
    message = fails("bundle", "--converted", tmp_path / "empty")
    assert "expected --data KIND:PATH" in message
    message = fails("bundle", "--converted", SHIPPED, "--set", "gamma=1")
    assert "presence_threshold, min_cutoff_hz, beta, derivative_cutoff_hz" in message
    assert "Received: 'gamma=1'" in message
    assert "Received: beta=-1.0" in fails("bundle", "--converted", SHIPPED, "--set", "beta=-1")


def test_bundle_of_a_bundle_with_other_numbers_and_its_check(tmp_path, capsys):
    """Made, verified, then spoilt: the exit codes are what another program sees."""
    out = tmp_path / "assets"
    arguments = ["--variant", "int8_mixed", "--set", "beta=2", "--out", str(out)]
    assert main(["bundle", "--converted", str(SHIPPED), *arguments]) == 0
    assert read_contract(next(out.glob("*.contract.json"))).tracking.filter.beta == 2
    assert (out / "LICENSE").read_bytes() == (SHIPPED / "LICENSE").read_bytes()
    for name in ("handpose_mobile_synth_128_int8_mixed.golden.bin", "golden_steps.bin"):
        same = (out / name).read_bytes() == (SHIPPED / name).read_bytes()
        assert same == (name != "golden_steps.bin")  # the filter's results are others
    assert main(["bundle", "--check", str(out)]) == 0
    assert "sound; default variant int8_mixed" in capsys.readouterr().out
    (out / "notes.txt").write_text("mine")
    assert main(["bundle", "--check", str(out)]) == 2
    assert "Received: notes.txt. Move" in capsys.readouterr().err
    (out / "notes.txt").unlink()
    steps = (out / "golden_steps.json").read_text()
    (out / "golden_steps.json").write_text(steps.replace('"side": "left"', '"side": "right"'))
    refresh_sums(out)
    assert main(["bundle", "--check", str(out)]) == 3
    assert "golden_steps.json: case" in capsys.readouterr().err


def test_benchmark_of_missing_file(fails, tmp_path):
    assert "absent.tflite" in fails("benchmark", tmp_path / "absent.tflite", out=None)


def test_benchmark_of_a_lone_file_needs_trust(fails, tmp_path, capsys):
    lone = tmp_path / "lone.tflite"
    shutil.copy(next(SHIPPED.glob("*_int8_mixed.tflite")), lone)
    assert "--trust takes it" in fails("benchmark", lone, out=None)
    assert main(["benchmark", str(lone), "--trust", "--rounds", "3", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["bytes"] == lone.stat().st_size
