import keras
import numpy as np
import pytest

from tf_handgroups.optimizers.global_clipping import GlobalClipping
from tf_handgroups.optimizers.selector_rate import SelectorAdamW, SelectorLamb
from tf_handgroups.strategies import make_strategy

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")


class ClippedSGD(GlobalClipping, keras.optimizers.SGD):
    pass


def one_step(optimizer, strategy="single"):
    """Returns how far a step moves the weights."""
    keras.utils.set_random_seed(0)
    with make_strategy(strategy).scope():
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model.compile(optimizer(), "mse")
    before = model.get_weights()
    model.fit(X, 9 * X[:, :2] + X[:, 2:], batch_size=8, verbose=0, shuffle=False)
    moved = [a - b for a, b in zip(model.get_weights(), before, strict=True)]
    return np.concatenate([change.ravel() for change in moved])


@pytest.mark.parametrize("strategy", ["single", "mirrored"])
def test_the_whole_gradient_has_the_norm(strategy):
    moved = one_step(lambda: ClippedSGD(1.0, global_clipnorm=0.25), strategy)
    assert np.linalg.norm(moved) == pytest.approx(0.25, rel=1e-5)


@pytest.mark.parametrize("norm", [0.25, 100.0, None])
def test_two_replicas_step_as_one_device(norm):
    one, two = (
        one_step(lambda: ClippedSGD(0.1, global_clipnorm=norm), strategy)
        for strategy in ("single", "mirrored")
    )
    assert np.abs(one).max() > 0
    np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-7)


def test_keras_alone_clips_every_replica():
    """What the class is for; if this fails, Keras has mended it and the class can go."""
    moved = one_step(lambda: keras.optimizers.SGD(1.0, global_clipnorm=0.25), "mirrored")
    assert np.linalg.norm(moved) > 0.3


@pytest.mark.parametrize("optimizer", [SelectorAdamW, SelectorLamb])
def test_optimizers_of_recipes_clip_so(optimizer):
    assert issubclass(optimizer, GlobalClipping)
    one, two = (
        one_step(lambda: optimizer(0.1, global_clipnorm=1e-6, epsilon=1e-3), strategy)
        for strategy in ("single", "mirrored")
    )
    np.testing.assert_allclose(two, one, rtol=1e-3)
