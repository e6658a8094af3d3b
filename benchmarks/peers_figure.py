"""The figure of `benchmarks.peers`: errors against rotation, margin and joint."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.peers_page import REAL, chosen, over_rotations, told_or_theirs
from benchmarks.peers_windows import THEIR_REGION, TWO_PASSES, box_way
from tf_handgroups.joints import JOINT_NAMES
from tf_handgroups.plots import COLOURS, png

_STYLES = {box_way(): "-", TWO_PASSES: "--", THEIR_REGION: ":"}
_LEGENDS = {
    box_way(): "box x1.5, no hint",
    TWO_PASSES: "two passes",
    THEIR_REGION: "best case: MediaPipe's region from the truth",
}


def peers_figure(results: dict[str, Any]) -> bytes:
    """Draws the figure.

    Args:
        results: As of `benchmarks.peers.compare`.

    Returns:
        PNG bytes.
    """
    colours = dict(zip(told_or_theirs(results), COLOURS, strict=False))
    figure = Figure(figsize=(13, 8.6), dpi=110, layout="constrained")
    (first, second), (third, last) = figure.subplots(2, 2)
    _draw_rotations(first, results, colours, "pa_mpjpe_mm", "PA-MPJPE (mm)")
    _draw_rotations(second, results, colours, "epe_box", "2D error / box side")
    _draw_margins(third, results, colours)
    _draw_joints(last, results, colours)
    for axes in (first, second, third, last):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    for way, style in _STYLES.items():
        second.plot([], [], color="black", linestyle=style, label=_LEGENDS[way])
    second.legend(frameon=False, fontsize=9, loc="upper left")
    first.legend(frameon=False, fontsize=9, loc="upper left")
    figure.suptitle(f"{results['data'][REAL]} real photographs ({REAL})", fontsize=12)
    return png(figure)


def _draw_rotations(
    axes: Axes, results: dict[str, Any], colours: dict[str, str], measure: str, label: str
) -> None:
    for name, colour in colours.items():
        for way, style in _STYLES.items():
            values = over_rotations(results, measure, name, way, REAL)[:-1]
            if len(values) == 1:
                # The window turns with the picture.
                values = values * len(results["rotations"])
            title = name if way == box_way() else "_"
            axes.plot(results["rotations"], values, style, color=colour, linewidth=2, label=title)
    axes.set_xticks(results["rotations"])
    axes.set_ylim(bottom=0)
    axes.set(xlabel="picture turned by (degrees)", ylabel=label)


def _draw_margins(axes: Axes, results: dict[str, Any], colours: dict[str, str]) -> None:
    for name, colour in colours.items():
        for place, style in ((0, "-"), (-1, "--")):
            values = [
                over_rotations(results, "epe_box", name, box_way(margin), REAL)[place]
                for margin in results["margins"]
            ]
            axes.plot(results["margins"], values, style, color=colour, marker="o", linewidth=2)
    for style, label in (("-", "upright"), ("--", "mean over the rotations")):
        axes.plot([], [], color="black", linestyle=style, label=label)
    axes.legend(frameon=False, fontsize=9)
    axes.set_ylim(bottom=0)
    axes.set(xlabel="side of the window / longer side of the box", ylabel="2D error / box side")


def _draw_joints(axes: Axes, results: dict[str, Any], colours: dict[str, str]) -> None:
    width = 0.8 / len(colours)
    for index, (name, colour) in enumerate(colours.items()):
        (row,) = chosen(
            results["accuracy"], network=name, way=box_way(), data=REAL, rotation_deg=0.0
        )
        errors = next(iter(row["joints_mm"].values()))
        places = np.arange(len(errors)) + (index - (len(colours) - 1) / 2) * width
        axes.bar(places, errors, width, color=colour)
    axes.set_xticks(range(len(JOINT_NAMES)), JOINT_NAMES, rotation=60, ha="right", fontsize=8)
    axes.set(ylabel="PA-MPJPE (mm), upright")
