"""Published PCK curves of the paper's benchmarks, to draw ours beside them.

Where the numbers come from: `plot_AUC_tools.py`, the plotting script of the paper's
authors (repository moranli-aca/LearnableGroups-Hand), and the legends of figure 3 of
the paper (Li, Gao and Sang, AAAI 2021, arXiv 2012.09496). Only numbers are taken.

For its own method the script holds shares of joints that are whole multiples of
1/57288 on RHD (2728 images x 21 joints) and of 1/63000 on STB (3000 x 21). The
numerators are stored here: with them STB integrates to 0.9956233766233765, digit for
digit the constant in the script.
"""

import dataclasses

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.metrics.pck_auc import (
    THRESHOLDS_0_50_MM,
    THRESHOLDS_20_50_MM,
    area_under_curve,
)

LI_2021 = "Li et al., AAAI 2021"
YANG_2019 = "Yang et al., ICCV 2019"

RHD_JOINTS = 2728 * 21
STB_JOINTS = 3000 * 21


@dataclasses.dataclass(frozen=True, eq=False)
class PublishedCurve:
    """A curve of which the points are known.

    Args:
        method: Authors, venue and year.
        thresholds_mm: `(steps,)`, ascending, within the benchmark's range.
        pck: `(steps,)` shares of joints within each threshold, 0 to 1.
        printed_auc: What the figure's legend says.

    Example:

    >>> round(get_benchmark("stb").curves[0].auc, 4)
    0.9956
    """

    method: str
    thresholds_mm: np.ndarray
    pck: np.ndarray
    printed_auc: float

    @property
    def auc(self) -> float:
        """Area under the points, 0 to 1."""
        return area_under_curve(self.pck, self.thresholds_mm)


@dataclasses.dataclass(frozen=True, eq=False)
class PublishedBenchmark:
    """What is published about one panel of figure 3.

    Args:
        name: Key in `PUBLISHED`; also the kind of data set it is measured on.
        title: Name for people.
        protocol: The protocol of `evaluate` that comes nearest to theirs.
        range_mm: The panel's axis.
        thresholds_mm: Where the curves have points; areas are over their range.
        curves: Curves of which the points are known.
        printed_aucs: Areas of methods of which only the number is known, as printed.
        source: Where the numbers come from.
        printed_digits: Digits after the point of printed areas.
        note: What to know before comparing, or empty.

    Example:

    >>> get_benchmark("rhd").printed_aucs["Cai et al."]
    0.887
    """

    name: str
    title: str
    protocol: str
    range_mm: tuple[float, float]
    thresholds_mm: np.ndarray
    curves: tuple[PublishedCurve, ...]
    printed_aucs: dict[str, float]
    source: str
    printed_digits: int = 3
    note: str = ""


_SOURCE = "points: plot_AUC_tools.py of Li et al. 2021; other areas: their figure 3"

_RHD_LI_COUNTS = (
    50500, 52088, 53246, 54115, 54735, 55249, 55629, 55931, 56149, 56318, 56455, 56581,
)  # fmt: skip
_STB_LI_COUNTS = (
    61797, 62276, 62505, 62660, 62769, 62821, 62865, 62898, 62919, 62934, 62945, 62953,
)  # fmt: skip
_DEXTER_LI = (
    0.0, 0.12346, 0.42028, 0.67704, 0.83839, 0.92704, 0.96416, 0.97936, 0.98813, 0.99339,
    0.99535, 0.99647, 0.99742, 0.99783, 0.99796, 0.99820, 0.99852, 0.99872, 0.99885, 0.99891,
)  # fmt: skip
# Of these the script holds all 20 thresholds, 0-50 mm.
RHD_YANG_0_50 = np.array([
    0.0, 0.0909, 0.2199, 0.3609, 0.4949, 0.6125, 0.7055, 0.7758, 0.8291, 0.8705,
    0.8992, 0.9220, 0.9396, 0.9538, 0.9632, 0.9716, 0.9778, 0.9826, 0.9858, 0.9886,
])  # fmt: skip
STB_YANG_0_50 = np.array([
    0.0, 0.1917, 0.4480, 0.6560, 0.7935, 0.8782, 0.9290, 0.9599, 0.9773, 0.9872,
    0.9932, 0.9962, 0.9978, 0.9987, 0.9991, 0.9995, 0.9997, 0.9997, 0.9997, 0.9998,
])  # fmt: skip

