import functools

import keras
import numpy as np
import pytest

from tests.hands import make_like_trained, smooth_image
from tests.models import numpy_residual_blocks as numpy_blocks
from tests.models.numpy_network import convolution
from tests.models.numpy_residual_blocks import assert_close, plain, relu, residual, unit
from tf_handgroups.models.paper_network import PAPER, paper_branch, paper_features


class Network:
    """The features as a model, with access to every layer's output."""

    def __init__(self, num_groups, alive, folded, channels=8):
        self.num_groups, self.alive = num_groups, alive
        self.images = keras.Input((64, 64, 3))
        config = {"num_groups": num_groups, "group_channels": channels, "fusion": True}
        self.features = paper_features(self.images, config, alive, folded)
        outputs = [*self.features.heatmap_hidden, *self.features.depth_hidden]
        self.model = make_like_trained(keras.Model(self.images, outputs))

    @property
    def names(self) -> set[str]:
        return {layer.name for layer in self.model.layers}

    @functools.cached_property
    def outputs(self) -> dict[str, np.ndarray]:
        """Layer name -> what it puts out for one image; the hourglass has its own tests."""
        layers = [x for x in self.model.layers if not x.name.startswith(("image", "hourglass"))]
        probe = keras.Model(self.images, {layer.name: layer.output for layer in layers})
        outputs = probe((smooth_image(64, 64)[None] / 255).astype("float32"))
        return {name: keras.ops.convert_to_numpy(x) for name, x in outputs.items()}


@pytest.fixture(scope="module")
def two_groups():
    return Network(2, [0, 1], folded=False)


@pytest.fixture(scope="module")
def second_of_three():
    """Folded, and nobody needs heads of the first and the last group."""
    return Network(3, [1], folded=True, channels=4)


@pytest.fixture(scope="module")
def one_group():
    return Network(1, [0], folded=False)


@pytest.fixture(params=["two_groups", "second_of_three", "one_group"])
def network(request):
    return request.getfixturevalue(request.param)


def numpy_branch(model, x, name):
    """Three resolutions; every finer one sees the coarser one and itself."""
    fine = relu(unit(model, x, f"{name}_enter"))
    full = residual(model, fine, f"{name}_full")
    half = numpy_blocks.down(model, full, f"{name}_half")
    quarter = numpy_blocks.down(model, half, f"{name}_quarter")
    x = np.concatenate([numpy_blocks.up(model, quarter, f"{name}_quarter_up"), half], axis=-1)
    x = relu(unit(model, x, f"{name}_half_merge"))
    x = np.concatenate([numpy_blocks.up(model, x, f"{name}_half_up"), full, fine], axis=-1)
    return residual(model, relu(unit(model, x, f"{name}_full_merge")), f"{name}_leave")


@pytest.mark.parametrize("folded", [False, True])
def test_branch_matches_numpy(folded):
    shared = keras.Input((8, 12, 5))
    model = make_like_trained(keras.Model(shared, paper_branch(shared, 6, 2, folded)))
    x = np.random.default_rng(0).normal(size=(2, 8, 12, 5)).astype("float32")
    expected = numpy_branch(model, x, "group2_branch")
    assert expected.shape == (2, 8, 12, 6)
    assert_close(model(x), expected)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert bool(norms) != folded


def test_branches_of_two_groups_share_nothing():
    shared = keras.Input((8, 8, 5))
    branches = [paper_branch(shared, 6, group, folded=False) for group in (0, 1)]
    both, alone = keras.Model(shared, branches), keras.Model(shared, branches[0])
    assert both.count_params() == 2 * alone.count_params()


def test_heatmaps_come_before_the_features(network):
    both, heatmaps, features = (
        network.outputs[name]
        for name in ("shared_concat", "backbone_heatmaps_conv", "backbone_features_relu")
    )
    assert heatmaps.shape[-1] == 21 and features.shape[-1] == 256
    np.testing.assert_array_equal(both[..., :21], heatmaps)
    np.testing.assert_array_equal(both[..., 21:], features)


