"""Grids: begun, interrupted, continued, enlarged. Real training once, elsewhere a stand-in."""

import dataclasses
import json
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

from tests.ablation.fake_runs import write_measures
from tests.hands import make_sample
from tests.smallest_recipe import SMALLEST as RECIPE
from tf_handgroups.ablation import ablate as module
from tf_handgroups.ablation.ablate import ablate
from tf_handgroups.ablation.grid import Comparison, Grid, Variant
from tf_handgroups.ablation.run_measures import Measure
from tf_handgroups.errors import InputError
from tf_handgroups.run_folder import RunFolder
from tf_handgroups.selector_history import append_selector
from tf_handgroups.strategies import make_strategy

GRID = Grid(
    "pair",
    "learned",
    (Variant("learned", "learned groups"), Variant("drawn", "drawn", ("grouping=random",))),
    (Comparison("claims", "learned", "drawn", "Does learning help?"),),
)


class Hands(list):
    kind = "memory"

    def __init__(self, *seeds):
        super().__init__(make_sample(seed=seed) for seed in seeds)


TRAIN, VALIDATION = [Hands(0, 1, 2)], [Hands(10, 11)]


class StandIn:
    """Does what `train` leaves behind, without training; may be killed in a run."""

    def __init__(self):
        self.calls: list[tuple[str, bool]] = []
        self.killed_in = None

    def __call__(self, recipe, train_data, validation_data, out, *, resume, callbacks, write):
        out = pathlib.Path(out)
        name = out.relative_to(out.parents[1]).as_posix()
        self.calls.append((name, resume))
        run = RunFolder(out)
        run.check_resumable(recipe) if resume else run.check_new()
        run.begin(recipe, resume, 0)
        run.record.begin(recipe, train_data, validation_data, make_strategy("single"), 0)
        if self.killed_in == name:
            raise KeyboardInterrupt
        write("trained")
        append_selector(out / "selector.csv", 0, 2, np.full((21, recipe.num_groups), 0.5))
        run.record.end(recipe.steps, "finished", finished=True)


@pytest.fixture
def stand_in(monkeypatch):
    made = StandIn()
    monkeypatch.setattr(module, "train", made)
    monkeypatch.setattr(module, "measure_run", measure_nothing)
    return made


def measure_nothing(folder, data, datasets, all_forms):
    """Does what `measure_run` leaves behind."""
    assert all_forms == (data == "validation")
    numbers = {"model/weights": 9.0, "2d/epe_box": 0.3 + 0.01 * len(folder.name)}
    measures = [Measure("hardened", name, value, 2) for name, value in numbers.items()]
    write_measures(folder, data, measures)
    (folder / "grouping.json").write_text(json.dumps([0, 1, 1] * 7))


def run(out, lines=None, **changes):
    arguments = {
        "grid": GRID, "recipe": RECIPE, "train_data": TRAIN, "validation_data": VALIDATION,
        "out": out, "num_seeds": 1, "write": (lines if lines is not None else []).append,
    }  # fmt: skip
    return ablate(**arguments | changes)


def test_an_interrupted_grid_continues_where_it_was(stand_in, tmp_path):
    out, lines = tmp_path / "grid", []
    stand_in.killed_in = "drawn/seed0"
    with pytest.raises(KeyboardInterrupt):
        run(out)
    assert not (out / "report.html").exists()
    # Killed before there was a recipe, with a half-written file in the folder.
    broken = out / "runs" / "learned" / "seed1"
    broken.mkdir()
    (broken / ".1.part.json").write_text("{")
    stand_in.killed_in = None
    assert run(out, lines, num_seeds=2) == out / "report.html"
    assert stand_in.calls == [
        ("learned/seed0", False),
        ("drawn/seed0", False),
        ("drawn/seed0", True),
        ("learned/seed1", False),
        ("drawn/seed1", False),
    ]
    assert lines[0] == ("4 runs of 2 variants, 1 finished; 16 crops to train on in all, 12 left.")
    assert "drawn, seed 0: trained" in lines
    for name in ("results.csv", "comparisons.csv", "groups.csv", "grouping.md", "report.html"):
        assert (out / name).is_file()
    # Nothing is left to do, and the results are the same.
    before = (out / "results.csv").read_bytes()
    run(out, num_seeds=2)
    assert len(stand_in.calls) == 5 and (out / "results.csv").read_bytes() == before


def test_a_further_test_set_is_measured_without_training(stand_in, tmp_path):
    run(tmp_path)
    lines = []
    run(tmp_path, lines, test_data={"photos": Hands(20)})
    assert len(stand_in.calls) == 2
    assert [line for line in lines if "measuring" in line] == [
        "learned, seed 0: measuring on photos",
        "drawn, seed 0: measuring on photos",
    ]
    assert "Means on photos" in (tmp_path / "grouping.md").read_text()
    with pytest.raises(InputError, match="Received: another data photos"):
        run(tmp_path, test_data={"photos": Hands(20, 21)})


def test_other_settings_in_the_same_folder_are_refused(stand_in, tmp_path):
    run(tmp_path)
    with pytest.raises(InputError, match="Received: another recipe"):
        run(tmp_path, recipe=dataclasses.replace(RECIPE, steps=4))
    assert len(stand_in.calls) == 2


@pytest.mark.parametrize("name", ["validation", "my photos", ""])
def test_rejects_names_of_test_sets(name, stand_in, tmp_path):
    with pytest.raises(InputError, match="expected names of test sets that are words"):
        run(tmp_path / "grid", test_data={name: Hands(20)})
    assert not (tmp_path / "grid").exists() and not stand_in.calls


@pytest.fixture
def eagerly():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions")
def test_with_real_training(tmp_path):
    lines = []
    run(tmp_path, lines)
    assert any(re.match(r"learned, seed 0: epoch 2 validation: loss", line) for line in lines)
    saved = json.loads((tmp_path / "runs" / "drawn" / "seed0" / "recipe.json").read_text())
    assert saved["grouping"] == "random" and saved["seed"] == 0
    text = (tmp_path / "grouping.md").read_text()
    assert "one seed: nothing can be said" in text and "## What hardening costs" in text
    assert "| learned | 2D error (% of the box) |" in text
