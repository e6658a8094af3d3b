import dataclasses
import inspect
import json

import pytest

from tf_handgroups.augment import Augmentation
from tf_handgroups.errors import InputError
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.recipes import RECIPES, get_recipe
from tf_handgroups.recipes.recipe import Recipe, override

RECIPE = Recipe("mine")


@pytest.mark.parametrize(
    ("assignment", "field", "value"),
    [
        ("steps=10", "steps", 10),
        ("learning_rate=2e-4", "learning_rate", 2e-4),
        ("learning_rate=1", "learning_rate", 1.0),
        ("precision=mixed_bfloat16", "precision", "mixed_bfloat16"),
        ("precision='mixed_bfloat16'", "precision", "mixed_bfloat16"),
        ("pretrained=False", "pretrained", False),
        ("decoder_channels=(8, 8, 8)", "decoder_channels", (8, 8, 8)),
        ("decoder_channels=[8, 8, 8]", "decoder_channels", (8, 8, 8)),
        ("grouping=per_finger", "grouping", "per_finger"),
        (f"grouping={[1] * 21}", "grouping", (1,) * 21),
        ("grouping=None", "grouping", None),
        (" steps = 10 ", "steps", 10),
    ],
)
def test_override_sets_one_field(assignment, field, value):
    changed = override(RECIPE, [assignment])
    assert getattr(changed, field) == value
    assert type(getattr(changed, field)) is type(value)
    assert dataclasses.replace(changed, **{field: getattr(RECIPE, field)}) == RECIPE


def test_override_sets_parts_of_the_augmentation_and_keeps_the_rest():
    changed = override(RECIPE, ["augmentation.rotation_deg=30", "augmentation.blur=0", "seed=3"])
    assert changed.augmentation == Augmentation(rotation_deg=30.0, blur=0.0)
    assert isinstance(changed.augmentation.blur, float)
    assert (changed.seed, RECIPE.augmentation) == (3, Augmentation())


def test_last_assignment_wins_and_none_changes_nothing():
    assert override(RECIPE, ["steps=1", "steps=2"]).steps == 2
    assert override(RECIPE, []) is RECIPE


def test_a_fixed_grouping_can_be_given_up_again():
    fixed = override(RECIPE, ["grouping=per_finger"])
    assert override(fixed, ["grouping=None"]).grouping is None


@pytest.mark.parametrize("assignment", ["steps", "", "steps:10"])
def test_rejects_what_is_no_assignment(assignment):
    with pytest.raises(InputError, match=r"expected field=value\. Received: "):
        override(RECIPE, [assignment])


def test_rejects_unknown_field_and_lists_the_known():
    with pytest.raises(InputError, match=r"Received: 'stepps'\. Known fields: name, input_size, "):
        override(RECIPE, ["stepps=1"])


def test_rejects_unknown_part_and_lists_the_known():
    with pytest.raises(
        InputError,
        match=r"Received: augmentation\.'tilt'\. Known fields: augmentation\.rotation_deg, ",
    ):
        override(RECIPE, ["augmentation.tilt=1"])


@pytest.mark.parametrize("assignment", ["steps.first=1", "optimizer.rate=1"])
def test_rejects_parts_of_other_fields(assignment):
    with pytest.raises(InputError, match=r"Received: '.*'\. Only `augmentation` has parts"):
        override(RECIPE, [assignment])


def test_rejects_the_augmentation_as_a_whole():
    with pytest.raises(InputError, match=r"unknown field\. Received: 'augmentation'"):
        override(RECIPE, ["augmentation=1"])


@pytest.mark.parametrize(
    "assignment",
    [
        "steps=many",
        "steps=1.5",
        "steps=True",
        "pretrained=1",
        "learning_rate=fast",
        "learning_rate=True",
        "precision=16",
        "decoder_channels=8",
        "grouping=3",
        "grouping=1.5",
        "augmentation.blur=often",
    ],
)
def test_rejects_values_of_another_type(assignment):
    field, _, value = assignment.partition("=")
    with pytest.raises(InputError, match=rf"--set {field}: expected .*Received: '?{value}"):
        override(RECIPE, [assignment])


def test_recipes_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECIPE.steps = 1  # pyright: ignore[reportAttributeAccessIssue]


def test_model_arguments_are_arguments_of_the_model():
    known = set(inspect.signature(HandPoseModel.__init__).parameters)
    arguments = RECIPE.model_arguments
    assert set(arguments) <= known
    # Nothing that both know is left out.
    fields = {field.name for field in dataclasses.fields(RECIPE)}
    assert set(arguments) == (known & fields) - {"name"}
    assert arguments["decoder_channels"] == RECIPE.decoder_channels


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_by_name(name):
    assert get_recipe(name).name == name


def test_rejects_unknown_recipe():
    with pytest.raises(
        InputError, match=r"Received: recipe='paper2'\. Known recipes: mobile, paper, quicktest"
    ):
        get_recipe("paper2")


@pytest.mark.parametrize("name", ["mobile", "paper", "quicktest"])
def test_saved_recipes_load_again(name, tmp_path):
    recipe = override(get_recipe(name), ["steps=7", "augmentation.scale=1.1", "grouping=finger"])
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(dataclasses.asdict(recipe)))
    assert get_recipe(str(file)) == recipe


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": "many"}, "steps: expected int. Received: 'many'"),
        ({"learning_speed": 1}, r"with unknown \['learning_speed'\]"),
        ({"seed": None}, r"without \['seed'\]"),
        ({"augmentation": {"scale": 2.0}}, r"augmentation\. without \['blur', 'brightness'"),
        ({"augmentation": None}, r"augmentation\. without"),
    ],
)
def test_rejects_saved_recipes(change, message, tmp_path):
    values = dataclasses.asdict(get_recipe("mobile")) | change
    if change == {"seed": None}:
        del values["seed"]
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(values))
    with pytest.raises(InputError, match=message):
        get_recipe(str(file))


@pytest.mark.parametrize(
    ("content", "message"), [(None, "No such file"), ("{", "Expecting"), ("[]", "list")]
)
def test_rejects_recipe_files(content, message, tmp_path):
    file = tmp_path / "recipe.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError, match=rf"recipe\.json: .*{message}"):
        get_recipe(str(file))
