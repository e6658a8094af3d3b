"""The folder of a training run: what lies in it, whether it can be begun or continued."""

import csv
import dataclasses
import json
import math
import os
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.batch_sheet import batch_sheet
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import write_image
from tf_handgroups.pipeline import PipelineOptions, build_pipeline
from tf_handgroups.recipes.recipe import Recipe
from tf_handgroups.run_record import RECORD_FILE, RunRecord
from tf_handgroups.train_state import TrainState, latest_state

MODEL_FILE = "model.keras"
RECIPE_FILE = "recipe.json"
HISTORY_FILE = "history.csv"
SELECTOR_FILE = "selector.csv"
TENSORBOARD_FOLDER = "tensorboard"
REPORT_FILE = "report.html"
STATES_FOLDER = "states"
BAD_BATCH = "bad_batch"


class RunFolder:
    """A run folder.

    Args:
        path: The folder; it need not exist.

    Raises:
        InputError: If its record is damaged.

    Example:

    >>> RunFolder("no/such/folder").check_new()
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self.record = RunRecord(self.path)
        self._history = keras.callbacks.CSVLogger(os.fspath(self.path / HISTORY_FILE), append=True)

    def check_new(self) -> None:
        """Raises `InputError` unless the folder is empty or does not exist."""
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise InputError(
                f"{self.path}: expected a new or empty run folder. Received: an existing one. "
                "Choose another --out, or continue it with --resume."
            )

    def check_resumable(self, recipe: Recipe) -> None:
        """Raises `InputError` unless an interrupted run of this recipe lies in the folder."""
        file = self.path / RECIPE_FILE
        if not file.is_file():
            raise InputError(
                f"{self.path}: expected an interrupted run with {RECIPE_FILE}. Received: none. "
                "Start without --resume."
            )
        if self.record.finished:
            raise InputError(
                f"{self.path}: expected an interrupted run. Received: a finished one. "
                "Train on in another --out with --initial-model."
            )
        try:
            saved = json.loads(file.read_text())
        except ValueError as error:
            raise InputError(
                f"{file}: expected a recipe. Received: a damaged file ({error}). "
                "Start again in another --out."
            ) from error
        now, defaults = (
            json.loads(json.dumps(dataclasses.asdict(one))) for one in (recipe, Recipe(recipe.name))
        )
        # A field that did not exist when the run was started had its default's effect.
        saved = defaults | saved
        different = [name for name in now | saved if now.get(name) != saved.get(name)]
        if different:
            raise InputError(
                f"{self.path}: the run was started with another recipe than now asked for. "
                f"Received: other values of {', '.join(different)}. Resume with the same "
                f"--recipe and --set, or with --recipe {file}."
            )

    def begin(self, recipe: Recipe, resume: bool, first_epoch: int) -> None:
        """Makes the folder, or removes from it what the resumed run will do again.

        Args:
            recipe: What is trained.
            resume: Whether the run is continued.
            first_epoch: Number of the first epoch that is not finished.
        """
        if not resume:
            with replacing_file(self.path / RECIPE_FILE) as temporary:
                temporary.write_text(json.dumps(dataclasses.asdict(recipe), indent=2) + "\n")
        states = self.path / STATES_FOLDER
        states.mkdir(exist_ok=True)
        # What a kill left half-written.
        for part in (*self.path.glob(".*.part.*"), *states.glob(".*.part.*")):
            part.unlink()
        for name in (HISTORY_FILE, SELECTOR_FILE):
            _write_rows(self.path / name, _rows(self.path / name, first_epoch))

    def latest_state(self, write: Callable[[str], Any]) -> TrainState | None:
        """Returns the newest whole state; `None` if the run ended before the first one."""
        return latest_state(self.path / STATES_FOLDER, write)

    def remove_states(self) -> None:
        """Removes what only an interrupted run needs."""
        shutil.rmtree(self.path / STATES_FOLDER)

    def history(self) -> keras.callbacks.Callback:
        """Returns the callback that appends a row to the history after every epoch."""
        return self._history

    def close(self) -> None:
        """Closes the history, which Keras leaves open when training stops with an error."""
        if getattr(self._history, "csv_file", None) is not None:
            self._history.csv_file.close()

    def past_losses(self, first_epoch: int) -> list[float]:
        """Returns `val_loss` of the epochs before one."""
        return [float(row["val_loss"]) for row in _rows(self.path / HISTORY_FILE, first_epoch)]

    def keep_bad_batch(self, train_data: list, options: PipelineOptions) -> str:
        """Keeps a batch for inspection, as numbers and as a picture; returns where.

        Args:
            train_data: Data sets.
            options: Pipeline that begins with the batch.
        """
        images, targets, weights = next(iter(build_pipeline(train_data, options)))
        labels = ({name: value.numpy() for name, value in part.items()}
                  for part in (targets, weights))  # fmt: skip
        targets, weights = labels
        arrays = {"images": images.numpy()}
        arrays |= {f"targets/{name}": value for name, value in targets.items()}
        arrays |= {f"weights/{name}": value for name, value in weights.items()}
        path = self.path / f"{BAD_BATCH}.npz"
        with replacing_file(path, overwrite=True) as temporary:
            np.savez_compressed(temporary, **arrays)
        sheet = batch_sheet(np.nan_to_num(arrays["images"]), targets, weights)
        write_image(path.with_suffix(".png"), sheet, overwrite=True)
        return f"{path} and {path.with_suffix('.png').name}"


def read_history(folder: str | os.PathLike) -> dict[str, list[float]]:
    """Reads the history of a run.

    Args:
        folder: Of the run.

    Returns:
        A list per logged quantity, one value per epoch; empty before the first epoch.

    Example:

    >>> read_history("no/such/folder")
    {}
    """
    rows = _rows(pathlib.Path(folder) / HISTORY_FILE)
    names = [name for name in (rows[0] if rows else []) if name != "epoch"]
    return {name: [float(row[name]) for row in rows] for name in names}


def _rows(file: pathlib.Path, first_epoch: float = math.inf) -> list[dict[str, str]]:
    """Rows of a table before an epoch; what a crash left half-written is not one."""
    if not file.is_file():
        return []
    with open(file, newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if None not in row.values()]
    return [row for row in rows if row["epoch"].isdecimal() and int(row["epoch"]) < first_epoch]


def _write_rows(file: pathlib.Path, rows: list[dict[str, str]]) -> None:
    if not rows:
        file.unlink(missing_ok=True)
        return
    with replacing_file(file, overwrite=True) as temporary:
        with open(temporary, "w", newline="") as lines:
            table = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


__all__ = [
    "BAD_BATCH",
    "HISTORY_FILE",
    "MODEL_FILE",
    "RECIPE_FILE",
    "RECORD_FILE",
    "REPORT_FILE",
    "SELECTOR_FILE",
    "TENSORBOARD_FOLDER",
    "RunFolder",
    "read_history",
]
