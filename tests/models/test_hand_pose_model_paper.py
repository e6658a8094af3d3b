"""`HandPoseModel` with the authors' network; test_hand_pose_model.py has what both share."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.hands import SMALL_PAPER, crops, labelled_batch, make_like_trained, small_paper_model
from tf_handgroups.compiling import compile_model
from tf_handgroups.errors import InputError
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.recipes import paper

RECIPE = dataclasses.replace(
    paper(),
    **{name: SMALL_PAPER[name] for name in ("input_size", "group_channels")},
    num_groups=2,
    warmup_steps=1,
)
SHAPES = {
    "uv_px": (2, 21, 2),
    "z_rel": (2, 21),
    "backbone_maps": (2, 21, 256),
    "group_maps": (2, 21, 256),
}


@pytest.fixture(scope="module")
def model():
    return make_like_trained(small_paper_model(initial_logit=0.5))


@pytest.fixture(scope="module")
def outputs(model):
    return {name: keras.ops.convert_to_numpy(value) for name, value in model(crops()).items()}


def test_outputs(outputs):
    assert {name: value.shape for name, value in outputs.items()} == SHAPES
    assert list(outputs) == list(SHAPES)
    assert {value.dtype for value in outputs.values()} == {np.dtype("float32")}
    for name in ("backbone_maps", "group_maps"):
        np.testing.assert_allclose(outputs[name].sum(axis=-1), 1, atol=1e-5)


def test_cell_0_lies_at_pixel_0(outputs):
    cells = np.stack(np.meshgrid(np.arange(16), np.arange(16)), -1).reshape(-1, 2) * 4
    np.testing.assert_allclose(outputs["uv_px"], outputs["group_maps"] @ cells, atol=1e-4)


def test_has_as_many_weights_as_theirs():
    """The authors' state dict, less fixed grids and batch statistics."""
    model = HandPoseModel(64, architecture="paper", num_groups=3, group_channels=32)
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == 7_478_257
    # Theirs has no temperature for the heatmaps of the backbone.
    assert not model.get_layer("backbone_soft_argmax").trainable_weights
    assert model.get_layer("group2_soft_argmax").trainable_weights


@pytest.mark.parametrize("num_groups", [1, 2])
def test_other_numbers_of_groups(num_groups):
    model = small_paper_model(num_groups=num_groups)
    assert {name: (2, *value.shape[1:]) for name, value in model.output.items()} == SHAPES
    assert model.selector.logits.shape == (21, num_groups)


def test_arguments_of_the_mobile_network_change_nothing(model):
    again = small_paper_model(encoder="tiny", decoder_channels=(1, 1, 1), pretrained=False)
    assert [(w.path, w.shape) for w in again.weights] == [(w.path, w.shape) for w in model.weights]


def test_file_round_trip(model, outputs, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert again.get_config() == model.get_config() | {"pretrained": False}
    assert again.config["architecture"] == "paper"
    for name, value in again(crops()).items():
        np.testing.assert_array_equal(value, outputs[name], err_msg=name)


def test_mixture(model, outputs):
    single = np.eye(3, dtype="float32")
    of_group = [model.mixture(crops(), np.tile(single[g], (21, 1))) for g in range(3)]
    hard = model.mixture(crops(), model.selector.hard_weights())
    mean = model.mixture(crops(), np.full((21, 3), 1 / 3, "float32"))
    for name in ("uv_px", "z_rel"):
        np.testing.assert_array_equal(hard[name], outputs[name])
        expected = np.mean([mixed[name] for mixed in of_group], axis=0)
        np.testing.assert_allclose(mean[name], expected, atol=1e-4)


def test_training_step():
    model = HandPoseModel(**RECIPE.model_arguments)
    compile_model(model, RECIPE)
    model.run_eagerly = True
    start = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    # The first step of the warm-up has learning rate zero. At 64 px the innermost maps have
    # one cell: of two similar images batch norm amplifies every difference, layer after
    # layer, up to gradients of 1e8; of eight it does not.
    batches = tf.data.Dataset.from_tensors(labelled_batch(8)).repeat(2)
    history = model.fit(batches, verbose=0, shuffle=False).history
    logs = {name: values[-1] for name, values in history.items()}
    terms = {name: logs[name] for name in logs if name.endswith("_loss")}
    assert set(terms) == {f"{name}_loss" for name in SHAPES}
    # The recipe has no penalties, so these are all.
    expected = RECIPE.uv_weight * logs["uv_px_loss"] + RECIPE.depth_weight * logs["z_rel_loss"]
    expected += RECIPE.maps_weight * (logs["backbone_maps_loss"] + logs["group_maps_loss"])
    np.testing.assert_allclose(logs["loss"], expected, rtol=1e-5)
    assert all(np.isfinite(value) for value in logs.values())
    assert min(logs["mpjpe_mm"], logs["pa_mpjpe_mm"], *terms.values()) > 0
    # The biases in front of batch norms have no effect, hence no gradient but rounding.
    still = {
        weight.path
        for weight in model.trainable_weights
        if np.array_equal(keras.ops.convert_to_numpy(weight), start[weight.path])
    }
    assert not {path for path in still if not path.endswith("bias")}


def test_map_losses_measure_from_pixel_0():
    model = small_paper_model(num_groups=1)
    compile_model(model, RECIPE)
    for name in ("backbone_maps", "group_maps"):
        assert model.loss[name].get_config()["offset"] == 0.0


@pytest.mark.parametrize("size", [32, 96, 100, 0, -64])
def test_rejects_input_size(size):
    with pytest.raises(InputError, match=r"multiple of 64\. Received: input_size="):
        small_paper_model(input_size=size)
