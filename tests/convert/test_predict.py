"""Prediction with a runner that finds a bright dot: every mapping can be followed by eye."""

import json

import numpy as np
import pytest

from tests.hands import make_sample
from tf_handgroups.camera import recover_weak_perspective
from tf_handgroups.convert.predict import Predictor, find_images, full_frame_box
from tf_handgroups.crop import crop_image, crop_matrix
from tf_handgroups.errors import InputError

SIZE = 48
Z_REL = np.linspace(-1, 1, 21) - np.linspace(-1, 1, 21)[9]


class DotRunner:
    """All joints lie in a row that starts at the dot; a red dot looks like a left hand.

    In a mirrored crop the row is half as long, which shows whose result was used.
    """

    input_size = SIZE
    sha256 = "0" * 64
    name = "dot"

    def __init__(self):
        self.calls = []

    def __call__(self, crops):
        self.calls.append(crops)
        mass = crops.sum(axis=-1)
        rows, columns = np.mgrid[:SIZE, :SIZE]
        uv = np.stack([(mass * axis).sum((1, 2)) / mass.sum((1, 2)) for axis in (columns, rows)], 1)
        steps = np.stack([np.arange(21) * 0.5, np.zeros(21)], -1)
        red = crops[..., 0].sum((1, 2)) > 1.5 * crops[..., 1].sum((1, 2))
        left = uv[:, 0] < SIZE / 2
        return {
            "uv_px": uv[:, None] + steps,
            "z_rel": np.where((red & left)[:, None], 1.0, 2.0) * Z_REL,
            "presence": np.full((len(crops), 1), 2.0),
            "handedness": np.where(red & left, -3.0, 3.0)[:, None],
        }


class PoseOnlyRunner(DotRunner):
    """Like the network of the paper: neither presence nor handedness."""

    def __call__(self, crops):
        outputs = super().__call__(crops)
        return {name: outputs[name] for name in ("uv_px", "z_rel")}


def image_with_dot(u, v, colour=(1, 1, 1), shape=(80, 120)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    dot = np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / 8)
    return np.round(255 * dot[..., None] * np.array(colour)).astype(np.uint8)


@pytest.fixture
def predictor():
    return Predictor(DotRunner())


BOX = (20, 10, 40, 30)  # centre (40, 25), window 60: 1.25 image pixels per crop pixel


def test_joints_come_back_in_image_pixels(predictor):
    (hand,) = predictor.predict(image_with_dot(47, 31), [BOX], ["right"])
    np.testing.assert_allclose(hand.uv_px[0], (47, 31), atol=0.1)
    np.testing.assert_allclose(hand.uv_px[:, 0] - hand.uv_px[0, 0], np.arange(21) * 0.625)
    np.testing.assert_allclose(hand.z_rel, 2 * Z_REL)
    np.testing.assert_array_equal(hand.box_px, BOX)
    assert hand.handedness == "right" and hand.uv_px.shape == (21, 2)
    np.testing.assert_allclose(hand.presence, 1 / (1 + np.exp(-2)))


def test_left_hands_are_mirrored_there_and_back(predictor):
    image = image_with_dot(47, 31)
    (hand,) = predictor.predict(image, [BOX], ["left"])
    (crops,) = predictor.runner.calls
    expected = crop_image(image, crop_matrix(BOX, SIZE), SIZE)[:, ::-1]
    np.testing.assert_allclose(crops[0], expected, atol=1e-5)
    np.testing.assert_allclose(hand.uv_px[0], (47, 31), atol=0.1)
    # What lies to the right in the mirrored crop lies to the left in the image.
    np.testing.assert_allclose(hand.uv_px[:, 0] - hand.uv_px[0, 0], -np.arange(21) * 0.625)
    np.testing.assert_allclose(hand.z_rel, 2 * Z_REL)
    assert hand.handedness == "left"


def test_unknown_hand_that_looks_right_keeps_its_first_look(predictor):
    for handedness in (None, [None]):
        (hand,) = predictor.predict(image_with_dot(30, 25), [BOX], handedness)
        assert hand.handedness == "right" and hand.uv_px[1, 0] > hand.uv_px[0, 0]
    assert len(predictor.runner.calls) == 4


