"""The `predictions.json` of a video: an entry a frame, written while frames come."""

import json
from collections.abc import Mapping
from typing import Any, TextIO

from tf_handgroups.convert.predict import HandPrediction
from tf_handgroups.convert.track import HandTracker
from tf_handgroups.convert.video import Frame, FrameSource

SCHEMA = "tf_handgroups.track/1"

_LANDMARKS = (
    "smoothed: uv_px and xyz_relative have passed the filter of the section tracking; box_px, "
    "where the hand was looked for, comes from the unsmoothed landmarks of the frame before, or "
    "from the detector where a track begins"
)


class TrackFile:
    """Writes one JSON object, a line a frame: hours of video need no memory.

    Fields: `schema`, `model_sha256`, `source`, `width`, `height`, `rate_hz`, `tracking` (as in
    the contract, with the numbers that were used), `landmarks` (that they are smoothed, in
    words), `frames`, `interrupted`. An entry of `frames` has `frame` (from 0), `time_s`,
    `track` (from 0, counts up whenever a hand is found anew) and `hand`; the latter two are
    `null` where no hand is followed.

    Args:
        file: Where to write.
        source: The video.
        tracker: What follows the hand.
        model_sha256: Of the model's file, if it has one.

    Example:

    >>> import io, types
    >>> from tf_handgroups.convert.tracking_rule import TrackingRule
    >>> source = types.SimpleNamespace(name="a.mp4", width=64, height=48, rate_hz=30.0)
    >>> tracker = types.SimpleNamespace(rule=TrackingRule(), num_tracks=0)
    >>> text = io.StringIO()
    >>> file = TrackFile(text, source, tracker, None)
    >>> file.add(Frame(0, 0.0, None), None)
    >>> file.end(interrupted=False)
    >>> json.loads(text.getvalue())["frames"]
    [{'frame': 0, 'time_s': 0.0, 'track': None, 'hand': None}]
    """

    def __init__(
        self, file: TextIO, source: FrameSource, tracker: HandTracker, model_sha256: str | None
    ):
        self._file = file
        self._tracker = tracker
        header = {
            "schema": SCHEMA,
            "model_sha256": model_sha256,
            "source": source.name,
            "width": source.width,
            "height": source.height,
            "rate_hz": source.rate_hz,
            "tracking": tracker.rule.to_json(),
            "landmarks": _LANDMARKS,
        }
        lines = [f' "{name}": {_json(value)},\n' for name, value in header.items()]
        file.write("{\n" + "".join(lines) + ' "frames": [')
        self._before_entry = "\n  "

    def add(self, frame: Frame, hand: HandPrediction | None) -> None:
        """Writes the entry of a frame, after `tracker.update`."""
        track = None if hand is None else self._tracker.num_tracks - 1
        entry = {"frame": frame.number, "time_s": round(frame.time_s, 6), "track": track}
        self._file.write(
            self._before_entry + _json(entry | {"hand": None if hand is None else hand.to_json()})
        )
        self._before_entry = ",\n  "

    def end(self, interrupted: bool) -> None:
        """Writes what is left, which makes it valid JSON."""
        self._file.write(f'\n ],\n "interrupted": {_json(interrupted)}\n}}\n')


def _json(value: bool | str | Mapping[str, Any] | None) -> str:
    return json.dumps(value, allow_nan=False)
