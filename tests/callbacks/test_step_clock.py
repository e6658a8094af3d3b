import keras
import numpy as np

from tf_handgroups.callbacks.step_clock import StepClock


def test_counts_over_epochs_and_from_where_it_was():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    clock = StepClock(5)
    model.fit(np.ones((6, 1)), np.ones((6, 1)), 2, epochs=2, verbose=0, callbacks=[clock])
    assert clock.step == 5 + 2 * 3
