"""Tests of the inputs of the golden steps: they hold what they are named for."""

import math

import numpy as np
import pytest

from tf_handgroups.camera import BONE_RATIOS
from tf_handgroups.convert.golden_cases import golden_cases
from tf_handgroups.convert.one_euro import OneEuroSettings
from tf_handgroups.joints import PARENTS


@pytest.fixture(scope="module")
def cases():
    return {case.name: case for case in golden_cases(OneEuroSettings(beta=3.0))}


def test_names_are_unique_and_inputs_are_reproducible(cases):
    again = golden_cases(OneEuroSettings(beta=3.0))
    assert [case.name for case in again] == list(cases)
    for case in again:
        for name, value in case.inputs.items():
            np.testing.assert_array_equal(value, cases[case.name].inputs[name])
    other = golden_cases(OneEuroSettings(beta=3.0), seed=1)
    assert not np.array_equal(other[0].inputs["image"], again[0].inputs["image"])


def window(case) -> tuple[float, list[float], tuple[int, int]]:
    """Side over crop size, edges of the window, and height and width of the image."""
    x, y, width, height = case.inputs["box_px"]
    side = 1.5 * max(width, height)
    u, v = x + width / 2, y + height / 2
    edges = [u - side / 2, v - side / 2, u + side / 2, v + side / 2]
    return side / case.inputs["size"], edges, case.inputs["image"].shape[:2]


def inside(edges, shape) -> bool:
    return min(edges[:2]) > 0 and edges[2] < shape[1] and edges[3] < shape[0]


@pytest.mark.parametrize(
    ("name", "factor", "is_inside", "mirror"),
    [
        ("crop inside", 1, True, False),
        ("crop mirrored", 1, True, True),
        ("crop beyond the border", 1, False, False),
        ("crop averaging blocks", 3, False, False),
        ("crop averaging blocks mirrored", 3, False, True),
        ("crop averaging blocks beyond the border", 4, False, False),
    ],
)
def test_crops_need_what_they_say(cases, name, factor, is_inside, mirror):
    scale, edges, shape = window(cases[name])
    assert math.floor(scale) == factor and inside(edges, shape) == is_inside
    assert cases[name].inputs["mirror"] == mirror
    assert factor == 1 or (shape[0] % factor and shape[1] % factor)  # a rest is left


def test_whole_frame_is_a_whole_factor_up_to_rounding(cases):
    scale, edges, (height, width) = window(cases["crop of a whole frame"])
    assert scale == pytest.approx(3, abs=1e-9)
    np.testing.assert_allclose([edges[0], edges[2]], [-0.5, width - 0.5], atol=1e-9)
    assert height < width


def test_hands_cover_both_sides_and_what_has_no_solution(cases):
    hands = [case.inputs for case in cases.values() if case.step == "hand"]
    assert {hand["side"] for hand in hands} == {"left", "right"}
    assert any(min(hand["box_px"][:2]) < 0 for hand in hands)
    steep = cases["hand of impossible depth"].inputs["z_rel"]
    extent = [abs(steep[joint] - steep[PARENTS[joint]]) for joint in range(1, 21)]
    assert np.mean(extent > BONE_RATIOS) > 0.3
    assert np.ptp(cases["hand in one pixel"].inputs["uv_px"], axis=0).max() == 0


def test_decoding_is_no_identity(cases):
    inputs = cases["decode"].inputs
    rows, columns = inputs["heatmaps"].shape[:2]
    assert rows != columns and inputs["decoding"]["joints"] != list(range(21))
    with np.errstate(over="ignore"):
        assert np.isinf(np.exp(cases["decode large logits"].inputs["heatmaps"])).any()


def test_filter_has_uneven_times_and_the_given_numbers(cases):
    inputs = cases["filter"].inputs
    steps = np.diff(inputs["time_s"])
    assert steps.min() > 0 and steps.max() > 1.5 * steps.min()
    assert inputs["settings"] == {
        "min_cutoff_hz": OneEuroSettings().min_cutoff_hz,
        "beta": 3.0,
        "derivative_cutoff_hz": OneEuroSettings().derivative_cutoff_hz,
    }
