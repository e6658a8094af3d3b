import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_handgroups.optimizers.averaged_weights import averaged
from tf_handgroups.optimizers.selector_rate import SelectorAdamW
from tf_handgroups.strategies import make_strategy


def trained(strategy=None, wrap=False):
    with (strategy or tf.distribute.get_strategy()).scope():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        optimizer = SelectorAdamW(0.1, use_ema=True, ema_momentum=0.5)
        model.compile(keras.optimizers.LossScaleOptimizer(optimizer) if wrap else optimizer, "mse")
    x = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    model.fit(x, x[:, :1], batch_size=4, verbose=0)
    return model


@pytest.mark.parametrize("wrap", [False, True])
def test_average_inside_own_weights_after(wrap):
    model = trained(wrap=wrap)
    own = model.get_weights()
    optimizer = model.optimizer.inner_optimizer if wrap else model.optimizer
    with averaged(model):
        for value, average in zip(
            model.get_weights(), optimizer._model_variables_moving_average, strict=True
        ):
            np.testing.assert_array_equal(value, average)
        assert any((a != b).any() for a, b in zip(model.get_weights(), own, strict=True))
    for value, before in zip(model.get_weights(), own, strict=True):
        np.testing.assert_array_equal(value, before)


def test_weights_come_back_after_an_error():
    model = trained()
    own = model.get_weights()
    with pytest.raises(RuntimeError), averaged(model):
        raise RuntimeError
    for value, before in zip(model.get_weights(), own, strict=True):
        np.testing.assert_array_equal(value, before)


def test_on_several_replicas():
    one = trained()
    two = trained(make_strategy("mirrored"))
    own = two.get_weights()
    with averaged(two):
        pass
    for value, before in zip(two.get_weights(), own, strict=True):
        np.testing.assert_array_equal(value, before)
    assert len(one.get_weights()) == len(own)


def test_without_an_average_nothing_happens():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    with averaged(model):
        pass
    model.compile("sgd", "mse")
    with averaged(model):
        pass
