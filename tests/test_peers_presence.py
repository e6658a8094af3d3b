"""Presence and side: areas, mirrored hands, shares."""

import itertools

import numpy as np
import pytest

from benchmarks import peers_presence
from benchmarks.peers_accuracy import Looked
from benchmarks.peers_networks import Answer
from benchmarks.peers_presence import (
    PHOTOGRAPHS,
    RENDERS,
    area,
    handedness_rows,
    look_at_mirrored,
    mirrored,
    pictures_without_hand,
    presence_rows,
    presence_without_hand,
)
from benchmarks.peers_windows import box_way, window_of_box
from tests.peers_case import our_network, sample_of, the_hand, their_network
from tf_handgroups.image_file import read_image


def answer(presence, right=None):
    return Answer(np.zeros((21, 2)), np.zeros(21), {}, presence, right)


def looked(degrees, answers, sides=None):
    samples = [sample_of(the_hand(), side) for side in sides or ["right"] * len(answers)]
    return Looked("real", degrees, samples, {"net": [{box_way(): one} for one in answers]})


def test_area_counts_pairs():
    generator = np.random.default_rng(0)
    positives, negatives = generator.integers(0, 5, 20) / 4, generator.integers(0, 5, 30) / 4
    wins = [(p > n) + (p == n) / 2 for p, n in itertools.product(positives, negatives)]
    assert area(positives, negatives) == pytest.approx(np.mean(wins))
    assert area(np.array([0.9]), np.array([0.1])) == 1


def test_pictures_without_a_hand(monkeypatch):
    photograph = np.zeros((90, 120, 3), np.uint8)
    monkeypatch.setattr(peers_presence, "load_photographs", lambda: (photograph,))
    found = list(pictures_without_hand(2))
    assert [kind for kind, *_ in found] == [RENDERS] * 2 + [PHOTOGRAPHS] * 3
    for _, image, box in found:
        height, width = image.shape[:2]
        assert box[0] >= -0.5 and box[1] >= -0.5 and (box[2:] > 10).all()
        assert box[0] + box[2] <= width and box[1] + box[3] <= height
    again = list(pictures_without_hand(2))
    assert all(
        (a[2] == b[2]).all() and (a[1] == b[1]).all() for a, b in zip(found, again, strict=True)
    )
    assert (found[0][1] != found[1][1]).any()


def test_shares_and_areas():
    probabilities = iter([0.6, 0.1, 0.2])

    def network(image, window, side):
        assert side is None
        return answer(next(probabilities))

    network.name = "net"
    box, image = np.array([0, 0, 9, 9]), np.zeros((9, 9, 3), np.uint8)
    others = presence_without_hand([network], iter([("x", image, box)] * 2 + [("y", image, box)]))
    assert others == {"net": {"x": [0.6, 0.1], "y": [0.2]}}
    views = [looked(0, [answer(0.9), answer(0.4)]), looked(0, [answer(0.7), answer(0.8)])]
    (row,) = presence_rows([*views, looked(90, [answer(None)])], others)
    assert row["rotation_deg"] == 0 and row["num_hands"] == 4 and row["hands_found"] == 0.75
    assert row["others"]["x"] == {"num_pictures": 2, "taken_for_hands": 0.5, "auc": 7 / 8}
    assert row["others"]["y"] == {"num_pictures": 1, "taken_for_hands": 0, "auc": 1}


def test_network_without_presence_has_no_row():
    def network(image, window, side):
        return answer(None)

    network.name = "net"
    pictures = iter([("x", np.zeros((9, 9, 3), np.uint8), np.array([0, 0, 9, 9]))])
    others = presence_without_hand([network], pictures)
    assert others == {"net": {}}
    assert presence_rows([looked(0, [answer(0.9)])], others) == []


def test_mirrored_hand_is_one_of_the_other_side():
    sample = sample_of(the_hand())
    other = mirrored(sample)
    assert other.handedness == "left" and other.xyz_camera_mm is None
    network = their_network("theirs")
    found = network(read_image(other.image), window_of_box(other.box_px), None)
    np.testing.assert_allclose(found.uv_px, other.uv_px, atol=0.2)
    assert found.right < 0.5
    again = mirrored(other)
    np.testing.assert_allclose(again.uv_px, sample.uv_px)
    np.testing.assert_allclose(again.box_px, sample.box_px)
    assert (read_image(again.image) == read_image(sample.image)).all()
    assert mirrored(sample_of(the_hand(), None)).handedness is None


def test_only_networks_that_find_sides_are_asked():
    networks = [our_network(), our_network(True), their_network("theirs")]
    data = {"a": [sample_of(the_hand()), sample_of(the_hand(), None)]}
    views = look_at_mirrored(networks, data, (0.0, 90.0))
    assert [view.rotation_deg for view in views] == [0, 90]
    for view in views:
        assert list(view.answers) == ["ours, side found", "theirs"]
        assert [sample.handedness for sample in view.samples] == ["left"]
        for answers in view.answers.values():
            assert answers[0][box_way()].right < 0.5


def test_share_of_sides_found():
    direct = looked(
        30,
        [answer(1, 0.9), answer(1, 0.2), answer(1, 0.7), answer(1, 0.4)],
        ["right", "right", None, "left"],
    )
    other = looked(30, [answer(1, 0.6), answer(1, None)], ["left", "right"])
    rows = handedness_rows([direct], [other])
    assert [(row["side"], row["num_hands"], row["correct"]) for row in rows] == [
        ("left", 2, 0.5),
        ("right", 2, 0.5),
    ]
    assert all(row["rotation_deg"] == 30 and row["network"] == "net" for row in rows)
