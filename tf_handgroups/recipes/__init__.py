"""Recipes by name."""

import json
import pathlib
from collections.abc import Callable

from tf_handgroups.errors import InputError
from tf_handgroups.recipes.mobile import mobile as mobile
from tf_handgroups.recipes.paper import paper as paper
from tf_handgroups.recipes.quicktest import quicktest as quicktest
from tf_handgroups.recipes.recipe import Recipe as Recipe
from tf_handgroups.recipes.recipe import override as override
from tf_handgroups.recipes.recipe import recipe_from_dict as recipe_from_dict

RECIPES: dict[str, Callable[[], Recipe]] = {
    "mobile": mobile,
    "paper": paper,
    "quicktest": quicktest,
}


def get_recipe(name: str) -> Recipe:
    """Returns a recipe by name, or from the `recipe.json` of a run.

    Args:
        name: A name of `RECIPES`, or the path of a `.json` file.

    Raises:
        InputError: If the name is unknown (the message lists the known ones), or the file
            is missing or does not hold a recipe.

    Example:

    >>> get_recipe("quicktest").name
    'quicktest'
    """
    if name.endswith(".json"):
        try:
            return recipe_from_dict(json.loads(pathlib.Path(name).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            summary = getattr(error, "strerror", None) or error
            raise InputError(
                f"{name}: expected the recipe.json of a run. Received: {summary}. "
                f"Known recipes: {', '.join(RECIPES)}."
            ) from error
    if name not in RECIPES:
        raise InputError(
            f"unknown recipe. Received: recipe={name!r}. Known recipes: {', '.join(RECIPES)}; "
            "or the path of a run's recipe.json."
        )
    return RECIPES[name]()
