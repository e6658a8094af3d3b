"""Tests of the comparison with the Keras model and its gates."""

import json

import keras
import numpy as np
import pytest
from rich.console import Console

from tests.convert.conftest import build_stand_in
from tf_handgroups.convert.export import OUTPUT_SHAPES
from tf_handgroups.convert.parity import (
    GATES,
    UNITS,
    ParityReport,
    compare,
    compare_outputs,
    parity_table,
)
from tf_handgroups.convert.quantize import RECIPES, quantize
from tf_handgroups.convert.run import KerasRunner
from tf_handgroups.errors import GateError, InputError


def outputs_of(value: float) -> dict[str, np.ndarray]:
    return {name: np.full((2, *shape), value) for name, shape in OUTPUT_SHAPES.items()}


def test_every_recipe_has_a_justified_gate():
    assert set(GATES) == set(RECIPES)
    for gate in GATES.values():
        assert len(gate.justification) > 50
        assert {key.split(".")[0] for key in gate.limits} == set(UNITS)


def test_statistics_match_hand_computed_ones():
    expected = outputs_of(0.0)
    received = outputs_of(0.0)
    received["uv_px"][1, 20] = (3.0, 4.0)  # one joint of 42 is five pixels off
    received["z_rel"][0, 0] = -2.1
    report = compare_outputs(expected, received)
    assert report.num_crops == 2
    assert report.value("uv_px.max") == 5.0
    assert report.value("uv_px.mean") == pytest.approx(5 / 42)
    assert report.value("z_rel.mean") == pytest.approx(2.1 / 42)
    assert report.value("presence.max") == 0.0


def test_not_a_number_never_passes():
    received = outputs_of(0.0)
    received["z_rel"][0, 3] = np.nan
    report = compare_outputs(outputs_of(0.0), received)
    assert report.value("z_rel.max") == np.inf
    json.dumps(report.as_dict(), allow_nan=False)
    for recipe in RECIPES:
        with pytest.raises(GateError, match="z_rel"):
            report.check(recipe)


def test_float32_export_passes_its_gate(stand_in, float_model, crops):
    report = compare(stand_in, float_model, crops)
    report.check("float32")
    assert report.as_dict()["crops"] == len(crops)


def test_accepts_a_path_and_a_runner(stand_in, float_model, crops, tmp_path):
    (tmp_path / "hand.tflite").write_bytes(float_model)
    report = compare(KerasRunner(stand_in), tmp_path / "hand.tflite", crops[:2])
    report.check("float32")


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_gate_trips_on_a_sabotaged_model(stand_in, float_model, crops, recipe):
    # The converted file belongs to other heatmaps than the Keras model: joints 3 and 7
    # have changed places, which the mean over all joints must not hide.
    sabotaged = keras.models.clone_model(stand_in)
    sabotaged.set_weights(stand_in.get_weights())
    kernel, bias = sabotaged.get_layer("heatmaps").get_weights()
    kernel[..., [3, 7]] = kernel[..., [7, 3]]
    sabotaged.get_layer("heatmaps").set_weights([kernel, bias])
    content = quantize(float_model, recipe, crops)
    with pytest.raises(GateError, match=r"broken\.tflite: .* Received: uv_px\..*> "):
        compare(sabotaged, content, crops).check(recipe, "broken.tflite")


def test_gate_trips_on_a_quantized_tail(stand_in, float_model, crops):
    from ai_edge_quantizer import qtyping, quantizer

    target = quantizer.Quantizer(bytearray(float_model))
    # 8-bit weights in the expectation: the positions themselves are rounded.
    target.add_dynamic_config(".*", qtyping.TFLOperationName.FULLY_CONNECTED, 8)
    result = target.quantize(enable_progress_report=False, enable_progress_bar=False)
    assert result.quantized_model is not None
    report = compare(stand_in, bytes(result.quantized_model), crops)
    with pytest.raises(GateError, match="uv_px"):
        report.check("float16")


def test_unknown_recipe_is_rejected():
    with pytest.raises(InputError, match="Received: recipe="):
        ParityReport(1, {}).failures("int3")


def test_compare_checks_the_crops(stand_in, float_model):
    with pytest.raises(InputError, match=r"compare: crops: .* Received: shape="):
        compare(stand_in, float_model, np.zeros((1, 32, 32, 3)))


def test_table_marks_failures():
    good = compare_outputs(outputs_of(0.0), outputs_of(0.0))
    bad = compare_outputs(outputs_of(0.0), outputs_of(9.0))
    console = Console(width=80, record=True, file=open("/dev/null", "w"))
    with console.file:
        console.print(parity_table({"float16": good, "int8_mixed": bad}))
    lines = console.export_text().splitlines()
    assert next(line for line in lines if "float16" in line).rstrip(" │").endswith("passed")
    assert next(line for line in lines if "int8_mixed" in line).rstrip(" │").endswith("failed")


def test_stand_in_is_worth_comparing(crops):
    # Its joints move over the crops by pixels; otherwise parity would mean nothing.
    keras.utils.set_random_seed(1)
    uv_px = np.asarray(build_stand_in()(crops)["uv_px"])
    assert np.median(uv_px.std(axis=0)) > 1.0
