import dataclasses
import json
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.hands import TINY, crops, labelled_batch, make_like_trained, tiny_model
from tests.models.numpy_network import block, convolution, upsample
from tf_handgroups.compiling import compile_model
from tf_handgroups.errors import InputError
from tf_handgroups.grouping import named_grouping
from tf_handgroups.hardening import grouping_of
from tf_handgroups.metrics import MPJPE
from tf_handgroups.models.hand_pose_model import HandPoseModel, architecture_named, lift
from tf_handgroups.models.mobile_network import MOBILE
from tf_handgroups.optimizers.global_clipping import GlobalClipping
from tf_handgroups.recipes import quicktest
from tf_handgroups.strategies import make_strategy

RECIPE = dataclasses.replace(
    quicktest(),
    **{name: TINY[name] for name in ("group_channels", "decoder_channels")},
    num_groups=2,
    learning_rate=1e-3,
)
SHAPES = {
    "uv_px": (2, 21, 2),
    "z_rel": (2, 21),
    "presence": (2, 1),
    "handedness": (2, 1),
    "backbone_maps": (2, 21, 256),
    "group_maps": (2, 21, 256),
}


class ClippedSGD(GlobalClipping, keras.optimizers.SGD):
    pass


def compiled(seed=0, **changes):
    keras.utils.set_random_seed(seed)
    model = HandPoseModel(**{**RECIPE.model_arguments, **changes})
    compile_model(model, RECIPE)
    return model


