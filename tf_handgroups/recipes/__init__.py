"""Recipes by name."""

from collections.abc import Callable

from tf_handgroups.errors import InputError
from tf_handgroups.recipes.mobile import mobile as mobile
from tf_handgroups.recipes.paper import paper as paper
from tf_handgroups.recipes.quicktest import quicktest as quicktest
from tf_handgroups.recipes.recipe import Recipe as Recipe
from tf_handgroups.recipes.recipe import override as override

RECIPES: dict[str, Callable[[], Recipe]] = {
    "mobile": mobile,
    "paper": paper,
    "quicktest": quicktest,
}


def get_recipe(name: str) -> Recipe:
    """Returns a recipe by name.

    Raises:
        InputError: If the name is unknown; the message lists the known ones.

    Example:

    >>> get_recipe("quicktest").name
    'quicktest'
    """
    if name not in RECIPES:
        raise InputError(
            f"unknown recipe. Received: recipe={name!r}. Known recipes: {', '.join(RECIPES)}."
        )
    return RECIPES[name]()
