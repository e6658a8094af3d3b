import keras
import numpy as np
from absl.testing import parameterized
from keras import ops

from tests.layer_case import LayerCase
from tf_handgroups.layers.group_fusion import FusionInitializer, GroupFusion


class GroupFusionTest(LayerCase):
    def test_contract(self):
        self.run_layer_contract(
            GroupFusion,
            init_kwargs={"group": 1, "num_groups": 3, "own": 0.8},
            input_shape=(2, 4, 4, 12),
            expected_output_shape=(2, 4, 4, 4),
            expected_num_trainable_weights=4,
            expected_num_non_trainable_weights=2,
        )

    def test_starts_as_weighted_sum_of_the_groups(self):
        features = np.random.default_rng(0).random((2, 3, 5, 12)).astype("float32")
        groups = features.reshape(2, 3, 5, 3, 4)
        expected = 0.9 * groups[..., 1, :] + 0.05 * (groups[..., 0, :] + groups[..., 2, :])
        fusion = GroupFusion(group=1, num_groups=3)
        # A new batch norm divides by sqrt(1 + epsilon) only.
        np.testing.assert_allclose(fusion(features), expected / np.sqrt(1.001), atol=1e-5)

    def test_single_group_keeps_its_features(self):
        kernel = FusionInitializer(group=0, num_groups=1)((1, 1, 4, 4))
        np.testing.assert_array_equal(kernel[0, 0], np.eye(4))

    def test_initializer_survives_serialisation(self):
        initializer = FusionInitializer(group=1, num_groups=2, own=0.7)
        again = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(initializer)
        )
        np.testing.assert_array_equal(again((1, 1, 4, 2)), initializer((1, 1, 4, 2)))

    @parameterized.parameters(-1, 3)
    def test_rejects_group(self, group):
        with self.assertRaisesRegex(ValueError, "Received: group="):
            GroupFusion(group=group, num_groups=3)

    @parameterized.parameters([(1, 4, 4, 10)], [(1, 4, 12)])
    def test_rejects_input_shape(self, shape):
        with self.assertRaisesRegex(ValueError, "Received: shape="):
            GroupFusion(group=0, num_groups=3)(ops.ones(shape))
