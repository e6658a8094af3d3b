import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_handgroups.losses.heatmap_cross_entropy import HeatmapCrossEntropy


def reference(truth, maps, size, stride, sigma_px, offset):
    """Cell by cell: the target is a Gaussian of the distance in crop pixels, normalised."""
    losses = np.zeros(truth.shape[:2])
    for sample, joint in np.ndindex(*losses.shape):
        target = np.zeros((size, size))
        for row, column in np.ndindex(size, size):
            position = np.array([column * stride + offset, row * stride + offset])
            squared = ((position - truth[sample, joint]) ** 2).sum()
            target[row, column] = np.exp(-squared / (2 * sigma_px**2))
        target /= target.sum()
        losses[sample, joint] = -(target * np.log(maps[sample, joint].reshape(size, size))).sum()
    return losses


def batch(size=6, stride=4):
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, size * stride, (2, 21, 2)).astype("float32")
    maps = rng.random((2, 21, size * size)) + 0.01
    return truth, (maps / maps.sum(axis=-1, keepdims=True)).astype("float32")


@pytest.mark.parametrize("offset", [None, 0.0])
def test_matches_the_reference(offset):
    truth, maps = batch()
    loss = HeatmapCrossEntropy(6, stride=4, sigma_px=3.0, offset=offset, reduction="none")
    expected = reference(truth, maps, 6, 4, 3.0, 1.5 if offset is None else offset)
    np.testing.assert_allclose(loss(truth, maps), expected, rtol=1e-5)


def test_masked_mean():
    truth, maps = batch()
    mask = (np.arange(42).reshape(2, 21) % 3 > 0).astype("float32")
    each = reference(truth, maps, 6, 4, 4.0, 1.5)
    received = HeatmapCrossEntropy(6)(truth, maps, sample_weight=mask)
    np.testing.assert_allclose(received, (each * mask).sum() / 42, rtol=1e-5)


def test_lowest_for_the_target_itself():
    truth, maps = batch()
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(6)), -1).reshape(-1, 2) * 4 + 1.5
    target = np.exp(-((truth[:, :, None] - grid) ** 2).sum(-1) / (2 * 4.0**2))
    target = (target / target.sum(-1, keepdims=True)).astype("float32")
    loss = HeatmapCrossEntropy(6, reduction="none")
    assert (loss(truth, target).numpy() < loss(truth, maps).numpy()).all()


@pytest.mark.parametrize("position", [(12.0, 12.0), (-500.0, 900.0)])
def test_finite_at_extremes(position):
    """A map that is zero nearly everywhere, and joints far outside the crop."""
    truth = np.full((1, 21, 2), position, "float32")
    logits = np.zeros((1, 21, 36), "float32")
    logits[..., 0] = 300.0
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = HeatmapCrossEntropy(6)(truth, tf.nn.softmax(logits))
    assert np.isfinite(loss) and np.isfinite(tape.gradient(loss, logits)).all()


def test_config_round_trip():
    loss = HeatmapCrossEntropy(6, stride=8, sigma_px=2.5, offset=0.0, reduction="none")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    again = keras.saving.deserialize_keras_object(config)
    assert isinstance(again, HeatmapCrossEntropy) and again.get_config() == loss.get_config()
    np.testing.assert_array_equal(loss(*batch()), again(*batch()))
