import copy
import dataclasses
import html

import numpy as np
import pytest

from tf_handgroups.convert.demo_report import (
    DemoFacts,
    Picture,
    demo_report,
)
from tf_handgroups.convert.pruning import Pruning
from tf_handgroups.evaluation import evaluate
from tf_handgroups.recipes import quicktest
from tf_handgroups.synth.render import render_sample

PASSED = {"passed": True, "failures": []}
VARIANT = {
    "bytes": 2_345_000,
    "benchmark": {"ratio": 1.0, "median_ms": 1.5},
    "parity": {"uv_px": {"mean": 0.01, "max": 0.25}},
    "gate": PASSED,
}
CONVERSION = {
    "input_size": 64,
    "crops": {"validation": 17},
    "variants": {"float32": VARIANT, "int8_mixed": copy.deepcopy(VARIANT)},
}


@pytest.fixture(scope="module")
def facts():
    def shifted(samples):
        return [{"uv_px": sample.uv_px + 3, "z_rel": np.zeros(21)} for sample in samples]

    samples = [sample for sample in map(render_sample, range(6), [64] * 6) if sample.presence]
    evaluation = evaluate(shifted, samples, protocol="procrustes")
    grouping = [joint % 3 for joint in range(21)]
    return DemoFacts(
        out="demo_out",
        seed=7,
        recipe=quicktest(),
        num_train=100,
        num_validation=20,
        image_size=64,
        sheet=np.zeros((40, 60, 3), np.uint8),
        history={"loss": [2.0, 1.0], "val_loss": [2.5, 1.5], "unknown": [0.0, 0.0]},
        probabilities=np.eye(3)[grouping],
        grouping=grouping,
        pruning=Pruning(1.5e-5, 2e-6, 32, (200, 150), (2_000_000, 1_500_000), 0.5, (0.4, 0.6)),
        conversion=CONVERSION,
        evaluations={"float32": evaluation, "int8_mixed": evaluation},
        pictures=[
            Picture(np.zeros((20, 40, 3), np.uint8), 0.0512, 0.75, False),
            Picture(np.zeros((20, 40, 3), np.uint8), 0.4321, 0.0, True),
        ],
        seconds={"render": 61.0, "train": 125.4},
    )


def test_shows_the_numbers_it_was_given(facts):
    page = demo_report(facts)
    errors = facts.evaluations["float32"].report
    expected = [
        "<td>2,345</td>",
        "<td>2,000,000</td><td>1,500,000</td>",
        "<td>200</td><td>150</td>",
        "<td>2e-05</td>",
        "17 crops of 64 x 64 pixels",
        "3:06",
        "2:05",
        "Error 5.1% of the box, smaller than for 75% of the hands.",
        "Error 43.2% of the box.",
        f"{errors['errors_3d']['procrustes']['mpjpe_mm']:.2f}</td>",
        f"{errors['mean_hand']['mpjpe_mm']:.2f}</td>",
        f"{errors['errors_2d']['epe_px']:.2f}</td>",
    ]
    for text in expected:
        assert text in page, text
    assert "thumb tip" in page


def test_passed_gates_are_said(facts):
    page = demo_report(facts)
    assert page.count(">passed<") == 2
    assert "Outside its gate" not in page


def test_failed_gate_is_said_with_its_reason(facts):
    conversion = copy.deepcopy(CONVERSION)
    gate = {"passed": False, "failures": ["uv_px.mean=0.7 > 0.5 crop px"]}
    conversion["variants"]["int8_mixed"]["gate"] = gate
    page = demo_report(dataclasses.replace(facts, conversion=conversion))
    assert page.count(">passed<") == 1
    assert ">failed<" in page
    assert html.escape("Outside its gate, int8_mixed: uv_px.mean=0.7 > 0.5 crop px.") in page


def test_empty_group_is_said(facts):
    page = demo_report(dataclasses.replace(facts, grouping=[joint % 2 for joint in range(21)]))
    assert "none: this group lost its head" in page


def test_folder_names_cannot_become_markup(facts):
    page = demo_report(dataclasses.replace(facts, out="my <b>demo</b>"))
    assert "<b>demo" not in page
    assert "my &lt;b&gt;demo" in page
