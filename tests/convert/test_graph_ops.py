"""Tests of the list of ops with their tensors."""

import numpy as np
import pytest

from tests.convert.conftest import SIZE, make_crops
from tf_handgroups.convert.check_ops import list_ops
from tf_handgroups.convert.graph_ops import GraphOp, graph_ops
from tf_handgroups.convert.quantize import quantize
from tf_handgroups.errors import InputError


def test_order_names_and_shapes(float_model):
    ops = graph_ops(float_model)
    assert len(ops) == sum(list_ops(float_model).values())
    stem = next(op for op in ops if op.name == "CONV_2D")
    image, kernel, bias = stem.inputs
    assert image.shape == (1, SIZE, SIZE, 3) and not image.is_constant
    assert kernel.shape == (16, 3, 3, 3) and kernel.is_constant and kernel.dtype == "FLOAT32"
    assert bias.num_elements == 16 and bias.is_constant
    assert stem.outputs[0].shape == (1, SIZE // 2, SIZE // 2, 16)
    assert stem.option("strideW") == 2 and stem.option("beta", 0.5) == 0.5
    assert stem.input(2) is bias and stem.input(3) is None


def test_values_of_constants(float_model, stand_in):
    kernel = next(op for op in graph_ops(float_model) if op.name == "CONV_2D").inputs[1]
    expected = stand_in.get_layer("stem").get_weights()[0]  # rows, columns, in, out
    np.testing.assert_array_equal(kernel.values, expected.transpose(3, 0, 1, 2))
    softmax = next(op for op in graph_ops(float_model) if op.name == "SOFTMAX")
    assert softmax.inputs[0].values is None


@pytest.mark.parametrize("recipe", ["float16", "int8_mixed"])
def test_constants_behind_the_flatbuffer_are_found(float_model, recipe):
    # The quantizer appends large buffers to the file instead of storing them inside.
    content = quantize(float_model, recipe, make_crops(8, seed=1))
    weights = [
        op.inputs[0 if recipe == "float16" else 1]
        for op in graph_ops(content)
        if op.name == ("DEQUANTIZE" if recipe == "float16" else "CONV_2D")
    ]
    assert weights and all(weight.is_constant for weight in weights)
    assert {weight.dtype for weight in weights} == {"FLOAT16" if recipe == "float16" else "INT8"}


def test_optional_inputs_are_none():
    op = GraphOp("FULLY_CONNECTED", (None,), (), None)
    assert op.input(0) is None and op.option("weightsFormat", 7) == 7


def test_rejects_what_is_no_model():
    with pytest.raises(InputError, match=r"x\.tflite: expected a LiteRT model"):
        graph_ops(b"nothing of the kind", "x.tflite")
