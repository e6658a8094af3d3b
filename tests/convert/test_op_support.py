"""Tests of the report on ops and accelerators, on converted models."""

import io
import json

import pytest
from rich.console import Console

from tests.convert.conftest import make_crops
from tf_handgroups.convert.check_ops import list_ops
from tf_handgroups.convert.op_support import (
    DEPENDS,
    FALLS_BACK,
    RUNS,
    fallback_reasons,
    op_support,
    support_dict,
    support_table,
    support_totals,
)
from tf_handgroups.convert.op_tables import BACKENDS
from tf_handgroups.convert.quantize import quantize
from tf_handgroups.errors import InputError


@pytest.fixture(scope="module")
def mixed(float_model):
    return quantize(float_model, "int8_mixed", make_crops(8, seed=1))


def test_every_op_is_judged_once_by_every_backend(float_model, mixed):
    for content in (float_model, mixed):
        support = op_support(content)
        ops = list_ops(content)
        for backend in BACKENDS:
            counts = dict.fromkeys(ops, 0)
            for entry in support:
                counts[entry.op] += entry.count if entry.backend == backend else 0
            assert counts == ops


def test_what_xnnpack_documents_is_what_it_takes(float_model, mixed):
    # The one backend of which the runtime at hand can tell: one partition, see test_check_ops.
    for content in (float_model, mixed):
        totals = support_totals(op_support(content))["xnnpack"]
        assert totals[DEPENDS] == totals[FALLS_BACK] == 0


def test_float_does_not_run_on_the_edge_tpu_at_all(float_model):
    support = op_support(float_model)
    assert support_totals(support)["edgetpu"][RUNS] == 0
    # Nothing runs there, so it is no news which of its ops do not.
    assert not [line for line in fallback_reasons(support) if line.startswith("EdgeTPU")]


def test_after_the_first_op_on_the_cpu_the_edge_tpu_gets_nothing(mixed):
    entries = [entry for entry in op_support(mixed) if entry.backend == "edgetpu"]
    assert {entry.op for entry in entries if entry.verdict == RUNS} >= {"CONV_2D"}
    assert {entry.op for entry in entries if entry.reason == "takes FLOAT32"} >= {"SOFTMAX"}
    lines = fallback_reasons(entries)
    assert any(line.startswith("EdgeTPU, back to the CPU, takes FLOAT32: ") for line in lines)
    assert any("SOFTMAX x1" in line for line in lines)


def test_an_op_before_its_first_own_does_not_end_the_partition(mixed):
    # The image arrives as float and is quantized on the CPU first.
    entries = [entry for entry in op_support(mixed) if entry.backend == "edgetpu"]
    assert entries[0].op == "QUANTIZE" and entries[0].verdict == FALLS_BACK
    assert support_totals(entries)["edgetpu"][RUNS] > 0


def test_json_and_table(mixed):
    support = op_support(mixed)
    values = json.loads(json.dumps(support_dict(support)))
    assert values["note"] == "as documented, not measured"
    for backend in BACKENDS:
        row = values[backend]
        assert sum(entry["count"] for entry in row["ops"]) == sum(list_ops(mixed).values())
        assert row["runs"] + row["depends"] + row["falls_back"] == sum(list_ops(mixed).values())
    console = Console(width=80, file=io.StringIO())
    console.print(support_table({"int8_mixed": support}))
    text = console.file.getvalue()
    assert "as documented, not measured" in text
    for backend in BACKENDS:
        counts = (values[backend][key] for key in ("runs", "depends", "falls_back"))
        assert " / ".join(map(str, counts)) in text


def test_rejects_what_is_no_model():
    with pytest.raises(InputError, match=r"x\.tflite: expected a LiteRT model"):
        op_support(b"nothing of the kind", "x.tflite")