def test_matches_numpy_from_the_backbone_on(network):
    model, received = network.model, network.outputs
    x = residual(model, received["shared_concat"], "shared0")
    x = residual(model, x, "shared1")
    branches = []
    for group in range(network.num_groups):
        branches.append(numpy_branch(model, x, f"group{group}_branch"))
        assert_close(received[f"group{group}_branch_leave_relu"], branches[-1])
    for group in network.alive:
        fused = numpy_fusion(model, np.concatenate(branches, axis=-1), f"group{group}_fusion")
        for kind in ("heatmap", "depth"):
            name = f"group{group}_{kind}_head"
            assert_close(received[f"{name}_relu"], relu(plain(model, fused, name)))


def numpy_fusion(model, x, name):
    if numpy_blocks.has(model, f"{name}_conv"):
        return relu(unit(model, x, name))
    fusion = model.get_layer(name)
    assert fusion.normalization.epsilon == 1e-5
    x = convolution(x, *fusion.convolution.get_weights())
    gamma, beta, mean, variance = fusion.normalization.get_weights()
    return relu((x - mean) / np.sqrt(variance + 1e-5) * gamma + beta)


def test_alive_groups_alone_get_fusion_and_heads(second_of_three):
    names = second_of_three.names
    assert {"group1_fusion_conv", "group1_heatmap_head_conv", "group1_depth_head_conv"} <= names
    assert not {n for n in names if n.startswith(("group0_fusion", "group2_fusion"))}
    assert not {n for n in names if "_head" in n and not n.startswith("group1_")}
    # The fusion of the others still reads their branches.
    assert {f"group{group}_branch_leave_relu" for group in range(3)} <= names


def test_widths(two_groups, second_of_three):
    for network, channels in ((two_groups, 8), (second_of_three, 4)):
        shapes = [hidden.shape for hidden in network.model.outputs]
        assert set(shapes) == {(None, 16, 16, channels)}
        assert network.model.get_layer("shared0_second_conv").filters == 128
        assert network.model.get_layer("shared1_second_conv").filters == channels


def test_what_the_rest_of_the_network_gets(network):
    features = network.features
    assert features.coarse is None
    assert features.backbone_heatmaps is network.model.get_layer("backbone_heatmaps_conv").output
    for kind, hidden in (("heatmap", features.heatmap_hidden), ("depth", features.depth_hidden)):
        relus = [network.model.get_layer(f"group{g}_{kind}_head_relu") for g in network.alive]
        assert [id(x) for x in hidden] == [id(layer.output) for layer in relus]


def test_folded_variant_has_no_norms(two_groups, second_of_three):
    def norms(network):
        return {name for name in network.names if name.endswith("_norm")}

    assert norms(two_groups) and not norms(second_of_three)
    standard = [getattr(keras.layers, type(x).__name__) for x in second_of_three.model.layers]
    assert [type(layer) for layer in second_of_three.model.layers] == standard
    assert keras.layers.BatchNormalization not in standard


def test_positions_and_heads_as_in_their_code():
    assert (PAPER.head_kernel, PAPER.grid_offset_px, PAPER.size_multiple) == (3, 0.0, 64)
    assert PAPER.features is paper_features and not PAPER.backbone_temperature


def test_without_fusion_a_branch_feeds_its_own_heads_alone():
    images = keras.Input((64, 64, 3))
    config = {"num_groups": 3, "group_channels": 4, "fusion": False}
    features = paper_features(images, config, [1], folded=True)
    model = keras.Model(images, [*features.heatmap_hidden, *features.depth_hidden])
    names = {layer.name for layer in model.layers}
    assert not {name for name in names if name.startswith(("group0", "group2", "groups"))}
    assert not {name for name in names if "fusion" in name}
    branch = model.get_layer("group1_branch_leave_relu").output
    for kind in ("heatmap", "depth"):
        assert model.get_layer(f"group1_{kind}_head_conv").input is branch
