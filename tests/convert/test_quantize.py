"""Tests of the quantization recipes."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tests.convert.conftest import SIZE, make_crops
from tf_handgroups.convert.check_ops import list_ops, op_name
from tf_handgroups.convert.quantize import RECIPES, quantize, recipe_named
from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import InputError


def tensors_of(content: bytes) -> dict[str, tuple[str, np.dtype]]:
    """Output tensor name -> (op, dtype)."""
    model = parse_tflite(content)
    interpreter = Interpreter(model_content=content)
    dtypes = {d["index"]: np.dtype(d["dtype"]) for d in interpreter.get_tensor_details()}
    graph = model.subgraphs[0]
    return {
        graph.tensors[op.outputs[0]].name.decode(): (op_name(model, op), dtypes[op.outputs[0]])
        for op in graph.operators
    }


def test_float32_is_unchanged(float_model):
    assert quantize(float_model, "float32") == float_model


def test_sizes_shrink(float_model, crops):
    sizes = {name: len(quantize(float_model, name, crops)) for name in RECIPES}
    assert sizes["float32"] > sizes["float16"] > sizes["int8_mixed"]
    assert sizes["float32"] > sizes["dynamic_int8"]


def test_int8_mixed_keeps_the_tail_in_float(float_model, crops):
    tensors = tensors_of(quantize(float_model, "int8_mixed", crops))
    ops = {name: dtype for name, (op, dtype) in tensors.items() if "CONV_2D" in op}
    assert ops and set(ops.values()) == {np.dtype(np.int8)}
    adds = [dtype for op, dtype in tensors.values() if op == "ADD"]
    assert adds == [np.dtype(np.int8)]
    tail = {name: dtype for name, (op, dtype) in tensors.items() if "tail_" in name}
    floating = [n for n, dtype in tail.items() if dtype == np.float32]
    assert any("Softmax" in name for name in floating)
    # The multiplication by the depth maps lies in the tail, so it stays float, too.
    assert [dtype for op, dtype in tensors.values() if op == "MUL"] == [np.dtype(np.float32)]


def test_int8_mixed_input_passes_8_bit_images_unrounded(float_model, crops):
    # Calibrated on darker crops, the input must still span exactly [0, 1].
    content = quantize(float_model, "int8_mixed", crops * np.float32(0.5))
    model = parse_tflite(content)
    graph = model.subgraphs[0]
    first = next(op for op in graph.operators if op_name(model, op) == "QUANTIZE")
    quantization = graph.tensors[first.outputs[0]].quantization
    assert quantization.scale[0] == pytest.approx(1 / 255, rel=1e-6)
    assert quantization.zeroPoint[0] == -128


def test_calibration_covers_every_crop(float_model, crops):
    # The range of an activation is that of all crops, not an average of them: one
    # crop that is brighter than seven others decides, wherever it comes.
    dark = crops[:7] * np.float32(0.1)
    first = quantize(float_model, "int8_mixed", np.concatenate([crops[7:8], dark]))
    last = quantize(float_model, "int8_mixed", np.concatenate([dark, crops[7:8]]))
    assert first == last


def test_float16_halves_the_weights(float_model):
    content = quantize(float_model, "float16")
    assert list_ops(content)["DEQUANTIZE"] >= 8
    assert len(content) < 0.7 * len(float_model)


def test_input_and_outputs_stay_float32(float_model, crops):
    for name in RECIPES:
        interpreter = Interpreter(model_content=quantize(float_model, name, crops))
        details = interpreter.get_input_details() + interpreter.get_output_details()
        assert {np.dtype(detail["dtype"]) for detail in details} == {np.dtype(np.float32)}


def test_rejects_an_unknown_recipe(float_model):
    with pytest.raises(InputError, match=r"Received: recipe='int4'.*Known recipes: float32"):
        quantize(float_model, "int4")
    with pytest.raises(InputError, match="Received: recipe="):
        recipe_named("")


def test_rejects_missing_or_bad_calibration_crops(float_model, crops):
    with pytest.raises(InputError, match="Received: crops=0"):
        quantize(float_model, "int8_mixed")
    with pytest.raises(InputError, match="Received: crops=3"):
        quantize(float_model, "int8_mixed", crops[:3])
    with pytest.raises(InputError, match=r"calibration_crops: .* Received: shape="):
        quantize(float_model, "int8_mixed", np.zeros((8, SIZE, SIZE + 1, 3)))
    with pytest.raises(InputError, match="Received: range="):
        quantize(float_model, "int8_mixed", make_crops(8, 0) * 255)


def test_rejects_what_is_no_model():
    with pytest.raises(InputError, match="quantize: float_model"):
        quantize(b"not a model at all", "float16")
