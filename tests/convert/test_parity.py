"""Tests of the comparison with the Keras model and its gates."""

import dataclasses
import io
import json

import keras
import numpy as np
import pytest
from rich.console import Console

from tests.convert.conftest import SIZE, build_stand_in
from tests.hands import make_sample
from tf_handgroups.camera import relative_depth
from tf_handgroups.convert.export import OUTPUT_SHAPES, REQUIRED_OUTPUTS
from tf_handgroups.convert.labelled_crops import labelled_crops
from tf_handgroups.convert.parity import ParityReport, compare, compare_outputs, parity_table
from tf_handgroups.convert.quantize import RECIPES, quantize
from tf_handgroups.convert.run import KerasRunner
from tf_handgroups.errors import GateError, InputError
from tf_handgroups.synth.render import render_sample


def outputs_of(value: float, names=tuple(OUTPUT_SHAPES)) -> dict[str, np.ndarray]:
    return {name: np.full((2, *OUTPUT_SHAPES[name]), value) for name in names}


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
    assert report.joints["uv_px"]["mean"] == [0.0] * 20 + [2.5]
    assert report.joints["z_rel"]["max"] == [2.1] + [0.0] * 20
    assert report.value("uv_px.worst_joint") == 2.5
    assert "presence" not in report.joints and not report.accuracy


def test_not_a_number_never_passes():
    received = outputs_of(0.0)
    received["z_rel"][0, 3] = np.nan
    report = compare_outputs(outputs_of(0.0), received)
    assert report.value("z_rel.max") == np.inf
    json.dumps(report.as_dict(), allow_nan=False)
    for recipe in RECIPES:
        with pytest.raises(GateError, match="z_rel"):
            report.check(recipe)


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_gates_of_missing_logits_are_skipped_and_the_others_stay(recipe):
    expected = outputs_of(0.0, REQUIRED_OUTPUTS)
    report = compare_outputs(expected, expected)
    assert set(report.as_dict()["units"]) == set(REQUIRED_OUTPUTS)
    report.check(recipe)
    for name in REQUIRED_OUTPUTS:
        report = compare_outputs(expected, expected | {name: expected[name] + 9.0})
        with pytest.raises(GateError, match=f"Received: {name}"):
            report.check(recipe)


@pytest.mark.parametrize("name", list(OUTPUT_SHAPES))
def test_an_output_that_one_model_lost_is_not_skipped(name):
    complete = outputs_of(0.0)
    rest = outputs_of(0.0, [key for key in OUTPUT_SHAPES if key != name])
    for expected, received in ((complete, rest), (rest, complete)):
        with pytest.raises(InputError, match=r"of both models\. Received: outputs="):
            compare_outputs(expected, received)


def test_float32_export_passes_its_gate(stand_in, float_model, crops):
    report = compare(stand_in, float_model, crops)
    report.check("float32")
    assert report.as_dict()["crops"] == len(crops)


def test_accepts_a_path_and_a_runner(stand_in, float_model, crops, tmp_path):
    (tmp_path / "hand.tflite").write_bytes(float_model)
    report = compare(KerasRunner(stand_in), tmp_path / "hand.tflite", crops[:2])
    report.check("float32")


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_gate_trips_on_a_sabotaged_model(stand_in, float_model, maps_model, crops, recipe):
    # The converted file belongs to other heatmaps than the Keras model: joints 3 and 7
    # have changed places, which the mean over all joints must not hide.
    sabotaged = keras.models.clone_model(stand_in)
    sabotaged.set_weights(stand_in.get_weights())
    kernel, bias = sabotaged.get_layer("heatmaps").get_weights()
    kernel[..., [3, 7]] = kernel[..., [7, 3]]
    sabotaged.get_layer("heatmaps").set_weights([kernel, bias])
    source = maps_model if RECIPES[recipe].integer_only else float_model
    content = quantize(source, recipe, crops)
    compare(stand_in, content, crops).check(recipe)
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
        report.check("float32")


def test_unknown_recipe_is_rejected():
    with pytest.raises(InputError, match="Received: recipe="):
        ParityReport(1, {}).failures("int3")


def test_compare_checks_the_crops(stand_in, float_model):
    with pytest.raises(InputError, match=r"compare: crops: .* Received: shape="):
        compare(stand_in, float_model, np.zeros((1, 32, 32, 3)))


def cells_of(reports: dict[str, ParityReport]) -> dict[str, list[str]]:
    """The table as it is printed: variant -> the other cells of its row."""
    console = Console(width=80, file=io.StringIO())
    console.print(parity_table(reports))
    lines = console.file.getvalue().splitlines()
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if "│" in line]
    return {variant: cells for variant, *cells in rows}


def test_table_marks_failures():
    good = compare_outputs(outputs_of(0.0), outputs_of(0.0))
    bad = compare_outputs(outputs_of(0.0), outputs_of(9.0))
    cells = cells_of({"float16": good, "int8_mixed": bad})
    assert cells["float16"][-1] == "passed"
    assert cells["int8_mixed"][-1] == "failed"


