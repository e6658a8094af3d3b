"""Keras' `fit` in two processes needs the mends, every one of them, and works with them.

When this fails because Keras needs one no longer, take it out of `multiworker_fit`.
"""

import json

import keras
import pytest
import tensorflow as tf

from tests.workers import run_workers
from tf_handgroups.multiworker_fit import mend_fit


def test_fit_needs_every_mend():
    command = ["-m", "tests.small_worker", "mend"]
    for worker in run_workers([command, command]):
        assert worker.code == 0, worker.output
        fits = json.loads(worker.output.splitlines()[-1])
        assert fits["mended"] == "fine"
        assert "convert a value (PerReplica" in fits["_maybe_symbolic_build"]
        for step in ("train_step", "test_step"):
            assert "Invalid reduction dimension 0 for input with 0 dimensions" in fits[step]


@pytest.mark.parametrize(("mended", "times"), [(True, 1), (False, 2)])
def test_a_step_is_traced_once(mended, times):
    traces = []

    class Model(keras.Sequential):
        def train_step(self, data):
            traces.append(data)
            return super().train_step(data)

    model = Model([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    if mended:
        mend_fit(model, tf.distribute.get_strategy())
    data = tf.data.Dataset.from_tensors((tf.ones((4, 2)), tf.ones((4, 1)))).repeat()
    model.fit(data, steps_per_epoch=2, epochs=2, verbose=0, shuffle=False)
    assert len(traces) == times
