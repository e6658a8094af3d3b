"""The full state of a training run in one file: what `--resume` continues from.

A state holds every number that the next step depends on: weights, running averages,
the selector's temperature and count of draws, the optimizer with its averages, the
metrics of the unfinished epoch, and the number of steps done, which is also the place
in the data: order and augmentation are functions of seed and place.

States are plain NumPy archives `state-STEP.npz`. Their checksums tell a damaged one; the
one before it is kept for that case.
"""

import dataclasses
import os
import pathlib
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.errors import InputError

KEPT = 2
_METRICS = "metrics/"
_NAME = re.compile(r"state-(\d{9})\.npz")


@dataclasses.dataclass(frozen=True, eq=False)
class TrainState:
    """A state in memory.

    Args:
        step: Number of training steps done.
        values: Values by the names of `state_variables`.
    """

    step: int
    values: dict[str, np.ndarray]


def state_variables(model: keras.Model) -> dict[str, Any]:
    """Returns all variables of a compiled model, its optimizer and metrics, numbered.

    Keras' own names will not do: it counts the models of a process in them.

    Example:

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> list(state_variables(model))[:3]
    ['model/0000', 'model/0001', 'optimizer/0000']
    """
    if not model.optimizer.built:  # Built twice, a LossScaleOptimizer has some of them twice.
        model.optimizer.build(model.trainable_variables)
    groups = {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }
    return {
        f"{group}/{number:04d}": variable
        for group, variables in groups.items()
        for number, variable in enumerate(variables)
    }


def capture(model: keras.Model, step: int) -> TrainState:
    """Copies the state of a model. With several workers all have to call it together."""
    values = {
        name: keras.ops.convert_to_numpy(variable)
        for name, variable in state_variables(model).items()
    }
    return TrainState(step, values)


def restore(model: keras.Model, state: TrainState) -> None:
    """Puts a state into a model that was compiled alike, but for the metrics.

    Args:
        model: Compiled as the model that the state was captured from.
        state: The state.

    Raises:
        InputError: If the state is another model's.
    """
    variables = _without_metrics(state_variables(model))
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    saved = {name: value.shape for name, value in _without_metrics(state.values).items()}
    if shapes != saved:
        raise InputError(
            "resume: expected the state of the same network and optimizer. Received: another's, "
            f"{len(saved)} variables instead of {len(shapes)} or of other shapes. Resume with "
            "the version that started the run."
        )
    for name, variable in variables.items():
        variable.assign(state.values[name])


def _without_metrics(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not name.startswith(_METRICS)}


def add_metrics(model: keras.Model, state: TrainState) -> None:
    """Adds what an interrupted epoch had counted to what the metrics counted since.

    Keras forgets its metrics when `fit` begins an epoch, and makes them at the first
    step; all of them are sums.

    Args:
        model: After at least one step.
        state: As captured in the middle of the epoch.
    """
    for name, variable in state_variables(model).items():
        if name.startswith(_METRICS) and name in state.values:
            now = keras.ops.convert_to_numpy(variable)
            variable.assign(now + state.values[name])


def write_state(state: TrainState, folder: str | os.PathLike) -> pathlib.Path:
    """Writes a state, complete or not at all, and removes all but the newest `KEPT`.

    Raises:
        OSError: If the disk is full or the folder cannot be written to; earlier states
            stay as they are.
    """
    path = pathlib.Path(folder) / f"state-{state.step:09d}.npz"
    with replacing_file(path, overwrite=True) as temporary:
        with open(temporary, "wb") as file:
            np.savez(file, **state.values)  # pyright: ignore[reportArgumentType]
            file.flush()
            # A power cut must not leave the new name on an old or empty file.
            os.fsync(file.fileno())
    for _, old in state_files(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def state_files(folder: str | os.PathLike) -> list[tuple[int, pathlib.Path]]:
    """Returns step and path of the states in a folder, newest first."""
    found = []
    for path in pathlib.Path(folder).glob("state-*.npz"):
        if match := _NAME.fullmatch(path.name):
            found.append((int(match[1]), path))
    return sorted(found, reverse=True)


def latest_state(
    folder: str | os.PathLike, write: Callable[[str], Any] = print
) -> TrainState | None:
    """Reads the newest state that is whole.

    Args:
        folder: Where states lie.
        write: Takes a line about every damaged state that is passed over.

    Returns:
        The state; `None` if there is none at all.

    Raises:
        InputError: If there are states, but all of them are damaged.
    """
    files = state_files(folder)
    for step, path in files:
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
                return TrainState(step, {name: archive[name] for name in archive.files})
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            write(f"{path}: this state is damaged ({error}); trying the one before it.")
    if files:
        raise InputError(
            f"{pathlib.Path(folder)}: expected a whole state. Received: {len(files)} states, all "
            "damaged. Start again in another --out; --initial-model can take the run's model.keras."
        )
    return None
