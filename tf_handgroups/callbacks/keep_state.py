"""Keeps the state of a run on disk, every few minutes and when it is asked to stop."""

import pathlib
import time
from collections.abc import Callable

import keras
import tensorflow as tf

from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.recipes.recipe import Recipe
from tf_handgroups.strategies import any_process, is_chief, is_multiworker
from tf_handgroups.train_state import TrainState, add_metrics, capture, write_state

# Workers agree on what to do in steps that are multiples of this.
AGREE_EVERY = 10


class KeepState(keras.callbacks.Callback):
    """Writes the state of a run; comes last, so that a state follows what it vouches for.

    Args:
        folder: Where the states lie.
        clock: Counts the steps.
        recipe: What is trained.
        strategy: How it is distributed: the first of several processes writes.
        minutes: Time between two states; besides, one is written after every epoch.
        stopped: Whether somebody asked this process to stop.
        on_stop: Called when the run stops, after its state was kept.
        unfinished: State of the epoch that is being resumed, with what it had counted.

    Raises:
        KeyboardInterrupt: After the state was written, when the run is to stop.
        OSError: If the disk is full or the folder cannot be written to. The last state
            stays.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        clock: StepClock,
        recipe: Recipe,
        strategy: tf.distribute.Strategy,
        minutes: float,
        stopped: Callable[[], bool],
        on_stop: Callable[[], None],
        unfinished: TrainState | None = None,
    ):
        super().__init__()
        self.folder = folder
        self.clock = clock
        self.recipe = recipe
        self.strategy = strategy
        self.seconds = 60 * minutes
        self.stopped = stopped
        self.on_stop = on_stop
        self.unfinished = unfinished
        self._last = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if self.unfinished is not None:
            if self.unfinished.step % self.recipe.steps_per_epoch:
                add_metrics(self.model, self.unfinished)
            self.unfinished = None
        step = self.clock.step
        if step % self.recipe.steps_per_epoch == 0 or step == self.recipe.steps:
            return  # The epoch has still to be validated.
        if is_multiworker(self.strategy) and step % AGREE_EVERY:
            return
        due = time.monotonic() - self._last >= self.seconds
        stop = any_process(self.strategy, self.stopped())
        if stop or any_process(self.strategy, due):
            self._write()
        if stop:
            self.on_stop()
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        self._write()
        if any_process(self.strategy, self.stopped()):
            raise KeyboardInterrupt

    def _write(self) -> None:
        state = capture(self.model, self.clock.step)
        if is_chief(self.strategy):
            try:
                write_state(state, self.folder)
            except OSError as error:
                raise OSError(
                    f"{self.folder}: cannot keep the state of step {self.clock.step} "
                    f"({error.strerror or error}). The last one is whole: make room, then "
                    "continue with --resume."
                ) from error
        self._last = time.monotonic()
