import dataclasses

import numpy as np

from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.recipes import get_recipe, paper


def test_is_the_network_of_the_paper():
    recipe = paper()
    assert (recipe.architecture, recipe.input_size) == ("paper", 256)
    assert (recipe.num_groups, recipe.group_channels) == (3, 32)
    assert recipe.distribution == "relaxed_onehot" and not recipe.straight_through
    assert get_recipe("paper") == recipe


def test_selector_starts_even_and_has_no_penalties():
    model = HandPoseModel(**small().model_arguments)
    np.testing.assert_array_equal(model.selector.logits, np.full((21, 3), 0.5))
    assert float(model.selector.penalty()) == 0.0


def test_selector_draws_once_per_step():
    """One sample for the whole batch, another one in the next step, none in inference."""
    model = HandPoseModel(**small().model_arguments)
    images = np.zeros((2, 64, 64, 3), "float32")
    for step in (1, 2):
        model(images, training=True)
        assert int(model.selector.num_draws) == step
    model(images, training=False)
    assert int(model.selector.num_draws) == 2
    first, second = (np.array(model.selector.sample_weights(draw)) for draw in (0, 1))
    np.testing.assert_allclose(first.sum(axis=1), 1, atol=1e-6)
    assert np.abs(first - second).max() > 0.1


def test_noise_lasts_until_the_end():
    assert paper().commit_at == 1.0


def small():
    return dataclasses.replace(paper(), input_size=64, group_channels=8)
