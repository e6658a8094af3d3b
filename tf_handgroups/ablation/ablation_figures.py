"""Figures of the comparison, as PNG bytes."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tf_handgroups.ablation.grouping_agreement import renumbered, shared_groups
from tf_handgroups.ablation.paired_statistics import Interval
from tf_handgroups.errors import InputError
from tf_handgroups.joints import JOINT_NAMES
from tf_handgroups.open_hand import draw_open_hand, group_colour
from tf_handgroups.plots import panels_of, png

Panel = Mapping[str, tuple[Interval, Sequence[float]]]


def interval_panels(panels: Mapping[str, Panel], zero: bool = False) -> bytes:
    """Draws means with their intervals, and a dot per seed, panels side by side.

    Args:
        panels: `{title: {label: (interval, values)}}`; all have the same labels.
        zero: Whether a line at zero is drawn, for differences.

    Returns:
        PNG bytes.

    Raises:
        InputError: If there is nothing to draw.

    Example:

    >>> interval_panels({"error": {"a": (Interval(1.0, 0.5, 1.5, 2), [0.9, 1.1])}})[1:4]
    b'PNG'
    """
    if not panels or not all(panels.values()):
        raise InputError(f"interval_panels: expected intervals. Received: panels={dict(panels)!r}.")
    labels = list(next(iter(panels.values())))
    count = len(panels)
    figure, grid = panels_of(
        count, width=2.0 + 3.4 * count, height=1.2 + 0.36 * len(labels), columns=count
    )
    for axes, (title, panel) in zip(grid, panels.items(), strict=True):
        if zero:
            axes.axvline(0, color="black", linewidth=1, linestyle="--")
        for row, (interval, values) in enumerate(panel.values()):
            axes.plot(values, [row] * len(values), "o", color="#9aa3ad", markersize=4, zorder=2)
            if math.isfinite(interval.half_width):
                ends = [interval.low, interval.high]
                axes.plot(ends, [row, row], color=group_colour(0), linewidth=2, zorder=1)
            axes.plot([interval.mean], [row], "D", color=group_colour(0), markersize=7, zorder=3)
        axes.set_yticks(range(len(panel)), list(panel) if axes is grid[0] else [""] * len(panel))
        axes.set_ylim(len(panel) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_title(title, fontsize=10)
        axes.grid(alpha=0.25, axis="x")
    return png(figure)


def hands_figure(groupings: Mapping[int, Sequence[int]], num_groups: int) -> bytes:
    """Draws the grouping of every seed on a hand.

    Colours are matched to the first seed, as far as the groups are alike.

    Args:
        groupings: Grouping by seed.
        num_groups: Number of groups.

    Returns:
        PNG bytes.

    Example:

    >>> hands_figure({0: [0, 1, 2] * 7}, 3)[1:4]
    b'PNG'
    """
    columns = min(3, len(groupings))
    figure, grid = panels_of(len(groupings), width=3.6 * columns, height=4.6, columns=columns)
    matched = renumbered(list(groupings.values()), num_groups)
    for axes, seed, grouping in zip(grid, groupings, matched, strict=True):
        draw_open_hand(axes, grouping, num_groups, f"seed {seed}")
    return png(figure)


def shared_figure(groupings: Sequence[Sequence[int]]) -> bytes:
    """Draws how often two joints share a group.

    Args:
        groupings: One per seed.

    Returns:
        PNG bytes.

    Example:

    >>> shared_figure([[0, 1, 2] * 7])[1:4]
    b'PNG'
    """
    figure, (axes,) = panels_of(1, width=6.6, height=5.8)
    picture = axes.imshow(shared_groups(groupings), vmin=0, vmax=1, cmap="Blues")
    axes.set_xticks(range(len(JOINT_NAMES)), JOINT_NAMES, rotation=90, fontsize=7)
    axes.set_yticks(range(len(JOINT_NAMES)), JOINT_NAMES, fontsize=7)
    for edge in (0.5, 4.5, 8.5, 12.5, 16.5):
        axes.axhline(edge, color="#c8c8c8", linewidth=0.6)
        axes.axvline(edge, color="#c8c8c8", linewidth=0.6)
    figure.colorbar(picture, ax=axes, label=f"share of {len(groupings)} runs", shrink=0.8)
    return png(figure)


def entropy_figure(
    curves: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]], uniform: Mapping[str, float]
) -> bytes:
    """Draws how the entropy of the selector falls with its temperature.

    Args:
        curves: For each variant `(temperatures, entropies in nats)` of every seed.
        uniform: For each variant the entropy of knowing nothing.

    Returns:
        PNG bytes.

    Example:

    >>> one = (np.array([1.0, 0.1]), np.array([0.9, 0.1]))
    >>> entropy_figure({"learned": [one]}, {"learned": 1.1})[1:4]
    b'PNG'
    """
    columns = min(3, len(curves))
    figure, grid = panels_of(len(curves), width=4.2 * columns, height=3.0, columns=columns)
    for axes, (variant, of_seeds) in zip(grid, curves.items(), strict=True):
        for number, (temperatures, entropies) in enumerate(of_seeds):
            axes.plot(temperatures, entropies, ".-", color=group_colour(number), linewidth=1.5)
        axes.axhline(uniform[variant], color="black", linestyle="--", linewidth=1)
        axes.set_xscale("log")
        axes.invert_xaxis()
        axes.set_ylim(bottom=0)
        axes.set(xlabel="temperature", ylabel="entropy (nats)", title=variant)
        axes.grid(alpha=0.25)
    return png(figure)
