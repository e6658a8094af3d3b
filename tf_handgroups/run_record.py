"""`run.json`: what was trained, with what, on what, and when it was interrupted."""

import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
from typing import Any

import tensorflow as tf

import tf_handgroups
from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.errors import InputError
from tf_handgroups.recipes.recipe import Recipe

RECORD_FILE = "run.json"
PACKAGES = ("tensorflow", "keras", "tensorflow-probability", "numpy")


class RunRecord:
    """The record of a run; every change is written at once.

    Args:
        folder: Of the run. A record in it is read and continued.

    Raises:
        InputError: If the record in the folder is damaged.

    Example:

    >>> import tempfile
    >>> record = RunRecord(tempfile.mkdtemp())
    >>> record.finished
    False
    """

    def __init__(self, folder: str | os.PathLike):
        self.path = pathlib.Path(folder) / RECORD_FILE
        self.content: dict[str, Any] = {"schema": 1, "sessions": [], "finished": None}
        if self.path.is_file():
            try:
                self.content = json.loads(self.path.read_text())
            except ValueError as error:
                raise InputError(
                    f"{self.path}: expected the record of a run. Received: a damaged file "
                    f"({error}). Remove it to continue the run without its past."
                ) from error

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.content["finished"] is not None

    def begin(
        self,
        recipe: Recipe,
        train_data: list,
        validation_data: list,
        strategy: tf.distribute.Strategy,
        step: int,
    ) -> None:
        """Notes the start of a run or its continuation.

        Args:
            recipe: What is trained; `recipe.json` has all of it.
            train_data: Data sets.
            validation_data: Data sets.
            strategy: How it is distributed.
            step: At which it begins.
        """
        self.content |= {
            "recipe": recipe.name,
            "seed": recipe.seed,
            "steps": recipe.steps,
            "training_data": [describe(dataset) for dataset in train_data],
            "validation_data": [describe(dataset) for dataset in validation_data],
        }
        self.content["sessions"].append(
            {
                "started": _now(),
                "first_step": step,
                "last_step": None,
                "ended": None,
                "end": "unknown",
                "strategy": type(strategy).__name__,
                "replicas": strategy.num_replicas_in_sync,
                "devices": sorted({device.device_type for device in _devices()}),
                "versions": versions(),
                "git_revision": git_revision(),
            }
        )
        self._write()

    def end(self, step: int, why: str, finished: bool = False) -> None:
        """Notes the end of a session.

        Args:
            step: Steps done in all.
            why: For example `finished`, or what went wrong.
            finished: Whether the whole run is done.
        """
        self.content["sessions"][-1] |= {"ended": _now(), "last_step": step, "end": why}
        self.content["finished"] = _now() if finished else None
        self._write()

    def _write(self) -> None:
        with replacing_file(self.path, overwrite=True) as temporary:
            temporary.write_text(json.dumps(self.content, indent=2) + "\n")


def describe(dataset) -> str:
    """Returns a line about a data set: its kind, size and, if rendered, its seed.

    Example:

    >>> class Hands(list):
    ...     kind = "handjson"
    >>> describe(Hands([1, 2]))
    'handjson: 2 samples'
    """
    kind = getattr(dataset, "kind", "list")
    info = getattr(dataset, "info", {})
    details = [f"{name} {info[name]}" for name in ("seed", "version") if name in info]
    details += [f"{name} {value}" for name, value in getattr(dataset, "options", {}).items()]
    if getattr(dataset, "weight", 1.0) != 1.0:
        details.append(f"weight {dataset.weight:g}")
    return ", ".join([f"{kind}: {len(dataset)} samples", *details])


def versions() -> dict[str, str]:
    """Returns the versions of what a run depends on.

    Example:

    >>> sorted(versions())[:2]
    ['keras', 'numpy']
    """
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return found | {
        "tf_handgroups": tf_handgroups.__version__,
        "python": platform.python_version(),
    }


def git_revision() -> str | None:
    """Returns the commit of the folder one works in, with `+` if files differ from it.

    `None` if that is no git repository, or git is not installed.
    """
    try:
        commit, changes = (
            subprocess.run(
                ["git", *arguments], capture_output=True, text=True, check=True, timeout=10
            ).stdout.strip()
            for arguments in (
                ("rev-parse", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no"),
            )
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + "+" * bool(changes)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _devices() -> list:
    return tf.config.list_logical_devices()