def test_table_shows_the_worst_logit_or_that_there_is_none():
    expected, received = outputs_of(0.0), outputs_of(0.0)
    received["presence"] += 0.25
    received["handedness"][1] -= 0.5
    without = outputs_of(0.0, REQUIRED_OUTPUTS)
    cells = cells_of(
        {
            "float16": compare_outputs(expected, received),
            "float32": compare_outputs(without, without),
        }
    )
    zeros = ["0.000"] * 4
    assert cells["float16"] == [*zeros, "-", "0.500", "-", "failed"]
    assert cells["float32"] == [*zeros, "-", "-", "-", "passed"]


@pytest.fixture
def labels():
    hands = [make_sample(seed=seed) for seed in range(6)]
    return labelled_crops(hands, SIZE, len(hands))


def test_crops_with_labels_are_compared_in_millimetres_too(stand_in, float_model, labels):
    report = compare(stand_in, float_model, labels)
    report.check("float32")
    assert report.num_crops == 6
    assert set(report.accuracy) == {"epe_px", "mpjpe_mm", "pa_mpjpe_mm"}
    assert report.value("xyz_mm.max") < 0.1
    assert report.joints["xyz_mm"]["mean"][9] == 0.0  # joint 9 lies on joint 9
    assert report.value("mpjpe_mm.change_percent") == pytest.approx(0, abs=1e-3)
    values = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert values["units"]["xyz_mm"] == "mm"
    assert values["against_labels"]["mpjpe_mm"]["num_hands"] == 6
    joints = json.loads(json.dumps(report.joints_dict(), allow_nan=False))
    assert len(joints["names"]) == len(joints["xyz_mm"]["p99"]) == 21


def test_larger_error_against_labels_is_refused_although_outputs_hardly_differ():
    # Every joint moves 0.3 px away from its label: within what int8 may do to the outputs.
    hands = [sample for seed in range(12) if (sample := render_sample(seed, 64)).presence]
    labels = labelled_crops(hands, SIZE, len(hands))
    labels = dataclasses.replace(labels, uv_px=labels.uv_px.copy())
    labels.uv_px[np.isnan(labels.uv_px)] = SIZE / 2  # joints outside the picture
    away = np.random.default_rng(0).normal(size=labels.uv_px.shape)
    away /= np.linalg.norm(away, axis=-1, keepdims=True)
    z_rel = relative_depth(labels.xyz_camera_mm)
    expected = {"uv_px": labels.uv_px + away, "z_rel": z_rel}
    received = {"uv_px": labels.uv_px + 1.3 * away, "z_rel": z_rel}
    report = compare_outputs(expected, received, labels)
    assert report.accuracy["epe_px"].change_percent == pytest.approx(30)
    failures = report.failures("int8_mixed")
    assert len(failures) == 1 and failures[0].startswith("mpjpe_mm.at_least_percent=")
    assert failures[0].endswith("> 1 %")
    assert compare_outputs(received, expected, labels).failures("int8_mixed") == []
    assert compare_outputs(expected, received).failures("int8_mixed") == []


def test_not_a_number_never_passes_with_labels(labels):
    z_rel = np.zeros(labels.uv_px.shape[:2])
    expected = {"uv_px": labels.uv_px, "z_rel": z_rel}
    broken = {"uv_px": labels.uv_px.copy(), "z_rel": z_rel}
    broken["uv_px"][3, 3] = np.nan
    report = compare_outputs(expected, broken, labels)
    json.dumps(report.as_dict(), allow_nan=False)
    assert report.value("xyz_mm.max") == report.value("mpjpe_mm.at_least_percent") == np.inf
    assert report.failures("int8_mixed")


def test_accepts_any_runner_that_returns_the_decoded_outputs(stand_in, crops):
    runner = KerasRunner(stand_in)

    class Half:
        """Stands for a variant that only its contract explains."""

        input_size, sha256, name = SIZE, None, "half"

        def __call__(self, pixels):
            return {key: value + 0.5 for key, value in runner(pixels).items()}

    report = compare(runner, Half(), crops[:2])
    assert report.value("z_rel.mean") == pytest.approx(0.5)
    assert report.value("uv_px.mean") == pytest.approx(0.5 * 2**0.5, rel=1e-4)


def test_table_shows_millimetres_and_growth_within_80_columns(labels):
    z_rel = np.zeros(labels.uv_px.shape[:2])
    expected = {"uv_px": labels.uv_px + np.array([1.0, 0.0]), "z_rel": z_rel}
    received = {"uv_px": labels.uv_px + np.array([1.25, 0.0]), "z_rel": z_rel}
    report = compare_outputs(expected, received, labels)
    cells = cells_of({"dynamic_int8": report})["dynamic_int8"]
    assert cells[4] == f"{report.value('xyz_mm.mean'):.2f}"
    assert cells[6] == f"{report.value('mpjpe_mm.change_percent'):+.2f}%"
    assert cells[-1] == "passed"


def test_stand_in_is_worth_comparing(crops):
    # Its joints move over the crops by pixels; otherwise parity would mean nothing.
    keras.utils.set_random_seed(1)
    uv_px = np.asarray(build_stand_in()(crops)["uv_px"])
    assert np.median(uv_px.std(axis=0)) > 1.0
