"""The table of variants: what it says of a report."""

import copy
import json

import pytest

from benchmarks import variants_table
from tf_handgroups.convert.convert import SCHEMA


def report_of():
    change = {"keras": 10.0, "variant": 10.25, "change_percent": 2.5}
    pixels = {"mean": 0.1234, "p99": 1.5, "max": None}
    variant = {
        "bytes": 3512160,
        "graph": {"partitions": 1},
        "parity": {"uv_px": pixels, "against_labels": {"pa_mpjpe_mm": change}},
        "gate": {"passed": True, "failures": []},
        "benchmark": {
            "ratio": 0.4,
            "ratio_spread": [0.35, 0.456],
            "median_ms": 4.321,
            "threads": 1,
            "macs": {"total": 70_000_000},
            "peak_share": 0.25,
        },
    }
    bad = copy.deepcopy(variant) | {"gate": {"passed": False, "failures": ["uv_px.mean=3 > 0.5"]}}
    del bad["benchmark"], bad["parity"]["against_labels"]
    return {
        "schema": SCHEMA,
        "source": {"file": "hand.keras"},
        "input_size": 128,
        "crops": {"calibration": 60, "validation": 40},
        "versions": {"keras": "3.15.1"},
        "variants": {"int8_mixed": variant, "int8": bad},
    }


def test_a_row_for_each_variant():
    lines = variants_table.table(report_of()).splitlines()
    good, bad = lines[2:4]
    assert good == (
        "| int8_mixed | 3,512 | 0.40 | 0.35-0.46 | 1 | 0.123 | 1.500 | not finite | - | - | "
        "10.25 (+2.5 %) | passed |"
    )
    assert bad.startswith("| int8 | 3,512 | - | - |") and "failed: uv_px.mean=3 > 0.5" in bad
    assert len({line.count("|") for line in lines[:4]}) == 1
    assert lines[-1] == (
        "40 validation crops of 128 px; calibrated on 60 others. keras 3.15.1. "
        "First row: 4.32 ms on 1 thread, 70 MMAC, 25 % of the peak."
    )


def test_page_of_several_reports(tmp_path, capsys):
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    for path in paths:
        path.write_text(json.dumps(report_of()))
    out = tmp_path / "variants.md"
    assert variants_table.main([*map(str, paths), "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert text.count("## hand.keras") == 2 and text in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), ("{", "expected the report"), ("[]", "schema=None"),
     ('{"schema": "x/1"}', "schema='x/1'")],
)  # fmt: skip
def test_refuses_other_files(content, message, tmp_path, capsys):
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)
    assert variants_table.main([str(path), "--out", str(tmp_path / "variants.md")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "variants.md").exists()
