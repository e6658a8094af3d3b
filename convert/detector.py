"""Where a hand may be, when no earlier frame tells: detectors behind one small interface."""

import dataclasses
from collections.abc import Callable
from typing import Protocol

import numpy as np

from tf_handgroups.convert.predict import full_frame_box, touches_image
from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.errors import InputError
from tf_handgroups.teacher.find_hands import PalmModel, find_palms
from tf_handgroups.teacher.teacher_models import load_teacher

# Turned pictures are left to `pseudo-label`: here every frame without a hand costs as many runs.
UPRIGHT_WINDOWS = ((1.0, 0), (1.6, 0))
CENTRE_SHARE = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class DetectedHand:
    """A place where a hand may be.

    Args:
        box_px: `(4,)` tight box `x, y, width, height` in image pixels.
        score: Confidence in [0, 1]; `None` if the detector has none.
    """

    box_px: np.ndarray
    score: float | None = None


class HandDetector(Protocol):
    """What looks for hands in a picture, such as the classes of this module."""

    def __call__(self, image: np.ndarray) -> list[DetectedHand]:
        """Returns the hands in `(height, width, 3)` uint8 RGB, the most likely first."""
        ...


class FullFrame:
    """Takes the whole picture for the window of one hand.

    Example:

    >>> [hand] = FullFrame()(np.zeros((150, 300, 3), np.uint8))
    >>> hand.box_px.tolist()
    [49.5, -25.5, 200.0, 200.0]
    """

    def __call__(self, image: np.ndarray) -> list[DetectedHand]:
        return [DetectedHand(full_frame_box(image.shape[1], image.shape[0]))]


class CentreBox:
    """Expects one hand in the middle of the picture.

    Args:
        share: Longer side of the hand over the shorter side of the picture.

    Raises:
        InputError: If the share is not greater than 0 and at most 1.

    Example:

    >>> [hand] = CentreBox(0.4)(np.zeros((100, 200, 3), np.uint8))
    >>> hand.box_px.tolist()
    [79.5, 29.5, 40.0, 40.0]
    """

    def __init__(self, share: float = CENTRE_SHARE):
        if not 0 < share <= 1:
            raise InputError(
                "CentreBox: expected a share of the picture greater than 0, at most 1. "
                f"Received: share={share!r}."
            )
        self._share = share

    def __call__(self, image: np.ndarray) -> list[DetectedHand]:
        height, width = image.shape[:2]
        side = self._share * min(height, width)
        return [
            DetectedHand(np.array([(width - 1 - side) / 2, (height - 1 - side) / 2, side, side]))
        ]


class PalmDetector:
    """Finds hands by their palms with MediaPipe's palm detector.

    Its box is square. It makes the crop as large as the region that MediaPipe cuts out
    around a palm, but upright: this package's networks know turned hands.

    Args:
        model: Runs the detector, for example `load_teacher(".teacher")`.

    Example:

    >>> class Blind:
    ...     def palms(self, crop):
    ...         return np.zeros((2016, 18)), np.full(2016, -9.0)
    >>> PalmDetector(Blind())(np.zeros((48, 64, 3), np.uint8))
    []
    """

    def __init__(self, model: PalmModel):
        self._model = model

    def __call__(self, image: np.ndarray) -> list[DetectedHand]:
        found = []
        for palm in find_palms(self._model, image, UPRIGHT_WINDOWS):
            side = palm.region.side_px / CROP_MARGIN
            corner = palm.region.centre_px - side / 2
            found.append(DetectedHand(np.array([*corner, side, side]), palm.score))
        return found


def detected_boxes(detector: HandDetector, image: np.ndarray) -> list[np.ndarray]:
    """Returns the boxes of a detector that touch the picture, the most likely first.

    Example:

    >>> [box.tolist() for box in detected_boxes(FullFrame(), np.zeros((9, 9, 3), np.uint8))]
    [[1.0, 1.0, 6.0, 6.0]]
    """
    height, width = image.shape[:2]
    boxes = [hand.box_px for hand in detector(image)]
    return [box for box in boxes if touches_image(box, width, height)]


def _full_frame(option: str) -> HandDetector:
    if option:
        raise InputError(
            f"expected full-frame alone. Received: --detector full-frame:{option}. "
            "Use centre:SHARE for a part of the picture."
        )
    return FullFrame()


def _centre(option: str) -> HandDetector:
    try:
        return CentreBox(float(option) if option else CENTRE_SHARE)
    except ValueError as error:
        raise InputError(
            "expected centre or centre:SHARE with a share greater than 0, at most 1. "
            f"Received: --detector centre:{option}. Use for example centre:0.5."
        ) from error


def _mediapipe(option: str) -> HandDetector:
    return PalmDetector(load_teacher(option or ".teacher"))


_MAKERS: dict[str, Callable[[str], HandDetector]] = {
    "full-frame": _full_frame,
    "centre": _centre,
    "mediapipe": _mediapipe,
}


def make_detector(name: str) -> HandDetector:
    """Makes a detector by its name on the command line.

    Args:
        name: `full-frame`; `centre` or `centre:SHARE`; `mediapipe` or `mediapipe:PATH`, where
            PATH is the wheel or the folder it was installed in (default `.teacher`).

    Raises:
        InputError: If there is no such detector, its option is wrong, or its model is not
            there.

    Example:

    >>> make_detector("palm")
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: expected a detector of full-frame, centre, mediapipe. \
Received: --detector palm.
    """
    kind, _, option = name.partition(":")
    if kind not in _MAKERS:
        raise InputError(
            f"expected a detector of {', '.join(_MAKERS)}. Received: --detector {name}."
        )
    return _MAKERS[kind](option)
