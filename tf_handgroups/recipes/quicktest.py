"""The `quicktest` recipe: small enough to see the whole road in minutes."""

from tf_handgroups.augment import Augmentation
from tf_handgroups.recipes.recipe import Recipe


def quicktest() -> Recipe:
    """A tiny network on 64x64 crops, trained from scratch in minutes on two cores.

    For tests, demos and first steps; its errors are far from a useful model's.

    Example:

    >>> quicktest().encoder
    'tiny'
    """
    return Recipe(
        name="quicktest",
        input_size=64,
        encoder="tiny",
        pretrained=False,
        decoder_channels=(64, 48, 32),
        group_channels=24,
        steps=600,
        steps_per_epoch=150,
        batch_size=32,
        learning_rate=2e-3,
        warmup_steps=50,
        augmentation=Augmentation(rotation_deg=30.0, erase=0.0, noise=0.02),
    )
