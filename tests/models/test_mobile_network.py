import keras
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.models import mobile_network
from tf_handgroups.models.mobile_network import ENCODERS, MOBILE, encode, mobile_features

CONFIG = {
    "encoder": "tiny",
    "pretrained": False,
    "decoder_channels": (8, 8, 8),
    "num_groups": 3,
    "group_channels": 4,
    "fusion": True,
}


def features_and_model(alive, folded, **changes):
    images = keras.Input((64, 64, 3))
    features = mobile_features(images, CONFIG | changes, alive, folded)
    return features, keras.Model(images, features.heatmap_hidden)


def names(model) -> set[str]:
    return {layer.name for layer in model.layers}


@pytest.mark.parametrize("folded", [False, True])
def test_alive_groups_alone_get_fusion_and_heads(folded):
    features, model = features_and_model([0, 2], folded)
    assert [x.shape for x in features.heatmap_hidden] == [(None, 16, 16, 4)] * 2
    fusions = {name.removesuffix("_conv") for name in names(model) if "_fusion" in name}
    assert {name.removesuffix("_relu") for name in fusions} == {"group0_fusion", "group2_fusion"}
    heads = {name[:11] for name in names(model) if "_head" in name}
    assert heads == {"group0_head", "group2_head"}
    # The fusion of the others still reads the second branch.
    assert "group1_branch_merge_conv" in names(model)


@pytest.mark.parametrize("folded", [False, True])
def test_without_fusion_a_branch_feeds_its_own_head_alone(folded):
    features, model = features_and_model([0, 2], folded, fusion=False)
    assert [x.shape for x in features.heatmap_hidden] == [(None, 16, 16, 4)] * 2
    assert not {name for name in names(model) if "fusion" in name or name.startswith("group1")}
    for group in (0, 2):
        head = model.get_layer(f"group{group}_head_conv")
        assert head.input is model.get_layer(f"group{group}_branch_merge_relu").output


def test_folded_variant_has_no_norms():
    (_, trained), (_, folded) = (features_and_model([1], flag) for flag in (False, True))
    norms = {name for name in names(trained) if name.endswith("_norm")}
    assert norms and not norms & names(folded)
    assert [type(layer) for layer in folded.layers] == [
        getattr(keras.layers, type(layer).__name__) for layer in folded.layers
    ]
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in folded.layers)


def test_what_the_rest_of_the_network_gets():
    features, model = features_and_model([0, 1, 2], folded=False)
    assert features.depth_hidden is features.heatmap_hidden
    assert features.backbone_heatmaps is model.get_layer("backbone_heatmaps").output
    assert features.coarse.shape == (None, 2, 2, 96)


@pytest.mark.parametrize("num_groups", [1, 3])
def test_groups_stand_side_by_side_where_there_are_several(num_groups):
    _, model = features_and_model([0], folded=False, num_groups=num_groups)
    assert model.get_layer("group0_fusion").input.shape == (None, 16, 16, 4 * num_groups)
    assert ("groups_concat" in names(model)) == (num_groups > 1)


@pytest.mark.parametrize(
    ("pretrained", "folded", "expected"),
    [(True, False, True), (False, False, False), (True, True, False)],
)
def test_hardened_networks_read_no_pretrained_weights(monkeypatch, pretrained, folded, expected):
    asked = []

    def encoder(images, pretrained):
        asked.append(pretrained)
        return encode(images, "tiny", False, folded)

    monkeypatch.setattr(mobile_network, "efficientnet_lite0_encoder", encoder)
    features_and_model([0], folded, encoder="efficientnet_lite0", pretrained=pretrained)
    assert asked == [expected]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_encoders_return_four_strides(encoder):
    pyramid = encode(keras.Input((64, 64, 3)), encoder, pretrained=False, folded=False)
    assert {stride: x.shape[1] for stride, x in pyramid.items()} == {4: 16, 8: 8, 16: 4, 32: 2}


def test_rejects_unknown_encoder():
    with pytest.raises(
        InputError, match=r"Received: encoder='resnet'\. Known encoders: efficientnet_lite0, tiny"
    ):
        features_and_model([0], False, encoder="resnet")


def test_positions_and_heads():
    assert (MOBILE.head_kernel, MOBILE.grid_offset_px, MOBILE.size_multiple) == (1, 1.5, 32)
    assert MOBILE.features is mobile_features and MOBILE.backbone_temperature
