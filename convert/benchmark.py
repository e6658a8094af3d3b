"""Speed, size and memory of converted models, interleaved in one process so that ratios hold."""

import dataclasses
import os
import pathlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.table import Table

from tf_handgroups.convert.check_ops import delegation, list_ops
from tf_handgroups.convert.export import INPUT_NAME
from tf_handgroups.convert.graph_cost import GraphCost, graph_cost
from tf_handgroups.convert.machine_peak import REFERENCE_MACS, MachinePeak, reference_model
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.peak_memory import peak_memory_mb
from tf_handgroups.convert.run import open_model
from tf_handgroups.errors import InputError

_SPREAD = (10, 90)


@dataclasses.dataclass(frozen=True)
class BenchmarkRow:
    """One model's figures at one number of threads.

    Args:
        name: File name without suffix.
        num_bytes: Size of the file.
        num_threads: Threads of the CPU kernels.
        median_ms: Median time of one crop in milliseconds.
        spread_ms: 10th and 90th percentile of it.
        ratio: Median over all rounds of this model's time over the first model's in the
            same round; steadier than a ratio of medians on a busy machine.
        ratio_spread: 10th and 90th percentile of it.
        cost: Multiply-accumulates of one crop.
        partitions: Number of XNNPACK partitions, `None` if the runtime does not tell.
        delegated_share: Share of the ops inside them, `None` likewise.
        memory_mb: Peak memory that the model adds to a process, `None` if not measured.
        peak: Speed of the machine, measured in the same rounds at this number of threads.
        peak_share: Median over all rounds of the time that the multiply-accumulates would
            take at the peak, over the model's time.

    Example:

    >>> BenchmarkRow.__dataclass_params__.frozen
    True
    """

    name: str
    num_bytes: int
    num_threads: int
    median_ms: float
    spread_ms: tuple[float, float]
    ratio: float
    ratio_spread: tuple[float, float]
    cost: GraphCost
    partitions: int | None
    delegated_share: float | None
    memory_mb: float | None
    peak: MachinePeak
    peak_share: float

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return {
            "name": self.name,
            "bytes": self.num_bytes,
            "threads": self.num_threads,
            "median_ms": round(self.median_ms, 3),
            "spread_ms": [round(value, 3) for value in self.spread_ms],
            "ratio": round(self.ratio, 3),
            "ratio_spread": [round(value, 3) for value in self.ratio_spread],
            "macs": self.cost.as_dict(),
            "partitions": self.partitions,
            "delegated_share": self.delegated_share and round(self.delegated_share, 4),
            "memory_mb": self.memory_mb and round(self.memory_mb, 1),
            "peak_gmacs_per_second": {
                "float32": round(self.peak.float32, 1),
                "int8": round(self.peak.int8, 1),
            },
            "peak_share": round(self.peak_share, 4),
        }


def benchmark(
    paths: Sequence[str | os.PathLike],
    rounds: int = 50,
    threads: Sequence[int] = (1,),
    warm_up: int = 5,
    trust: bool = False,
) -> list[BenchmarkRow]:
    """Times `.tflite` models against each other and against the machine's peak.

    Each round runs every model once at every number of threads, in turn, and the two
    reference convolutions of `machine_peak`, so that another program's load meets all of
    them alike. Percentiles are those of single runs.

    Args:
        paths: The `.tflite` files; the first is the reference of the ratios.
        rounds: Number of timed runs of each model.
        threads: Numbers of threads of the CPU kernels.
        warm_up: Runs before the clock starts.
        trust: Whether files may come without their contract, see `run.open_model`.

    Returns:
        One row per number of threads and model, in the given orders.

    Raises:
        InputError: If no model is given, a count is not positive, or a file is unusable.
    """
    threads = list(dict.fromkeys(threads))
    if not paths or rounds < 1 or not threads or min(threads) < 1 or warm_up < 0:
        raise InputError(
            "benchmark: expected at least one model, rounds >= 1, threads >= 1 and "
            f"warm_up >= 0. Received: paths={[str(path) for path in paths]}, rounds={rounds}, "
            f"threads={threads}, warm_up={warm_up}."
        )
    models = []
    for path in map(pathlib.Path, paths):
        open_model(path, trust=trust)  # Refuses what does not fit its contract.
        models.append((path, path.read_bytes()))
    references = [("reference", reference_model(dtype)) for dtype in ("float32", "int8")]
    runs = [
        _prepare(content, str(where), count)
        for count in threads
        for where, content in (*models, *references)
    ]
    seconds = _interleave(runs, rounds, warm_up).reshape(rounds, len(threads), -1)
    rows = []
    facts = [_facts(path, content) for path, content in models]
    for index, count in enumerate(threads):
        *times, float_times, int_times = seconds[:, index].T
        peak = MachinePeak(
            *(REFERENCE_MACS / float(np.median(t)) / 1e9 for t in (float_times, int_times))
        )
        for (path, content), fact, measured in zip(models, facts, times, strict=True):
            cost: GraphCost = fact["cost"]
            at_peak = cost.float_macs * float_times + cost.int_macs * int_times
            rows.append(
                BenchmarkRow(
                    name=path.stem,
                    num_bytes=len(content),
                    num_threads=count,
                    median_ms=float(np.median(measured)) * 1e3,
                    spread_ms=_spread(measured * 1e3),
                    ratio=float(np.median(measured / times[0])),
                    ratio_spread=_spread(measured / times[0]),
                    memory_mb=peak_memory_mb(path, count),
                    peak=peak,
                    peak_share=float(np.median(at_peak / REFERENCE_MACS / measured)),
                    **fact,
                )
            )
    return rows


