"""The running average of the weights, put in their place for validation and saving."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Gives a model its averaged weights within the block, and its own back after it.

    Bit for bit, otherwise than `keras.callbacks.SwapEMAWeights`, which swaps by sums. With
    several workers all have to enter the block together.

    Args:
        model: Compiled. If its optimizer keeps no average (`use_ema`), nothing changes.

    Example:

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(use_ema=True), "mse")
    >>> with averaged(model):
    ...     pass
    """
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if optimizer is None or not optimizer.use_ema or not optimizer.built:
        yield
        return
    # Public names for the averages do not exist; Keras' own callback takes these too.
    variables, averages = optimizer._trainable_variables, optimizer._model_variables_moving_average
    own = [keras.ops.convert_to_numpy(variable) for variable in variables]
    for variable, average in zip(variables, averages, strict=True):
        variable.assign(keras.ops.convert_to_numpy(average))
    try:
        yield
    finally:
        for variable, value in zip(variables, own, strict=True):
            variable.assign(value)
