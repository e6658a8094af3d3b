"""Tests of the network that ends at its maps."""

import keras
import numpy as np
import pytest

from tests.convert.conftest import SIZE
from tests.hands import make_like_trained
from tf_handgroups.convert.decode import decode
from tf_handgroups.convert.map_outputs import (
    decoding_of,
    export_maps,
    map_limits,
    useful_ranges,
    with_map_outputs,
)
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.run import KerasRunner, run_signature
from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import InputError
from tf_handgroups.hardening import harden
from tf_handgroups.model_file import hardened_metadata
from tf_handgroups.models.hand_pose_model import HandPoseModel


@pytest.fixture(scope="module")
def hardened():
    """Three groups, whose joints lie apart, so that the order of the channels matters."""
    keras.utils.set_random_seed(3)
    network = HandPoseModel(SIZE, "tiny", group_channels=8, num_groups=3)
    return harden(make_like_trained(network))


def test_decoded_maps_are_the_coordinates(hardened, crops):
    expected = KerasRunner(hardened)(crops)
    maps = {name: np.asarray(v) for name, v in with_map_outputs(hardened)(crops).items()}
    received = decode(maps, decoding_of(hardened))
    assert np.median(expected["uv_px"].std(axis=0)) > 0.1
    np.testing.assert_allclose(received["uv_px"], expected["uv_px"], atol=1e-3)
    np.testing.assert_allclose(received["z_rel"], expected["z_rel"], atol=1e-4)
    for name in ("presence", "handedness"):
        np.testing.assert_allclose(received[name], expected[name], atol=1e-5)


def test_channels_are_in_the_order_of_the_groups(hardened):
    grouping = hardened_metadata(hardened)["grouping"]
    order = sorted(range(21), key=lambda joint: (grouping[joint], joint))
    assert order != list(range(21))
    decoding = decoding_of(hardened)
    assert decoding["joints"] == order
    assert (decoding["stride_px"], decoding["offset_px"]) == (4.0, 1.5)


def test_one_group_needs_no_order(stand_in):
    assert decoding_of(stand_in)["joints"] == list(range(21))


def test_grid_of_the_paper_starts_at_zero(paper_file):
    assert decoding_of(KerasRunner(paper_file).model)["offset_px"] == 0.0


def test_exported_file_is_decoded_by_its_runner(hardened, crops):
    received = run_signature(open_signature(export_maps(hardened)), crops, decoding_of(hardened))
    expected = KerasRunner(hardened)(crops)
    assert list(received) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(received[name], values, atol=1e-3)


def test_useful_ranges_change_no_joint():
    generator = np.random.default_rng(0)
    heatmaps = generator.normal(size=(3, 8, 8, 21)) * 15 - 10
    depth = generator.normal(size=(3, 8, 8, 21))
    ranges = useful_ranges(heatmaps, depth)
    assert ranges["heatmaps"][0] > heatmaps.min() and ranges["heatmaps"][1] == heatmaps.max()
    assert ranges["depth_maps"][1] - ranges["depth_maps"][0] < np.ptp(depth)
    decoding = {
        "kind": "heatmap_expectation",
        "heatmaps": "heatmaps",
        "depth_maps": "depth_maps",
        "stride_px": 4.0,
        "offset_px": 1.5,
        "joints": list(range(21)),
    }
    whole = {"heatmaps": heatmaps, "depth_maps": depth}
    clipped = {name: np.clip(values, *ranges[name]) for name, values in whole.items()}
    expected, received = decode(whole, decoding), decode(clipped, decoding)
    assert np.abs(received["uv_px"] - expected["uv_px"]).max() < 0.01
    assert np.abs(received["z_rel"] - expected["z_rel"]).max() < 0.05


def test_maps_of_the_groups_share_the_range_of_the_whole(hardened, crops):
    content = export_maps(hardened)
    limits = map_limits(content, crops)
    heatmaps = [range_ for name, range_ in limits.items() if "heatmaps" in name]
    graph = parse_tflite(content).subgraphs[0]
    outputs = [graph.tensors[index].name.decode() for index in graph.outputs]
    assert len(heatmaps) >= 3 and len(set(outputs) & set(limits)) == 2
    assert len({range_["max"].item() for range_ in limits.values()}) == 2


def test_rejects_coordinates(float_model, crops):
    with pytest.raises(InputError, match=r"heatmaps, depth_maps\. Received: outputs=\['handedn"):
        map_limits(float_model, crops)


def test_rejects_other_heads():
    images = keras.Input((SIZE, SIZE, 3))
    flat = keras.layers.Flatten()(keras.layers.AveragePooling2D(16)(images))
    joints = keras.layers.Reshape((21, 2))(keras.layers.Dense(42)(flat))
    model = keras.Model(images, {"uv_px": joints, "z_rel": keras.layers.Dense(21)(flat)})
    with pytest.raises(InputError, match=r"the layer tail_cells\. Received: layers=\[\]"):
        with_map_outputs(model)


def test_rejects_an_order_that_loses_a_joint(hardened):
    broken = keras.models.clone_model(hardened)
    broken.set_weights(hardened.get_weights())
    order = np.eye(21, dtype=np.float32)
    order[3] = order[4]
    broken.get_layer("tail_uv_order").set_weights([order])
    with pytest.raises(InputError, match=r"every joint in exactly one channel\. Received: joints="):
        decoding_of(broken)
