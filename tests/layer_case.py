"""The contract that every layer fulfils; the only importer of `keras.src.testing`."""

import keras
from keras.src.testing import TestCase


class LayerCase(TestCase):
    """Adds to Keras' layer test that the configuration survives `build` unchanged."""

    def run_layer_contract(self, layer_class, init_kwargs, input_shape, **expectations):
        self.run_layer_test(
            layer_class,
            init_kwargs=init_kwargs,
            input_shape=input_shape,
            run_mixed_precision_check=False,
            # Keras feeds `fit` a generator there and warns about its own shuffling.
            run_training_check=False,
            **expectations,
        )
        layer = layer_class(**init_kwargs)
        before = layer.get_config()
        layer(keras.ops.ones(input_shape))
        self.assertEqual(before, layer.get_config())
        for name in init_kwargs:
            self.assertIn(name, before)
