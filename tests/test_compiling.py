"""Optimizer, schedule and losses of a recipe."""

import dataclasses

import keras
import numpy as np
import pytest

from tf_handgroups.compiling import compile_model
from tf_handgroups.errors import InputError
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.optimizers.selector_rate import SelectorLamb
from tf_handgroups.recipes import Recipe

RECIPE = Recipe(
    name="smallest",
    input_size=64,
    encoder="tiny",
    pretrained=False,
    decoder_channels=(8, 8, 8),
    num_groups=2,
    group_channels=4,
)


def changed(**changes):
    return dataclasses.replace(RECIPE, **changes)


def compiled(**changes):
    model = HandPoseModel(**RECIPE.model_arguments)
    compile_model(model, changed(**changes))
    return model


def test_learning_rate_warms_up_and_falls():
    model = HandPoseModel(**RECIPE.model_arguments)
    compile_model(model, changed(steps=100, warmup_steps=10, learning_rate=0.5))
    schedule = model.optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 5, 10, 55, 100)]
    np.testing.assert_allclose(rates, [0, 0.25, 0.5, 0.25, 0], atol=1e-6)
    # A run shorter than its warm-up still reaches the full rate.
    compile_model(model, changed(steps=8, warmup_steps=200, learning_rate=0.5))
    assert max(float(model.optimizer._learning_rate(step)) for step in range(8)) == 0.5


def test_weight_decay_spares_what_should_not_shrink():
    model = HandPoseModel(**RECIPE.model_arguments)
    compile_model(model, RECIPE)
    model.optimizer.build(model.trainable_variables)
    decayed = {
        weight.path.rpartition("/")[2]
        for weight in model.trainable_variables
        if model.optimizer._use_weight_decay(weight)
    }
    assert decayed == {"kernel"}


@pytest.mark.parametrize("optimizer", ["adamw", "lamb"])
def test_optimizers_by_name(optimizer):
    model = compiled(optimizer=optimizer, ema_momentum=0.99)
    assert isinstance(model.optimizer, SelectorLamb) == (optimizer == "lamb")
    assert model.optimizer.use_ema and model.optimizer.ema_momentum == 0.99
    assert not compiled().optimizer.use_ema


@pytest.mark.parametrize("together", [True, False])
def test_batch_norms_are_synchronised_where_asked(together):
    norms = [
        layer
        for layer in compiled(sync_batch_norm=together).layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert norms and all(layer.synchronized == together for layer in norms)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "sgd"}, r"Received: optimizer='sgd'\. Known optimizers: adamw, lamb"),
        ({"ema_momentum": 1.0}, r"Received: ema_momentum=1\.0"),
        ({"ema_momentum": -0.1}, r"Received: ema_momentum=-0\.1"),
    ],
)
def test_rejects(changes, message):
    with pytest.raises(InputError, match=message):
        compiled(**changes)