_FIRST = len(THRESHOLDS_0_50_MM) - len(THRESHOLDS_20_50_MM)
_DEXTER_MM = np.linspace(0.0, 100.0, 20)


def _curve_20_50(method: str, pck: np.ndarray, printed_auc: float) -> PublishedCurve:
    return PublishedCurve(method, THRESHOLDS_20_50_MM, pck, printed_auc)


_BENCHMARKS = (
    PublishedBenchmark(
        name="rhd",
        title="RHD",
        protocol="learnable-groups",
        range_mm=(20.0, 50.0),
        thresholds_mm=THRESHOLDS_20_50_MM,
        curves=(
            _curve_20_50(LI_2021, np.array(_RHD_LI_COUNTS) / RHD_JOINTS, 0.960),
            _curve_20_50(YANG_2019, RHD_YANG_0_50[_FIRST:], 0.943),
        ),
        printed_aucs={
            "Cai et al.": 0.887,
            "Spurr et al.": 0.849,
            "Yang et al. (disentangling)": 0.849,
            "Zimmermann and Brox": 0.675,
        },
        source=_SOURCE,
        note="The points of Li et al. on RHD integrate to 0.958 where 0.960 is printed: "
        "they come from two different runs.",
    ),
    PublishedBenchmark(
        name="stb",
        title="STB",
        protocol="learnable-groups",
        range_mm=(20.0, 50.0),
        thresholds_mm=THRESHOLDS_20_50_MM,
        curves=(
            _curve_20_50(LI_2021, np.array(_STB_LI_COUNTS) / STB_JOINTS, 0.996),
            _curve_20_50(YANG_2019, STB_YANG_0_50[_FIRST:], 0.996),
        ),
        printed_aucs={
            "Iqbal et al.": 0.994,
            "Spurr et al.": 0.983,
            "Mueller et al.": 0.965,
            "Zimmermann and Brox": 0.948,
            "Panteleris et al.": 0.941,
            "CHPR": 0.839,
            "ICPPSO": 0.748,
            "PSO": 0.709,
        },
        source=_SOURCE,
    ),
    PublishedBenchmark(
        name="dexter-object",
        title="Dexter+Object",
        protocol="dexter-object",
        range_mm=(0.0, 100.0),
        thresholds_mm=_DEXTER_MM,
        curves=(PublishedCurve(LI_2021, _DEXTER_MM, np.array(_DEXTER_LI), 0.86),),
        printed_aucs={
            "Sridhar et al. (RGB-D)": 0.81,
            "Yang et al.": 0.73,
            "Iqbal et al.": 0.71,
            "Iqbal et al. (no real 2D)": 0.56,
            "Mueller et al.": 0.56,
        },
        source=_SOURCE,
        printed_digits=2,
        note="How Li et al. align Dexter+Object is not published; ours may differ.",
    ),
)

PUBLISHED = {benchmark.name: benchmark for benchmark in _BENCHMARKS}


def get_benchmark(name: str) -> PublishedBenchmark:
    """Returns what is published about a benchmark.

    Args:
        name: A key of `PUBLISHED`.

    Raises:
        InputError: If there is none; the message lists the known names.

    Example:

    >>> get_benchmark("dexter-object").range_mm
    (0.0, 100.0)
    """
    if name not in PUBLISHED:
        raise InputError(
            f"get_benchmark: unknown benchmark. Received: name={name!r}. "
            f"Known benchmarks: {', '.join(PUBLISHED)}."
        )
    return PUBLISHED[name]
