"""What may happen to a training: it is killed, asked to stop, or the disk is full."""

import contextlib
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.training_kills import differences, main, survive
from tests.hands import make_sample
from tests.test_training import eager_test, press_ctrl_c_at
from tests.test_training import eagerly as eagerly
from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.cli import main as command_line
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.model_file import load_model
from tf_handgroups.run_record import RunRecord
from tf_handgroups.train_state import latest_state, state_files

pytestmark = pytest.mark.early

ROOT = pathlib.Path(__file__).parents[1]
SMALL = (
    "encoder=tiny pretrained=False decoder_channels=(8,8,8) num_groups=2 group_channels=4 "
    "steps=5 steps_per_epoch=3 batch_size=2 warmup_steps=1"
)


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    """Of a short training that keeps a state in every step; `--out` is to be added."""
    folder = tmp_path_factory.mktemp("hands") / "hands"
    write_handjson([make_sample(seed=seed) for seed in range(4)], folder)
    settings = [word for setting in SMALL.split() for word in ("--set", setting)]
    data = f"handjson:{folder}"
    return ["train", "--recipe", "quicktest", "--data", data, "--val", data, *settings,
            "--state-every", "0"]  # fmt: skip


@pytest.fixture(scope="module")
def whole(arguments, tmp_path_factory):
    """Eagerly as the runs that it is compared with: a graph fuses steps and rounds otherwise."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    tf.config.run_functions_eagerly(True)
    try:
        assert command_line([*arguments, "--out", str(run)]) == 0
    finally:
        tf.config.run_functions_eagerly(False)
    return run


def whole_steps(run):
    """Steps of the states, all of which can be read."""
    steps = [step for step, _ in state_files(run / "states")]
    lines = []
    state = latest_state(run / "states", lines.append)
    assert state is not None and state.step == steps[0] and not lines
    return steps


def assert_continues(run, arguments, whole):
    assert command_line([*arguments, "--out", str(run), "--resume"]) == 0
    assert max(differences(run, whole).values()) <= 1
    assert not (run / "states").exists()
    assert not list(run.glob(".*"))


def test_a_killed_run_loses_the_steps_since_the_last_state(tmp_path):
    """At most the one in which the kill came; `benchmarks.training_kills` makes 20."""
    kills, found = survive(tmp_path / "runs", kills=3, steps=12, state_minutes=0.0, seed=1)
    assert len(kills) == 3 and all(kill.done - kill.kept in (0, 1) for kill in kills)
    assert max(kill.kept for kill in kills) > 1
    assert max(found.values()) <= 1


def test_the_script_asks_for_enough_steps(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path / "new"), "--kills", "5", "--steps", "10"])
    assert "more --steps than twice as many" in capsys.readouterr().err


@eager_test
def test_a_kill_while_a_state_is_written_leaves_the_one_before(
    arguments, whole, tmp_path, monkeypatch, capsys
):
    """Nothing is tidied up after a kill: the half of a file stays until the run is resumed."""
    run = tmp_path / "run"
    save, calls = np.savez, []

    def half(file, **values):
        calls.append(1)
        if len(calls) < 3:
            return save(file, **values)
        file.write(b"half of a state")
        file.flush()
        raise Killed

    class Killed(BaseException):
        pass

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(np, "savez", half)
        patch.setattr(pathlib.Path, "unlink", lambda path, missing_ok=False: None)
        command_line([*arguments, "--out", str(run)])
    assert whole_steps(run) == [2, 1]
    assert len(list((run / "states").glob(".*.part.npz"))) == 1
    (run / ".0123.part.keras").write_bytes(b"half of a model")
    assert_continues(run, arguments, whole)


@eager_test
def test_ctrl_c_and_a_damaged_state(arguments, whole, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        press_ctrl_c_at(2, patch)
        assert command_line([*arguments, "--out", str(run)]) == 1
    captured = capsys.readouterr()
    assert "Stopping after this step; once more Ctrl-C stops at once." in captured.out
    assert captured.err.strip() == "Interrupted."
    assert load_model(run / "model.keras").selector is not None
    assert whole_steps(run) == [2, 1]
    newest = state_files(run / "states")[0][1]
    newest.write_bytes(newest.read_bytes()[:-100])
    assert_continues(run, arguments, whole)
    assert "state-000000002.npz: this state is damaged" in capsys.readouterr().out


@contextlib.contextmanager
def no_file_larger_than(size):
    """The system refuses, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@eager_test
def test_a_full_disk(arguments, whole, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    count = StepClock.on_train_batch_end
    full = contextlib.ExitStack()

    def counted(clock, batch, logs=None):
        count(clock, batch, logs)
        if clock.step == 2:
            size = state_files(run / "states")[0][1].stat().st_size
            full.enter_context(no_file_larger_than(size // 2))

    with monkeypatch.context() as patch, full:
        patch.setattr(StepClock, "on_train_batch_end", counted)
        assert command_line([*arguments, "--out", str(run)]) == 1
    message = capsys.readouterr().err
    assert "states: cannot keep the state of step 2 (File too large). The last one is" in message
    assert os.listdir(run / "states") == ["state-000000001.npz"]
    assert whole_steps(run) == [1]
    assert_continues(run, arguments, whole)


def test_sigterm_to_the_command(arguments, tmp_path):
    """As a queue of jobs ends them: the real process, and what it prints."""
    run = tmp_path / "run"
    program = "import sys; from tf_handgroups.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments, "--out", str(run), "--set", "steps=3000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    while not state_files(run / "states") and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Stopping after this step" in out and err.strip() == "Interrupted."
    assert "Traceback" not in out + err
    assert load_model(run / "model.keras").selector is not None
    last = whole_steps(run)[0]
    assert RunRecord(run).content["sessions"][0]["last_step"] == last