def test_outputs():
    outputs = tiny_model()(crops())
    assert {name: tuple(value.shape) for name, value in outputs.items()} == SHAPES
    assert {value.dtype for value in outputs.values()} == {tf.float32}
    for name in ("backbone_maps", "group_maps"):
        np.testing.assert_allclose(tf.reduce_sum(outputs[name], axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("size", [32, 96])
def test_other_input_sizes(size):
    outputs = tiny_model(input_size=size)(np.zeros((1, size, size, 3), "float32"))
    assert outputs["group_maps"].shape == (1, 21, (size // 4) ** 2)
    uv_px = outputs["uv_px"].numpy()
    assert (uv_px > 0).all() and (uv_px < size - 1).all()


def test_group_features_match_numpy():
    """Encoder, decoder, heatmaps of the backbone, branches: wired as described."""
    model = make_like_trained(tiny_model(num_groups=2))
    probe = keras.Model(
        model.input,
        [model.get_layer(f"group{g}_branch_merge_relu").output for g in (0, 1)]
        + [model.get_layer("group1_fusion").output],
    )
    shared = keras.Model(model.input, model.get_layer("decoder_merge4_relu").output)(crops())
    shared = keras.ops.convert_to_numpy(shared)
    heatmaps = convolution(shared, *model.get_layer("backbone_heatmaps").get_weights())
    seen = np.concatenate([shared, heatmaps], axis=-1)
    *branches, fused = (keras.ops.convert_to_numpy(x) for x in probe(crops()))
    for group, received in enumerate(branches):
        fine = block(model, seen, f"group{group}_branch_fine")
        coarse = block(model, fine, f"group{group}_branch_down", 2)
        coarse = block(model, coarse, f"group{group}_branch_coarse")
        both = np.concatenate([fine, upsample(coarse)], axis=-1)
        expected = block(model, both, f"group{group}_branch_merge")
        np.testing.assert_allclose(received, expected, atol=1e-3)
    fusion = model.get_layer("group1_fusion")
    x = convolution(np.concatenate(branches, axis=-1), *fusion.convolution.get_weights())
    gamma, beta, mean, variance = fusion.normalization.get_weights()
    expected = np.maximum((x - mean) / np.sqrt(variance + 1e-3) * gamma + beta, 0)
    np.testing.assert_allclose(fused, expected, atol=1e-3)


def test_maps_and_coordinates_come_from_the_same_group():
    model = make_like_trained(tiny_model())
    outputs = model(crops())
    cells = np.stack(np.meshgrid(np.arange(16), np.arange(16)), -1).reshape(-1, 2) * 4 + 1.5
    expected = keras.ops.convert_to_numpy(outputs["group_maps"]) @ cells
    np.testing.assert_allclose(outputs["uv_px"], expected, atol=1e-4)


@pytest.mark.parametrize("name", ["one_group", "random"])
def test_named_groupings_are_fixed(name):
    model = tiny_model(grouping=name, seed=5)
    assert grouping_of(model) == named_grouping(name, 3, seed=5)
    assert not model.selector.trainable_weights


def test_config_rebuilds_the_same_network():
    model = tiny_model(grouping=[0, 1, 2] * 7, provenance={"licence": "CC0-1.0"}, name="mine")
    again = HandPoseModel.from_config(model.get_config())
    assert again.get_config() == model.get_config() | {"pretrained": False}
    assert again.name == "mine" and again.config["provenance"] == {"licence": "CC0-1.0"}
    assert [w.path for w in again.weights] == [w.path for w in model.weights]


def test_file_round_trip(tmp_path):
    """test_model_file.py does the same in a fresh process."""
    other = {"distribution": "relaxed_onehot", "fusion": False, "gating": "features"}
    model = make_like_trained(tiny_model(**other))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    for name, value in model(crops()).items():
        np.testing.assert_array_equal(again(crops())[name], value, err_msg=name)


def test_files_from_before_there_were_choices_have_the_defaults(tmp_path):
    model = make_like_trained(tiny_model())
    model.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as file:
        parts = {name: file.read(name) for name in file.namelist()}
    config = json.loads(parts["config.json"])
    for name, value in {"architecture": "mobile", "fusion": True, "gating": "predictions"}.items():
        assert config["config"].pop(name) == value
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "old.keras", "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    again = keras.saving.load_model(tmp_path / "old.keras", compile=False)
    assert again.config["architecture"] == "mobile" and again.architecture is MOBILE
    np.testing.assert_array_equal(again(crops())["uv_px"], model(crops())["uv_px"])


@pytest.fixture(scope="module")
def trained():
    return make_like_trained(tiny_model())


def test_mixture_is_linear_in_the_weights(trained):
    single = np.eye(3, dtype="float32")
    of_group = [trained.mixture(crops(), np.tile(single[g], (21, 1))) for g in range(3)]
    outputs = trained(crops())
    hard = trained.mixture(crops(), trained.selector.hard_weights())
    mean = trained.mixture(crops(), np.full((21, 3), 1 / 3, "float32"))
    weights = trained.selector.sample_weights(7)
    noisy = trained.mixture(crops(), weights)
    assert list(hard) == ["uv_px", "z_rel"]
    for name, value in hard.items():
        np.testing.assert_array_equal(value, outputs[name])
        groups = np.stack([mixed[name] for mixed in of_group])
        assert groups.std(axis=0).max() > 0.01
        np.testing.assert_allclose(mean[name], groups.mean(axis=0), atol=1e-4)
        expected = np.einsum("gbj...,jg->bj...", groups, weights)
        np.testing.assert_allclose(noisy[name], expected, atol=1e-4)


@pytest.mark.parametrize("fusion", [True, False])
def test_mixture_of_features(fusion):
    model = make_like_trained(tiny_model(gating="features", fusion=fusion))
    hard = model.mixture(crops(), model.selector.hard_weights())
    weights = model.selector.sample_weights(0)
    noisy = model.mixture(crops(), weights)
    model.selector.num_draws.assign(0)
    # Batch norm would use other statistics in training; everything behind it would not.
    inside = keras.Model(model.input, model.selector.input)(crops())
    tail = keras.Model(model.selector.output, [model.output[name] for name in noisy])
    mixed = tail([keras.ops.einsum("bgj...,jg->bj...", part, weights) for part in inside])
    for name, value in dict(zip(noisy, mixed, strict=True)).items():
        np.testing.assert_array_equal(hard[name], model(crops())[name])
        np.testing.assert_allclose(noisy[name], value, atol=1e-4)
        assert np.abs(hard[name] - noisy[name]).max() > 0.01


def test_mixture_with_one_group_everywhere_is_that_fixed_grouping():
    model = make_like_trained(tiny_model())
    mixed = model.mixture(crops(), np.tile([0.0, 1.0, 0.0], (21, 1)).astype("float32"))
    model.selector.logits.assign(np.tile([0.0, 1.0, 0.0], (21, 1)))
    for name, value in mixed.items():
        np.testing.assert_array_equal(value, model(crops())[name])


def test_mixture_is_without_noise(trained):
    weights = np.full((21, 3), 1 / 3, "float32")
    first, second = (trained.mixture(crops(), weights) for _ in range(2))
    np.testing.assert_array_equal(first["uv_px"], second["uv_px"])
    assert int(trained.selector.num_draws) == 0


@pytest.mark.parametrize("shape", [(21, 2), (20, 3), (3, 21), (1, 21, 3), (21,)])
def test_mixture_rejects_weights_of_another_shape(trained, shape):
    with pytest.raises(InputError, match=r"of shape \(21, 3\)\. Received: shape=\("):
        trained.mixture(crops(), np.zeros(shape, "float32"))


def test_graph_equals_eager():
    model = make_like_trained(tiny_model())
    for training in (False, True):
        draws = model.selector.num_draws
        draws.assign(3)
        eager = model(crops(), training=training)
        draws.assign(3)
        graph = tf.function(lambda x, flag=training: model(x, training=flag))(crops())
        for name in SHAPES:
            np.testing.assert_allclose(graph[name], eager[name], atol=1e-4, err_msg=name)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_finite_forward_and_backward(precision):
    keras.config.set_dtype_policy(precision)
    model = tiny_model(num_groups=2)
    assert {w.dtype for w in model.trainable_weights} == {"float32"}
    with tf.GradientTape() as tape:
        outputs = model(crops(), training=True)
        loss = sum(tf.reduce_mean(outputs[name] ** 2) for name in SHAPES) + sum(model.losses)
    assert {value.dtype for value in outputs.values()} == {tf.float32}
    values = [w.value for w in model.trainable_weights]
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, values), strict=True):
        assert np.isfinite(tf.cast(gradient, tf.float32)).all(), weight.path


@pytest.mark.parametrize("logit", [-30.0, 30.0])
@pytest.mark.parametrize("distribution", ["relaxed_bernoulli", "relaxed_onehot"])
def test_gradients_are_finite_when_cold(distribution, logit):
    model = tiny_model(num_groups=2, distribution=distribution, initial_logit=logit)
    model.selector.current_temperature.assign(0.05)
    with tf.GradientTape() as tape:
        outputs = model(crops(), training=True)
        loss = tf.reduce_mean(outputs["uv_px"]) + tf.reduce_mean(outputs["z_rel"] ** 2)
        loss += sum(model.losses)
    values = [w.value for w in model.trainable_weights]
    gradients = tape.gradient(loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert np.isfinite(loss)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert np.isfinite(gradient).all(), weight.path


def test_two_replicas_train_as_one_device():
    """Both replicas see the same images, since each normalises by its own batch."""
    images, targets, weights = labelled_batch(4)
    images = np.concatenate([images[:2], images[:2]])
    batch = tf.data.Dataset.from_tensors((images, targets, weights)).unbatch().batch(4)
    results = []
    strategy = make_strategy("mirrored")
    for scope in (tf.distribute.get_strategy().scope(), strategy.scope()):
        with scope:
            model = compiled(seed=3)
            # Adam would hide gradients that are wrong by a factor.
            model.optimizer = ClippedSGD(0.02, global_clipnorm=5.0)
        history = model.fit(batch, epochs=2, verbose=0, shuffle=False)
        logs = {name: values[-1] for name, values in history.history.items()}
        results.append((logs, [keras.ops.convert_to_numpy(w) for w in model.weights]))
    (single_logs, single), (mirrored_logs, mirrored) = results
    assert {"loss", "mpjpe_mm", "pa_mpjpe_mm", "auc_20_50", "uv_px_pck"} <= set(single_logs)
    assert single_logs["mpjpe_mm"] > 0
    for name, value in single_logs.items():
        np.testing.assert_allclose(mirrored_logs[name], value, rtol=2e-4, err_msg=name)
    start = compiled(seed=3).get_weights()
    assert max(np.abs(a - b).max() for a, b in zip(single, start, strict=True)) > 1e-3
    for weight, received, expected in zip(model.weights, mirrored, single, strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-4, err_msg=weight.path)


def test_uneven_last_batch_gives_the_metrics_of_one_batch():
    images, targets, weights = labelled_batch(5)
    model = make_like_trained(compiled(num_groups=1))
    dataset = tf.data.Dataset.from_tensors((images, targets, weights)).unbatch()
    uneven, whole = (
        model.evaluate(dataset.batch(size), verbose=0, return_dict=True) for size in (2, 5)
    )
    assert whole["mpjpe_mm"] > 0 and set(uneven) == set(whole)
    # In a graph Keras averages the losses over batches of whatever size: not comparable.
    for name, value in whole.items():
        if "loss" in name:
            continue
        np.testing.assert_allclose(uneven[name], value, rtol=1e-4, err_msg=name)


def test_metrics_in_millimetres_are_those_of_the_lifted_outputs():
    images, targets, weights = labelled_batch(4)
    model = make_like_trained(compiled(num_groups=1))
    model.run_eagerly = True
    logs = model.evaluate(
        tf.data.Dataset.from_tensors((images, targets, weights)), verbose=0, return_dict=True
    )
    outputs = {name: keras.ops.convert_to_numpy(value) for name, value in model(images).items()}
    truth = targets["xyz_camera_mm"].astype(np.float64)
    errors = []
    for hand, joint in np.argwhere(weights["xyz_camera_mm"] > 0):
        bone = np.linalg.norm(truth[hand, 9] - truth[hand, 10])
        depth = outputs["z_rel"][hand, joint] * bone + truth[hand, 9, 2]
        ray = targets["pixel_rays"][hand].astype(np.float64) @ [*outputs["uv_px"][hand, joint], 1]
        errors.append(np.linalg.norm(ray * depth - truth[hand, joint]))
    # MPJPE aligns the root, if asked to; the metric itself has its own tests.
    metric = MPJPE()
    lifted = lift(outputs["uv_px"], outputs["z_rel"], targets)
    metric.update_state(targets["xyz_camera_mm"], lifted, sample_weight=weights["xyz_camera_mm"])
    np.testing.assert_allclose(logs["mpjpe_mm"], float(metric.result()), rtol=1e-5)
    np.testing.assert_allclose(logs["mpjpe_mm"], np.mean(errors), rtol=1e-3)


def test_training_without_3d_labels():
    images, targets, weights = labelled_batch(2)
    for name in ("z_rel", "xyz_camera_mm"):
        weights[name] = np.zeros_like(weights[name])
    model = compiled(num_groups=1)
    model.run_eagerly = True
    logs = model.evaluate(
        tf.data.Dataset.from_tensors((images, targets, weights)), verbose=0, return_dict=True
    )
    assert all(np.isfinite(value) for value in logs.values())
    assert logs["z_rel_loss"] == 0 and logs["uv_px_loss"] > 0
    assert {"presence_loss", "handedness_loss", "presence_accuracy"} <= set(logs)


@pytest.mark.parametrize("size", [100, 65, 16, 0, -64])
def test_rejects_input_size(size):
    with pytest.raises(InputError, match="Received: input_size="):
        tiny_model(input_size=size)


def test_rejects_unknown_encoder():
    with pytest.raises(
        InputError, match=r"Received: encoder='resnet'\. Known encoders: efficientnet_lite0, tiny"
    ):
        tiny_model(encoder="resnet")


@pytest.mark.parametrize(("argument", "value"), [("grouping", "by_bone"), ("num_groups", 0)])
def test_rejects_other_arguments(argument, value):
    with pytest.raises(ValueError, match="Received: "):
        tiny_model(**{argument: value})


def test_rejects_unknown_architecture():
    message = r"Received: architecture='resnet'\. Known architectures: mobile, paper\."
    with pytest.raises(InputError, match=message):
        tiny_model(architecture="resnet")
    with pytest.raises(InputError, match=message):
        architecture_named("resnet")
