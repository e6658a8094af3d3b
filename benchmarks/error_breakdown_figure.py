"""The figure of `benchmarks.error_breakdown`: errors by skin tone, view and pose family."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from benchmarks.error_breakdown_groups import (
    FAMILY,
    TONE,
    TONE_EDGES,
    VIEW,
    GroupRow,
    groups_of,
    row_of,
    worst_first,
)
from benchmarks.error_breakdown_hands import Looked
from benchmarks.error_breakdown_tones import InTones, tone_rows
from tf_handgroups.ablation.paired_statistics import Interval
from tf_handgroups.plots import COLOURS, panels_of, png

_ERROR = "2D error / box side"
_TONE = "skin tone, 0 very light .. 1 dark"


def breakdown_figure(looked: Looked, in_tones: InTones, title: str) -> bytes:
    """Draws the figure.

    Args:
        looked: What the network said about single pictures.
        in_tones: And about the same pictures in several tones.
        title: Of the figure.

    Returns:
        PNG bytes.
    """
    rows = {
        part: {name: row_of(looked, chosen) for name, chosen in kinds.items()}
        for part, kinds in groups_of(looked).items()
        if part in (FAMILY, TONE, VIEW)
    }
    figure, (tones, differences, views, families) = panels_of(4, 12.0, 4.6, columns=2)
    tone_statistics = tone_rows(in_tones, None)
    _draw_tones(tones, rows[TONE], [row.error_box for row in tone_statistics], in_tones.tones)
    _draw_differences(
        differences, [row.error_difference for row in tone_statistics], in_tones.tones
    )
    overall = row_of(looked, np.ones(len(looked.pa_mm), bool))
    _draw_kinds(views, rows[VIEW], overall, "kind of view")
    _draw_kinds(families, worst_first(rows[FAMILY]), overall, "pose family")
    figure.suptitle(title, fontsize=11)
    return png(figure)


def _draw_means(
    axes: Axes,
    places: Sequence[float] | np.ndarray,
    intervals: Sequence[Interval],
    style: str = "o",
    colour: str = COLOURS[0],
    label: str = "",
    upright: bool = True,
) -> None:
    """Means with whiskers over their intervals; a single hand has none."""
    means = [interval.mean for interval in intervals]
    halves = [
        interval.half_width if np.isfinite(interval.half_width) else 0 for interval in intervals
    ]
    at = (
        {"x": places, "y": means, "yerr": halves}
        if upright
        else {"x": means, "y": places, "xerr": halves}
    )
    axes.errorbar(**at, fmt=style, color=colour, capsize=3, markersize=5, label=label or None)


def _draw_tones(
    axes: Axes,
    bins: Mapping[str, GroupRow],
    same_hands: Sequence[Interval],
    tones: Sequence[float],
) -> None:
    middles = (np.array(TONE_EDGES[:-1]) + np.array(TONE_EDGES[1:])) / 2
    known = {
        middle: row.error_box
        for middle, row in zip(middles, bins.values(), strict=True)
        if row.error_box is not None
    }
    # A little beside each other, so that both can be seen.
    places, others = np.array(list(known)) - 0.012, list(known.values())
    _draw_means(axes, places, others, "s", COLOURS[1], "different hands in each bin")
    label = "the same hands in five tones"
    _draw_means(axes, np.array(tones) + 0.012, same_hands, "o-", COLOURS[0], label)
    axes.set_ylim(bottom=0)
    axes.set(xlim=(0, 1), xlabel=_TONE, ylabel=_ERROR)
    axes.set_title("skin tone", fontsize=10)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    axes.grid(alpha=0.25)


def _draw_differences(
    axes: Axes, differences: Sequence[Interval | None], tones: Sequence[float]
) -> None:
    known = {
        tone: interval
        for tone, interval in zip(tones, differences, strict=True)
        if interval is not None
    }
    axes.axhline(0, color="black", linewidth=1, linestyle="--")
    _draw_means(axes, list(known), list(known.values()), "o-")
    axes.set(xlim=(0, 1), xlabel=_TONE, ylabel="difference of the " + _ERROR)
    axes.set_title(f"the same hands: difference to tone {tones[0]:g}", fontsize=10)
    axes.grid(alpha=0.25)


def _draw_kinds(axes: Axes, kinds: Mapping[str, GroupRow], overall: GroupRow, title: str) -> None:
    shown = {
        f"{name} ({row.count})": row.error_box
        for name, row in kinds.items()
        if row.error_box is not None
    }
    places = range(len(shown))
    _draw_means(axes, list(places), list(shown.values()), upright=False)
    if overall.error_box is not None:
        mean = overall.error_box.mean
        axes.axvline(mean, color="black", linewidth=1, linestyle="--", label="all hands")
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    axes.set_yticks(places, list(shown), fontsize=8)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(_ERROR)
    axes.set_title(f"{title} (hands)", fontsize=10)
    axes.grid(alpha=0.25, axis="x")
