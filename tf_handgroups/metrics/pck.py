"""`PCK`: share of joints closer to the truth than a fraction of the hand's size."""

from typing import Any

import keras

from tf_handgroups.errors import InputError
from tf_handgroups.metrics.joint_errors import MaskedMean, joint_distances

# Pyright reads the bodies of `keras.ops` as returning None.
ops: Any = keras.ops


@keras.saving.register_keras_serializable(package="handgroups")
class PCK(MaskedMean):
    """Percentage of correct keypoints, as a share between 0 and 1.

    A joint is correct if its error is at most `threshold * reference_px`. Inside
    training the reference is one number for all samples: in a crop the box side is
    `crop_size / margin` by construction (up to scale augmentation). `evaluate`
    uses each sample's own box instead.

    Args:
        threshold: Fraction of the reference length, positive.
        reference_px: Reference length (side of the tight box) in pixels of `y_true`.
        name: Name in logs.
        dtype: Dtype of the sums.

    Call arguments:
        y_true: `(batch, 21, 2)` pixels.
        y_pred: `(batch, 21, 2)` pixels.
        sample_weight: `None`, `(batch,)` or `(batch, 21)`.

    Raises:
        InputError: If a length is not positive or the last axis is not 2.

    Example:

    >>> import numpy as np
    >>> metric = PCK(threshold=0.2, reference_px=50.0)
    >>> error = np.zeros((1, 21, 2))
    >>> error[0, 0, 0] = 10.5
    >>> metric.update_state(np.zeros((1, 21, 2)), error)
    >>> round(float(metric.result()), 3)
    0.952
    """

    num_axes = 2

    def __init__(
        self,
        threshold: float = 0.2,
        reference_px: float = 1.0,
        name: str = "pck",
        dtype=None,
    ):
        for key, value in (("threshold", threshold), ("reference_px", reference_px)):
            if not value > 0:
                raise InputError(
                    f"PCK: `{key}` must be positive. Received: {key}={value!r}. "
                    "Common: threshold=0.2, reference_px=crop_size / margin."
                )
        super().__init__(name=name, dtype=dtype)
        self.threshold = threshold
        self.reference_px = reference_px

    def joint_values(self, y_true, y_pred, mask):
        distances = joint_distances(y_true, y_pred, mask)
        return ops.cast(distances <= self.threshold * self.reference_px, self.dtype), mask

    def get_config(self):
        return {
            **super().get_config(),
            "threshold": self.threshold,
            "reference_px": self.reference_px,
        }
