import types

import pytest

from tf_handgroups.callbacks import progress_lines
from tf_handgroups.callbacks.progress_lines import ProgressLines
from tf_handgroups.callbacks.step_clock import StepClock


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when told to."""
    now = [100.0]
    monkeypatch.setattr(progress_lines, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    return now


class Started:
    """The callback after a clock, as in training."""

    def __init__(self, lines, step=0, **kwargs):
        self.clock = StepClock(step)
        self.callback = ProgressLines(self.clock, 20, 8, write=lines.append, **kwargs)
        self.callback.on_train_begin()
        self.on_epoch_end = self.callback.on_epoch_end

    def on_train_batch_end(self, batch, logs=None):
        self.clock.on_train_batch_end(batch, logs)
        self.callback.on_train_batch_end(batch, logs)


def started(clock, lines, **kwargs):
    return Started(lines, **kwargs)


def test_describe_shows_what_is_known():
    callback = ProgressLines(StepClock(), total_steps=200, batch_size=8)
    logs = {"loss": 1.0, "uv_px_pck": 0.5, "pa_mpjpe_mm": 12.3456, "other": 9.0}
    line = callback.describe(50, 0.5, logs)
    assert line == (
        "step 50/200  25%  loss 1.000  uv_px_pck 0.500  pa_mpjpe_mm 12.346  16.0 img/s  ETA 0:01:15"
    )


def test_one_line_per_interval(clock):
    lines = []
    callback = started(clock, lines, every_s=15)
    clock[0] += 300  # The first step builds the graph: it is not reported and not counted.
    callback.on_train_batch_end(0, {"loss": 9.0})
    for batch in range(1, 17):
        clock[0] += 4
        callback.on_train_batch_end(batch, {"loss": 2.0})
    assert [line.split("  ")[0] for line in lines] == [f"step {n}/20" for n in (5, 9, 13, 17)]
    assert lines[0].endswith("2.0 img/s  ETA 0:01:00") and lines[-1].endswith("ETA 0:00:12")


def test_resumed_run_counts_on(clock):
    lines = []
    callback = started(clock, lines, step=10, every_s=1)
    callback.on_train_batch_end(0, {"loss": 3.0})
    clock[0] += 2
    callback.on_train_batch_end(1, {"loss": 2.0})
    assert lines == ["step 12/20  60%  loss 2.000  4.0 img/s  ETA 0:00:16"]


def test_validation_is_reported_and_its_time_not_counted(clock):
    lines = []
    callback = started(clock, lines, every_s=1)
    callback.on_train_batch_end(0)
    clock[0] += 500
    callback.on_epoch_end(1, {"loss": 1.0, "val_loss": 3.0, "val_pa_mpjpe_mm": 20.0})
    assert lines == ["epoch 2 validation: loss 3.000  pa_mpjpe_mm 20.000"]
    clock[0] += 2
    callback.on_train_batch_end(0, {"loss": 1.0})
    assert "4.0 img/s" in lines[1]


def test_says_nothing_about_3d_without_3d_labels(clock):
    lines = []
    callback = started(clock, lines, every_s=1)
    logs = {"loss": 1.0, "pa_mpjpe_mm": 0.0, "val_loss": 3.0, "val_pa_mpjpe_mm": 0.0}
    callback.on_train_batch_end(0, logs)
    clock[0] += 2
    callback.on_train_batch_end(1, logs)
    callback.on_epoch_end(0, logs)
    assert lines[0].startswith("step 2/20") and lines[1] == "epoch 1 validation: loss 3.000"
    assert "mpjpe" not in lines[0]


def test_epoch_without_validation_is_silent(clock):
    lines = []
    started(clock, lines).on_epoch_end(0, {"loss": 1.0})
    started(clock, lines).on_epoch_end(0)
    assert not lines
