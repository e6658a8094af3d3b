"""Ctrl-C and SIGTERM end a run after the current step, not in the middle of it."""

import signal
import threading
from collections.abc import Callable
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal:
    """Remembers that somebody asked the run to stop; a second Ctrl-C stops at once.

    A context manager, because it takes the place of the usual signal handlers.

    Args:
        write: Takes a line when the signal arrives.

    Example:

    >>> with StopSignal() as stop:
    ...     signal.raise_signal(signal.SIGINT)
    ...     stop.received
    Stopping after this step; once more Ctrl-C stops at once.
    True
    """

    def __init__(self, write: Callable[[str], Any] = print):
        self.received = False
        self._write = write
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopSignal":
        # Python lets only the main thread handle signals.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number, frame) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = True
        self._write("Stopping after this step; once more Ctrl-C stops at once.")
