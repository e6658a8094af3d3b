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
)
from benchmarks.error_breakdown_hands import Looked
from benchmarks.error_breakdown_tones import InTones, tone_rows
from tf_handgroups.ablation.paired_statistics import Interval
from tf_handgroups.plots import COLOURS, panels_of, png

_ERROR = "2D error / box side"


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
    order = sorted(rows[FAMILY], key=lambda name: -_mean(rows[FAMILY][name]))
    _draw_kinds(families, {name: rows[FAMILY][name] for name in order}, overall, "pose family")
    figure.suptitle(title, fontsize=11)
    return png(figure)


def _mean(row: GroupRow) -> float:
    return -1.0 if row.error_box is None else row.error_box.mean


def _whiskers(interval: Interval) -> float:
    """Half the interval; none where a single hand gives none."""
    return interval.half_width if np.isfinite(interval.half_width) else 0.0


def _draw_tones(
    axes: Axes,
    bins: Mapping[str, GroupRow],
    same_hands: Sequence[Interval],
    tones: Sequence[float],
) -> None:
    middles = (np.array(TONE_EDGES[:-1]) + np.array(TONE_EDGES[1:])) / 2
    known = [
        (middle, row.error_box)
        for middle, row in zip(middles, bins.values(), strict=True)
        if row.error_box is not None
    ]
    # Beside each other, not over each other.
    for places, intervals, shift, style, colour, label in (
        ([x for x, _ in known], [i for _, i in known], -0.012, "o", COLOURS[7], "different hands in each bin"),
        (tones, same_hands, 0.012, "o-", COLOURS[0], "the same hands in five tones"),
    ):
        axes.errorbar(
            np.asarray(places) + shift,
            [interval.mean for interval in intervals],
            yerr=[_whiskers(interval) for interval in intervals],
            fmt=style,
            color=colour,
            capsize=3,
            label=label,
        )
    axes.set_ylim(bottom=0)
    axes.set(xlim=(0, 1), xlabel="skin tone, 0 very light .. 1 dark", ylabel=_ERROR)
    axes.set_title("skin tone", fontsize=10)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    axes.grid(alpha=0.25)


def _draw_differences(
    axes: Axes, differences: Sequence[Interval | None], tones: Sequence[float]
) -> None:
    known = [
        (tone, interval)
        for tone, interval in zip(tones, differences, strict=True)
        if interval is not None
    ]
    axes.axhline(0, color="black", linewidth=1, linestyle="--")
    axes.errorbar(
        [tone for tone, _ in known],
        [interval.mean for _, interval in known],
        yerr=[_whiskers(interval) for _, interval in known],
        fmt="o-",
        color=COLOURS[0],
        capsize=3,
    )
    axes.set(xlim=(0, 1), xlabel="skin tone, 0 very light .. 1 dark", ylabel=f"{_ERROR}, difference")
    axes.set_title(f"the same hands: difference to tone {tones[0]:g}", fontsize=10)
    axes.grid(alpha=0.25)


def _draw_kinds(
    axes: Axes, kinds: Mapping[str, GroupRow], overall: GroupRow, title: str
) -> None:
    shown = {
        f"{name} ({row.count})": row.error_box
        for name, row in kinds.items()
        if row.error_box is not None
    }
    places = range(len(shown))
    axes.errorbar(
        [interval.mean for interval in shown.values()],
        list(places),
        xerr=[_whiskers(interval) for interval in shown.values()],
        fmt="o",
        color=COLOURS[0],
        capsize=2,
    )
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
