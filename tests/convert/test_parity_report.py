"""Tests of the page: every number and picture is in it, and it needs no other file."""

import copy
import json
import re

import numpy as np
import pytest

from tf_handgroups.convert.convert import HTML_FILE, REPORT_FILE
from tf_handgroups.convert.op_tables import BACKENDS
from tf_handgroups.convert.parity_report import parity_html
from tf_handgroups.convert.quantize import RECIPES
from tf_handgroups.joints import JOINT_NAMES

PICTURE = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture
def result(converted):
    return json.loads((converted / REPORT_FILE).read_text())


def words(page):
    """What is read: no tags, no style."""
    page = re.sub(r"<style>.*?</style>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def cells(page, first):
    """The cells of the row that starts with a text."""
    row = re.search(rf"<tr><td>{re.escape(first)}</td>(.*?)</tr>", page)
    assert row, first
    return [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td>(.*?)</td>", row[1])]


def test_conversion_writes_it_complete(converted, result):
    page = (converted / HTML_FILE).read_text()
    assert page.startswith("<!doctype html>")
    assert 'src="http' not in page and "<script" not in page and "<link" not in page
    assert page.count("data:image/jpeg;base64,") == len(result["variants"])


def test_numbers_are_those_of_the_json(result):
    page = parity_html(result, {})
    variants = result["variants"].values()
    kilobytes = [f"{v['bytes'] / 1000:,.0f}" for v in variants]
    assert cells(page, "file, kB") == kilobytes
    expected = [f"{v['parity']['uv_px']['p99']:.3f}" for v in variants]
    assert cells(page, "uv_px, crop px: 99th percentile") == expected
    ratios = [f"{v['benchmark']['ratio']:.2f}" for v in variants]
    assert [cell.split(" [")[0] for cell in cells(page, "time, ratio")] == ratios
    assert cells(page, "gate") == ["passed"] * len(ratios)
    assert f"All {len(RECIPES)} variants are within their gates" in words(page)


def test_every_joint_accelerator_and_gate_is_there(result):
    text = words(parity_html(result, {}))
    for name in (*JOINT_NAMES, *(backend.title for backend in BACKENDS.values())):
        assert name in text
    for variant in result["variants"].values():
        assert variant["gate"]["justification"][:60] in text
    assert "As documented, not measured" in text


def test_failures_are_said_first_and_in_red(result):
    result = copy.deepcopy(result)
    gate = result["variants"]["int8_mixed"]["gate"]
    gate |= {"passed": False, "failures": ["uv_px.mean=9 > 0.5 crop px"]}
    page = parity_html(result, {})
    text = f"1 of {len(RECIPES)} variants outside their gate: int8_mixed."
    assert f'<p class="bad">{text}</p>' in page
    assert "Received: uv_px.mean=9 &gt; 0.5 crop px" in page
    assert cells(page, "gate").count("failed") == 1


def test_labels_are_shown_where_there_are_some(result):
    assert "Against the labels" not in parity_html(result, {})
    result = copy.deepcopy(result)
    change = {"keras": 10.0, "variant": 10.25, "change_percent": 2.5, "at_least_percent": None}
    result["variants"]["float16"]["parity"]["against_labels"] = {
        "mpjpe_mm": change | {"num_hands": 1}
    }
    page = parity_html(result, {})
    assert cells(page, "MPJPE, mm") == ["float16", "1", "10.000", "10.250", "+2.50", "none"]


def test_benchmark_may_be_missing(result):
    result = copy.deepcopy(result)
    for variant in result["variants"].values():
        del variant["benchmark"]
    page = parity_html(result, {})
    assert "time, ratio" not in page


def test_one_refused_variant_has_no_times(result):
    result = copy.deepcopy(result)
    del result["variants"]["float16"]["benchmark"]
    position = list(result["variants"]).index("float16")
    assert cells(parity_html(result, {}), "memory, MB")[position] == ""


def test_pictures_are_embedded_with_their_name(result):
    page = parity_html(result, {"float16": PICTURE})
    assert page.count("data:image/jpeg;base64,") == 1
    assert "float16: the crops with the largest mean 2D difference" in words(page)


def test_names_of_files_are_text(result):
    result = copy.deepcopy(result)
    result["source"]["file"] = "<b>.keras"
    assert "<b>.keras" not in parity_html(result, {})
