"""L1 distance per joint, for coordinates and for depths."""

import keras
from keras import ops

from tf_handgroups.errors import InputError


@keras.saving.register_keras_serializable(package="handgroups")
class JointL1(keras.losses.Loss):
    """Mean absolute difference per joint, divided by a scale.

    Args:
        scale: Unit of the result, for example the crop size in pixels, so that losses
            of different resolutions compare.

    Call arguments:
        y_true: `(batch, joints)` or `(batch, joints, dimensions)`.
        y_pred: The same shape.

    Returns:
        Loss per joint `(batch, joints)` before reduction.

    Example:

    >>> loss = JointL1(scale=128.0)
    >>> round(float(loss(ops.zeros((1, 21, 2)), ops.full((1, 21, 2), 12.8))), 6)
    0.1
    """

    def __init__(
        self, scale=1.0, name="joint_l1", reduction="sum_over_batch_size", dtype="float32"
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not scale > 0:
            raise InputError(f"JointL1: `scale` must be positive. Received: scale={scale!r}.")
        self.scale = scale

    def call(self, y_true, y_pred):
        difference = ops.abs(y_pred - y_true) / self.scale
        return difference if len(difference.shape) == 2 else ops.mean(difference, axis=-1)

    def get_config(self):
        return super().get_config() | {"scale": self.scale}
