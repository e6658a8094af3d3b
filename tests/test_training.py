"""Training runs: in graphs once, elsewhere eagerly, which spares the tracing."""

import csv
import dataclasses
import json
import math
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.hands import make_like_trained, make_sample
from tests.smallest_recipe import SMALLEST as RECIPE
from tf_handgroups.batch_sheet import first_batch
from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.errors import InputError
from tf_handgroups.hardening import harden
from tf_handgroups.image_file import read_image
from tf_handgroups.model_file import load_model, save_model
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.run_record import RunRecord
from tf_handgroups.selector_history import read_selector
from tf_handgroups.train_state import state_files
from tf_handgroups.training import stretches, train

pytestmark = pytest.mark.early


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


def averaged_weights_of(saved):
    return np.concatenate([value.ravel() for value in weights_of(saved)])


def assert_same_history(received, expected):
    assert len(rows(received)) == len(rows(expected))
    for one, other in zip(rows(received), rows(expected), strict=True):
        for name, value in other.items():
            np.testing.assert_allclose(
                float(one[name]), float(value), rtol=1e-3, atol=1e-4, err_msg=name
            )


LONGER = dataclasses.replace(RECIPE, steps=8, steps_per_epoch=3, ema_momentum=0.5, commit_at=0.7)


def press_ctrl_c_at(step, monkeypatch):
    """Sends the signal while a step is being counted, as if the user had pressed it then."""
    count = StepClock.on_train_batch_end

    def counted(self, batch, logs=None):
        count(self, batch, logs)
        if self.step == step:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(StepClock, "on_train_batch_end", counted)


