"""Optimizers that let the selector's logits move faster than the network's weights."""

import keras

from tf_handgroups.errors import InputError
from tf_handgroups.optimizers.global_clipping import GlobalClipping

SELECTOR_VARIABLE = "selector/logits"


class SelectorRate(keras.optimizers.Optimizer):
    """Gives an optimizer of Keras a larger learning rate for the selector.

    Adam moves every parameter by at most about its learning rate per step, however
    large the gradient is. Logits have to travel a few units to decide for a group,
    weights only hundredths; at one common rate the groups of a short training would
    be decided by noise.

    A running average of the weights (`use_ema`) stays beside the weights:
    `averaged_weights.averaged` puts it in their place where it is wanted. Keras would
    do so for good at the end of every `fit`, also of one that goes on.

    Args:
        learning_rate: Of the network, a number or a schedule.
        selector_factor: Learning rate of the selector over that of the network.
        **kwargs: As for the optimizer of Keras.

    Raises:
        InputError: If `selector_factor` is not positive.
    """

    def __init__(self, learning_rate=0.001, selector_factor=10.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        if not selector_factor > 0:
            raise InputError(
                f"{type(self).__name__}: `selector_factor` must be positive. Received: "
                f"selector_factor={selector_factor!r}. Use 1 for one common rate."
            )
        self.selector_factor = selector_factor

    def update_step(self, gradient, variable, learning_rate):
        # TensorFlow's variable arrives here, Keras' own, which knows its path, is looked up.
        index = self._get_variable_index(variable)
        if self._trainable_variables[index].path.endswith(SELECTOR_VARIABLE):
            learning_rate = learning_rate * self.selector_factor
        super().update_step(gradient, variable, learning_rate)

    def finalize_variable_values(self, var_list):
        """Leaves the weights as they are."""

    def get_config(self):
        return super().get_config() | {"selector_factor": self.selector_factor}


@keras.saving.register_keras_serializable(package="handgroups")
class SelectorAdamW(SelectorRate, GlobalClipping, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with a larger learning rate for the selector.

    See `SelectorRate` and `GlobalClipping`.

    Example:

    >>> SelectorAdamW(1e-3, selector_factor=10.0).selector_factor
    10.0
    """


@keras.saving.register_keras_serializable(package="handgroups")
class SelectorLamb(SelectorRate, GlobalClipping, keras.optimizers.Lamb):
    """`keras.optimizers.Lamb`, for very large batches; see `SelectorAdamW`.

    Example:

    >>> SelectorLamb(1e-3).selector_factor
    10.0
    """
