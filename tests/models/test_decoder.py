import keras
import numpy as np
import pytest

from tests.hands import make_like_trained
from tests.models.numpy_network import block, upsample
from tf_handgroups.models.decoder import decoder

SIDES = {4: 16, 8: 8, 16: 4, 32: 2}


@pytest.fixture(scope="module", params=[False, True], ids=["trained", "folded"])
def network(request):
    inputs = {stride: keras.Input((side, side, 3 + stride)) for stride, side in SIDES.items()}
    outputs = decoder(inputs, (10, 8, 6), request.param)
    return make_like_trained(keras.Model(list(inputs.values()), outputs))


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    return {
        stride: rng.normal(size=(2, side, side, 3 + stride)).astype("float32")
        for stride, side in SIDES.items()
    }


def test_matches_numpy(network, features):
    x = block(network, features[32], "decoder_lateral32")
    for stride in (16, 8, 4):
        lateral = block(network, features[stride], f"decoder_lateral{stride}")
        x = np.concatenate([upsample(x), lateral], axis=-1)
        x = block(network, x, f"decoder_merge{stride}")
    received = network(list(features.values()))
    assert received.shape == (2, 16, 16, 6)
    np.testing.assert_allclose(received, x, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("stride", SIDES)
def test_every_level_is_read(network, features, stride):
    changed = features | {stride: features[stride] + 1}
    before, after = (network(list(maps.values())) for maps in (features, changed))
    assert np.abs(after - before).max() > 1e-3


def test_widths_per_level(network):
    widths = {s: network.get_layer(f"decoder_merge{s}_conv").filters for s in (16, 8, 4)}
    assert widths == {16: 10, 8: 8, 4: 6}
    assert network.get_layer("decoder_lateral32_conv").filters == 10
