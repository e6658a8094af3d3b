"""Tests of the interleaved benchmark."""

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from tf_handgroups.convert import benchmark as module
from tf_handgroups.convert.benchmark import benchmark, benchmark_tables
from tf_handgroups.convert.check_ops import check_ops
from tf_handgroups.convert.graph_cost import graph_cost
from tf_handgroups.convert.machine_peak import REFERENCE_MACS
from tf_handgroups.errors import InputError


@pytest.fixture(scope="module")
def rows(converted):
    paths = [converted / f"hand_{name}.tflite" for name in ("float32", "int8_mixed")]
    return benchmark(paths, rounds=5, threads=[1, 2], warm_up=1)


def test_rows_follow_threads_and_the_given_order(converted, rows):
    assert [(row.num_threads, row.name) for row in rows] == [
        (1, "hand_float32"),
        (1, "hand_int8_mixed"),
        (2, "hand_float32"),
        (2, "hand_int8_mixed"),
    ]
    for row in rows:
        content = (converted / f"{row.name}.tflite").read_bytes()
        assert row.num_bytes == len(content)
        assert row.cost == graph_cost(content)
        report = check_ops(content)
        assert (row.partitions, row.delegated_share) == (report.partitions, report.delegated_share)
    assert [row.ratio for row in rows[::2]] == [1.0, 1.0]
    assert all(row.ratio_spread == (1.0, 1.0) for row in rows[::2])


def test_numbers_follow_from_the_clock(converted, monkeypatch):
    """The same seconds by hand: two models and two references in four rounds."""
    seconds = np.array(
        [[2.0, 1.0, 1.0, 0.5], [4.0, 3.0, 1.0, 0.5], [8.0, 2.0, 2.0, 1.0], [2.0, 1.0, 1.0, 0.5]]
    )
    monkeypatch.setattr(module, "_interleave", lambda runs, rounds, warm_up: seconds)
    monkeypatch.setattr(module, "peak_memory_mb", lambda path, threads: 7.0)
    paths = [converted / f"hand_{name}.tflite" for name in ("float32", "int8_mixed")]
    first, second = benchmark(paths, rounds=4)
    assert (first.median_ms, second.median_ms) == (3000.0, 1500.0)
    assert first.spread_ms == pytest.approx((2000.0, 6800.0))
    assert second.ratio == 0.5
    assert second.ratio_spread == pytest.approx((0.325, 0.675))
    assert first.memory_mb == 7.0
    assert first.peak.float32 == pytest.approx(REFERENCE_MACS / 1e9)
    assert first.peak.int8 == pytest.approx(REFERENCE_MACS / 0.5 / 1e9)
    cost = second.cost
    at_peak = (cost.float_macs * seconds[:, 2] + cost.int_macs * seconds[:, 3]) / REFERENCE_MACS
    assert second.peak_share == pytest.approx(np.median(at_peak / seconds[:, 1]))


def test_a_model_is_timed_as_often_as_it_says(converted, monkeypatch):
    calls = []

    def prepare(content, where, num_threads):
        return (lambda **inputs: calls.append(where)), {}

    monkeypatch.setattr(module, "_prepare", prepare)
    monkeypatch.setattr(module, "peak_memory_mb", lambda path, threads: None)
    path = converted / "hand_float32.tflite"
    benchmark([path], rounds=3, warm_up=2)
    # In turn, never twice in a row.
    assert calls == [str(path), "reference", "reference"] * 5


def test_json_is_plain(rows):
    (first, *_) = json.loads(json.dumps([row.as_dict() for row in rows], allow_nan=False))
    assert first["name"] == "hand_float32" and first["threads"] == 1
    assert {"bytes", "median_ms", "ratio", "ratio_spread", "memory_mb", "peak_share"} <= set(first)
    assert first["macs"]["total"] == sum(first["macs"]["macs"].values())
    unknown = dataclasses.replace(rows[0], memory_mb=None, delegated_share=None).as_dict()
    assert unknown["memory_mb"] is None and unknown["delegated_share"] is None


def test_tables_fit_100_columns(rows):
    long = [dataclasses.replace(row, name=f"handpose_mobile_synth_128_{row.name}") for row in rows]
    console = Console(width=100, file=io.StringIO())
    console.print(*benchmark_tables([*rows[:1], *long]))
    text = console.file.getvalue()
    assert "…" not in text and all(len(line) <= 100 for line in text.splitlines())
    size, speed = benchmark_tables(rows)
    assert (size.row_count, speed.row_count) == (2, 4)
    # What all names begin with says nothing.
    assert list(size.columns[0].cells) == ["float32", "int8_mixed"]
    single = benchmark_tables(rows[:1])[0]
    assert list(single.columns[0].cells) == ["float32"]


@pytest.mark.parametrize(
    "changed", [{"rounds": 0}, {"threads": [0]}, {"threads": []}, {"warm_up": -1}, {"paths": []}]
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
