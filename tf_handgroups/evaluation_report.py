"""What `evaluate` returns, and how it becomes files: JSON, a table, two pictures."""

import dataclasses
import io
import json
import os
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.crop import crop_image, crop_matrix, transform_points
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.draw_hand import draw_hand, draw_text
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image, write_image
from tf_handgroups.plots import pck_panels

Curve = tuple[np.ndarray, np.ndarray]

# Entries of a row of `errors_3d` that say what its numbers mean.
_EXPLAINING = ("name", "description", "source")

TILE_PX = 224
TILE_MARGIN = 1.6


@dataclasses.dataclass(frozen=True, eq=False)
class WorstCase:
    """A hand with a large 2D error.

    Args:
        sample: The hand and its labels.
        uv_px: `(21, 2)` prediction in pixels of the sample's image.
        error_box: Mean 2D error over its visible joints, in box sides.

    Example:

    >>> WorstCase.__dataclass_params__.frozen
    True
    """

    sample: HandSample
    uv_px: np.ndarray
    error_box: float


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """Result of `evaluate`.

    Args:
        report: All numbers, ready for JSON; `None` where nothing was labelled.
        curves_mm: `{protocol: (thresholds in mm, shares)}`.
        curves_box: `{"2D": (thresholds in box sides, shares)}`, or empty.
        worst: Hands with the largest 2D error, worst first.

    Example:

    >>> result = Evaluation({"data": {"num_hands": 1}, "errors_2d": {"epe_px": 1.5}}, {}, {}, [])
    >>> "epe_px" in result.table()
    True
    """

    report: dict[str, Any]
    curves_mm: dict[str, Curve]
    curves_box: dict[str, Curve]
    worst: list[WorstCase]

    def table(self) -> str:
        """Returns the main numbers as text, each with its protocol."""
        console = Console(file=io.StringIO(), width=120, color_system=None, legacy_windows=False)
        flat = {**self.report["data"], **self.report["errors_2d"]}
        first = Table(title="Data and 2D", show_header=False)
        for name, value in flat.items():
            if value is not None:
                first.add_row(name, _text(value))
        console.print(first)
        rows = dict(self.report.get("errors_3d", {}))
        if "mean_hand" in self.report:
            rows["mean hand"] = self.report["mean_hand"]
        if rows:
            keys = dict.fromkeys(key for row in rows.values() for key in row)
            measures = [key for key in keys if key not in _EXPLAINING]
            # Protocols have different areas; the counts stay behind them all.
            measures.sort(key=lambda name: name.startswith("num_"))
            second = Table("protocol", title="3D")
            for column in measures:
                second.add_column(column, justify="right")
            for name, row in rows.items():
                second.add_row(name, *(_text(row.get(column)) for column in measures))
            console.print(second)
            third = Table("protocol", "how 3D errors are measured", "source", title="Protocols")
            for name, row in rows.items():
                third.add_row(name, row["description"], row["source"])
            console.print(third)
        text = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
        return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"

    def worst_image(self) -> np.ndarray | None:
        """Returns the worst cases as one RGB picture, truth left of prediction.

        Returns:
            `(height, width, 3)` uint8, or `None` if no hand has visible joints.

        Raises:
            InputError: If an image cannot be read.
        """
        return cases_image(self.worst) if self.worst else None

    def save(self, folder: str | os.PathLike, overwrite: bool = False) -> None:
        """Writes `report.json`, `table.txt`, `pck.png` and `worst.png` into a new folder.

        Args:
            folder: Complete or absent afterwards.
            overwrite: Whether an existing folder may be replaced.

        Raises:
            InputError: If the folder exists and `overwrite` is false, or an image
                of a worst case cannot be read.
        """
        with replacing_folder(folder, overwrite) as temporary:
            text = json.dumps(self.report, indent=2, allow_nan=False)
            (temporary / "report.json").write_text(text + "\n")
            (temporary / "table.txt").write_text(self.table(), encoding="utf-8")
            panels: dict[str, dict[str, Curve]] = {}
            for name, curve in self.curves_mm.items():
                label = f"error threshold (mm), 0-{curve[0][-1]:g}"
                panels.setdefault(label, {})[name] = curve
            if self.curves_box:
                panels["error threshold (box sides)"] = self.curves_box
            (temporary / "pck.png").write_bytes(pck_panels(panels))
            worst = self.worst_image()
            if worst is not None:
                write_image(temporary / "worst.png", worst)


def cases_image(cases: Sequence[WorstCase], columns: int = 3) -> np.ndarray:
    """Returns hands as one RGB picture, truth left of prediction.

    Args:
        cases: At least one.
        columns: Most hands in a row.

    Returns:
        `(height, width, 3)` uint8.

    Raises:
        InputError: If there is no case, or an image cannot be read.
    """
    if not cases:
        raise InputError("cases_image: expected at least one hand. Received: none.")
    columns = min(columns, len(cases))
    tiles = [_pair(case) for case in cases]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)]
    return np.concatenate(rows, 0)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _pair(case: WorstCase) -> np.ndarray:
    image = read_image(case.sample.image)
    matrix = crop_matrix(case.sample.box_px, TILE_PX, TILE_MARGIN)
    crop = np.round(crop_image(image, matrix, TILE_PX) * 255).astype(np.uint8)
    visible = case.sample.visible
    true_uv = np.where(visible[:, None], case.sample.uv_px, np.nan)
    truth = draw_hand(crop, transform_points(matrix, true_uv))
    guess = draw_hand(crop, transform_points(matrix, case.uv_px), visible)
    draw_text(truth, "truth", (6, 16))
    draw_text(guess, f"prediction, error {case.error_box:.3f}", (6, 16))
    pair = np.concatenate([truth, guess], axis=1)
    draw_text(pair, case.sample.sample_id[-52:], (6, TILE_PX - 8))
    return cv2.copyMakeBorder(pair, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255))
