"""Draws an open hand whose joints have the colours of their groups."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from tf_handgroups.joints import BONES, FINGERS, NUM_JOINTS
from tf_handgroups.mean_hand import BONE_RATIOS

# Distinct for colour-blind readers; groups beyond the eighth repeat the colours.
COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#7f7f7f",
    "#8c6d31",
)

# Where each finger leaves the palm of the drawn hand and which way it points
# (degrees from straight up, to the right): a right hand, palm towards the reader.
_FINGER_BASES = {
    "thumb": ((0.42, 0.35), 42.0),
    "index": ((0.58, 1.82), 10.0),
    "middle": ((0.08, 1.9), 1.0),
    "ring": ((-0.4, 1.78), -7.0),
    "little": ((-0.82, 1.5), -18.0),
}


def open_hand() -> np.ndarray:
    """Returns the joint positions `(21, 2)` of the drawn hand, y up.

    Example:

    >>> open_hand().shape
    (21, 2)
    """
    points = np.zeros((NUM_JOINTS, 2))
    for finger, name in enumerate(FINGERS):
        (x, y), degrees = _FINGER_BASES[name]
        first = 1 + 4 * finger
        points[first] = x, y
        step = np.array([np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])
        for joint in range(first + 1, first + 4):
            length = BONE_RATIOS[BONES.index((joint - 1, joint))]
            points[joint] = points[joint - 1] + length * step
    return points


def group_colour(index: int) -> str:
    """Returns the colour of a group or curve; they repeat after the eighth.

    Example:

    >>> group_colour(8) == group_colour(0)
    True
    """
    return COLOURS[index % len(COLOURS)]


def draw_open_hand(
    axes: Axes, grouping: Sequence[int] | np.ndarray, num_groups: int, title: str
) -> None:
    """Draws the hand of a grouping into given axes, with a legend of the groups.

    Args:
        axes: Where.
        grouping: 21 group indices.
        num_groups: How many groups there are, also those without joints.
        title: Of the axes.

    Example:

    >>> from matplotlib.figure import Figure
    >>> axes = Figure().subplots()
    >>> draw_open_hand(axes, [0] * 20 + [1], 2, "two groups")
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['group 0: 20 joints', 'group 1: 1 joints']
    """
    group_of = np.asarray(grouping)
    points = open_hand()
    for parent, child in BONES:
        axes.plot(*points[[parent, child]].T, color="#c8c8c8", linewidth=7, zorder=1)
    for group in range(num_groups):
        chosen = points[group_of == group]
        label = f"group {group}: {len(chosen)} joints"
        axes.scatter(*chosen.T, s=210, color=group_colour(group), zorder=2, label=label)
    for joint, point in enumerate(points):
        axes.annotate(
            str(group_of[joint]),
            point,
            ha="center",
            va="center",
            fontsize=8,
            color="white",
            weight="bold",
        )
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncol=3, frameon=False, fontsize=8)
    axes.set_title(title)
