"""Minimum, median, mean and maximum of numbers that need not fit into memory."""

import collections
import dataclasses
import math

import numpy as np

# Numbers are counted in bins of this relative width (of this absolute width near zero).
RELATIVE_BIN = 5e-4
_UNIT = 1e-3


@dataclasses.dataclass(frozen=True)
class Spread:
    """How numbers are spread; all but `count` are `None` where there is no number.

    Args:
        count: How many numbers.
        minimum: The smallest, exact.
        median: The middle one, or the mean of the two, to 0.05 % or 1e-6.
        mean: Their mean.
        maximum: The largest, exact.

    Example:

    >>> Spread(0).minimum is None
    True
    """

    count: int
    minimum: float | None = None
    median: float | None = None
    mean: float | None = None
    maximum: float | None = None


class RunningSpread:
    """Takes numbers bit by bit, remembers a few thousand counters, tells their `Spread`.

    Example:

    >>> spread = RunningSpread()
    >>> spread.add([1.0, 2.0, np.nan])
    >>> spread.add(9.0)
    >>> spread.result().count, spread.result().maximum, round(spread.result().median, 2)
    (3, 9.0, 2.0)
    """

    def __init__(self):
        self._bins: collections.Counter[int] = collections.Counter()
        self._sum, self._low, self._high = 0.0, math.inf, -math.inf

    def add(self, numbers) -> None:
        """Takes numbers of any shape; those that are not finite do not count."""
        values = np.asarray(numbers, np.float64).ravel()
        values = values[np.isfinite(values)]
        if not values.size:
            return
        # Like a logarithm, but for negative numbers as well.
        bins = np.round(np.arcsinh(values / _UNIT) / RELATIVE_BIN).astype(np.int64)
        self._bins.update(bins.tolist())
        self._sum += float(values.sum())
        self._low, self._high = min(self._low, values.min()), max(self._high, values.max())

    def result(self) -> Spread:
        """Returns the spread of the numbers so far."""
        count = self._bins.total()
        if not count:
            return Spread(0)
        middle = (self._rank((count - 1) // 2) + self._rank(count // 2)) / 2
        low, high = float(self._low), float(self._high)
        return Spread(count, low, min(max(middle, low), high), self._sum / count, high)

    def _rank(self, rank: int) -> float:
        """The number at this place in order, up to the width of its bin."""
        seen = 0
        for place in sorted(self._bins):
            seen += self._bins[place]
            if seen > rank:
                break
        return float(np.sinh(place * RELATIVE_BIN)) * _UNIT
