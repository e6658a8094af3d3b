"""Anneals the selector: soft mixing first, one group per joint at the end."""

import keras

from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.errors import InputError


class TemperatureSchedule(keras.callbacks.Callback):
    """Lowers the selector's temperature over training and finally commits to groups.

    The temperature falls geometrically from `start` to `end` until the fraction
    `commit_at` of all steps; from then on the hard grouping is used in training too,
    so that each group's head is finished for its own joints alone.

    Args:
        clock: Counts the steps.
        total_steps: Number of training steps of the whole run.
        start: Temperature at the first step, positive.
        end: Temperature when training commits, positive.
        commit_at: Fraction of the steps after which the grouping is fixed; 1 never does.

    Raises:
        InputError: If a temperature is not positive or `commit_at` not in (0, 1].

    Example:

    >>> schedule = TemperatureSchedule(StepClock(), 100, start=1.0, end=0.1, commit_at=0.8)
    >>> [round(schedule.temperature_at(step), 3) for step in (0, 40, 80, 99)]
    [1.0, 0.316, 0.1, 0.1]
    """

    def __init__(self, clock: StepClock, total_steps, start=1.0, end=0.1, commit_at=0.8):
        super().__init__()
        self.clock = clock
        if not (start > 0 and end > 0):
            raise InputError(
                "TemperatureSchedule: temperatures must be positive. "
                f"Received: start={start!r}, end={end!r}."
            )
        if not 0 < commit_at <= 1:
            raise InputError(
                "TemperatureSchedule: `commit_at` must be a fraction in (0, 1]. "
                f"Received: commit_at={commit_at!r}."
            )
        self.total_steps = total_steps
        self.start = start
        self.end = end
        self.commit_at = commit_at

    def temperature_at(self, step: int) -> float:
        """Returns the temperature at a step."""
        progress = min(1.0, step / (self.commit_at * self.total_steps))
        return self.start * (self.end / self.start) ** progress

    def on_train_batch_begin(self, batch, logs=None):
        step, selector = self.clock.step, self.model.selector
        selector.current_temperature.assign(self.temperature_at(step))
        committed = self.commit_at < 1 and step >= self.commit_at * self.total_steps
        selector.committed.assign(float(committed))
