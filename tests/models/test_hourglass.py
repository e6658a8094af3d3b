import keras
import numpy as np
import pytest

from tests.hands import make_like_trained, smooth_image
from tests.models.numpy_residual_blocks import (
    assert_close,
    module,
    nearest,
    plain,
    pool,
    relu,
    unit,
)
from tf_handgroups.models.hourglass import hourglass_backbone


def network(folded, size=64) -> keras.Model:
    images = keras.Input((size, size, 3))
    return keras.Model(images, hourglass_backbone(images, folded))


@pytest.fixture(scope="module")
def trained():
    return make_like_trained(network(folded=False))


def images():
    return (np.stack([smooth_image(64, 64, seed) for seed in (0, 1)]) / 255).astype("float32")


def modules(model, x, name):
    for index in range(2):
        x = module(model, x, f"{name}{index}")
    return x


def hourglass(model, x, level):
    """Half the size for what is inside, full size for the skip, from level 4 down to 1."""
    name = f"hourglass{level}"
    inside = modules(model, pool(x), f"{name}_before")
    if level == 1:
        inside = modules(model, inside, f"{name}_inner")
    else:
        inside = hourglass(model, inside, level - 1)
    inside = modules(model, inside, f"{name}_after")
    return modules(model, x, f"{name}_skip") + nearest(inside)


@pytest.mark.parametrize("folded", [False, True])
def test_matches_numpy(trained, folded):
    model = make_like_trained(network(folded=True)) if folded else trained
    x = relu(unit(model, images(), "backbone_stem", stride=2))
    x = pool(module(model, x, "backbone_stem1"))
    x = module(model, module(model, x, "backbone_stem2"), "backbone_stem3")
    x = modules(model, hourglass(model, x, 4), "backbone_after")
    expected = relu(unit(model, x, "backbone_features"))
    features, heatmaps = model(images())
    assert features.shape == (2, 16, 16, 256) and heatmaps.shape == (2, 16, 16, 21)
    assert_close(features, expected)
    assert_close(heatmaps, plain(model, expected, "backbone_heatmaps"))


def test_has_as_many_weights_as_theirs(trained):
    """As counted in the authors' PyTorch network, heatmaps included."""
    counts = [int(np.prod(weight.shape)) for weight in trained.trainable_weights]
    assert sum(counts) == 6_431_125


def test_innermost_cells_cover_64_pixels(trained):
    # 64 / 4 / 2^4 = 1.
    assert trained.get_layer("hourglass1_inner0_add").output.shape == (None, 1, 1, 256)
    assert network(folded=True, size=128).output[0].shape == (None, 32, 32, 256)


def test_folded_variant_has_no_norms_and_the_same_other_layers(trained):
    folded = network(folded=True)
    names = {layer.name for layer in trained.layers[1:] if not layer.name.endswith("_norm")}
    assert {layer.name for layer in folded.layers[1:]} == names
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in folded.layers)
    assert any(isinstance(layer, keras.layers.BatchNormalization) for layer in trained.layers)
