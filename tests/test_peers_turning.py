"""What a second pass buys, where it is known."""

import dataclasses

import numpy as np
import pytest

from benchmarks.peers_accuracy import Looked
from benchmarks.peers_networks import Answer
from benchmarks.peers_turning import passes, turn_error_rows, turned_by_deg, turning_rows
from benchmarks.peers_windows import TWO_PASSES, UPRIGHT_BOX, box_way
from tests.peers_case import sample_of, the_hand
from tf_handgroups.rotated_dataset import rotate_sample


def answer_of(sample, error_box=0.0, num_runs=1):
    shift = np.array([error_box * float(np.ptp(sample.uv_px, axis=0).max()), 0])
    return Answer(
        sample.uv_px + shift, np.zeros(21), {"a": sample.xyz_camera_mm}, None, None, num_runs
    )


def looked_at(degrees):
    """A network that errs by a thousandth of the box for each degree in its first pass."""
    sample = rotate_sample(sample_of(the_hand()), degrees)
    answers = {
        box_way(): answer_of(sample, degrees / 1000),
        TWO_PASSES: answer_of(sample, 0.01, num_runs=2),
    }
    if degrees == 0:
        answers[UPRIGHT_BOX] = answer_of(sample, 0.005)
    return Looked("real", degrees, [sample], {"net": [answers]})


def test_second_pass_is_for_hands_that_look_turned():
    looked = looked_at(50)
    (answers,) = looked.answers["net"]
    angle = turned_by_deg(answers[box_way()])
    # The hand itself points up within some degrees.
    assert angle == pytest.approx(50, abs=15)
    assert passes(answers, None) is answers[box_way()]
    assert passes(answers, angle - 1) is answers[TWO_PASSES]
    assert passes(answers, angle + 1) is answers[box_way()]
    assert passes(answers, 0) is answers[TWO_PASSES]


def test_means_over_the_rotations():
    rows = {row["way"]: row for row in turning_rows([looked_at(0), looked_at(60), looked_at(180)])}
    assert list(rows)[:2] == ["one pass", TWO_PASSES] and list(rows)[-1] == UPRIGHT_BOX
    one, two, some = (rows[way] for way in ("one pass", TWO_PASSES, "second above 90 deg"))
    assert one["epe_box"] == pytest.approx((0 + 0.06 + 0.18) / 3, rel=1e-3)
    assert one["worst_epe_box"] == pytest.approx(0.18, rel=1e-3)
    assert (one["num_runs"], two["num_runs"]) == (1, 2)
    assert two["epe_box"] == pytest.approx(0.01, rel=1e-3)
    assert some["num_runs"] == pytest.approx(4 / 3)
    assert some["epe_box"] == pytest.approx((0 + 0.06 + 0.01) / 3, rel=1e-3)
    assert rows[UPRIGHT_BOX]["epe_box"] == pytest.approx(0.005, rel=1e-3)
    assert one["pa_mpjpe_mm"] < 1e-3 and one["worst_pa_mpjpe_mm"] < 1e-3
    flat = looked_at(0)
    samples = [dataclasses.replace(flat.samples[0], xyz_camera_mm=None)]
    rows = turning_rows([dataclasses.replace(flat, samples=samples)])
    assert all("pa_mpjpe_mm" not in row for row in rows)


def test_error_of_the_first_pass():
    looked = looked_at(60)
    (row,) = turn_error_rows([looked])
    assert row["rotation_deg"] == 60 and row["num_hands"] == 1
    # A shift turns nothing.
    assert row["median_deg"] == row["p90_deg"] == pytest.approx(0, abs=1e-3)
    blind = dataclasses.replace(
        looked.samples[0], visible=np.zeros(21), xyz_camera_mm=None, uv_px=np.full((21, 2), np.nan)
    )
    assert turn_error_rows([dataclasses.replace(looked, samples=[blind])]) == []