@pytest.fixture(scope="module")
def whole(data, validation_data, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "whole"
    return train(LONGER, data, validation_data, run, write=silent), run


def assert_same_weights(received, expected, atol):
    for weight, a, b in zip(received.weights, weights_of(received), weights_of(expected)):  # noqa: B905
        np.testing.assert_allclose(a, b, atol=atol, err_msg=weight.path)


@eager_test
def test_run_leaves_model_recipe_and_history(data, validation_data, tmp_path):
    lines = []
    recipe = changed(steps=4, steps_per_epoch=2)
    run = tmp_path / "runs" / "first"
    model = train(recipe, data, validation_data, run, licence="CC0-1.0", write=lines.append)
    assert sorted(os.listdir(run)) == [
        "history.csv", "model.keras", "recipe.json", "report.html", "run.json", "selector.csv",
        "tensorboard",
    ]  # fmt: skip
    assert read_selector(run / "selector.csv")[0].tolist() == [2, 4]
    assert "4</b><span>of 4 steps" in (run / "report.html").read_text()
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
    with pytest.raises(InputError, match="Received: a finished one"):
        train(recipe, data, validation_data, run, resume=True, write=silent)
    assert RunRecord(run).finished
    assert RunRecord(run).content["sessions"][0]["last_step"] == 4


@eager_test
@pytest.mark.parametrize("cut_at", [1, 3, 5])
def test_resumed_run_equals_an_uninterrupted_one(
    cut_at, data, validation_data, whole, tmp_path, monkeypatch
):
    """Cut in the middle of an epoch and at its end, in one that is shorter too."""
    model, run = whole
    cut = tmp_path / "cut"
    lines = []
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        press_ctrl_c_at(cut_at, patch)
        train(LONGER, data, validation_data, cut, write=lines.append)
    assert "Stopping after this step; once more Ctrl-C stops at once." in lines
    assert state_files(cut / "states")[0][0] == cut_at
    assert len(rows(cut)) == cut_at // 3
    assert load_model(cut / "model.keras").selector is not None
    resumed = train(LONGER, data, validation_data, cut, resume=True, write=silent)
    assert_same_weights(resumed, model, atol=1e-4)
    assert_same_history(cut, run)
    received, expected = (read_selector(one / "selector.csv") for one in (cut, run))
    assert received[0].tolist() == expected[0].tolist()
    np.testing.assert_allclose(received[1], expected[1], atol=1e-3)
    assert not (cut / "states").exists()
    sessions = RunRecord(cut).content["sessions"]
    assert [one["end"] for one in sessions] == ["KeyboardInterrupt", "finished"]
    assert [one["first_step"] for one in sessions] == [0, cut_at]
    if cut_at != 1:
        return
    expected = averaged_weights_of(load_model(run / "model.keras"))
    np.testing.assert_allclose(
        averaged_weights_of(load_model(cut / "model.keras")), expected, atol=1e-4
    )


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
    recipe = changed(uv_weight=math.nan)
    with pytest.raises(FloatingPointError, match=r"the loss became nan in step 1.*bad_batch\.npz"):
        train(recipe, data, validation_data, tmp_path, write=silent)
    assert not (tmp_path / "model.keras").exists()
    with np.load(tmp_path / "bad_batch.npz") as kept:
        images, targets, _ = first_batch(data, recipe)
        np.testing.assert_allclose(kept["images"], images, atol=1e-6)
        np.testing.assert_allclose(kept["targets/uv_px"], targets["uv_px"], rtol=1e-5)
    assert read_image(tmp_path / "bad_batch.png").std() > 5
    assert RunRecord(tmp_path).content["sessions"][0]["end"].startswith("FloatingPointError: ")


@eager_test
def test_precision_is_that_of_the_recipe_and_only_for_the_model(data, validation_data, tmp_path):
    recipe = changed(steps=1, precision="mixed_bfloat16")
    model = train(recipe, data, validation_data, tmp_path, write=silent)
    assert model.get_layer("group0_head_conv").compute_dtype == "bfloat16"
    assert model.get_layer("selector").compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


@eager_test
def test_float16_scales_the_loss_and_resumes(data, validation_data, tmp_path, monkeypatch):
    recipe = changed(steps=2, steps_per_epoch=2, precision="mixed_float16", ema_momentum=0.9)
    whole = train(recipe, data, validation_data, tmp_path / "whole", write=silent)
    assert isinstance(whole.optimizer, keras.optimizers.LossScaleOptimizer)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        press_ctrl_c_at(1, patch)
        train(recipe, data, validation_data, tmp_path / "cut", write=silent)
    resumed = train(recipe, data, validation_data, tmp_path / "cut", resume=True, write=silent)
    assert_same_weights(resumed, whole, atol=1e-3)
    assert all(np.isfinite(value).all() for value in weights_of(resumed))


@pytest.mark.parametrize(
    ("expected", "plan"),
    [
        ([(0, 0, 3, 4)], (0, 12, 4)),
        ([(0, 0, 2, 4), (8, 2, 3, 1)], (0, 9, 4)),
        ([(3, 0, 1, 1), (4, 1, 2, 4), (8, 2, 3, 1)], (3, 9, 4)),
        ([(4, 1, 2, 4)], (4, 8, 4)),
        ([(9, 2, 3, 1)], (9, 10, 4)),
        ([(0, 0, 1, 3)], (0, 3, 4)),
        ([], (12, 12, 4)),
    ],
)
def test_stretches(expected, plan):
    found = [(one.step, one.first_epoch, one.end_epoch, one.steps) for one in stretches(*plan)]
    assert found == expected


def test_rejects_a_batch_that_replicas_cannot_share(data, validation_data, tmp_path):
    recipe = changed(batch_size=3)
    with pytest.raises(InputError, match=r"Received: batch_size=3\. Use a multiple of 2"):
        train(recipe, data, validation_data, tmp_path / "run", strategy="mirrored", write=silent)
    assert not (tmp_path / "run").exists()


def test_rejects_resuming_with_another_recipe(data, validation_data, tmp_path):
    (tmp_path / "recipe.json").write_text(json.dumps(dataclasses.asdict(RECIPE)))
    with pytest.raises(InputError, match="Received: other values of steps, batch_size"):
        train(
            changed(steps=7, batch_size=1),
            data,
            validation_data,
            tmp_path,
            resume=True,
            write=silent,
        )


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
