import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from tests.layer_case import LayerCase
from tf_handgroups.layers.spatial_soft_argmax import SpatialSoftArgmax


def reference(heatmaps, beta, stride, offset):
    uv = np.zeros((heatmaps.shape[0], heatmaps.shape[3], 2))
    for b, k in np.ndindex(*uv.shape[:2]):
        p = np.exp(beta[k] * heatmaps[b, :, :, k].astype(float))
        p /= p.sum()
        for row, column in np.ndindex(*p.shape):
            uv[b, k] += p[row, column] * (np.array([column, row]) * stride + offset)
    return uv


class SpatialSoftArgmaxTest(LayerCase):
    def test_contract(self):
        self.run_layer_contract(
            SpatialSoftArgmax,
            init_kwargs={"stride": 4, "offset": 0.0},
            input_shape=(2, 4, 6, 21),
            expected_num_trainable_weights=1,
        )

    @parameterized.parameters((4, None, 1.5), (4, 0.0, 0.0), (2, None, 0.5))
    def test_matches_numpy(self, stride, offset, expected_offset):
        rng = np.random.default_rng(0)
        heatmaps = rng.normal(size=(2, 3, 5, 4)).astype("float32")
        beta = rng.uniform(0.5, 3, 4).astype("float32")
        layer = SpatialSoftArgmax(stride, offset)
        layer.build(heatmaps.shape)
        layer.set_weights([beta])
        uv_px, maps = layer(heatmaps)
        expected = reference(heatmaps, beta, stride, expected_offset)
        np.testing.assert_allclose(uv_px, expected, atol=1e-5)
        np.testing.assert_allclose(np.sum(maps, -1), 1.0, atol=1e-6)
        self.assertEqual(layer.compute_output_shape(heatmaps.shape), (uv_px.shape, maps.shape))

    def test_huge_heatmaps_stay_finite(self):
        heatmaps = tf.constant(np.random.default_rng(0).normal(size=(1, 8, 8, 21)) * 1e4, "float32")
        layer = SpatialSoftArgmax(4)
        with tf.GradientTape() as tape:
            tape.watch(heatmaps)
            uv_px, _ = layer(heatmaps)
        self.assertTrue(np.isfinite(uv_px).all())
        self.assertTrue(np.isfinite(tape.gradient(uv_px, heatmaps)).all())

    def test_half_precision_inputs_are_computed_in_float32(self):
        uv_px, _ = SpatialSoftArgmax(4)(tf.cast(tf.zeros((1, 32, 32, 21)), tf.bfloat16))
        np.testing.assert_allclose(uv_px, 63.5, atol=1e-4)

    @parameterized.parameters(0, -4)
    def test_rejects_stride(self, stride):
        with self.assertRaisesRegex(ValueError, "Received: stride="):
            SpatialSoftArgmax(stride)
