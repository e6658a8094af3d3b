"""The same training on one device, on two replicas and in two processes; workers that end.

The processes train through the command line. Their run is stopped once and killed once
on its way, and still has to be the run of a single device.
"""

import csv
import dataclasses
import json
import os
import signal

import keras
import numpy as np
import pytest

from tests.hands import make_sample
from tests.test_training import RECIPE
from tests.train_worker import noting_losses
from tests.workers import run_workers
from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.cli import main
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.model_file import load_model
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.training import train

pytestmark = pytest.mark.early

# Six samples for validation in batches of four: the second one is filled up. Adam moves a
# weight by the learning rate however small its gradient is, so that a gradient that is only
# rounding drives runs apart; at a higher rate that soon shows in the losses.
DISTRIBUTED = dataclasses.replace(
    RECIPE,
    steps=20,
    steps_per_epoch=15,
    batch_size=4,
    sync_batch_norm=True,
    learning_rate=1e-4,
    ema_momentum=0.5,
    # Smaller than the gradients: every step is clipped.
    clip_norm=0.5,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distribution")
    write_handjson([make_sample(seed=seed) for seed in range(6)], folder / "train")
    write_handjson([make_sample(seed=seed) for seed in range(10, 16)], folder / "val")
    (folder / "recipe.json").write_text(json.dumps(dataclasses.asdict(DISTRIBUTED)))
    return folder


def train_here(folder, strategy):
    """Trains in this process; returns the loss of every step."""
    losses = {}
    data, validation_data = ([HandJsonDataset(folder / name)] for name in ("train", "val"))
    with pytest.MonkeyPatch.context() as patch:
        for name, method in noting_losses(losses.__setitem__).items():
            patch.setattr(StepClock, name, method)
        train(
            DISTRIBUTED,
            data,
            validation_data,
            folder / strategy,
            strategy=strategy,
            write=lambda line: None,
        )
    return losses


@pytest.fixture(scope="module")
def single(folder):
    return train_here(folder, "single")


def losses_in(file):
    """Losses by step; a step that was done again comes once more."""
    return [
        (int(step), float(loss)) for step, loss in map(str.split, file.read_text().splitlines())
    ]


def rows(run):
    with open(run / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def assert_same_run(folder, name):
    """Metrics of all epochs and the saved weights are those of a single device."""
    expected, received = rows(folder / "single"), rows(folder / name)
    assert [row["epoch"] for row in received] == ["0", "1"]
    for one, other in zip(received, expected, strict=True):
        for quantity, value in other.items():
            np.testing.assert_allclose(
                float(one[quantity]), float(value), rtol=1e-3, atol=1e-4, err_msg=quantity
            )
    keras.utils.set_random_seed(DISTRIBUTED.seed)
    start = HandPoseModel(**DISTRIBUTED.model_arguments)
    models = [load_model(folder / run / "model.keras") for run in (name, "single")]
    for a, b in zip(*(model.weights for model in models), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=0, atol=1e-3, err_msg=a.path)
    # What they learned is the same too, which is much less than the weights themselves.
    received, expected, before = (
        np.concatenate([weight.numpy().ravel() for weight in model.trainable_weights])
        for model in (*models, start)
    )
    apart, moved = np.linalg.norm(received - expected), np.linalg.norm(expected - before)
    assert apart < 0.02 * moved


def test_two_replicas_train_as_one_device(folder, single):
    mirrored = train_here(folder, "mirrored")
    assert list(mirrored) == list(single) == list(range(1, 21))
    np.testing.assert_allclose(list(mirrored.values()), list(single.values()), rtol=1e-4)
    assert_same_run(folder, "mirrored")


def train_in_two_processes(folder, last_action, *arguments):
    run = folder / "workers"
    common = [
        "train",
        "--data",
        f"handjson:{folder / 'train'}",
        "--val",
        f"handjson:{folder / 'val'}",
    ]
    common += ["--recipe", str(folder / "recipe.json"), "--strategy", "multiworker"]
    common += ["--out", str(run), *arguments]
    actions = ("SIGTERM@0", last_action)
    return run_workers(
        [
            ["-m", "tests.train_worker", str(folder / f"losses{index}"), action, *common]
            for index, action in enumerate(actions)
        ]
    )


def test_two_processes_train_as_one_device_though_one_is_stopped_and_killed(folder, single):
    run = folder / "workers"

    # Only one of them hears the signal; they agree after step 10, in the middle of an epoch.
    for worker in train_in_two_processes(folder, "SIGTERM@4"):
        assert worker.code == 1 and "Interrupted." in worker.output, worker.output
    assert [path.name for path in (run / "states").iterdir()] == ["state-000000010.npz"]
    assert load_model(run / "model.keras").selector is not None

    chief, killed = train_in_two_processes(folder, "SIGKILL@17", "--resume")
    assert killed.code == -signal.SIGKILL
    assert chief.code == 1, chief.output
    assert "another worker ended or cannot be reached" in chief.output
    assert "start all workers again with --resume" in chief.output
    assert 0 <= chief.time_s - killed.time_s < 90
    ends = [one["end"] for one in json.loads((run / "run.json").read_text())["sessions"]]
    assert ends[0] == "KeyboardInterrupt" and ends[1].startswith("ConnectionError: multiworker")

    for worker in train_in_two_processes(folder, "SIGTERM@0", "--resume"):
        assert worker.code == 0, worker.output
        # No worker leaves while the first one is busy: TensorFlow would call that a crash.
        assert "There is a report: True" in worker.output
    assert "states" not in os.listdir(run)
    assert os.listdir(run).count("model.keras") == 1

    first, second = (losses_in(folder / f"losses{index}") for index in range(2))
    assert [step for step, _ in second] == [*range(1, 18), *range(16, 21)]
    # Killed after it had given its part of step 17, and before step 18 needed it.
    assert [step for step, _ in first] == [*range(1, 18), *range(16, 21)]
    for step, loss in first + second:
        np.testing.assert_allclose(loss, single[step], rtol=1e-4, err_msg=f"step {step}")
    assert_same_run(folder, "workers")


def test_what_processes_agree_on():
    command = ["-m", "tests.small_worker", "agree"]
    for index, worker in enumerate(run_workers([command, command])):
        assert worker.code == 0, worker.output
        assert json.loads(worker.output.splitlines()[-1]) == {
            "chief": index == 0,
            "any of none": False,
            "any of the last": True,
            "same": True,
            "different": False,
        }


@pytest.mark.parametrize("config", [None, "{", '{"cluster": {"worker": ["a:1"]}}'])
def test_command_line_rejects_tf_config(config, monkeypatch, capsys):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    arguments = ["--data", "handjson:a", "--val", "handjson:b", "--out", "run"]
    assert main(["train", *arguments, "--strategy", "multiworker"]) == 2
    assert "TF_CONFIG: expected" in capsys.readouterr().err
