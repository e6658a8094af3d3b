"""Whether other programs kept the machine busy while something was timed."""

import contextlib
import dataclasses
import math
import multiprocessing
import os
import pathlib
import resource
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np

# Average number of cores that other programs may keep busy before figures are doubtful.
QUIET = 0.1

_PROC = pathlib.Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class OtherPrograms:
    """What other programs took while something was timed; known when `watch` ends.

    Args:
        cores: Average number of cores they kept busy, NaN if unknown.
    """

    cores: float = math.nan

    def verdict(self) -> str:
        """Returns what to print below the figures."""
        text = f"Other programs kept {self.cores:.2f} cores busy meanwhile."
        # Written so that NaN fails.
        if not self.cores <= QUIET:
            text += "\nThese figures do not count: repeat them on a quiet machine."
        return text


@contextlib.contextmanager
def watch_other_programs() -> Iterator[OtherPrograms]:
    """Yields an `OtherPrograms` that is filled in when the block ends."""
    found = OtherPrograms()
    start, before = time.perf_counter(), _seconds_of_others()
    yield found
    busy = _seconds_of_others() - before
    # Other than `max`, this keeps NaN.
    found.cores = float(np.maximum(busy, 0)) / (time.perf_counter() - start)


def own_seconds() -> float:
    """Returns the CPU time of this process and its worker processes, living and ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = sum(_seconds_of(child.pid) for child in multiprocessing.active_children())
    return time.process_time() + ended.ru_utime + ended.ru_stime + living


def timed(
    runs: Mapping[str, Callable[[], object]], rounds: int, warm_up: int
) -> dict[str, np.ndarray]:
    """Measures seconds of each run; each round runs all, starting with another one."""
    names = list(runs)
    seconds = {name: np.zeros(rounds) for name in names}
    for index in range(-warm_up, rounds):
        first = index % len(names)
        for name in names[first:] + names[:first]:
            start = time.perf_counter()
            runs[name]()
            if index >= 0:
                seconds[name][index] = time.perf_counter() - start
    return seconds


def percentiles(values: np.ndarray, digits: int) -> str:
    """Returns "median (10-90 percentile)"."""
    low, middle, high = np.percentile(values, [10, 50, 90])
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def _seconds_of_others() -> float:
    """CPU time of all programs but this one and its workers; NaN if unknown."""
    try:
        line = (_PROC / "stat").read_text().splitlines()[0]
    except OSError:  # not Linux
        return math.nan
    user, nice, system, _idle, _wait, interrupt, soft_interrupt, stolen = line.split()[1:9]
    ticks = sum(map(int, (user, nice, system, interrupt, soft_interrupt, stolen)))
    return ticks / _TICKS_PER_SECOND - own_seconds()


def _seconds_of(pid: int | None) -> float:
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # ended meanwhile
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND
