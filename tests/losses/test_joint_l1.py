import json

import keras
import numpy as np
import pytest

from tf_handgroups.losses.joint_l1 import JointL1


def points(*shape):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype("float32") for _ in range(2)]


@pytest.mark.parametrize("shape", [(3, 21, 2), (3, 21)])
def test_per_joint_values_match_numpy(shape):
    truth, guess = points(*shape)
    difference = np.abs(truth - guess) / 64
    expected = difference.mean(axis=-1) if len(shape) == 3 else difference
    received = JointL1(scale=64, reduction="none")(truth, guess)
    np.testing.assert_allclose(received, expected, rtol=1e-5)


def test_mean_counts_masked_joints_as_zero():
    """Keras' rule: the divisor is the number of joints, so rare labels weigh less."""
    truth, guess = points(4, 21, 2)
    mask = (np.random.default_rng(1).random((4, 21)) < 0.6).astype("float32")
    expected = (np.abs(truth - guess).mean(axis=-1) * mask).sum() / mask.size
    np.testing.assert_allclose(JointL1()(truth, guess, sample_weight=mask), expected, rtol=1e-5)


def test_gradient_of_a_masked_joint_is_zero():
    import tensorflow as tf

    truth, guess = points(2, 21, 2)
    mask = np.ones((2, 21), "float32")
    mask[1, 4] = 0
    guess = tf.constant(guess)
    with tf.GradientTape() as tape:
        tape.watch(guess)
        loss = JointL1(scale=2.0)(truth, guess, sample_weight=mask)
    gradient = tape.gradient(loss, guess).numpy()
    assert not gradient[1, 4].any()
    np.testing.assert_allclose(
        np.abs(np.delete(gradient.reshape(42, 2), 25, axis=0)), 1 / (2 * 2 * 42), rtol=1e-5
    )


def test_half_precision_predictions_are_compared_in_float32():
    truth = np.full((1, 21), 100.0, "float32")
    loss = JointL1()(truth, keras.ops.cast(truth + 0.5, "bfloat16"))
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"


def test_config_round_trip():
    loss = JointL1(scale=7.0, name="depth", reduction="sum")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    again = keras.saving.deserialize_keras_object(config)
    assert isinstance(again, JointL1) and again.get_config() == loss.get_config()
    truth, guess = points(2, 21)
    np.testing.assert_array_equal(loss(truth, guess), again(truth, guess))


@pytest.mark.parametrize("scale", [0, -1.0, float("nan")])
def test_rejects_scale(scale):
    with pytest.raises(ValueError, match="Received: scale="):
        JointL1(scale=scale)
