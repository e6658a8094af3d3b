"""AdamW that updates each variable with one kernel of TensorFlow."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="handgroups")
class FusedAdamW(keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with TensorFlow's Adam kernel.

    Keras updates a variable by some twenty small ops, ten thousand for the `paper`
    network, whose graph takes long to make and keeps cores waiting for each other. Here
    it is one op with the same formula; state, configuration and, but for the last bit,
    results are the parent's. Sparse gradients, AMSGrad, half-precision variables and other
    backends use the parent's code.

    Args:
        **kwargs: As for `keras.optimizers.AdamW`.

    Example:

    >>> optimizer = FusedAdamW(0.1, weight_decay=0.0)
    >>> weight = keras.Variable([1.0, 1.0])
    >>> optimizer.apply([ops.convert_to_tensor([3.0, -0.5])], [weight])
    >>> [round(float(value), 3) for value in weight]
    [0.9, 1.1]
    """

    def update_step(self, gradient, variable, learning_rate):
        fused = (
            keras.backend.backend() == "tensorflow"
            and not self.amsgrad
            and keras.backend.standardize_dtype(variable.dtype) == "float32"
            and hasattr(gradient, "shape")
        )
        if not fused or keras.backend.is_keras_tensor(gradient):
            return super().update_step(gradient, variable, learning_rate)
        import tensorflow as tf

        if isinstance(gradient, tf.IndexedSlices):
            return super().update_step(gradient, variable, learning_rate)
        index = self._get_variable_index(variable)
        step = ops.cast(self.iterations + 1, "float32")
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=ops.power(ops.cast(self.beta_1, "float32"), step),
            beta2_power=ops.power(ops.cast(self.beta_2, "float32"), step),
            lr=ops.cast(learning_rate, "float32"),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=ops.cast(gradient, "float32"),
        )
