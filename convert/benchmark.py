"""Speed and size of converted models, interleaved in one process so that ratios hold."""

import dataclasses
import os
import pathlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.table import Table

from tf_handgroups.convert.byte_input import to_bytes
from tf_handgroups.convert.export import INPUT_NAME
from tf_handgroups.convert.run import open_signature
from tf_handgroups.errors import InputError


@dataclasses.dataclass(frozen=True)
class BenchmarkRow:
    """One model's figures.

    Args:
        name: File name without suffix.
        num_bytes: Size of the file.
        median_ms: Median time of one crop in milliseconds.
        ratio: Median over all rounds of this model's time over the first model's in the
            same round; steadier than a ratio of medians on a busy machine.
    """

    name: str
    num_bytes: int
    median_ms: float
    ratio: float

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return {
            "name": self.name,
            "bytes": self.num_bytes,
            "median_ms": round(self.median_ms, 3),
            "ratio": round(self.ratio, 3),
        }


def benchmark(
    paths: Sequence[str | os.PathLike], rounds: int = 50, num_threads: int = 1, warm_up: int = 5
) -> list[BenchmarkRow]:
    """Times `.tflite` models against each other.

    Each round runs every model once, in turn, so that another program's load meets all
    of them alike.

    Args:
        paths: The `.tflite` files; the first is the reference of the ratios.
        rounds: Number of timed runs of each model.
        num_threads: Threads of the CPU kernels.
        warm_up: Runs before the clock starts.

    Returns:
        One row per model, in the given order.

    Raises:
        InputError: If no model is given, a count is not positive, or a file is unusable.
    """
    if not paths or rounds < 1 or num_threads < 1 or warm_up < 0:
        raise InputError(
            "benchmark: expected at least one model, rounds >= 1, num_threads >= 1 and "
            f"warm_up >= 0. Received: paths={[str(path) for path in paths]}, rounds={rounds}, "
            f"num_threads={num_threads}, warm_up={warm_up}."
        )
    models = []
    for path in map(pathlib.Path, paths):
        if not path.is_file():
            raise InputError(
                f"{path}: expected a .tflite file. Received: no such file. Check the path."
            )
        infer = open_signature(path.read_bytes(), str(path), num_threads)
        details = infer.get_input_details().get(INPUT_NAME)
        if details is None:
            raise InputError(
                f"{path}: expected a model with the input {INPUT_NAME!r}. "
                f"Received: inputs={sorted(infer.get_input_details())}."
            )
        crop = np.random.default_rng(0).random(details["shape"], np.float32)
        if details["dtype"] == np.uint8:
            crop = to_bytes(crop)
        models.append((path, infer, {INPUT_NAME: crop}))
    seconds = np.zeros((rounds, len(models)))
    for index in range(-warm_up, rounds):
        for column, (_, infer, inputs) in enumerate(models):
            start = time.perf_counter()
            infer(**inputs)
            if index >= 0:
                seconds[index, column] = time.perf_counter() - start
    ratios = np.median(seconds / seconds[:, :1], axis=0)
    medians = np.median(seconds, axis=0) * 1e3
    return [
        BenchmarkRow(path.stem, path.stat().st_size, float(median), float(ratio))
        for (path, _, _), median, ratio in zip(models, medians, ratios, strict=True)
    ]


def benchmark_table(rows: Sequence[BenchmarkRow]) -> Table:
    """Returns a table of sizes, times and ratios.

    Example:

    >>> benchmark_table([BenchmarkRow("hand", 2000, 1.5, 1.0)]).row_count
    1
    """
    table = Table(title="Size and speed (one crop, ratio to the first)")
    table.add_column("model")
    for name in ("KB", "median ms", "ratio"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row.name, f"{row.num_bytes / 1000:.0f}", f"{row.median_ms:.2f}", f"{row.ratio:.2f}"
        )
    return table
