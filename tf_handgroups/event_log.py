"""Event files for TensorBoard: numbers and pictures by step, also of resumed runs."""

import os
import pathlib
import time
from collections.abc import Mapping

from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

_RGB = 3


class EventLog:
    """Writes event files; a context manager, nothing is made before the first event.

    TensorBoard's own writer is used instead of `tf.summary`: it needs no TensorFlow
    context, so that it changes nothing for a training in the same process. Every session
    of a run has its own file, which tells TensorBoard to forget what earlier ones wrote
    about steps that are done again.

    Args:
        folder: The files lie in a folder for each part of it, for example `train`.
        first_step: Steps that were done before this session.

    Example:

    >>> import tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with EventLog(folder) as events:
    ...     events.scalars("train", 20, {"loss": 1.5})
    >>> [path.name for path in folder.iterdir()]
    ['train']
    """

    def __init__(self, folder: str | os.PathLike, first_step: int = 0):
        self.folder = pathlib.Path(folder)
        self.first_step = first_step
        self._writers: dict[str, EventFileWriter] = {}

    def __enter__(self) -> "EventLog":
        return self

    def __exit__(self, *_) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def scalars(self, part: str, step: int, values: Mapping[str, float]) -> None:
        """Adds numbers.

        Args:
            part: Part of the run, a curve of its own in TensorBoard's charts.
            step: Steps done.
            values: By tag; TensorBoard groups charts by what is before the `/`.
        """
        summary = Summary()
        for tag, value in values.items():
            summary.MergeFrom(scalar_pb(tag, value))
        self._add(part, Event(step=step, summary=summary))

    def picture(self, part: str, step: int, tag: str, png: bytes) -> None:
        """Adds a picture.

        Args:
            part: Part of the run.
            step: Steps done.
            tag: Name.
            png: PNG bytes.
        """
        # TensorBoard wants to know what also stands in the header of the picture.
        width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
        image = Summary.Image(encoded_image_string=png, width=width, height=height, colorspace=_RGB)
        summary = Summary(value=[Summary.Value(tag=tag, image=image)])
        self._add(part, Event(step=step, summary=summary))

    def flush(self) -> None:
        """Writes to disk what was added."""
        for writer in self._writers.values():
            writer.flush()

    def _add(self, part: str, event: Event) -> None:
        if part not in self._writers:
            writer = self._writers[part] = EventFileWriter(os.fspath(self.folder / part))
            # From the second on, a start lets readers drop what they know from its step on.
            start = SessionLog(status=SessionLog.START)
            step = self.first_step + 1
            writer.add_event(Event(wall_time=time.time(), step=step, session_log=start))
        event.wall_time = time.time()
        self._writers[part].add_event(event)
