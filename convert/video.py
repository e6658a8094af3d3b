"""Frames of a video file or a camera, and a video file of frames."""

import contextlib
import math
import os
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
from cv2.utils import logging

from tf_handgroups.errors import InputError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".3gp", ".wmv")
# Taken where a file or a camera says nothing, or nonsense.
USUAL_RATE_HZ = 30.0
RATE_LIMITS_HZ = (0.1, 600.0)
# MPEG-4: every OpenCV can write it, which is not true of H.264.
_CODE = "mp4v"


class Frame(NamedTuple):
    """One picture of a video.

    Args:
        number: Counted from 0.
        time_s: Seconds since the first frame's, later for every frame.
        image: `(height, width, 3)` uint8 RGB.
    """

    number: int
    time_s: float
    image: np.ndarray


class FrameSource:
    """Iterates once over the frames of an open video or camera.

    Args:
        capture: Like `cv2.VideoCapture`.
        name: For messages and results.
        clock: Tells the seconds when a frame has come; `None` for a file, whose frames know
            their times.

    Raises:
        InputError: If there is no first frame.
    """

    def __init__(self, capture: Any, name: str, clock: Callable[[], float] | None = None):
        self.name = name
        self.is_camera = clock is not None
        self._capture = capture
        self._clock = clock
        self._first = self._read()
        if self._first is None:
            raise InputError(
                f"{name}: expected a video with at least one frame. Received: frames=0. "
                + ("Is another program using it?" if self.is_camera else "Record it again.")
            )
        self.height, self.width = self._first[1].shape[:2]
        # The codec of `writing_video` refuses longer fractions.
        rate = round(capture.get(cv2.CAP_PROP_FPS), 2)
        self.rate_hz = rate if RATE_LIMITS_HZ[0] <= rate <= RATE_LIMITS_HZ[1] else USUAL_RATE_HZ
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        # As the file's header says; damaged files have fewer.
        self.num_frames = None if self.is_camera or not 0 < count < 1e9 else int(count)

    def __iter__(self) -> Iterator[Frame]:
        found, last_s = self._first, -math.inf
        start_s = found[0] if found else 0.0
        number = 0
        while found is not None:
            time_s = found[0] - start_s
            if not time_s > last_s:
                # Some files give several frames the same time, or none any.
                time_s = last_s + 1 / self.rate_hz
            yield Frame(number, time_s, found[1])
            number, last_s = number + 1, time_s
            found = self._read()

    def _read(self) -> tuple[float, np.ndarray] | None:
        good, pixels = self._capture.read()
        if not good:
            return None
        now = self._clock() if self._clock else self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return now, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


@contextlib.contextmanager
def open_video(path: str | os.PathLike) -> Iterator[FrameSource]:
    """Opens a video file, turned upright as the phone says that took it.

    Raises:
        InputError: If there is no such file, it is no video, or a video without frames.

    Example:

    >>> with open_video("absent.mp4"):
    ...     pass
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: absent.mp4: expected a video file. Received: no such file. \
Check the path.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        received = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: expected a video file. Received: {received}. Check the path.")
    # Not just any way of reading: OpenCV would take a name with digits for a series of pictures.
    capture = cv2.VideoCapture(os.fspath(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise InputError(
                f"{path}: expected a video that OpenCV can read. Received: {path.stat().st_size} "
                "bytes of something else, or a damaged file. Convert it to MP4 first."
            )
        yield FrameSource(capture, os.fspath(path))
    finally:
        capture.release()


@contextlib.contextmanager
def open_camera(number: int) -> Iterator[FrameSource]:
    """Opens a camera by its number, as OpenCV counts: 0 is the first.

    Raises:
        InputError: If it is not there or gives no picture.
    """
    with _silent_opencv():
        capture = cv2.VideoCapture(number)
    try:
        if not capture.isOpened():
            raise InputError(
                f"expected a camera. Received: --camera {number}, which does not open. Is it "
                "connected, and may you read it? 0 is the first camera."
            )
        yield FrameSource(capture, f"camera {number}", time.monotonic)
    finally:
        capture.release()


@contextlib.contextmanager
def _silent_opencv() -> Iterator[None]:
    """Without OpenCV's warnings of every way in which a camera could not be opened."""
    before = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)


@contextlib.contextmanager
def writing_video(
    path: str | os.PathLike, width: int, height: int, rate_hz: float
) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields a function that appends `(height, width, 3)` uint8 RGB frames to an MP4 file.

    Sides are cut to even numbers, which the codec wants.

    Raises:
        InputError: If the file cannot be written.

    Example:

    >>> import tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "black.mp4"
    >>> with writing_video(path, 64, 48, 30.0) as write:
    ...     write(np.zeros((48, 64, 3), np.uint8))
    >>> with open_video(path) as source:
    ...     [frame.image.shape for frame in source]
    [(48, 64, 3)]
    """
    size = (width - width % 2, height - height % 2)
    code = cv2.VideoWriter.fourcc(*_CODE)
    writer = cv2.VideoWriter(os.fspath(path), cv2.CAP_FFMPEG, code, rate_hz, size)
    if not writer.isOpened():
        raise InputError(
            f"{path}: cannot write a video of {size[0]}x{size[1]} pixels at {rate_hz:g} frames/s. "
            "Is the folder writable and the disk not full?"
        )

    def write(image: np.ndarray) -> None:
        writer.write(cv2.cvtColor(image[: size[1], : size[0]], cv2.COLOR_RGB2BGR))

    try:
        yield write
    finally:
        writer.release()
