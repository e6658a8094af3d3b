import keras
import numpy as np
import tensorflow as tf

from tests.layer_case import LayerCase
from tf_handgroups.layers.fused_batch_normalization import FusedBatchNormalization


def pair() -> tuple:
    layers = keras.layers.BatchNormalization(), FusedBatchNormalization()
    rng = np.random.default_rng(0)
    weights = [rng.uniform(0.5, 1.5, 6).astype("float32") for _ in range(4)]
    for layer in layers:
        layer.build((None, None, None, 6))
        layer.set_weights(weights)
    return layers


class FusedBatchNormalizationTest(LayerCase):
    def test_contract(self):
        self.run_layer_contract(
            FusedBatchNormalization,
            init_kwargs={"momentum": 0.9, "epsilon": 1e-4},
            input_shape=(2, 4, 4, 3),
            expected_output_shape=(2, 4, 4, 3),
            expected_num_trainable_weights=2,
            expected_num_non_trainable_weights=2,
        )

    def test_training_pass_equals_keras(self):
        stock, fused = pair()
        inputs = tf.random.stateless_normal((4, 5, 7, 6), [1, 2]) * 3 + 1
        results = []
        for layer in (stock, fused):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                outputs = layer(inputs, training=True)
                loss = tf.reduce_sum(tf.sin(outputs))
            gradients = tape.gradient(loss, [inputs, layer.gamma.value, layer.beta.value])
            results.append([outputs, *gradients, layer.moving_mean, layer.moving_variance])
        for expected, received in zip(*results, strict=True):
            np.testing.assert_allclose(received, expected, rtol=1e-4, atol=2e-5)

    def test_inference_and_dense_inputs_equal_keras(self):
        stock, fused = pair()
        inputs = np.random.default_rng(1).normal(size=(2, 3, 3, 6)).astype("float32")
        np.testing.assert_array_equal(stock(inputs), fused(inputs))
        flat = inputs.reshape(-1, 6)
        dense = keras.layers.BatchNormalization(), FusedBatchNormalization()
        expected, received = (layer(flat, training=True) for layer in dense)
        np.testing.assert_array_equal(expected, received)

    def test_half_precision_keeps_float32_statistics(self):
        layer = FusedBatchNormalization(dtype="mixed_bfloat16")
        outputs = layer(tf.random.stateless_normal((4, 5, 7, 6), [1, 2]), training=True)
        self.assertEqual(outputs.dtype, tf.bfloat16)
        self.assertEqual(keras.backend.standardize_dtype(layer.moving_mean.dtype), "float32")
