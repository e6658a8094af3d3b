"""Follows one hand through a video: the landmarks of a frame say where the next one looks."""

import dataclasses
import math

import numpy as np

from tf_handgroups.camera import recover_weak_perspective
from tf_handgroups.convert.detector import FullFrame, HandDetector, detected_boxes
from tf_handgroups.convert.one_euro import OneEuroFilter
from tf_handgroups.convert.predict import HandPrediction, Predictor, touches_image
from tf_handgroups.convert.run import LiteRTRunner, Runner
from tf_handgroups.convert.tracking_rule import TrackingRule
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.errors import InputError


def tracking_rule_of(runner: Runner) -> TrackingRule:
    """Returns how a model's hands are followed: as its contract says.

    A Keras model has no contract; it gets the numbers that its contract would get.

    Raises:
        InputError: If there is a contract, of an earlier version, that does not say it.

    Example:

    >>> from tf_handgroups.convert.run import KerasRunner
    >>> from tf_handgroups.models.hand_pose_model import HandPoseModel
    >>> runner = KerasRunner(HandPoseModel(64, "tiny", group_channels=8))
    >>> tracking_rule_of(runner).presence_threshold
    0.5
    """
    return runner.contract.tracking if isinstance(runner, LiteRTRunner) else TrackingRule()


class HandTracker:
    """Follows one hand from frame to frame, the same way as the other runners do.

    A track begins in a box of the detector in which the network sees a hand, and which side
    it is is decided there once. From then on the box is that of the last frame's own
    landmarks, unsmoothed; the detector rests. The track ends with a frame whose presence is
    below the threshold, or whose box has left the picture; the next frame asks the detector
    again, and the filter starts anew. A network without presence cannot tell that a hand is
    gone: its tracks end only beyond the picture's border.

    Args:
        predictor: The network.
        detector: Where hands may be while none is followed; the full frame by default.
        rule: Threshold and filter; those of `tracking_rule_of` by default.
        handedness: `"left"` or `"right"` if it is known; otherwise it is found out where a
            track begins.

    Raises:
        InputError: If no rule is given and the model's contract says nothing about tracking.

    Example:

    >>> from tf_handgroups.convert.run import KerasRunner
    >>> from tf_handgroups.models.hand_pose_model import HandPoseModel
    >>> predictor = Predictor(KerasRunner(HandPoseModel(64, "tiny", group_channels=8)))
    >>> tracker = HandTracker(predictor, rule=TrackingRule(presence_threshold=0.0))
    >>> frame = np.zeros((80, 100, 3), np.uint8)
    >>> for number in range(3):
    ...     hand = tracker.update(frame, time_s=number / 30)
    >>> hand.uv_px.shape, tracker.num_tracks
    ((21, 2), 1)
    """

    def __init__(
        self,
        predictor: Predictor,
        detector: HandDetector | None = None,
        rule: TrackingRule | None = None,
        handedness: str | None = None,
    ):
        self.rule = tracking_rule_of(predictor.runner) if rule is None else rule
        self.num_tracks = 0
        self._predictor = predictor
        self._detector = FullFrame() if detector is None else detector
        self._handedness = handedness
        self._filter = OneEuroFilter(self.rule.filter)
        self._time_s: float | None = None
        self._last: HandPrediction | None = None

    @property
    def unsmoothed(self) -> HandPrediction | None:
        """The last frame's hand as the network saw it, `None` if there was none."""
        return self._last

    def update(self, image: np.ndarray, time_s: float) -> HandPrediction | None:
        """Looks at the next frame.

        Args:
            image: `(height, width, 3)` uint8 RGB.
            time_s: When it was taken, in seconds, later than the frame before.

        Returns:
            The hand with smoothed joints (`box_px` is where it was looked for), or `None`
            if there is none.

        Raises:
            InputError: If the time does not increase.
        """
        if not (math.isfinite(time_s) and (self._time_s is None or time_s > self._time_s)):
            raise InputError(
                "HandTracker.update: expected a time later than that of the frame before, "
                f"{self._time_s} s. Received: time_s={time_s!r}. Give seconds since the start "
                "of the video, and use a new tracker for another one."
            )
        self._time_s = time_s
        self._last = self._find(image) if self._last is None else self._follow(image, self._last)
        if self._last is None:
            self._filter.reset()
            return None
        uv_px, z_rel = self._filter(time_s, self._last.uv_px, self._last.z_rel)
        return dataclasses.replace(
            self._last,
            uv_px=uv_px,
            z_rel=z_rel,
            xyz_relative=recover_weak_perspective(uv_px, z_rel),
        )

    def _find(self, image: np.ndarray) -> HandPrediction | None:
        for box_px in detected_boxes(self._detector, image):
            hand = self._look(image, box_px, self._handedness)
            if hand is not None:
                self.num_tracks += 1
                return hand
        return None

    def _follow(self, image: np.ndarray, last: HandPrediction) -> HandPrediction | None:
        box_px = box_around(last.uv_px)
        if not touches_image(box_px, image.shape[1], image.shape[0]):
            return None
        return self._look(image, box_px, last.handedness)

    def _look(
        self, image: np.ndarray, box_px: np.ndarray, handedness: str | None
    ) -> HandPrediction | None:
        [hand] = self._predictor.predict(image, [box_px], [handedness])
        least = self.rule.presence_threshold
        lost = least is not None and hand.presence is not None and hand.presence < least
        return None if lost else hand
