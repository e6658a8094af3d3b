import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.hands import crops, make_like_trained, small_paper_model, tiny_model
from tf_handgroups.errors import InputError
from tf_handgroups.hardening import grouping_of, harden
from tf_handgroups.model_file import hardened_metadata, load_model
from tf_handgroups.models.hand_pose_model import HandPoseModel

pytestmark = pytest.mark.early

MODELS = {"mobile": tiny_model, "paper": small_paper_model}
OUTPUTS = {
    "mobile": ["uv_px", "z_rel", "presence", "handedness"],
    "paper": ["uv_px", "z_rel"],
}
# The convolution that ends in front of the heatmaps.
HIDDEN = {"mobile": "group{}_head_conv", "paper": "group{}_heatmap_head_conv"}
# Of the three groups, the second has no joints.
TWO_OF_THREE = [0, 2, 2] * 7


def outputs_of(model) -> dict[str, np.ndarray]:
    outputs = model(crops(3), training=False)
    return {
        name: keras.ops.convert_to_numpy(value)
        for name, value in outputs.items()
        if not name.endswith("_maps")
    }


def assert_equal_outputs(received, expected):
    assert list(received) == list(expected)
    for name, value in received.items():
        # Coordinates come in pixels up to 64, the rest is of order one.
        np.testing.assert_allclose(value, expected[name], atol=1e-4, err_msg=name)


@pytest.fixture(scope="module", params=MODELS)
def architecture(request):
    return request.param


@pytest.fixture(scope="module")
def trained(architecture):
    return make_like_trained(MODELS[architecture]())


@pytest.fixture(scope="module")
def hardened(trained):
    return harden(trained)


def test_equals_the_trained_model_in_inference(architecture, trained, hardened):
    assert len(set(grouping_of(trained))) == 3
    expected = outputs_of(trained)
    assert list(expected) == OUTPUTS[architecture]
    # Maps with real peaks and moderate activations: otherwise nothing is compared.
    assert expected["uv_px"].std() > 2 and 0.1 < np.abs(expected["z_rel"]).max() < 50
    assert expected["uv_px"].min() > -1 and expected["uv_px"].max() < 65
    # The images differ by much more than the tolerance.
    assert expected["uv_px"].std(axis=0).mean() > 0.05


