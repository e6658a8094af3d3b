import keras
import numpy as np
import pytest

from tests.hands import make_like_trained
from tests.models.numpy_network import block, upsample
from tf_handgroups.models.group_branch import group_branch


def network(folded, group=2):
    shared = keras.Input((8, 12, 5))
    return make_like_trained(keras.Model(shared, group_branch(shared, 6, group, folded)))


@pytest.mark.parametrize("folded", [False, True])
def test_is_a_small_hourglass(folded):
    model = network(folded)
    x = np.random.default_rng(0).normal(size=(2, 8, 12, 5)).astype("float32")
    fine = block(model, x, "group2_branch_fine")
    coarse = block(model, fine, "group2_branch_down", 2)
    coarse = block(model, coarse, "group2_branch_coarse")
    both = np.concatenate([fine, upsample(coarse)], axis=-1)
    expected = block(model, both, "group2_branch_merge")
    assert expected.shape == (2, 8, 12, 6)
    np.testing.assert_allclose(model(x), expected, rtol=1e-3, atol=1e-3)


def test_branches_of_two_groups_share_nothing():
    shared = keras.Input((8, 8, 5))
    branches = [group_branch(shared, 6, group, folded=False) for group in (0, 1)]
    model = keras.Model(shared, branches)
    assert len({layer.name for layer in model.layers}) == len(model.layers)
    alone = network(False, group=0)
    assert model.count_params() == 2 * alone.count_params()
