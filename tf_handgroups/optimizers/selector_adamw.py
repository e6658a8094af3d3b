"""AdamW that lets the selector's logits move faster than the network's weights."""

import keras

from tf_handgroups.errors import InputError

SELECTOR_VARIABLE = "selector/logits"


@keras.saving.register_keras_serializable(package="handgroups")
class SelectorAdamW(keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with a larger learning rate for the selector.

    Adam moves every parameter by at most about its learning rate per step, however
    large the gradient is. Logits have to travel a few units to decide for a group,
    weights only hundredths; at one common rate the groups of a short training would
    be decided by noise.

    Args:
        learning_rate: Of the network, a number or a schedule.
        selector_factor: Learning rate of the selector over that of the network.
        **kwargs: As for `keras.optimizers.AdamW`.

    Raises:
        InputError: If `selector_factor` is not positive.

    Example:

    >>> SelectorAdamW(1e-3, selector_factor=10.0).selector_factor
    10.0
    """

    def __init__(self, learning_rate=0.001, selector_factor=10.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        if not selector_factor > 0:
            raise InputError(
                "SelectorAdamW: `selector_factor` must be positive. "
                f"Received: selector_factor={selector_factor!r}. Use 1 for one common rate."
            )
        self.selector_factor = selector_factor

    def update_step(self, gradient, variable, learning_rate):
        # TensorFlow's variable arrives here, Keras' own, which knows its path, is looked up.
        index = self._get_variable_index(variable)
        if self._trainable_variables[index].path.endswith(SELECTOR_VARIABLE):
            learning_rate = learning_rate * self.selector_factor
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        return super().get_config() | {"selector_factor": self.selector_factor}
