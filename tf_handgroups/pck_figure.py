"""The figure that shows our PCK curves beside the published ones, as figure 3 of the paper."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from tf_handgroups.errors import InputError
from tf_handgroups.measured_curves import MeasuredCurve
from tf_handgroups.metrics.pck_auc import area_under_curve
from tf_handgroups.plots import COLOURS, png
from tf_handgroups.published_curves import (
    LI_2021,
    PUBLISHED,
    YANG_2019,
    PublishedBenchmark,
    PublishedCurve,
    get_benchmark,
)

# Published curves are blue and thin, ours warm or green and thick.
_PUBLISHED_COLOURS = {LI_2021: COLOURS[0], YANG_2019: COLOURS[5]}
_OWN_COLOURS = (COLOURS[1], COLOURS[2], COLOURS[3], COLOURS[4])
_PRINTED_HEADING = "AUC as printed, curve not known:"
# A panel's plot, and a row of text below it.
_AXES_INCHES = (4.9, 4.1)
_ROW_INCHES = 0.18
_NOTE_COLUMNS = 80


def pck_figure(
    measured: Sequence[MeasuredCurve] = (), benchmarks: Sequence[str] = tuple(PUBLISHED)
) -> bytes:
    """Draws one panel per benchmark: published curves, ours, and every known area.

    Areas are over the thresholds of the published curves, for ours as well. Ours is
    dashed where it was measured on other data than the benchmark's.

    Args:
        measured: Our curves; each is drawn in the panel of its benchmark.
        benchmarks: Keys of `PUBLISHED`, left to right.

    Returns:
        PNG bytes.

    Raises:
        InputError: If a benchmark is unknown, there is none, or a curve belongs to none
            of them.

    Example:

    >>> pck_figure(benchmarks=["stb"])[1:4]
    b'PNG'
    """
    panels = [get_benchmark(name) for name in dict.fromkeys(benchmarks)]
    if not panels:
        raise InputError(
            f"pck_figure: expected a benchmark to draw. Received: benchmarks={benchmarks!r}. "
            f"Known benchmarks: {', '.join(PUBLISHED)}."
        )
    for curve in measured:
        if curve.benchmark not in benchmarks:
            raise InputError(
                "pck_figure: expected curves of the benchmarks that are drawn. "
                f"Received: benchmark={curve.benchmark!r} with {', '.join(benchmarks)}."
            )
    own = [[curve for curve in measured if curve.benchmark == panel.name] for panel in panels]
    columns = len(panels)
    notes = _notes(panels)
    # Row by row in inches, so that any number of curves leaves the plots as they are.
    legend_rows = max(map(_legend_rows, panels, own))
    heights = (_AXES_INCHES[1], 0.2 + _ROW_INCHES * legend_rows)
    figure = Figure(
        figsize=(_AXES_INCHES[0] * columns, sum(heights) + _ROW_INCHES * len(notes)),
        dpi=110,
        layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08),
    )
    grid = figure.subplots(2, columns, squeeze=False, height_ratios=heights)
    for axes, below, panel, curves in zip(*grid, panels, own, strict=True):
        draw_panel(axes, panel, curves)
        _add_legend(below, axes.get_lines(), panel)
    figure.supxlabel("\n".join(notes), x=0.01, ha="left", fontsize=8, color="#555555")
    return png(figure)


def draw_panel(
    axes: Axes, benchmark: PublishedBenchmark, measured: Sequence[MeasuredCurve] = ()
) -> None:
    """Draws what is known about one benchmark into given axes, without a legend.

    Example:

    >>> axes = Figure().subplots()
    >>> draw_panel(axes, get_benchmark("stb"))
    >>> axes.get_lines()[0].get_label()
    'Li et al., AAAI 2021: AUC 0.996'
    """
    for index, curve in enumerate(measured):
        _draw_own(axes, benchmark, curve, _OWN_COLOURS[index % len(_OWN_COLOURS)])
    for curve in benchmark.curves:
        _draw_published(axes, benchmark, curve)
    low, high = benchmark.range_mm
    axes.set_xlim(low, high)
    axes.set_ylim(_lowest_share(axes), 1.0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set(xlabel="error threshold (mm)", ylabel="share of joints within the threshold")
    axes.set_title(benchmark.title, weight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


def _draw_published(axes: Axes, benchmark: PublishedBenchmark, curve: PublishedCurve) -> None:
    label = f"{curve.method}: AUC {curve.auc:.3f}"
    if round(curve.auc, benchmark.printed_digits) != curve.printed_auc:
        label += f" (printed {curve.printed_auc:.{benchmark.printed_digits}f})"
    axes.plot(
        curve.thresholds_mm,
        curve.pck,
        color=_PUBLISHED_COLOURS[curve.method],
        linewidth=1.6,
        marker="o",
        markersize=3,
        clip_on=False,
        label=label,
    )


def _draw_own(axes: Axes, benchmark: PublishedBenchmark, curve: MeasuredCurve, colour: str) -> None:
    # At the published thresholds, so that areas are over the same range.
    thresholds = benchmark.thresholds_mm
    pck = curve.at(thresholds)
    axes.plot(
        thresholds,
        pck,
        color=colour,
        linestyle="-" if curve.is_benchmark_data else (0, (3, 1)),
        linewidth=3.2,
        zorder=3,
        clip_on=False,
        label=f"{curve.label}: AUC {area_under_curve(pck, thresholds):.3f}\n"
        f"{_measured_on(benchmark, curve)}",
    )


def _measured_on(benchmark: PublishedBenchmark, curve: MeasuredCurve) -> str:
    warning = "" if curve.is_benchmark_data else f"not {benchmark.title} but "
    return f"{warning}{curve.data}\n{curve.num_hands} hands, protocol {curve.protocol}"


def _lowest_share(axes: Axes) -> float:
    """The tenth below all curves, but at most 0.9; all end near 1."""
    lowest = min(np.min(line.get_ydata()) for line in axes.get_lines())
    return min(0.9, np.floor(lowest * 10 + 1e-6) / 10)


def _printed(benchmark: PublishedBenchmark) -> list[str]:
    """Lines of the legend without a curve."""
    digits = benchmark.printed_digits
    numbers = [f"{method}: {auc:.{digits}f}" for method, auc in benchmark.printed_aucs.items()]
    return [_PRINTED_HEADING, *numbers] if numbers else []


def _legend_rows(benchmark: PublishedBenchmark, measured: Sequence[MeasuredCurve]) -> int:
    return 3 * len(measured) + len(benchmark.curves) + len(_printed(benchmark))


def _add_legend(axes: Axes, lines: Sequence[Line2D], benchmark: PublishedBenchmark) -> None:
    axes.set_axis_off()
    texts = [Line2D([], [], linestyle="none", label=text) for text in _printed(benchmark)]
    legend = axes.legend(
        handles=[*lines, *texts],
        loc="upper left",
        borderaxespad=0.0,
        borderpad=0.0,
        labelspacing=0.35,
        frameon=False,
        fontsize=9,
    )
    for text in legend.get_texts():
        # Paths and labels may hold a dollar sign.
        text.set_parse_math(False)


def _notes(panels: Sequence[PublishedBenchmark]) -> list[str]:
    notes = [f"AUC of a curve: area under the points shown. Published {panels[0].source}."]
    notes += [panel.note for panel in panels if panel.note]
    return [line for note in notes for line in textwrap.wrap(note, _NOTE_COLUMNS * len(panels))]
