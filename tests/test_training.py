"""Training runs: in graphs once, elsewhere eagerly, which spares the tracing."""

import csv
import dataclasses
import json
import math
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.hands import make_like_trained, make_sample
from tf_handgroups.errors import InputError
from tf_handgroups.hardening import harden
from tf_handgroups.model_file import load_model, save_model
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.recipes import Recipe
from tf_handgroups.training import (
    SaveModel,
    StopOnNonFiniteLoss,
    compile_model,
    describe,
    make_strategy,
    train,
)

RECIPE = Recipe(
    name="smallest",
    input_size=64,
    encoder="tiny",
    pretrained=False,
    decoder_channels=(8, 8, 8),
    num_groups=2,
    group_channels=4,
    steps=2,
    steps_per_epoch=1,
    batch_size=2,
    warmup_steps=1,
    commit_at=0.5,
)


class Hands(list):
    """A data set in memory."""

    kind = "memory"


@pytest.fixture(scope="module")
def data():
    return [Hands(make_sample(seed=seed) for seed in range(5))]


@pytest.fixture(scope="module")
def validation_data():
    return [Hands(make_sample(seed=seed) for seed in range(10, 12))]


@pytest.fixture
def eagerly():
    """Runs `tf.function` step by step; tf.data, which stays in graphs, warns about that."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


EAGERLY = (
    pytest.mark.usefixtures("eagerly"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions"),
)


def eager_test(function):
    for mark in EAGERLY:
        function = mark(function)
    return function


def changed(**changes):
    return dataclasses.replace(RECIPE, **changes)


def silent(line):
    pass


def rows(run):
    with open(run / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def weights_of(model):
    return [keras.ops.convert_to_numpy(weight) for weight in model.weights]


def assert_same_weights(received, expected, atol):
    for weight, a, b in zip(received.weights, weights_of(received), weights_of(expected)):  # noqa: B905
        np.testing.assert_allclose(a, b, atol=atol, err_msg=weight.path)


def test_run_leaves_model_recipe_and_history(data, validation_data, tmp_path):
    lines = []
    recipe = changed(steps=4, steps_per_epoch=2)
    run = tmp_path / "runs" / "first"
    model = train(recipe, data, validation_data, run, licence="CC0-1.0", write=lines.append)
    assert sorted(os.listdir(run)) == ["history.csv", "model.keras", "recipe.json"]
    assert json.loads((run / "recipe.json").read_text())["steps"] == 4
    assert [row["epoch"] for row in rows(run)] == ["0", "1"]
    for row in rows(run):
        assert all(math.isfinite(float(value)) for value in row.values())
    assert {"loss", "val_loss", "val_mpjpe_mm", "val_uv_px_pck"} <= set(rows(run)[0])
    epochs = [line.split(":")[0] for line in lines if line.startswith("epoch")]
    assert epochs == ["epoch 1 validation", "epoch 2 validation"]
    saved = load_model(run / "model.keras")
    assert_same_weights(saved, model, atol=0)
    assert saved.config["provenance"] == {
        "recipe": "smallest",
        "training_data": "memory: 5 samples",
        "licence": "CC0-1.0",
    }
    assert int(model.optimizer.iterations) == 4 and float(model.selector.committed) == 1
    keras.utils.set_random_seed(recipe.seed)
    start = HandPoseModel(**recipe.model_arguments)
    moved = [np.abs(a - b).max() for a, b in zip(weights_of(start), weights_of(model), strict=True)]
    assert np.mean([distance > 0 for distance in moved]) > 0.8
    with pytest.raises(InputError, match=r"first: expected a new or empty .*Received: an existing"):
        train(recipe, data, validation_data, run, write=silent)
    with pytest.raises(InputError, match=r"Received: a finished one, 2 epochs"):
        train(recipe, data, validation_data, run, resume=True, write=silent)
    with pytest.raises(InputError, match="was started with another recipe"):
        train(RECIPE, data, validation_data, run, resume=True, write=silent)


@eager_test
def test_resumed_run_equals_an_uninterrupted_one(data, validation_data, tmp_path):
    def stop(line):
        if line.startswith("epoch 2"):
            raise RuntimeError("power cut")

    whole = train(RECIPE, data, validation_data, tmp_path / "whole", write=silent)
    cut = tmp_path / "cut"
    with pytest.raises(RuntimeError, match="power cut"):
        train(RECIPE, data, validation_data, cut, write=stop)
    assert (cut / "backup").is_dir() and [row["epoch"] for row in rows(cut)] == ["0"]
    resumed = train(RECIPE, data, validation_data, cut, resume=True, write=silent)
    # The second epoch was trained again, from the same state on the same batches.
    assert int(resumed.optimizer.iterations) == 2
    assert_same_weights(resumed, whole, atol=1e-5)
    assert [row["epoch"] for row in rows(cut)] == ["0", "1"]
    for received, expected in zip(rows(cut), rows(tmp_path / "whole"), strict=True):
        np.testing.assert_allclose(
            [float(value) for value in received.values()],
            [float(value) for value in expected.values()],
            rtol=1e-3,
            atol=1e-5,
        )
    assert not (cut / "backup").exists()


@eager_test
def test_initial_model_of_another_resolution(data, validation_data, tmp_path):
    source = make_like_trained(HandPoseModel(**changed(input_size=32).model_arguments))
    source.selector.committed.assign(1.0)
    save_model(source, tmp_path / "source.keras")
    model = train(
        changed(steps=1, learning_rate=0.0, weight_decay=0.0, commit_at=1.0),
        data,
        validation_data,
        tmp_path / "run",
        initial_model=tmp_path / "source.keras",
        write=silent,
    )
    learned = {w.path for w in model.trainable_weights}
    for weight, value in zip(model.weights, source.get_weights(), strict=True):
        if weight.path in learned:
            np.testing.assert_array_equal(weight, value, err_msg=weight.path)
    assert float(model.selector.committed) == 0


def test_rejects_initial_models_that_do_not_fit(data, validation_data, tmp_path):
    def start(name):
        train(RECIPE, data, validation_data, run, initial_model=tmp_path / name, write=silent)

    run = tmp_path / "run"
    model = HandPoseModel(**changed(group_channels=6).model_arguments)
    save_model(model, tmp_path / "wider.keras")
    save_model(harden(model), tmp_path / "hardened.keras")
    with pytest.raises(InputError, match=r"wider\.keras: its weights do not fit"):
        start("wider.keras")
    with pytest.raises(InputError, match=r"hardened\.keras: is hardened and cannot be trained on"):
        start("hardened.keras")
    with pytest.raises(InputError, match=r"absent\.keras: .*Received: no such file"):
        start("absent.keras")
    # So that the corrected command can use the same folder.
    assert not run.exists()


@eager_test
def test_stops_when_the_loss_is_not_finite(data, validation_data, tmp_path):
    with pytest.raises(FloatingPointError, match="the loss became nan at batch 0"):
        train(changed(uv_weight=math.nan), data, validation_data, tmp_path, write=silent)
    assert not (tmp_path / "model.keras").exists()


@eager_test
def test_precision_is_that_of_the_recipe_and_only_for_the_model(data, validation_data, tmp_path):
    recipe = changed(steps=1, precision="mixed_bfloat16")
    model = train(recipe, data, validation_data, tmp_path, write=silent)
    assert model.get_layer("group0_head_conv").compute_dtype == "bfloat16"
    assert model.get_layer("selector").compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_stop_callback(loss):
    callback = StopOnNonFiniteLoss()
    callback.on_train_batch_end(0, {"loss": 1e30})
    callback.on_train_batch_end(0)
    with pytest.raises(FloatingPointError, match="at batch 7 of the epoch"):
        callback.on_train_batch_end(7, {"loss": loss})


def test_crash_while_saving_keeps_the_last_model(tmp_path):
    class Model:
        def save(self, path):
            path.write_text("half")
            raise OSError("no space left")

    target = tmp_path / "model.keras"
    target.write_text("last epoch")
    callback = SaveModel(target)
    callback.set_model(Model())
    with pytest.raises(OSError, match="no space left"):
        callback.on_epoch_end(1)
    assert target.read_text() == "last epoch" and os.listdir(tmp_path) == ["model.keras"]


def test_learning_rate_warms_up_and_falls():
    model = HandPoseModel(**RECIPE.model_arguments)
    compile_model(model, changed(steps=100, warmup_steps=10, learning_rate=0.5))
    schedule = model.optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 5, 10, 55, 100)]
    np.testing.assert_allclose(rates, [0, 0.25, 0.5, 0.25, 0], atol=1e-6)
    # A run shorter than its warm-up still reaches the full rate.
    compile_model(model, changed(steps=8, warmup_steps=200, learning_rate=0.5))
    assert max(float(model.optimizer._learning_rate(step)) for step in range(8)) == 0.5


def test_weight_decay_spares_what_should_not_shrink():
    model = HandPoseModel(**RECIPE.model_arguments)
    compile_model(model, RECIPE)
    decayed = {
        weight.path.rpartition("/")[2]
        for weight in model.trainable_variables
        if model.optimizer._use_weight_decay(weight)
    }
    assert decayed == {"kernel"}


def test_strategies():
    assert make_strategy("single").num_replicas_in_sync == 1
    assert make_strategy("auto").num_replicas_in_sync == 1
    mirrored = make_strategy("mirrored")
    assert isinstance(mirrored, tf.distribute.MirroredStrategy)
    assert mirrored.num_replicas_in_sync == len(tf.config.list_logical_devices("CPU")) == 2


def test_rejects_unknown_strategy(data, validation_data, tmp_path):
    with pytest.raises(InputError, match=r"Received: 'horovod'\. Known: auto, single, mirrored\."):
        train(RECIPE, data, validation_data, tmp_path / "run", strategy="horovod", write=silent)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("which", ["train", "validation"])
def test_rejects_empty_data(data, which, tmp_path):
    sets = (data, [Hands()]) if which == "validation" else ([Hands()], data)
    with pytest.raises(InputError, match="expected at least one sample"):
        train(RECIPE, *sets, tmp_path / "run", write=silent)
    assert not (tmp_path / "run").exists()


def test_rejects_resuming_what_never_started(data, validation_data, tmp_path):
    with pytest.raises(InputError, match=r"expected an interrupted run .*Received: none"):
        train(RECIPE, data, validation_data, tmp_path, resume=True, write=silent)


def test_rejects_a_file_in_the_place_of_the_run(data, validation_data, tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(InputError, match="expected a new or empty run folder"):
        train(RECIPE, data, validation_data, tmp_path / "run", write=silent)


def test_describe_names_seed_and_version():
    hands = Hands([1, 2])
    hands.info = {"seed": 7, "version": "1.2", "other": 0}
    assert describe(hands) == "memory: 2 samples, seed 7, version 1.2"
    assert describe(Hands()) == "memory: 0 samples"
    hands.info, hands.options, hands.weight = {}, {"split": "train"}, 0.5
    assert describe(hands) == "memory: 2 samples, split train, weight 0.5"
