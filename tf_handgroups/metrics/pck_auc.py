"""`PCKAUC`: area under the PCK curve between two thresholds, and its NumPy twin."""

from typing import Any

import keras
import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.metrics.joint_errors import MaskedMean, joint_distances

# Pyright reads the bodies of `keras.ops` as returning None.
ops: Any = keras.ops

# hand3d's `get_measures(0, 0.05, 20)`, on which the published tables rest. What
# they call "AUC 20-50" are its last twelve thresholds, 21.05 .. 50 mm.
THRESHOLDS_0_50_MM = np.linspace(0.0, 50.0, 20)
THRESHOLDS_20_50_MM = THRESHOLDS_0_50_MM[8:]


def pck_curve(distances: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Returns the share of distances at most each threshold.

    Args:
        distances: Array of any shape; NaN entries (unlabelled joints) are left out.
        thresholds: `(steps,)` in the unit of `distances`.

    Returns:
        `(steps,)` between 0 and 1, or NaN where no distance is given.

    Example:

    >>> pck_curve(np.array([1.0, 3.0, np.nan]), np.array([0.0, 1.0, 4.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    distances = np.asarray(distances, np.float64)
    distances = distances[~np.isnan(distances)]
    if not distances.size:
        return np.full(len(thresholds), np.nan)
    return (distances[:, None] <= np.asarray(thresholds)).mean(axis=0)


def area_under_curve(curve: np.ndarray, thresholds: np.ndarray) -> float:
    """Returns the trapezoid area under a PCK curve divided by the threshold range.

    Example:

    >>> area_under_curve(np.array([0.0, 1.0, 1.0]), np.array([0.0, 10.0, 20.0]))
    0.75
    """
    return float(np.trapezoid(curve, thresholds) / (thresholds[-1] - thresholds[0]))


@keras.saving.register_keras_serializable(package="handgroups")
class PCKAUC(MaskedMean):
    """Area under the PCK curve over `num_thresholds` equidistant thresholds.

    Both ends are included and joints are pooled, not averaged per joint first.
    The published "20-50 mm" figures use the thresholds
    `linspace(0, 50, 20)[8:]`: `PCKAUC(21.0526, 50, 12)`.

    Args:
        low_mm: Smallest threshold, at least 0.
        high_mm: Largest threshold, above `low_mm`.
        num_thresholds: Number of thresholds, at least 2.
        name: Name in logs.
        dtype: Dtype of the sums.

    Call arguments:
        y_true: `(batch, 21, 3)` mm.
        y_pred: `(batch, 21, 3)` mm.
        sample_weight: `None`, `(batch,)` or `(batch, 21)`.

    Raises:
        InputError: If the thresholds are not as described or the last axis is not 3.

    Example:

    >>> metric = PCKAUC(low_mm=0.0, high_mm=50.0, num_thresholds=51)
    >>> metric.update_state(np.zeros((1, 21, 3)), np.tile([0.0, 0.0, 25.0], (1, 21, 1)))
    >>> round(float(metric.result()), 3)
    0.51
    """

    num_axes = 3

    def __init__(
        self,
        low_mm: float = 20.0,
        high_mm: float = 50.0,
        num_thresholds: int = 20,
        name: str = "pck_auc",
        dtype=None,
    ):
        if not 0 <= low_mm < high_mm:
            raise InputError(
                "PCKAUC: expected 0 <= low_mm < high_mm. "
                f"Received: low_mm={low_mm!r}, high_mm={high_mm!r}. Common: 20 and 50."
            )
        if not (isinstance(num_thresholds, int) and num_thresholds >= 2):
            raise InputError(
                "PCKAUC: `num_thresholds` must be an integer of at least 2. "
                f"Received: num_thresholds={num_thresholds!r}."
            )
        # The base class sizes its sums by this: one sum per threshold.
        self.value_shape = (num_thresholds,)
        super().__init__(name=name, dtype=dtype)
        self.low_mm = low_mm
        self.high_mm = high_mm
        self.num_thresholds = num_thresholds

    def joint_values(self, y_true, y_pred, mask):
        distances = joint_distances(y_true, y_pred, mask)
        thresholds = np.linspace(self.low_mm, self.high_mm, self.num_thresholds)
        correct = distances[..., None] <= ops.cast(thresholds, self.dtype)
        return ops.cast(correct, self.dtype), mask

    def result(self):
        """Returns the area in `[0, 1]`, 0 before the first joint."""
        curve = super().result()
        return ops.mean((curve[1:] + curve[:-1]) / 2)

    def get_config(self):
        return {
            **super().get_config(),
            "low_mm": self.low_mm,
            "high_mm": self.high_mm,
            "num_thresholds": self.num_thresholds,
        }
