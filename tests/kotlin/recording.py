"""What a network was shown and returned, for a runner that stands in for it in Kotlin."""

import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_handgroups.convert.golden_file import write_arrays
from tf_handgroups.convert.run import default_variant, open_model

Call = tuple[np.ndarray, dict[str, np.ndarray]]


class RecordingRunner:
    """A runner for `Predictor` that keeps each crop and what it returned for it.

    Args:
        bundle: A bundle whose default variant returns coordinates.
    """

    name = "recording"
    sha256 = None

    def __init__(self, bundle: pathlib.Path):
        self.contract, self._infer = open_model(default_variant(bundle))
        self.input_size = self.contract.input_size
        self.calls: list[Call] = []

    def __call__(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        results = []
        for crop in crops:
            outputs = self._infer(image=crop[None])
            results.append({name: values[0] for name, values in outputs.items()})
            self.calls.append((crop, results[-1]))
        return {name: np.stack([result[name] for result in results]) for name in results[0]}


def write_recording(
    folder: str | os.PathLike, calls: Sequence[Call], frames: Sequence[np.ndarray]
) -> None:
    """Writes calls and the pictures that they are about for `driver/Recording.kt`."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    arrays: dict[str, Any] = {f"frame{index}": frame for index, frame in enumerate(frames)}
    for index, (crop, outputs) in enumerate(calls):
        arrays[f"{index}/crop"] = crop
        arrays |= {f"{index}/{name}": values for name, values in outputs.items()}
    description = write_arrays(arrays, folder / "recording.bin")
    (folder / "recording.json").write_text(json.dumps(description))
