"""Tests of the interleaved benchmark."""

import pytest

from tf_handgroups.convert.benchmark import benchmark, benchmark_table
from tf_handgroups.errors import InputError


def test_rows_follow_the_given_order(converted):
    paths = [converted / f"hand_{name}.tflite" for name in ("float32", "int8_mixed")]
    rows = benchmark(paths, rounds=5, warm_up=1)
    assert [row.name for row in rows] == ["hand_float32", "hand_int8_mixed"]
    assert [row.num_bytes for row in rows] == [path.stat().st_size for path in paths]
    assert rows[0].ratio == 1.0
    assert all(row.median_ms > 0 for row in rows)
    assert rows[1].as_dict()["name"] == "hand_int8_mixed"
    assert benchmark_table(rows).row_count == 2


def test_a_model_against_itself_is_about_as_fast(converted):
    path = converted / "hand_float32.tflite"
    rows = benchmark([path, path], rounds=40)
    # Interleaving keeps another program's load out of the ratio.
    assert 0.5 < rows[1].ratio < 2.0


@pytest.mark.parametrize(
    "changed", [{"rounds": 0}, {"num_threads": 0}, {"warm_up": -1}, {"paths": []}]
)
def test_rejects_unusable_numbers(converted, changed):
    arguments = {"paths": [converted / "hand_float32.tflite"]} | changed
    with pytest.raises(InputError, match="Received: paths="):
        benchmark(**arguments)


def test_rejects_unusable_files(converted, tmp_path):
    with pytest.raises(InputError, match="Received: no such file"):
        benchmark([tmp_path / "no.tflite"])
    path = tmp_path / "lone.tflite"
    path.write_bytes((converted / "hand_float32.tflite").read_bytes())
    with pytest.raises(InputError, match=r"lone\.contract\.json: expected the contract"):
        benchmark([path])
    (row,) = benchmark([path], rounds=1, warm_up=0, trust=True)
    assert row.num_bytes == path.stat().st_size
    path.write_text("text of some length")
    with pytest.raises(InputError, match=r"lone\.tflite: expected a LiteRT model"):
        benchmark([path], trust=True)
