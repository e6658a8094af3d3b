import json

import numpy as np
import pytest

from tests.moving_hand import (
    FRAME_SIZE,
    DotsRunner,
    empty_frame,
    frame_with_hand,
    joints_between,
)
from tf_handgroups.camera import recover_weak_perspective
from tf_handgroups.convert.contract import Contract
from tf_handgroups.convert.detector import DetectedHand
from tf_handgroups.convert.one_euro import OneEuroFilter, OneEuroSettings
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.convert.run import LiteRTRunner
from tf_handgroups.convert.track import HandTracker, tracking_rule_of
from tf_handgroups.convert.tracking_rule import TrackingRule
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.errors import InputError

RATE_HZ = 30.0
WAY = np.array([24.0, 10.0])


class KnownBoxes:
    """A detector that says what it is told and counts its calls."""

    def __init__(self, *boxes):
        self.boxes, self.num_calls = boxes, 0

    def __call__(self, image):
        self.num_calls += 1
        return [DetectedHand(np.asarray(box, float)) for box in self.boxes]


def path(count=40, start=(20.0, 40.0), step=(2.0, 0.5)):
    """Where the red dot is in each frame."""
    return np.asarray(start) + np.arange(count)[:, None] * np.asarray(step)


def hand_at(red, way=WAY):
    return frame_with_hand(red, red + way)


def box_at(red, way=WAY):
    return box_around(joints_between(red, red + way))


def tracker_at(red, runner=None, **options):
    detector = KnownBoxes(box_at(np.asarray(red)))
    return HandTracker(Predictor(runner or DotsRunner()), detector, **options), detector


def follow(tracker, frames, start=0):
    return [tracker.update(frame, (start + i) / RATE_HZ) for i, frame in enumerate(frames)]


def test_follows_a_moving_hand_without_the_detector():
    reds = path()
    tracker, detector = tracker_at(reds[0])
    for number, red in enumerate(reds):
        hand = tracker.update(hand_at(red), number / RATE_HZ)
        expected = joints_between(red, red + WAY)
        # A moving dot may be cut a little by the window's border.
        np.testing.assert_allclose(tracker.unsmoothed.uv_px, expected, atol=0.3)
        # Smoothed joints lag, here by less than two frames' motion.
        assert np.abs(hand.uv_px - expected).max() < 6
    assert detector.num_calls == 1 and tracker.num_tracks == 1
    # Without being followed the hand would have left the first box.
    assert np.ptp(reds[:, 0]) > 3 * max(box_at(reds[0])[2:])


def test_next_box_comes_from_the_unsmoothed_landmarks():
    tracker, _ = tracker_at(path()[0])
    box = box_at(path()[0])
    for number, red in enumerate(path(6)):
        hand = tracker.update(hand_at(red), number / RATE_HZ)
        np.testing.assert_array_equal(hand.box_px, box)
        box = box_around(tracker.unsmoothed.uv_px)
        assert number == 0 or np.abs(box - box_around(hand.uv_px)).max() > 0.5


def test_joints_are_smoothed_as_the_rule_says():
    rule = TrackingRule(filter=OneEuroSettings(0.7, 3.0, 2.0))
    tracker, _ = tracker_at(path()[0], rule=rule)
    smooth = OneEuroFilter(rule.filter)
    for number, red in enumerate(path(12)):
        hand = tracker.update(hand_at(red), number / RATE_HZ)
        seen = tracker.unsmoothed
        uv_px, z_rel = smooth(number / RATE_HZ, seen.uv_px, seen.z_rel)
        np.testing.assert_array_equal(hand.uv_px, uv_px)
        np.testing.assert_array_equal(hand.z_rel, z_rel)
        np.testing.assert_array_equal(hand.xyz_relative, recover_weak_perspective(uv_px, z_rel))
        assert (hand.presence, hand.handedness) == (seen.presence, seen.handedness)


