import dataclasses
import itertools
import json
import shlex

import pytest

from tf_handgroups.ablation.grid import GRIDS
from tf_handgroups.ablation.rerun_commands import (
    ablate_command,
    data_name,
    recipe_words,
    train_command,
)
from tf_handgroups.augment import Augmentation
from tf_handgroups.recipes import get_recipe, mobile, override, paper, quicktest

RECIPES = [
    mobile(),
    dataclasses.replace(
        quicktest(),
        steps=7,
        decoder_channels=(8, 16, 24),
        grouping=(1,) * 21,
        fusion=False,
        learning_rate=3e-4,
        augmentation=Augmentation(rotation_deg=12.5, noise=0.0),
    ),
    dataclasses.replace(paper(), grouping="per_finger", num_groups=5, seed=9),
    dataclasses.replace(mobile(), name="mine", gating="features"),
]


def parsed(words):
    """What the command line makes of the arguments of a recipe."""
    assignments = [word for flag, word in itertools.pairwise(words) if flag == "--set"]
    return override(get_recipe(words[words.index("--recipe") + 1]), assignments)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_commands_give_the_recipe_back(recipe):
    assert parsed(recipe_words(recipe)) == recipe
    command = train_command(recipe, ["synth:a b", "synth:c"], ["rhd:d"], "out folder")
    words = shlex.split(command)
    assert words[:2] == ["tf-handgroups", "train"] and parsed(words) == recipe
    assert words[-8:] == [
        "--data", "synth:a b", "--data", "synth:c", "--val", "rhd:d", "--out", "out folder",
    ]  # fmt: skip


def test_command_of_the_grid():
    recipe = dataclasses.replace(quicktest(), steps=9)
    tests = {"photos": "handjson:p"}
    command = ablate_command(GRIDS["full"], recipe, ["synth:a"], ["synth:b"], tests, 4, "o")
    words = shlex.split(command)
    assert words[:6] == ["tf-handgroups", "ablate", "--grid", "full", "--seeds", "4"]
    assert parsed(words) == recipe and words[-4:] == ["--test", "photos=handjson:p", "--out", "o"]
    own = dataclasses.replace(GRIDS["full"], name="mine")
    assert "--grid mine.json" in ablate_command(own, recipe, [], [], {}, 4, "o")
    changed = dataclasses.replace(GRIDS["main"], budget="one-group")
    assert "--grid main.json" in ablate_command(changed, recipe, [], [], {}, 4, "o")


def test_names_of_data_sets():
    class Hands(list):
        kind, path = "synth", "renders"

    assert data_name(Hands()) == "synth:renders"
    weighted = Hands()
    weighted.options, weighted.weight = {"split": "a", "hands": "both"}, 2.5
    assert data_name(weighted) == "synth:renders?split=a&hands=both&weight=2.5"
    assert data_name([1]) == "KIND:PATH"
    assert json.dumps(data_name(Hands()))
