"""The page says what was measured."""

import re

import pytest

from benchmarks.peers_page import names_of, over_rotations, page, table
from tests.peers_case import small_results


def tables(text):
    return re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)


def test_every_table_is_whole():
    text = page(small_results())
    found = tables(text)
    assert len(found) > 20
    for one in found:
        assert len({line.count("|") for line in one.splitlines()}) == 1, one
    assert "nan" not in text and "None" not in text
    headings = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    assert headings[0] == "In short" and len(headings) == 10


def test_numbers_are_those_of_the_results():
    results = small_results()
    text = page(results)
    (row,) = [
        row
        for row in results["accuracy"]
        if (row["network"], row["way"], row["data"], row["rotation_deg"])
        == ("MediaPipe lite", "box x1.5", "real3d_dev", 90.0)
    ]
    heading = text.index("### 2D error, real3d_dev")
    line = next(
        line for line in text[heading:].splitlines() if line.startswith("| MediaPipe lite |")
    )
    assert line.split("|")[3].strip(" *") == f"{row['epe_box']:.4f}"
    wrist = next(line for line in text.splitlines() if line.startswith("| wrist |"))
    (ours,) = [
        row
        for row in results["accuracy"]
        if (row["network"], row["way"], row["data"], row["rotation_deg"])
        == ("ours", "box x1.5", "real3d_dev", 0.0)
    ]
    (joints,) = ours["joints_mm"].values()
    assert wrist.split("|")[2].strip() == f"{joints[0]:.1f}"


def test_networks_and_means():
    results = small_results()
    assert names_of(results) == ["ours", "ours, side found", "MediaPipe full", "MediaPipe lite"]
    first, second, mean = over_rotations(results, "epe_box", "ours", "box x2", "mmpose_samples")
    assert mean == pytest.approx((first + second) / 2)
    assert over_rotations(results, "pa_mpjpe_mm", "ours", "box x2", "mmpose_samples")[-1] is None


def test_best_of_a_column_is_bold():
    rows = [("a", [1.004, None]), ("b", [1.001, 3.0]), ("c", [2.0, 4.0])]
    lines = table(["", "x", "y"], rows, [".2f", ".1f"], [min, max]).splitlines()
    # Equal when printed.
    assert lines[2:] == ["| a | **1.00** | - |", "| b | **1.00** | 3.0 |", "| c | 2.00 | **4.0** |"]
    assert "*" not in table(["", "x"], [("a", [1.0])], [".2f"], [min])
