"""Tests of the quantization recipes."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tests.convert.conftest import SIZE, make_crops
from tf_handgroups.convert.byte_input import to_bytes
from tf_handgroups.convert.check_ops import list_ops, op_name
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.quantize import RECIPES, check_integer_only, quantize, recipe_named
from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import GateError, InputError


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


def test_sizes_shrink(float_model, maps_model, crops):
    sources = {name: maps_model if r.integer_only else float_model for name, r in RECIPES.items()}
    sizes = {name: len(quantize(sources[name], name, crops)) for name in RECIPES}
    assert sizes["float16"] > sizes["int8"]
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
    for name in set(RECIPES) - {"int8"}:
        interpreter = Interpreter(model_content=quantize(float_model, name, crops))
        details = interpreter.get_input_details() + interpreter.get_output_details()
        assert {np.dtype(detail["dtype"]) for detail in details} == {np.dtype(np.float32)}


def test_int16x8_computes_in_int16_and_lies_closer(float_model, crops):
    content = quantize(float_model, "int16x8", crops)
    tensors = tensors_of(content)
    assert {d for op, d in tensors.values() if "CONV_2D" in op} == {np.dtype(np.int16)}
    assert {d for op, d in tensors.values() if op == "SOFTMAX"} == {np.dtype(np.float32)}
    reference = open_signature(float_model)
    models = [open_signature(c) for c in (content, quantize(float_model, "int8_mixed", crops))]
    errors = [
        np.mean(
            [np.abs(m(image=c[None])["uv_px"] - reference(image=c[None])["uv_px"]) for c in crops]
        )
        for m in models
    ]
    assert errors[0] < errors[1] < 0.5


def test_int8_holds_no_float(maps_model, crops):
    content = quantize(maps_model, "int8", crops)
    interpreter = Interpreter(model_content=content)
    found = {np.dtype(detail["dtype"]).name for detail in interpreter.get_tensor_details()}
    assert found == {"uint8", "int8", "int32"}
    (image,) = interpreter.get_input_details()
    assert (image["dtype"], image["quantization"][1]) == (np.uint8, 0)
    assert image["quantization"][0] == pytest.approx(1 / 255, rel=1e-6)
    outputs = {np.dtype(detail["dtype"]) for detail in interpreter.get_output_details()}
    assert outputs == {np.dtype(np.int8)}


def test_int8_returns_the_maps_within_their_steps(maps_model, crops):
    # Of the last layer alone, a map would be off by half a step; the layers before it add
    # theirs. Three steps on average tell a sound conversion from a lost scale.
    content = quantize(maps_model, "int8", crops)
    infer, reference = open_signature(content), open_signature(maps_model)
    for crop in crops[:4]:
        expected = reference(image=crop[None])
        received = infer(image=to_bytes(crop)[None])
        for name in ("heatmaps", "depth_maps"):
            scale, zero_point = infer.get_output_details()[name]["quantization"]
            values = (received[name].astype(np.float64) - zero_point) * scale
            ranges = (-128 - zero_point) * scale, (127 - zero_point) * scale
            assert np.abs(values - np.clip(expected[name], *ranges)).mean() < 3 * scale


def test_check_integer_only_names_what_is_left(float_model):
    with pytest.raises(GateError, match=r"expected integers throughout\. Received: \d+ float"):
        check_integer_only(float_model, "here")


@pytest.mark.parametrize(
    ("recipe", "tolerance"),
    # Ranges found per inference turn a last digit into a step.
    [("float32", 1e-3), ("float16", 1e-3), ("dynamic_int8", 0.5), ("int8_mixed", 1e-3)],
)
def test_bytes_in_equal_floats_in(float_model, crops, recipe, tolerance):
    floats = open_signature(quantize(float_model, recipe, crops))
    pixels = open_signature(quantize(float_model, recipe, crops, "uint8"))
    assert pixels.get_input_details()["image"]["dtype"] == np.uint8
    for crop in crops[:3]:  # 8-bit images
        expected = floats(image=crop[None])
        for name, values in pixels(image=to_bytes(crop)[None]).items():
            np.testing.assert_allclose(values, expected[name], atol=tolerance)


def test_rejects_an_unknown_input_type(float_model):
    with pytest.raises(InputError, match=r"among float32, uint8\. Received: input_type='int8'"):
        quantize(float_model, "float32", input_type="int8")


def test_rejects_coordinates_for_an_integer_file(float_model, crops):
    with pytest.raises(InputError, match=r"outputs heatmaps, depth_maps\. Received: outputs="):
        quantize(float_model, "int8", crops)


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
