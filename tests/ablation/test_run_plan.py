import dataclasses
import json
import pathlib

import pytest

from tf_handgroups.ablation.grid import Comparison, Grid, Variant
from tf_handgroups.ablation.run_plan import SETTINGS_FILE, keep_settings, plan_runs
from tf_handgroups.ablation.weight_budget import trained_weights
from tf_handgroups.errors import InputError
from tf_handgroups.recipes import quicktest

GRID = Grid(
    "small",
    "three",
    (
        Variant("one", "one group", ("num_groups=1", "grouping=one_group")),
        Variant("three", "three groups"),
        Variant("random", "random groups", ("grouping=random",), seeds=1),
    ),
    (Comparison("family", "three", "one", "Do groups help?"),),
)
RECIPE = dataclasses.replace(quicktest(), decoder_channels=(16, 16, 16), group_channels=8, seed=5)
DATA = {"training": ["synth: 9 samples"], "validation": ["synth: 3 samples"]}


def test_runs_of_a_seed_come_together_and_lie_apart(tmp_path):
    runs = plan_runs(GRID, RECIPE, 2, tmp_path)
    names = ["one, seed 5", "three, seed 5", "random, seed 5", "one, seed 6", "three, seed 6"]
    assert [run.name for run in runs] == names
    assert runs[3].folder == tmp_path / "runs" / "one" / "seed6"
    assert len({run.folder for run in runs}) == 5
    for run in runs:
        expected = run.variant.recipe(RECIPE)
        width = run.recipe.group_channels
        assert run.recipe == dataclasses.replace(
            expected, seed=run.recipe.seed, group_channels=width
        )
    # The budget is that of the recipe as it is; the others come as near as they can.
    assert runs[1].recipe.group_channels == 8 < runs[0].recipe.group_channels
    assert abs(trained_weights(runs[0].recipe) / trained_weights(runs[1].recipe) - 1) < 0.02


def test_rejects_no_seed():
    with pytest.raises(InputError, match="Received: seeds=0"):
        plan_runs(GRID, RECIPE, 0, pathlib.Path("out"))


def test_a_folder_takes_the_same_settings_again_and_further_test_sets(tmp_path):
    out = tmp_path / "grid"
    keep_settings(out, GRID, RECIPE, DATA)
    keep_settings(out, GRID, RECIPE, DATA | {"photos": ["handjson: 4 samples"]})
    keep_settings(out, GRID, RECIPE, DATA)
    saved = json.loads((out / SETTINGS_FILE).read_text())
    assert saved["data_sets"]["photos"] == ["handjson: 4 samples"]
    assert saved["recipe"]["seed"] == 5 and saved["grid"]["budget"] == "three"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": dataclasses.replace(RECIPE, steps=7)}, "Received: another recipe"),
        ({"grid": dataclasses.replace(GRID, budget="one")}, "Received: another grid"),
        (
            {"data_sets": DATA | {"training": ["synth: 8 samples"]}},
            "Received: another data training",
        ),
        ({"data_sets": DATA | {"photos": ["handjson: 1"]}}, "Received: another data photos"),
    ],
)
def test_a_folder_refuses_other_settings(changes, message, tmp_path):
    arguments = {"grid": GRID, "recipe": RECIPE, "data_sets": DATA}
    keep_settings(tmp_path / "grid", **arguments)
    keep_settings(
        tmp_path / "grid", **arguments | {"data_sets": DATA | {"photos": ["handjson: 4 samples"]}}
    )
    before = (tmp_path / "grid" / SETTINGS_FILE).read_bytes()
    with pytest.raises(InputError, match=message):
        keep_settings(tmp_path / "grid", **arguments | changes)
    assert (tmp_path / "grid" / SETTINGS_FILE).read_bytes() == before


@pytest.mark.parametrize("content", ["{", "[]", '{"data_sets": {}}', "null"])
def test_rejects_damaged_settings(content, tmp_path):
    (tmp_path / SETTINGS_FILE).write_text(content)
    with pytest.raises(InputError, match="Received: a damaged file"):
        keep_settings(tmp_path, GRID, RECIPE, DATA)


def test_rejects_a_folder_that_holds_something_else(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    for out in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(InputError, match="Received: an existing one"):
            keep_settings(out, GRID, RECIPE, DATA)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
