import dataclasses
import pathlib

import keras

from tf_handgroups.ablation.grid import Variant
from tf_handgroups.ablation.grid_progress import GridProgress
from tf_handgroups.ablation.run_plan import PlannedRun
from tf_handgroups.recipes import quicktest


def runs(*steps):
    return [
        PlannedRun(
            Variant("v", "title"),
            dataclasses.replace(quicktest(), steps=count, seed=seed),
            pathlib.Path("v"),
        )
        for seed, count in enumerate(steps)
    ]


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class Model:
    """What the callback reads of a model."""

    def __init__(self, step):
        self.optimizer = keras.optimizers.SGD()
        self.optimizer.iterations.assign(step)


def test_time_left_follows_from_the_steps_of_this_session():
    clock, lines = Clock(), []
    progress = GridProgress(runs(100, 100, 50), [True, False, False], 60, lines.append, clock)
    progress.begin_run(1)
    # The run was resumed at step 40 and takes three seconds a step.
    for step in range(41, 81):
        clock.now += 3
        progress.set_model(Model(step))
        progress.on_train_batch_end(0)
    # After 20 and 40 steps: 40 and 20 left in this run, 50 in the next.
    assert lines == [
        "grid: run 2/3 (v, seed 1), 64% of all steps done, ETA 0:04:30",
        "grid: run 2/3 (v, seed 1), 72% of all steps done, ETA 0:03:30",
    ]
    progress.end_run(1)
    progress.begin_run(2)
    assert progress.describe(0, 120.0).endswith("80% of all steps done, ETA 0:02:30")
    progress.end_run(2)
    progress.end_run(0)


def test_measuring_counts_as_time():
    clock, lines = Clock(), []
    progress = GridProgress(runs(10), [False], 60, lines.append, clock)
    progress.begin_run(0)
    clock.now += 59
    progress.set_model(Model(1))
    progress.on_train_batch_end(0)
    assert not lines
    clock.now += 1
    progress.set_model(Model(2))
    progress.on_train_batch_end(1)
    assert lines == ["grid: run 1/1 (v, seed 0), 20% of all steps done, ETA 0:04:00"]
