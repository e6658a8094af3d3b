"""What every architecture owes to the common heads and to hardening."""

import dataclasses

import keras
import pytest

from tf_handgroups.models.architecture import Architecture, GroupedFeatures
from tf_handgroups.models.hand_pose_model import ARCHITECTURES, HEATMAP_STRIDE

CONFIG = {
    "encoder": "tiny",
    "pretrained": False,
    "decoder_channels": (8, 8, 8),
    "num_groups": 2,
    "group_channels": 4,
    "fusion": True,
}


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_features_fit_the_heads(name, folded):
    kind = ARCHITECTURES[name]
    size = kind.size_multiple
    images = keras.Input((size, size, 3))
    features = kind.features(images, CONFIG, [1], folded=folded)
    assert isinstance(features, GroupedFeatures)
    cells = size // HEATMAP_STRIDE
    assert features.backbone_heatmaps.shape == (None, cells, cells, 21)
    for hidden in (features.heatmap_hidden, features.depth_hidden):
        assert [x.shape for x in hidden] == [(None, cells, cells, 4)]
    assert features.coarse is None or len(features.coarse.shape) == 4
    # Hardening finds the layers it fills by these names.
    model = keras.Model(images, [*features.heatmap_hidden, *features.depth_hidden])
    names = {layer.name for layer in model.layers}
    assert ("group1_fusion_conv" if folded else "group1_fusion") in names
    assert not {layer for layer in names if layer.startswith("group0_fusion")}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_is_complete_and_frozen(name):
    kind = ARCHITECTURES[name]
    assert isinstance(kind, Architecture) and callable(kind.features)
    assert kind.size_multiple % HEATMAP_STRIDE == 0 and kind.head_kernel % 2 == 1
    assert 0 <= kind.grid_offset_px < HEATMAP_STRIDE
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind.head_kernel = 5


def test_grouped_features_keep_what_they_were_given():
    features = GroupedFeatures("maps", ["a"], ["b"], None)
    assert dataclasses.astuple(features) == ("maps", ["a"], ["b"], None)
