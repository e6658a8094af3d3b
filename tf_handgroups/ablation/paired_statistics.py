"""Means over seeds with intervals, and paired comparisons, for few runs.

Runs with the same seed see the same data in the same order, so variants are compared
seed by seed. Nothing is assumed but what is written at each function.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from tf_handgroups.errors import InputError

CONFIDENCE = 0.95
# 2^20 sign patterns are a matter of a second.
MAX_EXACT = 20


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean and where it may lie.

    Args:
        mean: Of the values.
        low: Lower end of the confidence interval; minus infinity with fewer than two values.
        high: Upper end; infinity with fewer than two values.
        count: Number of values.

    Example:

    >>> Interval(0.1, -0.2, 0.4, 3).holds_zero
    True
    """

    mean: float
    low: float
    high: float
    count: int

    @property
    def holds_zero(self) -> bool:
        """Whether zero lies in the interval."""
        return self.low <= 0 <= self.high

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def mean_interval(values: Sequence[float] | np.ndarray) -> Interval:
    """Returns the mean and its 95 % t interval; exact for normally distributed values.

    Args:
        values: At least one, one per seed.

    Raises:
        InputError: If there is no value or one is not finite.

    Example:

    >>> interval = mean_interval([1.0, 2.0, 3.0])
    >>> round(interval.low, 3), interval.mean, round(interval.high, 3)
    (-0.484, 2.0, 4.484)
    """
    numbers = _checked(values)
    mean = float(numbers.mean())
    if len(numbers) < 2:
        return Interval(mean, -math.inf, math.inf, len(numbers))
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, len(numbers) - 1)
    half = float(quantile * numbers.std(ddof=1) / math.sqrt(len(numbers)))
    return Interval(mean, mean - half, mean + half, len(numbers))


def sign_flip_p_value(differences: Sequence[float] | np.ndarray) -> float:
    """Returns the exact two-sided p-value of paired differences by flipping signs.

    Without an effect a difference is as likely as its negative. The p-value is the
    share of all 2^n ways to choose the signs whose mean is at least as far from zero
    as the one that was seen, itself among them. With n runs it cannot be smaller than
    `smallest_p_value(n)`, however large the effect is.

    Args:
        differences: One per seed, at most `MAX_EXACT`.

    Raises:
        InputError: If there is none, too many, or one is not finite.

    Example:

    >>> sign_flip_p_value([1.0, 2.0, 3.0])
    0.25
    """
    numbers = _checked(differences)
    if len(numbers) > MAX_EXACT:
        raise InputError(
            f"sign_flip_p_value: expected at most {MAX_EXACT} differences. "
            f"Received: {len(numbers)}. Use fewer seeds."
        )
    # The negative of every pattern is as far from zero: half of them suffice.
    signs = np.array([(1, *rest) for rest in itertools.product((1, -1), repeat=len(numbers) - 1)])
    sums = np.abs(signs @ numbers)
    # Sums of the same numbers in another order differ by rounding.
    tolerance = 1e-9 * np.abs(numbers).sum()
    return float(np.mean(sums >= abs(numbers.sum()) - tolerance))


def smallest_p_value(count: int) -> float:
    """Returns the smallest p-value that `sign_flip_p_value` can give for so many runs.

    Example:

    >>> smallest_p_value(6)
    0.03125
    """
    return min(1.0, 2.0 ** (1 - count))


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrects the p-values of a family of comparisons as Holm did.

    The probability of at least one false finding in the family stays below the level
    that the corrected values are compared with.

    Args:
        p_values: One per comparison.

    Returns:
        Corrected values in the same order.

    Example:

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    corrected, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = running
    return corrected


def _checked(values) -> np.ndarray:
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise InputError(
            "statistics: expected at least one finite value, one per seed. "
            f"Received: values={values!r}."
        )
    return numbers
