"""Ends a run whose loss is no longer a number."""

import math
from collections.abc import Callable

import keras

from tf_handgroups.callbacks.step_clock import StepClock


class StopOnNonFiniteLoss(keras.callbacks.Callback):
    """Raises `FloatingPointError` when the loss is NaN or infinite.

    Args:
        clock: Counts the steps.
        keep_batch: Keeps the batch of a step for inspection, returns where.
    """

    def __init__(self, clock: StepClock, keep_batch: Callable[[int], str]):
        super().__init__()
        self.clock = clock
        self.keep_batch = keep_batch

    def on_train_batch_end(self, batch, logs=None):
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            step = self.clock.step
            raise FloatingPointError(
                f"training: the loss became {loss} in step {step}. Its batch is kept in "
                f"{self.keep_batch(step)}. Check the data with `tf-handgroups check-data`, lower "
                "the learning rate, or use another precision; `--resume` continues from the "
                "last state."
            )
