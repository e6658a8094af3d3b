"""Our own PCK curves, read from evaluation reports to be drawn beside published ones."""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.published_curves import get_benchmark

REPORT_NAME = "report.json"
DEFAULT_LABEL = "ours"
# Thresholds in reports are rounded.
_TOLERANCE_MM = 1e-3
_MAX_DATA_CHARACTERS = 40


@dataclasses.dataclass(frozen=True, eq=False)
class MeasuredCurve:
    """One curve of an evaluation, and what it was measured on.

    Args:
        benchmark: Key of `published_curves.PUBLISHED` to draw it with.
        label: Name of the model.
        data: The data set, as `KIND:PATH`, and by how much its pictures were turned.
        is_benchmark_data: Whether the data set is of the benchmark's kind, and as it is.
        num_hands: How many hands were measured.
        protocol: Name of the protocol.
        thresholds_mm: `(steps,)`, ascending.
        pck: `(steps,)` shares of joints, 0 to 1.

    Example:

    >>> MeasuredCurve.__dataclass_params__.frozen
    True
    """

    benchmark: str
    label: str
    data: str
    is_benchmark_data: bool
    num_hands: int
    protocol: str
    thresholds_mm: np.ndarray
    pck: np.ndarray

    def at(self, thresholds_mm: np.ndarray) -> np.ndarray:
        """Returns the shares at other thresholds within its range, by straight lines."""
        return np.interp(thresholds_mm, self.thresholds_mm, self.pck)


def read_measured_curve(argument: str) -> MeasuredCurve:
    """Reads the curve that belongs beside a benchmark's published ones.

    Args:
        argument: `"BENCHMARK=PATH"` or `"BENCHMARK:LABEL=PATH"`, where PATH is a folder
            written by `evaluate` or its `report.json`.

    Raises:
        InputError: If the argument, the file or its curve is not as described; where
            the protocol is missing, the message names those in the file.

    Example:

    >>> read_measured_curve("rhd:my model=runs/x/report")
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: runs/x/report: expected a report of `evaluate`. ...
    """
    target, equals, path_name = argument.partition("=")
    name, colon, label = target.partition(":")
    label = label.strip()
    # matplotlib hides labels that start with an underscore.
    if not (equals and path_name) or (colon and not label) or label.startswith("_"):
        raise InputError(
            "expected BENCHMARK=PATH or BENCHMARK:LABEL=PATH with a label that does not start "
            f"with _. Received: report={argument!r}. Example: rhd:my-model=runs/x/report."
        )
    benchmark = get_benchmark(name)
    report = _read_report(pathlib.Path(path_name))
    protocol = benchmark.protocol
    try:
        thresholds, pck = _points(path_name, report["curves"], protocol)
        data = report["data"]
        row = report.get("errors_3d", {}).get(protocol, {})
        num_hands = int(row.get("num_hands", data["num_hands"]))
        kind, rotation = data.get("kind"), data.get("rotation_deg", 0.0)
        shown = _shortened(f"{kind or 'unnamed'}:{data.get('path') or 'data'}")
        shown += f" turned by {rotation:g} degrees" if rotation else ""
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path_name}: expected `curves` and `data` as `evaluate` writes them. "
            f"Received: {type(error).__name__}: {error}. Evaluate the model again."
        ) from error
    ends = benchmark.thresholds_mm[0] + _TOLERANCE_MM, benchmark.thresholds_mm[-1] - _TOLERANCE_MM
    if not (thresholds[0] <= ends[0] and thresholds[-1] >= ends[1]):
        raise InputError(
            f"{path_name}: expected a curve over {ends[0]:.2f} to {ends[1]:.0f} mm. "
            f"Received: thresholds_mm={thresholds[0]:g}..{thresholds[-1]:g}."
        )
    return MeasuredCurve(
        benchmark=name,
        label=label or DEFAULT_LABEL,
        data=shown,
        is_benchmark_data=kind == name and not rotation,
        num_hands=num_hands,
        protocol=protocol,
        thresholds_mm=thresholds,
        pck=pck,
    )


def _read_report(path: pathlib.Path) -> dict[str, Any]:
    file = path / REPORT_NAME if path.is_dir() else path
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected a report of `evaluate`. Received: {error}. "
            "Name its folder or its report.json."
        ) from error
    if not isinstance(report, dict):
        raise InputError(
            f"{path}: expected a report of `evaluate`. Received: {type(report).__name__}."
        )
    return report


def _points(path: str, curves: dict, protocol: str) -> tuple[np.ndarray, np.ndarray]:
    if protocol not in curves:
        raise InputError(
            f"{path}: expected a curve of the protocol {protocol}. Received: "
            f"{', '.join(curves) or 'none'}. Evaluate with --protocol {protocol}."
        )
    points = curves[protocol]
    thresholds = np.asarray(points["thresholds_mm"], np.float64)
    pck = np.asarray(points["pck"], np.float64)
    rising = thresholds.ndim == 1 and len(thresholds) > 1 and (np.diff(thresholds) > 0).all()
    if not (rising and pck.shape == thresholds.shape and ((pck >= 0) & (pck <= 1)).all()):
        raise InputError(
            f"{path}: expected ascending thresholds and as many shares in [0, 1]. "
            f"Received: thresholds_mm.shape={thresholds.shape}, pck.shape={pck.shape}."
        )
    return thresholds, pck


def _shortened(text: str) -> str:
    """The end of a long path says more than its start."""
    kind, _, path = text.partition(":")
    room = _MAX_DATA_CHARACTERS - len(kind) - 1
    return f"{kind}:{path}" if len(path) <= room else f"{kind}:…{path[1 - room :]}"
