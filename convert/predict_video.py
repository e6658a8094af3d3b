"""`predict` on a video or a camera: one hand followed, `predictions.json` and an overlay out."""

import dataclasses
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.callbacks.stop_signal import StopSignal
from tf_handgroups.convert.predict import HandPrediction
from tf_handgroups.convert.predict_files import PREDICTIONS_FILE
from tf_handgroups.convert.track import HandTracker
from tf_handgroups.convert.track_file import TrackFile
from tf_handgroups.convert.video import FrameSource, writing_video
from tf_handgroups.draw_hand import draw_hand, draw_text

OVERLAY_FILE = "overlay.mp4"


@dataclasses.dataclass
class VideoSummary:
    """What `predict_video` did.

    Args:
        num_frames: Frames that were read.
        num_hands: Frames in which the hand was seen.
        num_tracks: How often a hand was found anew.
        seconds: How long it took.
        interrupted: Whether Ctrl-C or a key in the window ended it.
        knows_presence: False if the network cannot tell whether there is a hand.

    Example:

    >>> VideoSummary(num_frames=60, seconds=4.0).frames_per_s
    15.0
    """

    num_frames: int = 0
    num_hands: int = 0
    num_tracks: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    knows_presence: bool = True

    @property
    def frames_per_s(self) -> float:
        """How fast it was, with reading and writing."""
        return self.num_frames / self.seconds


def predict_video(
    tracker: HandTracker,
    source: FrameSource,
    out: str | os.PathLike,
    *,
    model_sha256: str | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int | None], Any] = lambda done, total: None,
    say: Callable[[str], Any] = print,
    window: Callable[[np.ndarray], bool] | None = None,
) -> VideoSummary:
    """Follows one hand through a video.

    Ctrl-C ends it after the current frame; what was done until then is complete and kept.

    Args:
        tracker: A new one.
        source: Of `open_video` or `open_camera`.
        out: Folder for `predictions.json` (see `TrackFile`) and `overlay.mp4`, which has a
            frame for every frame of the source, at its mean rate.
        model_sha256: Of the model's file, for `predictions.json`.
        overwrite: Whether an existing `out` may be replaced.
        progress: Called with the frames done and in all; `None` where nobody knows.
        say: Takes the line that answers Ctrl-C.
        window: Shows a frame and returns whether to stop.

    Returns:
        Counts and speed.

    Raises:
        InputError: If the results cannot be written.
    """
    summary = VideoSummary()
    start_s = time.monotonic()
    stop = StopSignal(lambda _: say("Stopping after this frame; once more Ctrl-C keeps nothing."))
    with (
        stop,
        replacing_folder(out, overwrite) as folder,
        (folder / PREDICTIONS_FILE).open("w", encoding="utf-8") as text,
        writing_video(
            folder / OVERLAY_FILE, source.width, source.height, source.rate_hz
        ) as write_frame,
    ):
        track = TrackFile(text, source, tracker, model_sha256)
        for frame in source:
            hand = tracker.update(frame.image, frame.time_s)
            track.add(frame, hand)
            picture = frame.image if hand is None else _drawn(frame.image, hand)
            write_frame(picture)
            summary.num_frames += 1
            if hand is not None:
                summary.num_hands += 1
                summary.knows_presence = hand.presence is not None
            progress(summary.num_frames, source.num_frames)
            closed = window is not None and window(picture)
            summary.interrupted = stop.received or closed
            if summary.interrupted:
                break
        track.end(summary.interrupted)
    summary.num_tracks = tracker.num_tracks
    summary.seconds = time.monotonic() - start_s
    return summary


def _drawn(image: np.ndarray, hand: HandPrediction) -> np.ndarray:
    picture = draw_hand(image, hand.uv_px)
    presence = "" if hand.presence is None else f" {hand.presence:.2f}"
    draw_text(picture, f"{hand.handedness or 'hand'}{presence}", (8, picture.shape[0] - 10))
    return picture
