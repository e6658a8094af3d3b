"""Figures of the reports, as PNG bytes.

They are built from `Figure` objects; `pyplot` and its global state are not used,
so that plotting inside a training process or a thread disturbs nothing.
"""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tf_handgroups.errors import InputError
from tf_handgroups.joints import FINGERS, JOINT_NAMES, NUM_JOINTS
from tf_handgroups.metrics.pck_auc import area_under_curve
from tf_handgroups.open_hand import COLOURS as COLOURS
from tf_handgroups.open_hand import draw_open_hand, group_colour


def png(figure: Figure) -> bytes:
    """Renders a figure.

    Example:

    >>> png(Figure(figsize=(1, 1)))[1:4]
    b'PNG'
    """
    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_png(stream)
    return stream.getvalue()


def pck_plot(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    xlabel: str = "error threshold (mm)",
    title: str = "",
) -> bytes:
    """Draws PCK curves, the area under each in the legend.

    Args:
        curves: `{name: (thresholds, shares)}`, both `(steps,)`, shares in [0, 1].
        xlabel: What the thresholds are, with unit.
        title: Title of the figure.

    Returns:
        PNG bytes.

    Example:

    >>> pck_plot({"model": (np.array([0.0, 50.0]), np.array([0.0, 1.0]))})[1:4]
    b'PNG'
    """
    figure, (axes,) = panels_of(1, width=6.4, height=4.4)
    draw_pck(axes, curves, xlabel, title)
    return png(figure)


def pck_panels(panels: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]]) -> bytes:
    """Draws several `pck_plot`s side by side.

    Args:
        panels: `{xlabel: curves}`.

    Returns:
        PNG bytes.

    Example:

    >>> pck_panels({"mm": {"model": (np.array([0.0, 50.0]), np.array([0.0, 1.0]))}})[1:4]
    b'PNG'
    """
    count = max(1, len(panels))
    figure, axes = panels_of(count, width=6.4 * count, height=4.4, columns=count)
    for panel, (xlabel, curves) in zip(axes, panels.items(), strict=False):
        draw_pck(panel, curves, xlabel)
    return png(figure)


def draw_pck(
    axes: Axes,
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    xlabel: str,
    title: str = "",
) -> None:
    """Draws what `pck_plot` draws into given axes.

    Example:

    >>> axes = Figure().subplots()
    >>> draw_pck(axes, {"a": (np.array([0.0, 50.0]), np.array([0.0, 1.0]))}, "mm")
    >>> axes.get_legend().get_texts()[0].get_text()
    'a: AUC 0.500'
    """
    for index, (name, (thresholds, shares)) in enumerate(curves.items()):
        label = f"{name}: AUC {area_under_curve(shares, thresholds):.3f}"
        axes.plot(thresholds, shares, color=group_colour(index), linewidth=2, label=label)
        axes.set_xlim(thresholds[0], thresholds[-1])
    axes.set_ylim(0, 1.01)
    axes.set(xlabel=xlabel, ylabel="share of joints within the threshold", title=title)
    axes.grid(alpha=0.25)
    if curves:
        axes.legend(loc="lower right", frameon=False)


