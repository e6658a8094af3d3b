"""What every metric must do, whatever it measures: one base for their tests."""

import json
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_handgroups.errors import InputError


class MetricCase:
    """Subclasses define `make()` and `axes`."""

    axes = 3

    def make(self) -> Any:
        raise NotImplementedError

    def batch(self, size=10):
        random = np.random.default_rng(4)
        truth = random.normal(scale=40.0, size=(size, 21, self.axes)).astype("float32")
        guess = truth + random.normal(scale=12.0, size=truth.shape).astype("float32")
        mask = (random.random((size, 21)) < 0.8).astype("float32")
        return truth, guess, mask

    def value(self, *batches, metric=None):
        metric = metric or self.make()
        for truth, guess, mask in batches:
            metric.update_state(truth, guess, sample_weight=mask)
        return float(metric.result())

    def test_uneven_batches_equal_one_batch(self):
        truth, guess, mask = self.batch()
        parts = [(truth[part], guess[part], mask[part]) for part in (slice(7), slice(7, 10))]
        # Float32 sums in another order.
        np.testing.assert_allclose(self.value(*parts), self.value((truth, guess, mask)), rtol=2e-6)

    def test_masked_nan_does_not_count(self):
        truth, guess, mask = self.batch()
        broken = np.where(mask[..., None] > 0, truth, np.nan)
        assert self.value((broken, guess, mask)) == self.value((truth, guess, mask))
        broken = np.where(mask[..., None] > 0, guess, np.nan)
        assert self.value((truth, broken, mask)) == self.value((truth, guess, mask))

    def test_weight_per_sample_equals_dropping_samples(self):
        truth, guess, _ = self.batch()
        keep = np.arange(10) % 2 == 0
        expected = self.value((truth[keep], guess[keep], None))
        np.testing.assert_allclose(
            self.value((truth, guess, keep.astype("float32"))), expected, rtol=2e-6
        )

    def test_eager_equals_graph(self):
        metric = self.make()
        batch = self.batch()

        @tf.function
        def update(truth, guess, mask):
            metric.update_state(truth, guess, sample_weight=mask)
            return metric.result()

        graph = float(update(*map(tf.constant, batch)))
        np.testing.assert_allclose(graph, self.value(batch), rtol=2e-6)

    def test_unknown_batch_size(self):
        metric = self.make()
        points = tf.TensorSpec((None, 21, self.axes))
        batch = self.batch()

        @tf.function(input_signature=[points, points, tf.TensorSpec((None, 21))])
        def update(truth, guess, mask):
            metric.update_state(truth, guess, sample_weight=mask)

        update(*map(tf.constant, batch))
        np.testing.assert_allclose(float(metric.result()), self.value(batch), rtol=2e-6)

    def test_config_round_trip(self):
        metric = self.make()
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))
        copy = keras.saving.deserialize_keras_object(config)
        assert copy.get_config() == metric.get_config()
        assert self.value(self.batch(), metric=copy) == self.value(self.batch())

    def test_reset(self):
        metric = self.make()
        first = self.value(self.batch(), metric=metric)
        metric.reset_state()
        assert float(metric.result()) == 0.0
        assert self.value(self.batch(), metric=metric) == first

    def test_runs_inside_fit(self):
        truth, guess, mask = self.batch()
        inputs = keras.Input((21, self.axes))
        model = keras.Model(inputs, {"out": keras.layers.Identity(name="out")(inputs)})
        model.compile(loss={"out": "mse"}, weighted_metrics={"out": [self.make()]})
        logs = model.evaluate(
            guess,
            {"out": truth},
            sample_weight={"out": mask},
            batch_size=7,
            verbose=0,
            return_dict=True,
        )
        name = next(key for key in logs if self.make().name in key)
        np.testing.assert_allclose(logs[name], self.value((truth, guess, mask)), rtol=2e-6)

    def test_rejects_wrong_axes(self):
        points = np.zeros((1, 21, self.axes + 1), "float32")
        with pytest.raises(InputError, match=r"Received: y_true\.shape="):
            self.make().update_state(points, points)
