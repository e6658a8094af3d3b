"""Errors of networks whose error is known."""

import dataclasses

import numpy as np
import pytest

from benchmarks.peers_accuracy import accuracy_rows, look_at_all, score
from benchmarks.peers_networks import IMAGE, WEAK_PERSPECTIVE, WORLD, Answer
from benchmarks.peers_windows import THEIR_REGION, TWO_PASSES, UPRIGHT_BOX
from tests.peers_case import our_network, sample_of, the_hand, their_network
from tf_handgroups.metrics.procrustes import procrustes_align


def test_networks_that_know_everything_have_no_error():
    networks = [our_network(), our_network(True), their_network("theirs")]
    sample = sample_of(the_hand())
    asked = []
    looked = look_at_all(
        networks, {"a": [sample]}, (0.0, 90.0, 30.0), (2.0,), lambda *what: asked.append(what)
    )
    assert asked == [("a", 0.0), ("a", 90.0), ("a", 30.0)]
    assert [one.rotation_deg for one in looked] == [0, 90, 30]
    rows = accuracy_rows(looked)
    ways = ["box x1.5", "box x2", TWO_PASSES]
    for network in networks:
        mine = [row for row in rows if row["network"] == network.name]
        # The best cases at the first rotation only.
        expected = [*ways, UPRIGHT_BOX, THEIR_REGION, *ways, *ways]
        assert [row["way"] for row in mine] == expected
        for row in mine:
            assert row["num_hands"] == 1 and row["data"] == "a"
            # Positions are read from colours with 8 bits.
            assert row["epe_box"] < 0.01 and row["pck_0.05"] == 1
            assert all(error < 1 for error in row["pa_mpjpe_mm"].values())
            assert row["with_camera_mm"] < 1
    runs = {(row["network"], row["way"]): row["num_runs"] for row in rows}
    assert (runs["ours", "box x2"], runs["ours", TWO_PASSES]) == (1, 2)
    # The second pass has the side from the first.
    assert (runs["ours, side found", "box x2"], runs["ours, side found", TWO_PASSES]) == (2, 3)
    assert (runs["theirs", "box x1.5"], runs["theirs", TWO_PASSES]) == (1, 2)
    kinds = {row["network"]: list(row["pa_mpjpe_mm"]) for row in rows}
    assert kinds["ours"] == [WEAK_PERSPECTIVE] and kinds["theirs"] == [WORLD, IMAGE]


def answer(hand, noise=0.0, shift_px=0.0):
    xyz = hand.xyz + noise * np.random.default_rng(0).standard_normal((21, 3))
    uv = hand.uv + np.array([shift_px, 0])
    return Answer(uv, np.zeros(21), {"a": xyz, "b": hand.xyz}, None, None)


def test_errors_are_those_of_the_definitions():
    hand = the_hand()
    sample = sample_of(hand)
    side = float(sample.box_px[2:].max())
    row = score([(sample, answer(hand, noise=0.1, shift_px=0.1 * side))] * 2)
    assert row["num_hands"] == 2
    assert row["epe_box"] == pytest.approx(0.1, rel=1e-3)
    assert (row["pck_0.05"], row["pck_0.2"]) == (0, 1)
    truth = sample.xyz_camera_mm.astype(np.float64)
    aligned = procrustes_align(answer(hand, noise=0.1).xyz["a"], truth)
    expected = np.linalg.norm(aligned - truth, axis=-1)
    np.testing.assert_allclose(row["joints_mm"]["a"], expected, rtol=1e-5)
    assert row["pa_mpjpe_mm"]["a"] == pytest.approx(expected.mean(), rel=1e-5)
    assert row["pa_mpjpe_mm"]["b"] < 1e-3


def test_hands_without_3d_have_errors_in_2d_only():
    hand = the_hand()
    flat = sample_of(hand, xyz_camera_mm=None)
    row = score([(sample_of(hand), answer(hand)), (flat, answer(hand))])
    assert row["epe_box"] < 1e-6 and "pa_mpjpe_mm" not in row and "with_camera_mm" not in row


def test_way_that_needs_missing_joints_is_left_out():
    sample = sample_of(the_hand(), xyz_camera_mm=None)
    visible = np.arange(21) != 6
    uv = np.where(visible[:, None], sample.uv_px, np.nan)
    partly = dataclasses.replace(sample, uv_px=uv, visible=visible)
    looked = look_at_all([our_network()], {"a": [sample, partly]}, (0.0,), ())
    counts = {row["way"]: row["num_hands"] for row in accuracy_rows(looked)}
    assert counts == {"box x1.5": 2, TWO_PASSES: 2, UPRIGHT_BOX: 2, THEIR_REGION: 1}