def training_curves(history: Mapping[str, Sequence[float]]) -> bytes:
    """Draws one panel per logged quantity, training and validation together.

    Args:
        history: Keras' `History.history`: a list per name, one value per epoch;
            `val_x` is drawn into the panel of `x`.

    Returns:
        PNG bytes.

    Raises:
        InputError: If the history is empty.

    Example:

    >>> training_curves({"loss": [2.0, 1.0], "val_loss": [2.5, 1.5]})[1:4]
    b'PNG'
    """
    names = list(dict.fromkeys(name.removeprefix("val_") for name in history))
    if not names:
        raise InputError(
            "training_curves: expected at least one logged quantity. Received: history={}. "
            "Train for at least one epoch."
        )
    columns = min(3, len(names))
    figure, panels = panels_of(len(names), width=4.2 * columns, height=3.0, columns=columns)
    for axes, name in zip(panels, names, strict=True):
        for index, (prefix, label) in enumerate((("", "training"), ("val_", "validation"))):
            values = history.get(prefix + name)
            if values is not None:
                epochs = np.arange(1, len(values) + 1)
                marker = "o" if len(values) < 3 else None
                axes.plot(epochs, values, color=group_colour(index), label=label, marker=marker)
        axes.set(xlabel="epoch", title=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
    return png(figure)


def joint_groups_plot(probabilities: np.ndarray, title: str = "") -> bytes:
    """Draws which joint belongs to which group, and how sure the selector is.

    Left, an open right hand with each joint in the colour of its most probable
    group; right, a bar per joint split by the probabilities of the groups.

    Args:
        probabilities: `(21, groups)`, rows are scaled to sum 1. One-hot rows show
            a fixed grouping.
        title: Title of the figure.

    Returns:
        PNG bytes.

    Raises:
        InputError: If the array has another shape, is negative or not finite, or a
            row is zero.

    Example:

    >>> joint_groups_plot(np.eye(3)[np.arange(21) % 3])[1:4]
    b'PNG'
    """
    values = np.asarray(probabilities, np.float64)
    if values.ndim != 2 or values.shape[0] != NUM_JOINTS or values.shape[1] < 1:
        raise InputError(
            f"joint_groups_plot: expected probabilities ({NUM_JOINTS}, groups). "
            f"Received: shape={values.shape}."
        )
    total = values.sum(axis=1, keepdims=True)
    if not (np.isfinite(values).all() and (values >= 0).all() and (total > 0).all()):
        raise InputError(
            "joint_groups_plot: expected finite probabilities >= 0 with positive sums. "
            f"Received: smallest={values.min()!r}, smallest sum={total.min()!r}."
        )
    values = values / total
    figure, (hand, bars) = panels_of(2, width=10.0, height=5.6, columns=2)
    figure.suptitle(title)
    draw_open_hand(hand, values.argmax(axis=1), values.shape[1], "right hand, palm towards you")
    left = np.zeros(NUM_JOINTS)
    for group in range(values.shape[1]):
        bars.barh(JOINT_NAMES, values[:, group], left=left, color=group_colour(group), height=0.8)
        left += values[:, group]
    bars.invert_yaxis()
    bars.set(xlim=(0, 1), xlabel="probability of each group", title="selector")
    bars.tick_params(axis="y", labelsize=8, length=0)
    return png(figure)


def selector_plot(steps: Sequence[int] | np.ndarray, probabilities: np.ndarray) -> bytes:
    """Draws how joints came to their groups: a panel per group, joints over time.

    Args:
        steps: `(epochs,)` steps at the ends of the epochs, rising.
        probabilities: `(epochs, 21, groups)`, rows sum to 1.

    Returns:
        PNG bytes.

    Raises:
        InputError: If the shapes differ from these or there is no epoch.

    Example:

    >>> selector_plot([10, 20], np.full((2, 21, 3), 1 / 3))[1:4]
    b'PNG'
    """
    values = np.asarray(probabilities, np.float64)
    if not len(steps) or values.ndim != 3 or values.shape[:2] != (len(steps), NUM_JOINTS):
        raise InputError(
            f"selector_plot: expected probabilities (epochs, {NUM_JOINTS}, groups) with an epoch "
            f"or more. Received: steps={len(steps)}, probabilities.shape={values.shape}."
        )
    groups = values.shape[2]
    # Only the first column has the names of the joints.
    columns = min(4, groups)
    figure, panels = panels_of(groups, width=1.4 + 2.6 * columns, height=4.4, columns=columns)
    for group, axes in enumerate(panels):
        fade = LinearSegmentedColormap.from_list("fade", ["white", group_colour(group)])
        edges = [0, *steps], np.arange(NUM_JOINTS + 1) - 0.5
        shares = values[:, :, group].T
        axes.pcolormesh(*edges, shares, cmap=fade, vmin=0, vmax=1, edgecolors="face", linewidth=0.3)
        for finger in range(len(FINGERS)):
            axes.axhline(4 * finger + 0.5, color="#c8c8c8", linewidth=0.6)
        named = group % columns == 0
        axes.set_yticks(range(NUM_JOINTS), JOINT_NAMES if named else [""] * NUM_JOINTS)
        axes.tick_params(axis="y", labelsize=8, length=0)
        axes.invert_yaxis()
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        axes.set(xlabel="step", title=f"group {group}")
    return png(figure)


def line_panels(panels: Mapping[str, tuple[np.ndarray, np.ndarray]], xlabel: str) -> bytes:
    """Draws one line per panel, side by side.

    Args:
        panels: `{title: (x, y)}`.
        xlabel: What x is.

    Returns:
        PNG bytes.

    Example:

    >>> line_panels({"rate": (np.array([0, 1]), np.array([0.0, 1.0]))}, "step")[1:4]
    b'PNG'
    """
    columns = max(1, len(panels))
    figure, grid = panels_of(columns, width=4.2 * columns, height=2.6, columns=columns)
    for axes, (title, (x, y)) in zip(grid, panels.items(), strict=False):
        axes.plot(x, y, color=group_colour(0), linewidth=2)
        axes.set_ylim(bottom=0)
        axes.set(xlabel=xlabel, title=title)
        axes.grid(alpha=0.25)
    return png(figure)


def bar_comparison(
    values: Mapping[str, float],
    ylabel: str,
    title: str = "",
    baseline: tuple[str, float] | None = None,
) -> bytes:
    """Draws one labelled bar per variant, and a dashed line for a baseline.

    Args:
        values: `{name: value}` in the order to draw.
        ylabel: Quantity and unit.
        title: Title of the figure.
        baseline: Name and value of the dashed line.

    Returns:
        PNG bytes.

    Raises:
        InputError: If there is no value or one is not finite.

    Example:

    >>> bar_comparison({"float32": 1.0, "int8": 1.2}, "error (px)")[1:4]
    b'PNG'
    """
    numbers = np.array(list(values.values()), np.float64)
    if not numbers.size or not np.isfinite(numbers).all():
        raise InputError(
            "bar_comparison: expected at least one value, all finite. "
            f"Received: values={dict(values)!r}."
        )
    # Horizontal bars leave room for long names.
    figure, (axes,) = panels_of(1, width=7.0, height=1.2 + 0.42 * len(numbers))
    bars = axes.barh(list(values), numbers, color=group_colour(0), height=0.65)
    axes.bar_label(bars, labels=[f"{number:.4g}" for number in numbers], padding=4)
    axes.invert_yaxis()
    axes.set(xlabel=ylabel, title=title)
    axes.margins(x=0.15)
    axes.tick_params(axis="y", length=0)
    if baseline is not None:
        name, value = baseline
        axes.axvline(value, color="black", linestyle="--", linewidth=1, label=f"{name} {value:.4g}")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return png(figure)


def panels_of(
    panels: int, width: float, height: float, columns: int = 1
) -> tuple[Figure, list[Axes]]:
    """Returns a figure in the style of the reports and its panels.

    Args:
        panels: How many.
        width: Of the figure, in inches.
        height: Of a row of panels, in inches.
        columns: Panels side by side.

    Example:

    >>> len(panels_of(3, width=6.0, height=2.0, columns=2)[1])
    3
    """
    rows = -(-panels // columns)
    figure = Figure(figsize=(width, height * rows), dpi=110, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[panels:]:
        axes.set_axis_off()
    return figure, list(grid[:panels])