def test_unknown_hand_is_judged_by_comparison_not_by_sign(predictor):
    """A network that leans to the right says so of both looks; the larger logit counts."""

    class Leaning(DotRunner):
        def __call__(self, crops):
            outputs = super().__call__(crops)
            return outputs | {"handedness": outputs["handedness"] + 10.0}

    (hand,) = Predictor(Leaning()).predict(image_with_dot(30, 25, colour=(1, 0, 0)), [BOX])
    assert hand.handedness == "left"


def test_unknown_hand_that_looks_left_takes_its_mirrored_look(predictor):
    # Red and in the left half: the logit is negative; mirrored it is in the right half.
    image = image_with_dot(30, 25, colour=(1, 0, 0))
    (hand,) = predictor.predict(image, [BOX])
    assert hand.handedness == "left" and len(predictor.runner.calls) == 2
    np.testing.assert_allclose(hand.uv_px[0], (30, 25), atol=0.1)
    assert hand.uv_px[1, 0] < hand.uv_px[0, 0]
    # Depths are those of the second, mirrored look.
    np.testing.assert_allclose(hand.z_rel, 2 * Z_REL)


def test_given_handedness_is_believed(predictor):
    image = image_with_dot(30, 25, colour=(1, 0, 0))
    (hand,) = predictor.predict(image, [BOX], ["right"])
    assert hand.handedness == "right" and len(predictor.runner.calls) == 1
    np.testing.assert_allclose(hand.z_rel, Z_REL)


def test_network_that_cannot_tell_takes_hands_as_right_ones():
    # What the other network finds to be a left hand.
    image = image_with_dot(30, 25, colour=(1, 0, 0))
    for handedness in (None, [None]):
        predictor = Predictor(PoseOnlyRunner())
        (hand,) = predictor.predict(image, [BOX], handedness)
        assert hand.handedness is None and hand.presence is None
        (right,) = predictor.predict(image, [BOX], ["right"])
        assert right.handedness == "right" and right.presence is None
        np.testing.assert_array_equal(hand.uv_px, right.uv_px)
        np.testing.assert_array_equal(hand.xyz_relative, right.xyz_relative)
        # A second look would tell nothing.
        assert len(predictor.runner.calls) == 2


def test_network_that_cannot_tell_believes_what_is_given(predictor):
    image = np.maximum(image_with_dot(22, 25, (1, 0, 0)), image_with_dot(95, 60))
    boxes = [(80, 45, 30, 30), (15, 10, 30, 30), (80, 45, 30, 30)]
    sides = ["left", None, "right"]
    hands = Predictor(PoseOnlyRunner()).predict(image, boxes, sides)
    assert [hand.handedness for hand in hands] == sides
    assert sides == ["left", None, "right"]
    # Given hands are mirrored there and back as by a network that has the logit.
    for hand, expected in zip(hands, predictor.predict(image, boxes, sides), strict=True):
        if hand.handedness:
            np.testing.assert_array_equal(hand.uv_px, expected.uv_px)
    assert hands[0].uv_px[1, 0] < hands[0].uv_px[0, 0]
    assert hands[1].uv_px[1, 0] > hands[1].uv_px[0, 0]


def test_several_hands_keep_their_order(predictor):
    image = np.maximum(image_with_dot(22, 25, (1, 0, 0)), image_with_dot(95, 60))
    boxes = [(80, 45, 30, 30), (15, 10, 30, 30), (80, 45, 30, 30)]
    hands = predictor.predict(image, boxes, ["left", None, "right"])
    assert [hand.handedness for hand in hands] == ["left", "left", "right"]
    for hand, expected in zip(hands, ((95, 60), (22, 25), (95, 60)), strict=True):
        np.testing.assert_allclose(hand.uv_px[0], expected, atol=0.1)
    assert [len(call) for call in predictor.runner.calls] == [3, 1]


def test_no_boxes_no_work(predictor):
    assert predictor.predict(image_with_dot(1, 1), []) == []
    assert not predictor.runner.calls


def test_relative_joints_are_weak_perspective(predictor):
    (hand,) = predictor.predict(image_with_dot(47, 31), [BOX], ["left"])
    np.testing.assert_allclose(hand.xyz_relative, recover_weak_perspective(hand.uv_px, hand.z_rel))
    np.testing.assert_array_equal(hand.xyz_relative[9], 0)


