import json
import pathlib
import shutil

from tests.hands import make_sample
from tf_handgroups.cli import main
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


def test_bundle_needs_something_to_do(fails, tmp_path):
    assert "expected --converted and --data, or --check" in fails("bundle")
    assert "bundle.json" in fails("bundle", "--check")


def test_benchmark_of_missing_file(fails, tmp_path):
    assert "absent.tflite" in fails("benchmark", tmp_path / "absent.tflite", out=None)


def test_benchmark_of_a_lone_file_needs_trust(fails, tmp_path, capsys):
    shipped = pathlib.Path(__file__).parents[2] / "android_assets"
    lone = tmp_path / "lone.tflite"
    shutil.copy(next(shipped.glob("*_int8_mixed.tflite")), lone)
    assert "--trust takes it" in fails("benchmark", lone, out=None)
    assert main(["benchmark", str(lone), "--trust", "--rounds", "3", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["bytes"] == lone.stat().st_size
