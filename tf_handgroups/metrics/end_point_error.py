"""`EndPointError`: mean 2D distance in pixels."""

import keras

from tf_handgroups.metrics.joint_errors import MaskedMean, joint_distances


@keras.saving.register_keras_serializable(package="handgroups")
class EndPointError(MaskedMean):
    """Mean Euclidean distance between predicted and true 2D joints.

    Pass it to `compile(weighted_metrics=...)`: Keras hands the visibility mask
    (`sample_weight`) only to weighted metrics.

    Args:
        name: Name in logs.
        dtype: Dtype of the sums.

    Call arguments:
        y_true: `(batch, 21, 2)` pixels.
        y_pred: `(batch, 21, 2)` pixels.
        sample_weight: `None`, `(batch,)` or `(batch, 21)`.

    Raises:
        InputError: If the last axis is not 2.

    Example:

    >>> import numpy as np
    >>> metric = EndPointError()
    >>> metric.update_state(np.zeros((1, 21, 2)), np.tile([3.0, 4.0], (1, 21, 1)))
    >>> float(metric.result())
    5.0
    """

    num_axes = 2

    def __init__(self, name: str = "end_point_error", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def joint_values(self, y_true, y_pred, mask):
        return joint_distances(y_true, y_pred, mask), mask
