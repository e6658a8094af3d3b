import keras
import numpy as np
import pytest

from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.callbacks.temperature_schedule import TemperatureSchedule
from tf_handgroups.layers.joint_group_selector import JointGroupSelector


class SmallModel(keras.Model):
    """A selector and one number to learn."""

    def __init__(self):
        super().__init__()
        self.selector = JointGroupSelector(2, grouping=[0] * 21)
        self.selector.build((1, 2, 21, 1))
        self.dense = keras.layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        selector = self.model.selector
        self.seen.append((float(selector.current_temperature), float(selector.committed)))


def record(schedule, start_at=0, steps=10, epochs=2):
    model = SmallModel()
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    data = np.ones((2 * steps // epochs, 1), "float32")
    model(data)
    schedule.clock.step = start_at
    recorder = Recorder()
    model.fit(
        data,
        data,
        batch_size=2,
        epochs=epochs,
        verbose=0,
        callbacks=[schedule.clock, schedule, recorder],
    )
    return recorder.seen


def test_temperature_falls_geometrically_then_stays():
    schedule = TemperatureSchedule(StepClock(), 100, start=2.0, end=0.02, commit_at=0.5)
    temperatures = [schedule.temperature_at(step) for step in range(100)]
    np.testing.assert_allclose(temperatures[:51], 2.0 * 0.01 ** (np.arange(51) / 50))
    np.testing.assert_allclose(temperatures[50:], 0.02)


def test_training_follows_the_schedule_and_commits():
    seen = record(TemperatureSchedule(StepClock(), 10, start=1.0, end=0.1, commit_at=0.8))
    expected = [0.1 ** min(1.0, step / 8) for step in range(10)]
    np.testing.assert_allclose([temperature for temperature, _ in seen], expected, rtol=1e-5)
    assert [committed for _, committed in seen] == [0.0] * 8 + [1.0] * 2


def test_resumed_training_continues_the_schedule():
    schedule = TemperatureSchedule(StepClock(), 10, commit_at=0.8)
    assert record(schedule, start_at=4, steps=6) == record(schedule)[4:]


def test_never_commits_at_one():
    assert not any(
        committed for _, committed in record(TemperatureSchedule(StepClock(), 4, commit_at=1), 0, 6)
    )


@pytest.mark.parametrize("bad", [{"start": 0.0}, {"end": -1.0}, {"start": float("nan")}])
def test_rejects_temperatures(bad):
    with pytest.raises(ValueError, match=r"must be positive\. Received: start="):
        TemperatureSchedule(StepClock(), 10, **bad)


@pytest.mark.parametrize("bad", [0, -0.5, 1.01])
def test_rejects_commit_at(bad):
    with pytest.raises(ValueError, match="Received: commit_at="):
        TemperatureSchedule(StepClock(), 10, commit_at=bad)
