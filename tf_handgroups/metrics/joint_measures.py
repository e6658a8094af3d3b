"""Mean, median, PCK curve and AUC of joint errors, averaged over joints as in the tables."""

import dataclasses

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.metrics.pck_auc import area_under_curve, pck_curve


@dataclasses.dataclass(frozen=True, eq=False)
class JointMeasures:
    """What the published tables say about a set of joint errors.

    The definition is that of hand3d's evaluation, on which the tables of RHD, STB and
    FreiHAND rest: each number is taken per joint over all its samples first, then
    averaged over the joints that have any sample. So the "median" is the mean of up to
    21 medians, and a joint that is seldom visible weighs as much as the others. Where
    every joint has equally many samples, mean, curve and area (not the median) are the
    same as over all errors pooled.

    Args:
        errors: `(samples, joints)` distances in any unit, NaN where not counted.

    Raises:
        InputError: If the errors are not a matrix, or one is negative.

    Example:

    >>> measures = JointMeasures(np.array([[1.0, 5.0], [3.0, np.nan], [8.0, np.nan]]))
    >>> measures.mean, measures.median
    (4.5, 4.0)
    >>> measures.pck(np.array([0.0, 4.0, 8.0])).round(3).tolist()
    [0.0, 0.333, 1.0]
    >>> round(measures.auc(np.array([0.0, 4.0, 8.0])), 3)
    0.417

    Reference:
    - [Zimmermann and Brox, 2017](https://arxiv.org/abs/1705.01389)
    """

    errors: np.ndarray

    def __post_init__(self):
        errors = np.asarray(self.errors, np.float64)
        if errors.ndim != 2 or (errors < 0).any():
            raise InputError(
                "JointMeasures: expected distances (samples, joints), at least 0 or NaN. "
                f"Received: errors.shape={errors.shape}, "
                f"negative entries={np.count_nonzero(errors < 0)}."
            )
        object.__setattr__(self, "errors", errors)

    @property
    def joint_means(self) -> np.ndarray:
        """Mean error `(joints,)` of each joint, NaN where it has no sample."""
        return np.array([_mean(joint[~np.isnan(joint)]) for joint in self.errors.T])

    @property
    def mean(self) -> float:
        """Mean over joints of their mean errors, NaN without any sample."""
        return _mean([np.mean(joint) for joint in self._counted()])

    @property
    def median(self) -> float:
        """Mean over joints of their median errors, NaN without any sample."""
        return _mean([np.median(joint) for joint in self._counted()])

    def pck(self, thresholds: np.ndarray) -> np.ndarray:
        """Returns the mean over joints of the shares of errors at most each threshold.

        Args:
            thresholds: `(steps,)` in the unit of the errors.

        Returns:
            `(steps,)` between 0 and 1, NaN without any sample.
        """
        curves = [pck_curve(joint, thresholds) for joint in self._counted()]
        return np.mean(curves, axis=0) if curves else np.full(len(thresholds), np.nan)

    def auc(self, thresholds: np.ndarray) -> float:
        """Returns the trapezoid area under `pck`, divided by the range of the thresholds.

        It is also the mean over joints of their areas. NaN without any sample.

        Args:
            thresholds: `(steps,)`, ascending; both ends belong to the range.
        """
        return area_under_curve(self.pck(thresholds), np.asarray(thresholds))

    def _counted(self) -> list[np.ndarray]:
        """The errors of each joint that has any."""
        joints = [joint[~np.isnan(joint)] for joint in self.errors.T]
        return [joint for joint in joints if joint.size]


def _mean(values) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
