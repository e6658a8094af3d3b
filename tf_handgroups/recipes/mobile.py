"""The `mobile` recipe: a pretrained mobile encoder and light group branches."""

from tf_handgroups.augment import Augmentation
from tf_handgroups.recipes.recipe import Recipe


def mobile() -> Recipe:
    """A network for phones: 128x128 crops, EfficientNet-Lite0, three learned groups.

    Command: `tf-handgroups train --recipe mobile --data synth:TRAIN --val synth:VAL
    --out RUN`. MODEL_CARD.md has duration and errors of the model we trained with it.

    Example:

    >>> mobile().input_size
    128
    """
    return Recipe(name="mobile", augmentation=Augmentation(rotation_deg=180.0))
