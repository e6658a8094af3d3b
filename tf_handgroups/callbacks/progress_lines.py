"""One line now and then: step, losses, images per second and the time left."""

import datetime
import time

import keras

from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.measured_logs import measured


class ProgressLines(keras.callbacks.Callback):
    """Prints progress with an ETA; works the same in a terminal and in a log file.

    Args:
        clock: Counts the steps.
        total_steps: Number of steps of the whole run.
        batch_size: Global batch size.
        every_s: Seconds between two lines.
        write: Function that takes a line.

    Example:

    >>> ProgressLines(StepClock(), total_steps=100, batch_size=32).describe(50, 2.0, {"loss": 1.25})
    'step 50/100  50%  loss 1.250  16.0 img/s  ETA 0:01:40'
    """

    def __init__(self, clock: StepClock, total_steps, batch_size, every_s=15.0, write=print):
        super().__init__()
        self.clock = clock
        self.total_steps = total_steps
        self.batch_size = batch_size
        self.every_s = every_s
        self.write = write
        self._last_time = time.monotonic()
        self._last_step = 0
        self._tracing = True

    def on_train_begin(self, logs=None):
        self._last_step = self.clock.step
        self._last_time = time.monotonic()
        self._tracing = True

    def describe(self, step: int, seconds_per_step: float, logs: dict) -> str:
        """Returns the line for a step."""
        left = datetime.timedelta(seconds=round(seconds_per_step * (self.total_steps - step)))
        shown = [
            f"{name} {logs[name]:.3f}"
            for name in ("loss", "uv_px_end_point_error", "uv_px_pck", "pa_mpjpe_mm")
            if name in logs
        ]
        return "  ".join(
            [
                f"step {step}/{self.total_steps}",
                f"{step / self.total_steps:.0%}",
                *shown,
                f"{self.batch_size / seconds_per_step:.1f} img/s",
                f"ETA {left}",
            ]
        )

    def on_train_batch_end(self, batch, logs=None):
        step = self.clock.step
        if self._tracing:
            # The first step builds the graph; its time says nothing about the others.
            self._tracing = False
            self._last_time, self._last_step = time.monotonic(), step
            return
        elapsed = time.monotonic() - self._last_time
        if elapsed >= self.every_s:
            seconds = elapsed / (step - self._last_step)
            self.write(self.describe(step, seconds, measured(logs)))
            self._last_time, self._last_step = time.monotonic(), step

    def on_epoch_end(self, epoch, logs=None):
        validation = {name: value for name, value in measured(logs).items() if "val_" in name}
        if validation:
            shown = "  ".join(
                f"{name.removeprefix('val_')} {validation[name]:.3f}"
                for name in (
                    "val_loss",
                    "val_uv_px_end_point_error",
                    "val_uv_px_pck",
                    "val_pa_mpjpe_mm",
                )
                if name in validation
            )
            self.write(f"epoch {epoch + 1} validation: {shown}")
        self._last_time, self._last_step = time.monotonic(), self.clock.step
