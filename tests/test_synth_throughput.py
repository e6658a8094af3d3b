"""The benchmark of rendering: what it times, and that it says when the figures do not count."""

import functools
import os

import numpy as np
import pytest

from benchmarks import machine, synth_throughput
from tf_handgroups.synth.render import render_sample


def test_every_pool_renders_the_same_seeds_in_turn():
    calls = []
    renderers = {
        size: lambda seeds, size=size: calls.append((size, list(seeds))) or 0 for size in (1, 2)
    }
    wall, cpu = synth_throughput.measure(renderers, rounds=2, count=3)
    first, second, third = [0, 1, 2], [3, 4, 5], [6, 7, 8]
    assert calls == [(2, first), (1, first), (1, second), (2, second), (2, third), (1, third)]
    for rates in (wall, cpu):
        assert all((rates[size] > 0).all() and rates[size].shape == (2,) for size in (1, 2))


def test_rates_are_pictures_per_second(monkeypatch):
    clock = iter(range(0, 1000, 5))
    work = iter(np.arange(0, 1000, 4.0))
    monkeypatch.setattr(synth_throughput.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(synth_throughput, "own_seconds", lambda: next(work))
    # Two readings of the clock for each run that counts, one for the first.
    wall, cpu = synth_throughput.measure({2: lambda seeds: 0}, rounds=3, count=20)
    np.testing.assert_allclose(wall[2], 4)
    np.testing.assert_allclose(cpu[2], 5)


def test_pools_render_what_one_process_does(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    render = functools.partial(render_sample, image_size=48)
    with synth_throughput.pools([1, 2], render) as renderers:
        assert os.environ["OMP_NUM_THREADS"] == "5" and "MKL_NUM_THREADS" not in os.environ
        made = {size: run(range(4)) for size, run in renderers.items()}
    expected = sum(len(render(seed).image) for seed in range(4))
    assert made == {1: expected, 2: expected}


def test_main_prints_table_and_verdict(monkeypatch, capsys):
    class Pools:
        def __init__(self, sizes, render):
            self.renderers = {
                size: lambda seeds: [render(seed) for seed in seeds] for size in sizes
            }

        def __enter__(self):
            return self.renderers

        def __exit__(self, *exception):
            pass

    monkeypatch.setattr(synth_throughput, "pools", Pools)
    seconds = iter([0.0, 1e6])
    monkeypatch.setattr(machine, "_seconds_of_others", lambda: next(seconds))
    arguments = ["--size", "32", "--rounds", "3", "--count", "1", "--workers", "1"]
    assert synth_throughput.main([*arguments, "--set", "ring=1"]) == 0
    printed = capsys.readouterr().out
    assert "32x32, 3 rounds of 1 pictures" in printed and "Settings: {'ring': 1.0}." in printed
    assert "These figures do not count" in printed


def test_main_refuses(capsys):
    assert synth_throughput.main(["--set", "nothing=1"]) == 2
    assert "nothing=1" in capsys.readouterr().err
    assert synth_throughput.main(["--size", "8"]) == 2
    assert "Received" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        synth_throughput.main(["--rounds", "2"])
    assert "--rounds >= 3" in capsys.readouterr().err
