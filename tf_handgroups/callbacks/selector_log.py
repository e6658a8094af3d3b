"""Adds a row to `selector.csv` after every epoch."""

import pathlib

import keras

from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.selector_history import append_selector


class SelectorLog(keras.callbacks.Callback):
    """Notes how much each joint belongs to each group.

    Args:
        path: The file; a resumed run continues it.
        clock: Counts the steps.

    Example:

    >>> SelectorLog(pathlib.Path("selector.csv"), StepClock()).path.name
    'selector.csv'
    """

    def __init__(self, path: pathlib.Path, clock: StepClock):
        super().__init__()
        self.path = path
        self.clock = clock

    def on_epoch_end(self, epoch, logs=None):
        probabilities = keras.ops.convert_to_numpy(self.model.selector.membership())
        append_selector(self.path, epoch, self.clock.step, probabilities)