def test_track_ends_without_a_hand_and_begins_anew_where_the_detector_says():
    tracker, detector = tracker_at((20.0, 40.0))
    follow(tracker, [hand_at(red) for red in path(5)])
    assert tracker.update(empty_frame(), 5 / RATE_HZ) is None
    assert tracker.unsmoothed is None and detector.num_calls == 1
    # Now the detector is asked again, frame by frame.
    assert tracker.update(empty_frame(), 6 / RATE_HZ) is None
    assert detector.num_calls == 2 and tracker.num_tracks == 1
    detector.boxes = (box_at(np.array([90.0, 60.0])),)
    hand = tracker.update(hand_at(np.array([90.0, 60.0])), 7 / RATE_HZ)
    assert detector.num_calls == 3 and tracker.num_tracks == 2
    # The filter begins anew: nothing of the hand that was elsewhere.
    np.testing.assert_array_equal(hand.uv_px, tracker.unsmoothed.uv_px)
    np.testing.assert_allclose(hand.uv_px[0], (90, 60), atol=0.15)


@pytest.mark.parametrize(("presence", "kept"), [(0.6, True), (0.5999, False)])
def test_threshold_is_that_of_the_rule(presence, kept):
    class Unsure(DotsRunner):
        def _look(self, crop):
            logit = float(np.log(presence / (1 - presence)))
            return super()._look(crop) | {"presence": [logit]}

    rule = TrackingRule(presence_threshold=0.6 - 1e-9)
    tracker, _ = tracker_at((20.0, 40.0), Unsure(), rule=rule)
    hand = tracker.update(hand_at(np.array([20.0, 40.0])), 0.0)
    assert (hand is not None) == kept and tracker.num_tracks == kept


def test_side_is_decided_once_per_track():
    left, right = np.array([-24.0, 10.0]), np.array([24.0, 10.0])
    runner = DotsRunner()
    tracker, detector = tracker_at((60.0, 40.0), runner)
    detector.boxes = (box_at(np.array([60.0, 40.0]), left),)
    hand = tracker.update(hand_at(np.array([60, 40]), left), 0.0)
    # Both looks, and the mirrored one was better.
    assert hand.handedness == "left" and runner.num_crops == 2
    mirrored = 2 * 60 - joints_between((60, 40), (84, 50))[:, 0]
    np.testing.assert_allclose(hand.uv_px[:, 0], mirrored, atol=0.15)
    # It turns over: what now looks like a right hand is still followed as the left one.
    hand = tracker.update(hand_at(np.array([36, 40]), right), 1 / RATE_HZ)
    assert hand.handedness == "left" and runner.num_crops == 3
    # Only a new track decides anew.
    assert tracker.update(empty_frame(), 2 / RATE_HZ) is None
    detector.boxes = (box_at(np.array([36.0, 40.0]), right),)
    hand = tracker.update(hand_at(np.array([36, 40]), right), 3 / RATE_HZ)
    assert hand.handedness == "right" and runner.num_crops == 6


def test_known_side_is_believed():
    runner = DotsRunner()
    tracker, _ = tracker_at((20.0, 40.0), runner, handedness="left")
    hands = follow(tracker, [hand_at(red) for red in path(3)])
    assert [hand.handedness for hand in hands] == ["left"] * 3 and runner.num_crops == 3


def test_boxes_are_tried_in_the_detectors_order():
    red = np.array([90.0, 60.0])
    runner = DotsRunner()
    tracker, detector = tracker_at(red, runner)
    detector.boxes = ((-200, 0, 20, 20), (5, 5, 20, 20), box_at(red), (0, 0, 150, 110))
    hand = tracker.update(hand_at(red), 0.0)
    np.testing.assert_array_equal(hand.box_px, box_at(red))
    # The box outside the picture cost nothing, the empty one two looks.
    assert runner.num_crops == 4 and tracker.num_tracks == 1