@pytest.mark.parametrize(
    "changes",
    [
        {"grouping": "one_group"},
        {"grouping": TWO_OF_THREE},
        {"num_groups": 1},
        {"num_groups": 5, "grouping": "per_finger"},
        {"fusion": False},
        {"gating": "features"},
        {"gating": "features", "fusion": False, "grouping": TWO_OF_THREE},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_equals_the_trained_model_of_other_groupings(architecture, changes):
    model = MODELS[architecture](**changes)
    logits = keras.ops.convert_to_numpy(model.selector.logits)
    make_like_trained(model)
    if "grouping" in changes:
        model.selector.logits.assign(logits)
    result = harden(model)
    assert_equal_outputs(outputs_of(result), outputs_of(model))
    assert head_weights(result) == weights_of_own_joints(model)


def head_weights(model) -> dict[str, int]:
    """Number of weights of every layer that makes heatmaps or depth maps of a group."""
    heads = re.compile(r"group\d+_(heatmaps|depth_maps)")
    return {x.name: x.count_params() for x in model.layers if heads.fullmatch(x.name)}


def weights_of_own_joints(model) -> dict[str, int]:
    """A kernel and a bias for each joint of a group; nothing of a group without joints."""
    taps = model.architecture.head_kernel**2 * model.config["group_channels"]
    grouping = grouping_of(model)
    return {
        f"group{group}_{kind}": grouping.count(group) * (taps + 1)
        for group in set(grouping)
        for kind in ("heatmaps", "depth_maps")
    }


def test_every_group_keeps_the_maps_of_its_own_joints_only(trained, hardened):
    assert head_weights(hardened) == weights_of_own_joints(trained)
    # What is gone: all maps of all groups, but 21 of each kind.
    assert sum(head_weights(hardened).values()) * 3 == sum(head_weights(trained).values())


def test_learned_groups_without_joints_lose_their_heads(architecture, trained):
    model = MODELS[architecture]()
    model.set_weights(trained.get_weights())
    model.selector.logits.assign(np.eye(3, dtype="float32")[TWO_OF_THREE] * 5)
    result = harden(model)
    assert_equal_outputs(outputs_of(result), outputs_of(model))
    assert head_weights(result) == weights_of_own_joints(model)
    names = {layer.name for layer in result.layers if layer.name.startswith("group1_")}
    # The other groups' fusion still reads its branch.
    assert names and all(name.startswith("group1_branch_") for name in names)
    assert hardened_metadata(result)["grouping"] == TWO_OF_THREE


def test_without_fusion_the_branch_of_a_group_without_joints_goes(architecture):
    model = make_like_trained(MODELS[architecture](fusion=False, grouping=TWO_OF_THREE))
    model.selector.logits.assign(np.eye(3, dtype="float32")[TWO_OF_THREE])
    result = harden(model)
    assert_equal_outputs(outputs_of(result), outputs_of(model))
    groups = {layer.name[:6] for layer in result.layers if re.match(r"group\d", layer.name)}
    assert groups == {"group0", "group2"}
    assert not [layer.name for layer in result.layers if "fusion" in layer.name]


def test_half_precision_training_is_hardened_to_float32(architecture, trained):
    precision = "mixed_bfloat16"
    keras.config.set_dtype_policy(precision)
    model = MODELS[architecture]()
    model.set_weights(trained.get_weights())
    assert model.get_layer(HIDDEN[architecture].format(0)).compute_dtype == precision[6:]
    result = harden(model)
    assert keras.config.dtype_policy().name == precision
    assert {layer.compute_dtype for layer in result.layers} == {"float32"}
    assert_equal_outputs(outputs_of(result), outputs_of(trained))


def test_result_is_smaller_plain_and_deterministic(trained, hardened):
    assert hardened.count_params() < trained.count_params()
    assert isinstance(hardened, keras.Model) and not isinstance(hardened, HandPoseModel)
    for layer in hardened.layers:
        assert getattr(keras.layers, type(layer).__name__) is type(layer), layer.name
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in hardened.layers)
    graph = tf.function(hardened).get_concrete_function(tf.TensorSpec((1, 64, 64, 3))).graph
    kinds = {node.op for node in graph.as_graph_def().node}
    assert "Conv2D" in kinds
    assert not [kind for kind in kinds if "Random" in kind or "Partitioned" in kind]


def test_training_flag_changes_nothing(hardened):
    images = crops(3)
    for name, value in hardened(images, training=True).items():
        np.testing.assert_array_equal(value, hardened(images, training=False)[name])


@pytest.mark.parametrize("group", range(3))
def test_joints_read_their_own_group_only(architecture, trained, hardened, group):
    own = np.array(grouping_of(trained)) == group
    before = outputs_of(hardened)
    layer = hardened.get_layer(HIDDEN[architecture].format(group))
    weights = layer.get_weights()
    layer.set_weights([weights[0] * -1.5, weights[1] + 1])
    try:
        after = outputs_of(hardened)
    finally:
        layer.set_weights(weights)
    for name in ("uv_px", "z_rel"):
        np.testing.assert_array_equal(after[name][:, ~own], before[name][:, ~own])
    assert (np.abs(after["uv_px"] - before["uv_px"]).max(axis=(0, 2))[own] > 1e-3).all()


def test_metadata(architecture, trained, hardened):
    metadata = hardened_metadata(hardened)
    assert metadata == {
        "grouping": list(grouping_of(trained)),
        "input_size": 64,
        "outputs": OUTPUTS[architecture],
        "recipe": "unknown",
        "training_data": "not stated",
        "licence": "not stated",
    }


def test_provenance_of_the_training_travels_along():
    provenance = {"recipe": "mine", "training_data": "synth: 8 samples", "licence": "CC0-1.0"}
    metadata = hardened_metadata(harden(tiny_model(provenance=provenance)))
    assert {name: metadata[name] for name in provenance} == provenance


def test_hardening_does_not_change_the_trained_model(trained):
    weights = trained.get_weights()
    harden(trained)
    for before, after in zip(weights, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_model_file_is_hardened_alike(trained, hardened, tmp_path):
    trained.save(tmp_path / "model.keras")
    again = harden(load_model(tmp_path / "model.keras"))
    for name, value in outputs_of(again).items():
        np.testing.assert_array_equal(value, outputs_of(hardened)[name])


def test_pretrained_encoder_is_hardened_too():
    model = make_like_trained(tiny_model(encoder="efficientnet_lite0"))
    assert_equal_outputs(outputs_of(harden(model)), outputs_of(model))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rejects_weights_that_are_not_finite(value):
    model = tiny_model()
    bias = model.get_layer("group1_heatmaps").bias
    bias.assign(np.full(21, value))
    with pytest.raises(InputError, match=r"weight .*group1_heatmaps/bias is not finite"):
        harden(model)


def test_rejects_other_models(hardened):
    with pytest.raises(InputError, match="Received: model=Functional"):
        harden(hardened)
    with pytest.raises(InputError, match="Received: model=PosixPath"):
        harden(pathlib.Path("model.keras"))  # pyright: ignore[reportArgumentType]