def _prepare(content: bytes, where: str, num_threads: int) -> tuple[Any, dict[str, np.ndarray]]:
    infer = open_signature(content, where, num_threads)
    details = infer.get_input_details()[INPUT_NAME]
    crop = np.random.default_rng(0).random(details["shape"], np.float32)
    if np.issubdtype(details["dtype"], np.integer):
        limits = np.iinfo(details["dtype"])
        crop = np.round(limits.min + crop * (limits.max - limits.min))
    return infer, {INPUT_NAME: crop.astype(details["dtype"])}


def _interleave(runs: Sequence[tuple[Any, dict]], rounds: int, warm_up: int) -> np.ndarray:
    seconds = np.zeros((rounds, len(runs)))
    for index in range(-warm_up, rounds):
        for column, (infer, inputs) in enumerate(runs):
            start = time.perf_counter()
            infer(**inputs)
            if index >= 0:
                seconds[index, column] = time.perf_counter() - start
    return seconds


def _spread(values: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(values, _SPREAD)
    return float(low), float(high)


def _facts(path: pathlib.Path, content: bytes) -> dict[str, Any]:
    """What does not depend on the number of threads."""
    cost = graph_cost(content, str(path))
    partitions, delegated = delegation(content)
    return {
        "cost": cost,
        "partitions": partitions,
        "delegated_share": delegated and delegated / sum(list_ops(content).values()),
    }


def benchmark_tables(rows: Sequence[BenchmarkRow]) -> list[Table]:
    """Returns a table of what the models are and one of how fast, each within 100 columns.

    Args:
        rows: As of `benchmark`.
    """
    names = _short([row.name for row in rows])
    size = Table(title="Size: file, memory that a run adds, multiply-accumulates, XNNPACK's share")
    size.add_column("model", overflow="fold", min_width=12)
    for title in ("MB file", "MB run", "MMAC", "integer", "partitions", "delegated"):
        size.add_column(title, justify="right", no_wrap=True)
    speed = Table(
        title="Speed: one crop; ratio to the first model; [10th-90th percentile]",
        caption="peak: share of what one large convolution reaches here, on as many threads",
    )
    speed.add_column("model", overflow="fold", min_width=12)
    for title in ("threads", "ms", "ratio", "peak"):
        speed.add_column(title, justify="right", no_wrap=True)
    for name, row in zip(names, rows, strict=True):
        if row.num_threads == rows[0].num_threads:
            size.add_row(
                name,
                f"{row.num_bytes / 1e6:.2f}",
                "?" if row.memory_mb is None else f"{row.memory_mb:.1f}",
                f"{row.cost.total / 1e6:.0f}",
                f"{row.cost.int_macs / max(1, row.cost.total):.0%}",
                "?" if row.partitions is None else str(row.partitions),
                "?" if row.delegated_share is None else f"{row.delegated_share:.0%}",
            )
        speed.add_row(
            name,
            str(row.num_threads),
            f"{row.median_ms:.2f} {_range(row.spread_ms)}",
            f"{row.ratio:.2f} {_range(row.ratio_spread)}",
            f"{row.peak_share:.0%}",
        )
    return [size, speed]


def _range(spread: tuple[float, float]) -> str:
    return f"[{spread[0]:.2f}-{spread[1]:.2f}]"


def _short(names: list[str]) -> list[str]:
    """Names without the words that all begin with, so that they fit into a table."""
    words = [name.split("_") for name in names]
    common = 0
    while all(len(parts) > common + 1 for parts in words) and len({p[common] for p in words}) == 1:
        common += 1
    return ["_".join(parts[common:]) for parts in words]