def test_samples_are_predicted_as_labelled(predictor):
    samples = [make_sample(image_with_dot(30, 25, (1, 0, 0)), seed=seed) for seed in (0, 1)]
    assert [sample.handedness for sample in samples] == ["right", "left"]
    results = predictor(samples)
    assert [set(result) for result in results] == [{"uv_px", "z_rel"}] * 2
    assert results[0]["uv_px"][1, 0] > results[0]["uv_px"][0, 0]
    assert results[1]["uv_px"][1, 0] < results[1]["uv_px"][0, 0]


def test_json_entry(predictor):
    (hand,) = predictor.predict(image_with_dot(47, 31), [BOX], ["right"])
    entry = json.loads(json.dumps(hand.to_json(), allow_nan=False))
    assert list(entry) == [
        "box_px",
        "handedness",
        "presence",
        "uv_px",
        "xyz_relative",
        "xyz_camera_mm",
    ]
    assert entry["xyz_camera_mm"] is None
    assert entry["box_px"] == [20, 10, 40, 30] and entry["presence"] == 0.8808
    np.testing.assert_allclose(entry["uv_px"], hand.uv_px, atol=5e-4)
    np.testing.assert_allclose(entry["xyz_relative"], hand.xyz_relative, atol=5e-6)


def test_json_entry_of_what_the_network_cannot_tell():
    (hand,) = Predictor(PoseOnlyRunner()).predict(image_with_dot(47, 31), [BOX])
    text = json.dumps(hand.to_json(), allow_nan=False)
    assert '"handedness": null, "presence": null' in text


@pytest.mark.parametrize(("width", "height"), [(48, 48), (96, 48), (48, 96)])
def test_full_frame_window_is_the_whole_image(width, height):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    side = max(width, height)
    crop = crop_image(image, crop_matrix(full_frame_box(width, height), side), side)
    top, left = (side - height) // 2, (side - width) // 2
    inside = crop[top : top + height, left : left + width]
    np.testing.assert_allclose(inside, image / 255, atol=1e-5)


@pytest.mark.parametrize(
    "box", [(0, 0, 0, 9), (0, 0, 9, -1), (np.nan, 0, 9, 9), (0, 0, np.inf, 9), (1, 2, 3)]
)
def test_rejects_boxes(predictor, box):
    with pytest.raises(InputError, match=r"expected a finite box .*Received: box_px="):
        predictor.predict(image_with_dot(1, 1), [BOX, box])
    assert not predictor.runner.calls


@pytest.mark.parametrize(
    "box", [(-50, 10, 49, 9), (10, -50, 9, 49), (119.6, 10, 9, 9), (10, 79.6, 9, 9)]
)
def test_rejects_boxes_outside_the_image(predictor, box):
    with pytest.raises(InputError, match=r"touches the image of 120x80 pixels\. Received: box_px="):
        predictor.predict(image_with_dot(1, 1), [box])


def test_box_may_reach_over_the_border(predictor):
    (hand,) = predictor.predict(image_with_dot(9, 8), [(-30, -30, 60, 60)], ["right"])
    np.testing.assert_allclose(hand.uv_px[0], (9, 8), atol=0.1)


def test_rejects_another_number_of_sides(predictor):
    with pytest.raises(InputError, match=r"one handedness per box\. Received: 2 for 1 boxes"):
        predictor.predict(image_with_dot(1, 1), [BOX], ["left", "left"])


def test_rejects_unusable_models(tmp_path):
    with pytest.raises(InputError, match="Received: no such file"):
        Predictor(tmp_path / "absent.tflite")


def test_finds_images_in_a_stable_order(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("b.JPG", "a.png", "notes.txt", "c.webp"):
        (folder / name).write_bytes(b"")
    single = tmp_path / "z.jpeg"
    single.write_bytes(b"")
    found = find_images([single, folder])
    assert [path.name for path in found] == ["z.jpeg", "a.png", "b.JPG", "c.webp"]


def test_rejects_paths_without_images(tmp_path):
    with pytest.raises(InputError, match=r"absent: .*Received: no such path"):
        find_images([tmp_path / "absent"])
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(InputError, match=r"expected images \(\.jpg, .*Received: none"):
        find_images([tmp_path])
