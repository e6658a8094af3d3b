"""The guard of the benchmarks: was the machine quiet?"""

import math
import multiprocessing
import os
import time

import numpy as np
import pytest

from benchmarks import machine


def work(seconds: float, ready) -> None:
    while time.process_time() < seconds:
        pass
    ready.set()
    time.sleep(60)


def test_share_of_other_programs(monkeypatch):
    clock = iter([100.0, 110.0])
    taken = iter([7.0, 12.0])
    monkeypatch.setattr(machine.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(machine, "_seconds_of_others", lambda: next(taken))
    with machine.watch_other_programs() as others:
        assert math.isnan(others.cores)
    assert others.cores == 0.5


@pytest.mark.parametrize(
    ("cores", "counts"), [(0.0, True), (0.1, True), (0.11, False), (math.nan, False)]
)
def test_verdict(cores, counts):
    text = machine.OtherPrograms(cores).verdict()
    assert text.startswith(f"Other programs kept {cores:.2f} cores busy")
    assert ("do not count" in text) != counts


def test_unknown_without_proc(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_PROC", tmp_path)
    with machine.watch_other_programs() as others:
        pass
    assert "do not count" in others.verdict()


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="needs /proc")
def test_workers_are_no_other_programs():
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    before = machine.own_seconds()
    worker = context.Process(target=work, args=(0.5, ready), daemon=True)
    worker.start()
    try:
        assert ready.wait(60)
        living = machine.own_seconds() - before
    finally:
        worker.terminate()
        worker.join()
    ended = machine.own_seconds() - before
    assert living > 0.45
    # It moved from the living to the ended, give or take a tick.
    assert living - 0.05 < ended < living + 0.5


def test_a_process_that_ended_took_nothing():
    assert machine._seconds_of(2**30) == 0.0


def test_percentiles():
    assert machine.percentiles(np.arange(101.0), 1) == "50.0 (10.0-90.0)"
