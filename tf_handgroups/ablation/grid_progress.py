"""How far the whole grid is, and when it will be done."""

import datetime
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras

from tf_handgroups.ablation.run_plan import PlannedRun


class GridProgress(keras.callbacks.Callback):
    """Prints a line about all runs now and then, while one of them trains.

    The time left is taken from the steps of this session and everything that it spent
    on them: training, validation, measuring.

    Args:
        runs: All runs of the grid.
        finished: Whether each of them is finished already.
        every_s: Seconds between two lines.
        write: Function that takes a line.
        clock: Function that returns seconds.
    """

    def __init__(
        self,
        runs: Sequence[PlannedRun],
        finished: Sequence[bool],
        every_s: float = 60.0,
        write: Callable[[str], Any] = print,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__()
        self.runs = runs
        self.every_s = every_s
        self.write = write
        self._clock = clock
        self._todo = {
            index: run.recipe.steps
            for index, (run, done) in enumerate(zip(runs, finished, strict=True))
            if not done
        }
        self._index = 0
        self._steps_done = 0
        self._started = self._last = clock()

    def begin_run(self, index: int) -> None:
        """Notes which run trains now."""
        self._index = index

    def end_run(self, index: int) -> None:
        """Notes that a run is finished."""
        self._todo.pop(index, None)

    def on_train_batch_end(self, batch, logs=None):
        self._steps_done += 1
        now = self._clock()
        if now - self._last >= self.every_s:
            self._last = now
            step = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
            self.write(self.describe(step, now - self._started))

    def describe(self, step: int, seconds: float) -> str:
        """Returns the line.

        Args:
            step: Of the run that trains now.
            seconds: That this session has taken.
        """
        run = self.runs[self._index]
        self._todo[self._index] = max(0, run.recipe.steps - step)
        total = sum(one.recipe.steps for one in self.runs)
        left = sum(self._todo.values())
        rest = datetime.timedelta(seconds=round(seconds / self._steps_done * left))
        return (
            f"grid: run {self._index + 1}/{len(self.runs)} ({run.name}), "
            f"{1 - left / total:.0%} of all steps done, ETA {rest}"
        )
