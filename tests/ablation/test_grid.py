import dataclasses
import json
import pathlib
import re

import pytest

from tf_handgroups.ablation.grid import GRIDS, Comparison, Grid, Variant, get_grid
from tf_handgroups.errors import InputError
from tf_handgroups.recipes import quicktest


def test_full_grid_asks_all_questions():
    grid = get_grid("full")
    recipes = {variant.name: variant.recipe(quicktest()) for variant in grid.variants}
    assert {recipe.num_groups for recipe in recipes.values()} == {1, 2, 3, 5}
    assert {recipe.distribution for recipe in recipes.values()} == {
        "relaxed_bernoulli", "relaxed_onehot",
    }  # fmt: skip
    fixed = {recipe.grouping for recipe in recipes.values()}
    assert fixed == {None, "one_group", "random", "per_finger"}
    assert {recipe.fusion for recipe in recipes.values()} == {True, False}
    assert {recipe.gating for recipe in recipes.values()} == {"predictions", "features"}
    # Apart from the width, a comparison changes what it asks about and nothing else.
    for comparison in grid.comparisons:
        first, second = (recipes[name] for name in (comparison.variant, comparison.reference))
        different = {
            field.name
            for field in dataclasses.fields(first)
            if getattr(first, field.name) != getattr(second, field.name)
        }
        assert different and different <= {
            "num_groups", "grouping", "distribution", "fusion", "gating", "commit_at",
        }  # fmt: skip
        assert len(different) == 1 or different == {"num_groups", "grouping"}


def test_main_grid_is_a_part_of_the_full_one():
    main, full = GRIDS["main"], GRIDS["full"]
    assert main.variants == full.variants[: len(main.variants)]
    assert set(main.comparisons) < set(full.comparisons) and main.comparisons


def test_grid_from_a_file(tmp_path):
    path = tmp_path / "mine.json"
    values = {
        "budget": "a",
        "variants": [
            {"name": "a", "title": "as it is"},
            {"name": "b-2", "title": "two", "set": ["num_groups=2"], "seeds": 1},
        ],
        "comparisons": [{"family": "f", "variant": "b-2", "reference": "a", "question": "Two?"}],
    }
    path.write_text(json.dumps(values))
    assert get_grid(str(path)) == Grid(
        "mine",
        "a",
        (Variant("a", "as it is"), Variant("b-2", "two", ("num_groups=2",), 1)),
        (Comparison("f", "b-2", "a", "Two?"),),
    )


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_file_of_a_known_grid_gives_it_back(grid, tmp_path):
    path = tmp_path / "grid.json"
    path.write_text(json.dumps(dataclasses.asdict(grid)))
    assert get_grid(str(path)) == grid


def test_the_example_in_the_documentation_is_a_grid(tmp_path):
    text = (pathlib.Path(__file__).parents[2] / "docs" / "grouping.md").read_text()
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (tmp_path / "grid.json").write_text(example)
    grid = get_grid(str(tmp_path / "grid.json"))
    assert [variant.recipe(quicktest()).temperature_end for variant in grid.variants] == [
        0.1, 0.02, 0.1,
    ]  # fmt: skip
    # The table of variants says what they are.
    for variant in GRIDS["full"].variants:
        assert f"`{variant.name}`" in text


GOOD = {"budget": "a", "variants": [{"name": "a", "title": "t"}], "comparisons": []}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", r"expected an object\. Received: \[\]"),
        ("{", "expected a grid in JSON. Received: "),
        (json.dumps({"budget": "a"}), "expected the fields .* Received: name, budget"),
        (json.dumps(GOOD | {"more": 1}), "Received: name, budget, variants, comparisons, more"),
        (json.dumps(GOOD | {"variants": 3}), "variants: expected another type. Received: 3"),
        (json.dumps(GOOD | {"variants": [3]}), "variants: expected an object. Received: 3"),
        (
            json.dumps(GOOD | {"variants": [{"name": "a", "title": "t", "seeds": "3"}]}),
            "seeds: expected another type. Received: '3'",
        ),
        (json.dumps(GOOD | {"budget": "b"}), "Received: unknown b. Known variants: a"),
        (
            json.dumps(GOOD | {"variants": [{"name": "a", "title": "t"}] * 2}),
            r"Received: names=\['a', 'a'\]",
        ),
        (
            json.dumps({**GOOD, "variants": [{"name": "../a", "title": "t"}]}),
            r"Received: names=\['../a'\]",
        ),
    ],
)
def test_rejects_files_that_are_no_grid(content, message, tmp_path):
    path = tmp_path / "grid.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        get_grid(str(path))


def test_rejects_missing_grids():
    with pytest.raises(InputError, match=r"Received: grid='large'\. Known grids: main, full"):
        get_grid("large")
    with pytest.raises(InputError, match=r"expected a grid in JSON\. Received: "):
        get_grid("no/such.json")
