import errno
import os
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_handgroups.callbacks import keep_state
from tf_handgroups.callbacks.keep_state import KeepState
from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.recipes import Recipe
from tf_handgroups.train_state import state_files

RECIPE = Recipe("r", steps=12, steps_per_epoch=4)


@pytest.fixture
def seconds(monkeypatch):
    """A clock that only moves when told to."""
    now = [100.0]
    monkeypatch.setattr(keep_state, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    return now


def started(folder, step=0, stopped=lambda: False, on_stop=lambda: None):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    clock = StepClock(step)
    strategy = tf.distribute.get_strategy()
    callback = KeepState(folder, clock, RECIPE, strategy, 1.0, stopped, on_stop)
    callback.set_model(model)

    def one_step():
        clock.on_train_batch_end(0)
        callback.on_train_batch_end(0)

    return callback, one_step


def steps_kept(folder):
    return [step for step, _ in state_files(folder)]


def test_one_state_in_a_minute(tmp_path, seconds):
    _, one_step = started(tmp_path)
    one_step()
    assert steps_kept(tmp_path) == []
    seconds[0] += 61
    one_step()
    one_step()
    assert steps_kept(tmp_path) == [2]


def test_the_last_step_of_an_epoch_waits_for_its_validation(tmp_path, seconds):
    callback, one_step = started(tmp_path, step=3)
    seconds[0] += 61
    one_step()
    assert steps_kept(tmp_path) == []
    callback.on_epoch_end(0)
    assert steps_kept(tmp_path) == [4]
    # The time runs from the last state on.
    one_step()
    assert steps_kept(tmp_path) == [4]


def test_when_it_is_to_stop_the_state_is_kept_first(tmp_path):
    seen = []
    callback, one_step = started(
        tmp_path, stopped=lambda: True, on_stop=lambda: seen.append(steps_kept(tmp_path))
    )
    with pytest.raises(KeyboardInterrupt):
        one_step()
    assert seen == [[1]]
    with pytest.raises(KeyboardInterrupt):
        callback.on_epoch_end(0)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_says_that_the_state_could_not_be_kept(number, tmp_path, seconds, monkeypatch):
    callback, one_step = started(tmp_path)
    callback.on_epoch_end(0)
    before = {path: path.read_bytes() for _, path in state_files(tmp_path)}

    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(np, "savez", fail)
    seconds[0] += 61
    with pytest.raises(OSError, match=r"cannot keep the state of step 1 .*--resume") as caught:
        one_step()
    assert os.strerror(number) in str(caught.value)
    assert {path: path.read_bytes() for _, path in state_files(tmp_path)} == before
