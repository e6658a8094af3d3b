"""A farm of real processes on loopback, through the command line."""

import contextlib
import signal
import subprocess
import sys

import pytest

from tests.hands import make_sample
from tests.test_data_service import free_ports
from tests.test_training import eager_test
from tests.test_training import eagerly as eagerly
from tf_handgroups import data_service
from tf_handgroups.cli import main
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.model_file import load_model

pytestmark = pytest.mark.early

SMALL = (
    "encoder=tiny pretrained=False decoder_channels=(8,8,8) num_groups=2 group_channels=4 "
    "steps=2 steps_per_epoch=2 batch_size=2 warmup_steps=1"
)
PROGRAM = "import sys; from tf_handgroups.cli import main; sys.exit(main(sys.argv[1:]))"


@contextlib.contextmanager
def command(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def training(tmp_path):
    write_handjson([make_sample(seed=seed) for seed in range(4)], tmp_path / "hands")
    data = f"handjson:{tmp_path / 'hands'}"
    settings = [word for setting in SMALL.split() for word in ("--set", setting)]
    return ["train", "--recipe", "quicktest", "--data", data, "--val", data, *settings]


@eager_test
def test_training_through_a_farm_of_processes(training, tmp_path):
    first, second = (f"localhost:{port}" for port in free_ports(2))
    port = first.rpartition(":")[2]
    run = tmp_path / "run"
    # All are started at once and wait for each other.
    with (
        command("data-dispatcher", "--port", port, "--worker", second) as dispatcher,
        command("data-worker", "--dispatcher", first, "--address", second) as worker,
    ):
        assert main([*training, "--out", str(run), "--data-service", f"grpc://{first}"]) == 0
        assert load_model(run / "model.keras").selector is not None
        for process, number in ((worker, signal.SIGTERM), (dispatcher, signal.SIGINT)):
            process.send_signal(number)
            text, _ = process.communicate(timeout=150)
            assert process.returncode == 0
            assert "Ctrl-C ends it." in text and text.endswith("Ended.\n")
            assert "Traceback" not in text


def test_addresses_are_checked_first(training, fails, monkeypatch):
    monkeypatch.setattr(data_service, "PATIENCE_S", 1.0)
    message = fails(*training, "--data-service", "farm")
    assert "expected an address HOST:PORT or grpc://HOST:PORT. Received: 'farm'" in message
    nobody = f"localhost:{free_ports(1)[0]}"
    message = fails(*training, "--data-service", nobody)
    assert f"expected a dispatcher at {nobody} within 1 s. Received: no connection" in message
    worker = ["data-worker", "--dispatcher", nobody, "--address", "localhost:5051"]
    assert "Received: no connection" in fails(*worker, out=None)
    dispatcher = ["data-dispatcher", "--worker", "a:1", "--worker", "a:1"]
    assert "each once" in fails(*dispatcher, out=None)
