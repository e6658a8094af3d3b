"""How many synthetic pictures a second are rendered, by one and by two processes.

    python -m benchmarks.synth_throughput

Renders as `tf-handgroups synth` does, with `render_sample` in its pool of processes, but writes
no shards. The pools are started and warm before the clock starts; each round renders other seeds,
all pools the same ones in turn, starting with another pool. `--set name=value` changes settings, to
see what a thing costs. Takes about two minutes.

Two figures: pictures per second of wall-clock time, which counts on a quiet machine only, and
pictures per CPU second, which hardly depends on other programs (but on whether they share a
core's hyperthreads).
"""

import argparse
import contextlib
import functools
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from benchmarks.machine import own_seconds, percentiles, watch_other_programs
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError
from tf_handgroups.number_fields import with_numbers
from tf_handgroups.synth.render import render_sample
from tf_handgroups.synth.scene import SYNTH_VERSION
from tf_handgroups.synth.settings import SynthSettings
from tf_handgroups.synth.write_shards import render_pool

CHUNK = 8

Render = Callable[[int], HandSample]
RenderAll = Callable[[Sequence[int]], int]


@contextlib.contextmanager
def pools(sizes: Sequence[int], render: Render) -> Iterator[dict[int, RenderAll]]:
    """Yields functions that render seeds with so many processes and return the bytes made."""
    with contextlib.ExitStack() as stack:
        started = {size: stack.enter_context(render_pool(size)) for size in sizes}

        def render_all(seeds: Sequence[int], size: int) -> int:
            samples = started[size].imap(render, seeds, chunksize=CHUNK)
            return sum(len(sample.image) for sample in samples if isinstance(sample.image, bytes))

        yield {size: functools.partial(render_all, size=size) for size in sizes}


def measure(
    renderers: Mapping[int, RenderAll], rounds: int, count: int
) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Returns pictures per wall-clock second and per CPU second, `{processes: (rounds,)}`."""
    sizes = list(renderers)
    wall = {size: np.zeros(rounds) for size in sizes}
    cpu = {size: np.zeros(rounds) for size in sizes}
    # The first round counts for nothing: workers import and read their assets.
    for index in range(-1, rounds):
        seeds = range((index + 1) * count, (index + 2) * count)
        turn = index % len(sizes)
        for size in sizes[turn:] + sizes[:turn]:
            begin, work = time.perf_counter(), own_seconds()
            renderers[size](seeds)
            if index >= 0:
                wall[size][index] = count / (time.perf_counter() - begin)
                # A clock tick at least, where hardly anything was done.
                cpu[size][index] = count / max(own_seconds() - work, 0.01)
    return wall, cpu


def table(wall: Mapping[int, np.ndarray], cpu: Mapping[int, np.ndarray]) -> str:
    """Lays out rates with their 10th and 90th percentiles."""
    lines = [f"{'processes':>9}{'pictures/s':>24}{'per CPU second':>24}"]
    for size in wall:
        lines.append(f"{size:9}{percentiles(wall[size], 1):>24}{percentiles(cpu[size], 1):>24}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Synthetic pictures per second")
    parser.add_argument("--size", type=int, default=160, help="side of the pictures")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="processes")
    parser.add_argument("--rounds", type=int, default=10, help="at least 3")
    parser.add_argument("--count", type=int, default=200, help="pictures of a round")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE")
    options = parser.parse_args(argv)
    if options.rounds < 3 or options.count < 1 or min(options.workers) < 1:
        parser.error("expected --rounds >= 3, --count >= 1 and --workers >= 1")
    try:
        settings = with_numbers(SynthSettings, options.set)
        render = functools.partial(render_sample, image_size=options.size, settings=settings)
        render(0)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(
        f"{options.size}x{options.size}, {options.rounds} rounds of {options.count} pictures, "
        f"{len(os.sched_getaffinity(0))} cores, renderer version {SYNTH_VERSION}; "
        "median (10-90 percentile)."
    )
    changed = {k: v for k, v in settings.as_dict().items() if v != SynthSettings().as_dict()[k]}
    print(f"Settings: {changed or 'the default ones'}.")
    with pools(options.workers, render) as renderers, watch_other_programs() as others:
        wall, cpu = measure(renderers, options.rounds, options.count)
    print(table(wall, cpu))
    print(others.verdict())
    return 0


if __name__ == "__main__":
    sys.exit(main())
