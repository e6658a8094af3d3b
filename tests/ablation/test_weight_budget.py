import dataclasses

import pytest

from tf_handgroups.ablation.weight_budget import trained_weights, with_weights
from tf_handgroups.errors import InputError
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.recipes import quicktest

SMALL = dataclasses.replace(quicktest(), decoder_channels=(16, 16, 16), group_channels=12)


def test_counts_what_keras_counts():
    for changes in ({}, {"grouping": "random"}, {"gating": "features"}):
        recipe = dataclasses.replace(SMALL, **changes)
        model = HandPoseModel(**recipe.model_arguments)
        expected = sum(weight.value.numpy().size for weight in model.trainable_weights)
        assert trained_weights(recipe) == expected
    learned = trained_weights(SMALL)
    assert learned - trained_weights(dataclasses.replace(SMALL, grouping="random")) == 21 * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"num_groups": 1, "grouping": "one_group"},
        {"num_groups": 2},
        {"num_groups": 5},
        {"fusion": False},
    ],
    ids=str,
)
def test_variants_have_equal_budgets(changes):
    """Within 2 % of all weights, and no other width comes closer."""
    budget = trained_weights(quicktest())
    changed = dataclasses.replace(quicktest(), **changes)
    chosen = with_weights(changed, budget)
    assert dataclasses.replace(chosen, group_channels=changed.group_channels) == changed
    count = trained_weights(chosen)
    assert abs(count / budget - 1) < 0.02
    for step in (-1, 1):
        beside = dataclasses.replace(chosen, group_channels=chosen.group_channels + step)
        assert abs(trained_weights(beside) - budget) > abs(count - budget)


def test_rejects_a_budget_that_the_rest_of_the_network_exceeds():
    with pytest.raises(InputError, match="Received: num_weights=1000"):
        with_weights(SMALL, 1000)
