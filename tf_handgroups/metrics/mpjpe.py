"""`MPJPE`: mean 3D joint distance."""

import keras

from tf_handgroups.metrics.joint_errors import MaskedMean, joint_distances


@keras.saving.register_keras_serializable(package="handgroups")
class MPJPE(MaskedMean):
    """Mean per-joint position error, without any alignment.

    Whether it is root-relative or absolute is decided by the coordinates given.

    Args:
        name: Name in logs.
        dtype: Dtype of the sums.

    Call arguments:
        y_true: `(batch, 21, 3)` mm.
        y_pred: `(batch, 21, 3)` mm.
        sample_weight: `None`, `(batch,)` or `(batch, 21)`.

    Raises:
        InputError: If the last axis is not 3.

    Example:

    >>> import numpy as np
    >>> metric = MPJPE()
    >>> metric.update_state(np.zeros((1, 21, 3)), np.tile([1.0, 2.0, 2.0], (1, 21, 1)))
    >>> float(metric.result())
    3.0
    """

    num_axes = 3

    def __init__(self, name: str = "mpjpe", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def joint_values(self, y_true, y_pred, mask):
        return joint_distances(y_true, y_pred, mask), mask
