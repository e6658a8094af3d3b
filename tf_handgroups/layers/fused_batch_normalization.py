"""Batch normalization that trains fast on TensorFlow's CPU backend."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="handgroups")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over channels with TensorFlow's fused kernel.

    Keras 3 computes batch statistics from separate ops on the TensorFlow CPU
    backend, which dominates the training time of small networks. This subclass
    only replaces the training pass on 4-D channels-last inputs of an unmasked,
    unsynchronised layer; weights, configuration and inference are the parent's, so
    saved and exported models do not depend on it numerically. Other backends use the
    parent's code.

    Args:
        **kwargs: As for `keras.layers.BatchNormalization`.

    Example:

    >>> layer = FusedBatchNormalization()
    >>> tuple(layer(ops.ones((2, 4, 4, 3)), training=True).shape)
    (2, 4, 4, 3)
    """

    def call(self, inputs, training=None, mask=None):
        fused = (
            training
            and self.trainable
            and mask is None
            and not self.synchronized
            and self.scale
            and self.center
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and keras.backend.backend() == "tensorflow"
        )
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        # The kernel takes half-precision inputs and keeps its statistics in float32.
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            ops.cast(inputs, self.compute_dtype),
            ops.cast(self.gamma, "float32"),
            ops.cast(self.beta, "float32"),
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel returns the unbiased variance; Keras tracks the biased one.
        shape = ops.shape(inputs)
        count = ops.cast(shape[0] * shape[1] * shape[2], "float32")
        variance = variance * (count - 1) / count
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(
                moving * self.momentum + ops.cast(batch, moving.dtype) * (1 - self.momentum)
            )
        return outputs
