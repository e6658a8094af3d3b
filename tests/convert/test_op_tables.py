"""Tests of the documented rules, op by op, on made-up ops."""

import types

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert.graph_ops import GraphOp, GraphTensor
from tf_handgroups.convert.op_support import DEPENDS, FALLS_BACK, RUNS, judge
from tf_handgroups.convert.op_tables import BACKENDS, activations


def tensor(shape=(1, 8, 8, 4), dtype="FLOAT32", values=None, constant=False):
    values = None if values is None else np.array(values)
    return GraphTensor("t", shape, dtype, constant or values is not None, values)


def op(name, *inputs, output=None, **options):
    output = output or inputs[0]
    return GraphOp(name, inputs, (output,), types.SimpleNamespace(**options))


BYTE = tensor(dtype="INT8")
FLOAT = tensor()
KERNEL = tensor((4, 3, 3, 4), constant=True)
BYTE_KERNEL = tensor((4, 3, 3, 4), "INT8", constant=True)
UNPACKED = tensor((4, 3, 3, 4))  # what a DEQUANTIZE of float16 weights gives
BIAS = tensor((4,), "INT32", constant=True)
AXES = tensor((2,), "INT32", [1, 2])
SIZE = tensor((2,), "INT32", [16, 16])
BIG = tensor((1, 21, 1024), "INT8")
ROW = tensor((1, 1024), "INT8")


def test_every_name_is_an_op_of_the_schema():
    known = set(vars(schema.BuiltinOperator))
    for backend in BACKENDS.values():
        assert set(backend.rules) <= known, backend.title
        assert len(backend.rules) > 20


def test_only_what_is_computed_on_is_an_activation():
    resize = op("RESIZE_BILINEAR", FLOAT, SIZE, output=tensor((1, 16, 16, 4)))
    assert activations(resize) == [resize.inputs[0], resize.outputs[0]]


@pytest.mark.parametrize(
    ("backend", "case", "verdict", "reason"),
    [
        ("xnnpack", op("CONV_2D", FLOAT, KERNEL, BIAS), RUNS, ""),
        ("xnnpack", op("CONV_2D", BYTE, BYTE_KERNEL, BIAS), RUNS, ""),
        ("xnnpack", op("CONV_2D", FLOAT, KERNEL), FALLS_BACK, "without bias"),
        ("xnnpack", op("CONV_2D", FLOAT, BYTE_KERNEL, BIAS), DEPENDS, "int8 weights on float"),
        ("xnnpack", op("CONV_2D", FLOAT, UNPACKED, BIAS), DEPENDS, "float16 weights"),
        ("xnnpack", op("SOFTMAX", FLOAT, beta=1.0), RUNS, ""),
        ("xnnpack", op("SOFTMAX", FLOAT, beta=2.0), FALLS_BACK, "beta other than 1"),
        ("xnnpack", op("SOFTMAX", BYTE, beta=1.0), FALLS_BACK, "takes INT8"),
        ("xnnpack", op("MEAN", FLOAT, AXES, output=tensor((1, 4))), RUNS, ""),
        ("xnnpack", op("MEAN", FLOAT, tensor((1,), "INT32", [3])), FALLS_BACK, "over axes [3]"),
        ("xnnpack", op("MEAN", tensor((1, 9)), AXES), FALLS_BACK, "not over rows and columns"),
        ("xnnpack", op("RESHAPE", FLOAT, tensor((2,), "INT32")), FALLS_BACK, "takes INT32"),
        ("xnnpack", op("CONCATENATION", *[FLOAT] * 5), DEPENDS, "5 inputs, at most 4"),
        ("xnnpack", op("TILE", FLOAT), FALLS_BACK, "not in the list"),
        ("xnnpack", op("CONV_2D", tensor(dtype="INT16"), KERNEL, BIAS), FALLS_BACK, "INT16"),
        ("gpu", op("CONV_2D", BYTE, BYTE_KERNEL, BIAS), RUNS, ""),
        ("gpu", op("TRANSPOSE", FLOAT, AXES), DEPENDS, "ML Drift"),
        ("gpu", op("UNIQUE", FLOAT), FALLS_BACK, "not in the list"),
        (
            "gpu",
            op("DEQUANTIZE", tensor(dtype="FLOAT16", constant=True), output=FLOAT),
            DEPENDS,
            "float16 weights",
        ),
        ("nnapi", op("RESIZE_BILINEAR", FLOAT, SIZE), RUNS, ""),
        (
            "nnapi",
            op("RESIZE_BILINEAR", FLOAT, SIZE, halfPixelCenters=True),
            DEPENDS,
            "need API level 30",
        ),
        ("nnapi", op("SOFTMAX", tensor((1, 1, 2, 3, 4))), FALLS_BACK, "5 axes, at most 4"),
        ("nnapi", op("SUM", BYTE, AXES), FALLS_BACK, "takes INT8"),
        (
            "nnapi",
            op("CONCATENATION", FLOAT, FLOAT, fusedActivationFunction=1),
            FALLS_BACK,
            "with fused activation",
        ),
        ("nnapi", op("BATCH_MATMUL", FLOAT, FLOAT), FALLS_BACK, "not in the list"),
        ("edgetpu", op("CONV_2D", BYTE, BYTE_KERNEL, BIAS), RUNS, ""),
        ("edgetpu", op("CONV_2D", FLOAT, KERNEL, BIAS), FALLS_BACK, "takes FLOAT32"),
        ("edgetpu", op("ADD", tensor((2, 8, 8, 4), "INT8")), FALLS_BACK, "last three axes"),
        ("edgetpu", op("RESIZE_BILINEAR", BYTE, SIZE), DEPENDS, "for precision"),
        ("edgetpu", op("SOFTMAX", BIG), FALLS_BACK, "21504 elements, at most 16,000"),
        ("edgetpu", op("SOFTMAX", tensor((1, 8, 1024), "INT8")), DEPENDS, "one row only"),
        ("edgetpu", op("SOFTMAX", ROW), RUNS, ""),
        ("edgetpu", op("FULLY_CONNECTED", BIG, KERNEL), FALLS_BACK, "21 rows"),
        ("edgetpu", op("FULLY_CONNECTED", ROW, KERNEL), RUNS, ""),
        ("edgetpu", op("MEAN", BYTE, tensor((1,), "INT32", [0])), FALLS_BACK, "over the batch"),
        ("edgetpu", op("QUANTIZE", FLOAT, output=BYTE), FALLS_BACK, "takes FLOAT32"),
        ("edgetpu", op("QUANTIZE", BYTE), RUNS, ""),
        ("edgetpu", op("DEQUANTIZE", BYTE, output=FLOAT), FALLS_BACK, "not in the list"),
        ("edgetpu", op("BATCH_MATMUL", BYTE, BYTE), FALLS_BACK, "not in the list"),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "name", None),
)
def test_rules(backend, case, verdict, reason):
    found = judge(case, BACKENDS[backend])
    assert found[0] == verdict
    assert reason in found[1] if reason else found[1] == ""


def test_shape_that_is_computed_is_no_constant():
    # Its type is that of an activation, so only the condition can refuse it.
    case = op("PAD", FLOAT, tensor((4, 2)))
    assert judge(case, BACKENDS["xnnpack"]) == (FALLS_BACK, "input 1 must be constant")
