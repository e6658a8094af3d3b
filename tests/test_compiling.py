"""Optimizer, schedule and losses of a recipe."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.hands import labelled_batch
from tests.smallest_recipe import SMALLEST
from tf_handgroups.compiling import compile_model
from tf_handgroups.errors import InputError
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.optimizers.selector_rate import SelectorLamb

pytestmark = pytest.mark.early

# Long enough for a rate that hardly falls between two steps.
RECIPE = dataclasses.replace(SMALLEST, steps=6000)


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
        ({"jit_compile": True, "precision": "mixed_bfloat16"}, "XLA cannot compile the mobile"),
    ],
)
def test_rejects(changes, message):
    with pytest.raises(InputError, match=message):
        compiled(**changes)


def test_xla_takes_the_same_step():
    """Whole steps with all metrics: an operation that XLA cannot compile would fail here."""
    batch = tf.data.Dataset.from_tensors(labelled_batch(4))
    logs, trained = [], []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        model = HandPoseModel(**RECIPE.model_arguments)
        compile_model(model, changed(jit_compile=jit_compile, learning_rate=1e-4, warmup_steps=0))
        model.selector.committed.assign(1.0)  # XLA draws other random numbers.
        history = model.fit(batch, epochs=2, verbose=0, shuffle=False)
        logs.append({name: values[-1] for name, values in history.history.items()})
        trained.append(model.get_weights())
    assert {"loss", "pa_mpjpe_mm", "auc_20_50"} <= set(logs[0])
    for name, value in logs[0].items():
        np.testing.assert_allclose(logs[1][name], value, rtol=1e-3, atol=1e-3, err_msg=name)
    for plain, compiled_by_xla in zip(*trained, strict=True):
        np.testing.assert_allclose(compiled_by_xla, plain, atol=1e-3)
