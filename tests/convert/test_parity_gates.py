"""Tests of the limits by recipe."""

import numpy as np

from tf_handgroups.convert.parity import compare_outputs
from tf_handgroups.convert.parity_gates import GATES, UNITS
from tf_handgroups.convert.quantize import RECIPES

STATISTICS = {"mean", "p99", "max", "worst_joint", "change_percent", "at_least_percent"}


def test_every_recipe_has_a_justified_gate():
    assert set(GATES) == set(RECIPES)
    for gate in GATES.values():
        assert len(gate.justification) > 50
        assert {key.split(".")[1] for key in gate.limits} <= STATISTICS
        assert {key.split(".")[0] for key in gate.limits} >= {
            "uv_px",
            "z_rel",
            "presence",
            "handedness",
            "mpjpe_mm",
        }


def test_every_limit_has_a_unit_and_is_no_licence_to_break():
    for gate in GATES.values():
        for key, limit in gate.limits.items():
            assert UNITS[key.split(".")[0]] and 0 < limit <= 8


def test_coarser_recipes_have_wider_gates():
    growth = {name: gate.limits["mpjpe_mm.at_least_percent"] for name, gate in GATES.items()}
    assert growth["float32"] < growth["float16"] < growth["int8_mixed"] == 1
    assert growth["dynamic_int8"] == 3


def test_one_damaged_joint_in_21_is_caught():
    expected = {"uv_px": np.zeros((50, 21, 2)), "z_rel": np.zeros((50, 21))}
    uv_px, z_rel = expected["uv_px"].copy(), expected["z_rel"].copy()
    uv_px[:, 13, 0] = 2.0  # 0.1 px on average, 2 px at the 99th percentile
    z_rel[:, 4] = 0.9  # 0.04 bones on average
    for outputs, name in (
        ({"uv_px": uv_px, "z_rel": expected["z_rel"]}, "uv_px.worst_joint=2 > 1.5 crop px (ring"),
        ({"uv_px": expected["uv_px"], "z_rel": z_rel}, "z_rel.worst_joint=0.9 > 0.15 bone"),
    ):
        failures = compare_outputs(expected, outputs).failures("int8_mixed")
        assert len(failures) == 1 and failures[0].startswith(name)
