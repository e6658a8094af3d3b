import keras
import numpy as np
import pytest

from tests.hands import make_like_trained
from tests.models.numpy_network import block
from tf_handgroups.models.tiny_encoder import CHANNELS, tiny_encoder


@pytest.mark.parametrize("folded", [False, True])
def test_pyramid_matches_numpy(folded):
    images = keras.Input((64, 96, 3))
    model = make_like_trained(keras.Model(images, tiny_encoder(images, folded)))
    x = np.random.default_rng(0).random((1, 64, 96, 3)).astype("float32")
    features = model(x)
    assert list(features) == [4, 8, 16, 32]
    expected = block(model, x, "encoder_stem", 2)
    for stride, received in features.items():
        expected = block(model, expected, f"encoder_down{stride}", 2)
        expected = block(model, expected, f"encoder_stage{stride}")
        assert received.shape == (1, 64 // stride, 96 // stride, CHANNELS[stride])
        # Float32 sums of up to 864 terms, through nine layers.
        np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-3)
