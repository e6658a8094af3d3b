"""The `paper` recipe: the authors' network and selector."""

from tf_handgroups.augment import Augmentation
from tf_handgroups.recipes.recipe import Recipe


def paper() -> Recipe:
    """The network of Li, Gao and Sang: hourglass, 256x256 crops, 7.48 M weights.

    Network and selector (`relaxed_onehot`, logits from 0.5, no penalties, noise until the
    end) are those of the authors' code; optimizer, schedule, losses and augmentation are
    ours, because theirs are not published. docs/paper.md lists what is the same.

    Command: `tf-handgroups train --recipe paper --data synth:TRAIN --val synth:VAL
    --out RUN`. A GPU is advised.

    Example:

    >>> paper().architecture, paper().distribution
    ('paper', 'relaxed_onehot')
    """
    return Recipe(
        name="paper",
        input_size=256,
        architecture="paper",
        distribution="relaxed_onehot",
        initial_logit=0.5,
        exclusivity_weight=0.0,
        balance_weight=0.0,
        commit_at=1.0,
        selector_rate=1.0,
        steps=60_000,
        steps_per_epoch=2000,
        batch_size=16,
        weight_decay=0.0,
        heatmap_sigma_px=8.0,
        augmentation=Augmentation(rotation_deg=180.0, other_hand=0.0),
    )