def test_full_frame_is_where_it_looks_by_default():
    tracker = HandTracker(Predictor(DotsRunner()))
    hand = tracker.update(frame_with_hand((40, 40), (110, 60)), 0.0)
    np.testing.assert_allclose(hand.uv_px[0], (40, 40), atol=0.5)


def test_hand_that_leaves_the_picture_ends_the_track():
    class Runaway(DotsRunner):
        """Sees the hand a whole window to the right of where it looks."""

        def _look(self, crop):
            seen = super()._look(crop)
            return seen | {"uv_px": seen["uv_px"] + [60, 0], "presence": [4.0]}

    tracker, _ = tracker_at((120.0, 40.0), Runaway())
    hands = follow(tracker, [hand_at(np.array([120.0, 40.0]))] * 2)
    assert hands[0].uv_px[:, 0].min() > FRAME_SIZE[0] and hands[1] is None


def test_network_without_presence_never_loses_its_hand():
    runner = DotsRunner(outputs=("uv_px", "z_rel"))
    tracker, detector = tracker_at((60.0, 40.0), runner)
    hands = follow(tracker, [empty_frame()] * 5)
    assert all(hand.presence is None and hand.handedness is None for hand in hands)
    assert detector.num_calls == 1 and runner.num_crops == 5


@pytest.mark.parametrize("time_s", [0.2, 0.1, -1.0, np.nan, np.inf])
def test_time_must_go_on(time_s):
    tracker, _ = tracker_at((20.0, 40.0))
    tracker.update(hand_at(np.array([20.0, 40.0])), 0.2)
    before = tracker.unsmoothed
    message = r"later than that of the frame before, 0\.2 s\. Received: time_s="
    with pytest.raises(InputError, match=message):
        tracker.update(hand_at(np.array([23.0, 40.0])), time_s)
    assert tracker.unsmoothed is before
    assert tracker.update(hand_at(np.array([23.0, 40.0])), 0.3) is not None


def test_time_must_go_on_without_a_hand_too():
    tracker, _ = tracker_at((20.0, 40.0))
    assert tracker.update(empty_frame(), 1.0) is None
    with pytest.raises(InputError, match=r"Received: time_s=1\.0"):
        tracker.update(hand_at(np.array([20.0, 40.0])), 1.0)


def test_first_time_may_be_any():
    tracker, _ = tracker_at((20.0, 40.0))
    assert tracker.update(hand_at(np.array([20.0, 40.0])), -5.0) is not None


@pytest.fixture
def with_contract(converted):
    """Opens a model and lets a function change its contract, as if it had been made so."""

    def edit(change):
        runner = LiteRTRunner(converted / "hand_float32.tflite")
        values = json.loads(json.dumps(runner.contract.values))
        change(values)
        runner.contract = Contract(values)
        return runner

    return edit


def test_rule_is_that_of_the_contract(with_contract):
    def change(values):
        values["tracking"]["presence_threshold"] = 0.25
        values["tracking"]["filter"]["beta"] = 3.5

    runner = with_contract(change)
    rule = tracking_rule_of(runner)
    assert (rule.presence_threshold, rule.filter.beta) == (0.25, 3.5)
    assert HandTracker(Predictor(runner)).rule == rule


def test_contract_that_does_not_say_how_to_track(with_contract):
    runner = with_contract(lambda values: values.pop("tracking"))
    predictor = Predictor(runner)
    message = r"hand_float32\.tflite: expected a contract with the section tracking\. Received: "
    with pytest.raises(InputError, match=message):
        HandTracker(predictor)
    # Single pictures work, and so does a rule that somebody gives.
    assert predictor.predict(empty_frame(), [(20, 20, 40, 40)], ["right"])
    assert HandTracker(predictor, rule=TrackingRule()).rule == TrackingRule()


def test_model_without_a_contract_gets_the_rule_of_this_version():
    assert tracking_rule_of(DotsRunner()) == TrackingRule()
    assert json.dumps(HandTracker(Predictor(DotsRunner())).rule.to_json())
