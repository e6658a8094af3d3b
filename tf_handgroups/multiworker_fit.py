"""Makes Keras 3 `fit` work under `MultiWorkerMirroredStrategy`.

Keras 3.15 fails there twice. Before training it builds the model on the first batch, and
hands the parts of several replicas to `convert_to_tensor`. After every step it reduces
the logs with `strategy.reduce("MEAN", value, axis=0)`, which a scalar does not have.
`tests/test_multiworker_fit.py` fails as soon as Keras needs neither mend.
"""

from typing import Any

import keras
import tensorflow as tf


def mend_multiworker_fit(model: keras.Model) -> None:
    """Mends a built and compiled model in place.

    Args:
        model: Made in the scope of a `MultiWorkerMirroredStrategy`.
    """
    step: dict[str, Any] = {"train": model.train_step, "test": model.test_step}

    def with_axis(logs):
        return tf.nest.map_structure(lambda value: tf.reshape(value, (1,)), logs)

    # The model is functional, so there is nothing left to build.
    model._maybe_symbolic_build = lambda iterator=None, data_batch=None: None
    model.train_step = lambda data: with_axis(step["train"](data))
    model.test_step = lambda data: with_axis(step["test"](data))
