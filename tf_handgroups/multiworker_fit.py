"""Makes Keras 3 `fit` train under a strategy as it does without one, and begin sooner.

Keras 3.15 does not, in two ways. Before training it builds metrics and losses from the
first batch: a shuffled data set then goes on with its second order, and several
processes fail, because the parts of their replicas go to `convert_to_tensor`. After every
step of several processes it reduces the logs with `strategy.reduce("MEAN", value, axis=0)`,
and a scalar has no axis.

Without a strategy it builds nothing. TensorFlow then traces the training step twice, as the
first trace creates variables, and tracing is most of what a short training takes.
`tests/test_multiworker_fit.py` fails as soon as Keras needs one of the mends no longer.
"""

from typing import Any

import keras
import tensorflow as tf

from tf_handgroups.strategies import is_multiworker


def mend_fit(model: keras.Model, strategy: tf.distribute.Strategy) -> None:
    """Mends a compiled model in place.

    Args:
        model: Made in the scope of the strategy.
        strategy: That one; the default one without.

    Example:

    >>> from tf_handgroups.strategies import make_strategy
    >>> strategy = make_strategy("mirrored")
    >>> with strategy.scope():
    ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    ...     model.compile("sgd", "mse")
    >>> mend_fit(model, strategy)
    """

    def build(iterator):
        batch = iterator.data_adapter.get_tf_dataset().element_spec
        with strategy.scope():
            model._symbolic_build(data_batch=batch)

    model._maybe_symbolic_build = build
    if not is_multiworker(strategy):
        return
    step: dict[str, Any] = {"train": model.train_step, "test": model.test_step}

    def with_axis(logs):
        return tf.nest.map_structure(lambda value: tf.reshape(value, (1,)), logs)

    model.train_step = lambda data: with_axis(step["train"](data))
    model.test_step = lambda data: with_axis(step["test"](data))
