import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.hands import make_like_trained, smooth_image, tiny_model
from tf_handgroups.errors import InputError
from tf_handgroups.hardening import grouping_of, harden
from tf_handgroups.model_file import hardened_metadata, load_model
from tf_handgroups.models.hand_pose_model import HandPoseModel

OUTPUTS = ("uv_px", "z_rel", "presence", "handedness")
# Of the three groups, the second has no joints.
TWO_OF_THREE = [0, 2, 2] * 7


def crops():
    images = np.stack([smooth_image(64, 64, seed) for seed in range(3)])
    return (images / 255).astype("float32")


def outputs_of(model) -> dict[str, np.ndarray]:
    outputs = model(crops(), training=False)
    return {name: keras.ops.convert_to_numpy(outputs[name]) for name in OUTPUTS}


def assert_equal_outputs(received, expected):
    for name in OUTPUTS:
        # Coordinates come in pixels up to 64, the rest is of order one.
        np.testing.assert_allclose(received[name], expected[name], atol=1e-4, err_msg=name)


@pytest.fixture(scope="module")
def trained():
    return make_like_trained(tiny_model())


@pytest.fixture(scope="module")
def hardened(trained):
    return harden(trained)


def test_equals_the_trained_model_in_inference(trained, hardened):
    assert len(set(grouping_of(trained))) == 3
    expected = outputs_of(trained)
    # Maps with real peaks and moderate activations: otherwise nothing is compared.
    assert expected["uv_px"].std() > 2 and 0.1 < np.abs(expected["z_rel"]).max() < 50
    assert expected["uv_px"].min() > -1 and expected["uv_px"].max() < 65
    assert_equal_outputs(outputs_of(hardened), expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"grouping": "one_group"},
        {"grouping": TWO_OF_THREE},
        {"num_groups": 1},
        {"num_groups": 5, "grouping": "per_finger"},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_equals_the_trained_model_of_other_groupings(changes):
    model = tiny_model(**changes)
    logits = keras.ops.convert_to_numpy(model.selector.logits)
    make_like_trained(model)
    if "grouping" in changes:
        model.selector.logits.assign(logits)
    result = harden(model)
    assert_equal_outputs(outputs_of(result), outputs_of(model))
    groups = {layer.name[5] for layer in result.layers if "_head_conv" in layer.name[6:]}
    assert groups == {str(group) for group in grouping_of(model)}


def test_learned_groups_without_joints_lose_their_heads(trained):
    model = tiny_model()
    model.set_weights(trained.get_weights())
    model.selector.logits.assign(np.eye(3, dtype="float32")[TWO_OF_THREE] * 5)
    result = harden(model)
    assert_equal_outputs(outputs_of(result), outputs_of(model))
    names = {layer.name for layer in result.layers}
    assert not {name for name in names if name.startswith(("group1_head", "group1_fusion"))}
    # The other groups' fusion still reads its branch.
    assert "group1_branch_merge_conv" in names
    assert hardened_metadata(result)["grouping"] == TWO_OF_THREE


def test_half_precision_training_is_hardened_to_float32(trained):
    precision = "mixed_bfloat16"
    keras.config.set_dtype_policy(precision)
    model = tiny_model()
    model.set_weights(trained.get_weights())
    assert model.get_layer("group0_head_conv").compute_dtype == precision[6:]
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
    images = crops()
    for name, value in hardened(images, training=True).items():
        np.testing.assert_array_equal(value, hardened(images, training=False)[name])


@pytest.mark.parametrize("group", range(3))
def test_joints_read_their_own_group_only(trained, hardened, group):
    own = np.array(grouping_of(trained)) == group
    before = outputs_of(hardened)
    layer = hardened.get_layer(f"group{group}_head_conv")
    weights = layer.get_weights()
    layer.set_weights([weights[0] * -1.5, weights[1] + 1])
    try:
        after = outputs_of(hardened)
    finally:
        layer.set_weights(weights)
    for name in ("uv_px", "z_rel"):
        np.testing.assert_array_equal(after[name][:, ~own], before[name][:, ~own])
    assert (np.abs(after["uv_px"] - before["uv_px"]).max(axis=(0, 2))[own] > 1e-3).all()


def test_metadata(trained, hardened):
    metadata = hardened_metadata(hardened)
    assert metadata == {
        "grouping": list(grouping_of(trained)),
        "input_size": 64,
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
