"""Validates with the averaged weights, which are those that are saved."""

import contextlib

import keras

from tf_handgroups.optimizers.averaged_weights import averaged


class AveragedValidation(keras.callbacks.Callback):
    """Puts the averaged weights in place while `fit` validates; see `averaged`.

    Example:

    >>> callback = AveragedValidation()
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(use_ema=True), "mse")
    >>> callback.set_model(model)
    >>> callback.on_test_begin()
    >>> callback.on_test_end()
    """

    def __init__(self):
        super().__init__()
        self._stack = contextlib.ExitStack()

    def on_test_begin(self, logs=None):
        self._stack.enter_context(averaged(self.model))

    def on_test_end(self, logs=None):
        self._stack.close()
