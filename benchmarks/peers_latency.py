"""How long the networks of `benchmarks.peers` take, run in turn with the same settings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchmarks.machine import timed, watch_other_programs

_WARM_UP = 5


def prepared(content: bytes, num_threads: int) -> Callable[[], None]:
    """Returns what runs a `.tflite` file once on a random crop, with XNNPACK as LiteRT has it."""
    interpreter = Interpreter(model_content=content, num_threads=num_threads)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()[0]
    crop = np.random.default_rng(0).random(details["shape"], np.float32)
    if np.issubdtype(details["dtype"], np.integer):
        crop = crop * np.iinfo(details["dtype"]).max
    interpreter.set_tensor(details["index"], crop.astype(details["dtype"]))
    return interpreter.invoke


def latency(
    files: Mapping[str, bytes], reference: str, threads: Sequence[int], rounds: int
) -> dict[str, Any]:
    """Times one crop of each file; in every round each runs once, in changing order.

    Args:
        files: Contents by name.
        reference: The file whose time in the same round the others' are divided by.
        threads: Numbers of threads.
        rounds: How often each runs.

    Returns:
        `rows`, one per number of threads and file: median and 10th and 90th percentile of
        milliseconds and of the ratio. `other_programs`: whether other programs kept the
        machine busy, in words.
    """
    rows = []
    with watch_other_programs() as others:
        for count in threads:
            runs = {name: prepared(content, count) for name, content in files.items()}
            seconds = timed(runs, rounds, _WARM_UP)
            for name, own in seconds.items():
                ratio = own / seconds[reference]
                rows.append(
                    {
                        "network": name,
                        "threads": count,
                        "ms": np.percentile(1e3 * own, [50, 10, 90]).tolist(),
                        "ratio": np.percentile(ratio, [50, 10, 90]).tolist(),
                    }
                )
    return {
        "rounds": rounds,
        "reference": reference,
        "rows": rows,
        "other_programs": others.verdict(),
    }
