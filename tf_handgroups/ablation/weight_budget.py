"""Networks of different numbers of groups with the same number of weights."""

import dataclasses
import functools

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.recipes.recipe import Recipe

MAX_CHANNELS = 512


def trained_weights(recipe: Recipe) -> int:
    """Returns how many weights training changes.

    Example:

    >>> trained_weights(Recipe("mine", 64, encoder="tiny", pretrained=False)) > 100_000
    True
    """
    # The start values do not matter here, nor does the precision.
    return _trained_weights(dataclasses.replace(recipe, pretrained=False, seed=0))


@functools.cache
def _trained_weights(recipe: Recipe) -> int:
    model = HandPoseModel(**recipe.model_arguments)
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def with_weights(recipe: Recipe, num_weights: int) -> Recipe:
    """Returns the recipe with the width of the branches that comes closest to a size.

    Args:
        recipe: Its `group_channels` is what changes.
        num_weights: Wanted number of trained weights.

    Raises:
        InputError: If the rest of the network alone is larger.

    Example:

    >>> recipe = Recipe("mine", 64, encoder="tiny", pretrained=False, group_channels=20)
    >>> with_weights(recipe, trained_weights(recipe)).group_channels
    20
    """
    # Kernels between layers of that width make the count a polynomial of degree two in it.
    widths = [8, 16, 24]
    counts = [
        trained_weights(dataclasses.replace(recipe, group_channels=width)) for width in widths
    ]
    polynomial = np.rint(np.polyfit(widths, counts, 2) * 2) / 2
    choices = np.arange(1, MAX_CHANNELS + 1)
    distance = np.abs(np.polyval(polynomial, choices) - num_weights)
    if np.polyval(polynomial, 1) > num_weights:
        raise InputError(
            f"with_weights: expected room for branches of the groups. Received: num_weights="
            f"{num_weights}, of which the rest of the network needs more. Use fewer groups."
        )
    return dataclasses.replace(recipe, group_channels=int(choices[np.argmin(distance)]))
