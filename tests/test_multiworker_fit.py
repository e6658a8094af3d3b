"""Keras' `fit` in two processes needs the mends, every one of them, and works with them.

When this fails because Keras needs one no longer, take it out of `multiworker_fit`.
"""

import json

from tests.workers import run_workers


def test_fit_needs_every_mend():
    command = ["-m", "tests.small_worker", "mend"]
    for worker in run_workers([command, command]):
        assert worker.code == 0, worker.output
        fits = json.loads(worker.output.splitlines()[-1])
        assert fits["mended"] == "fine"
        assert "convert a value (PerReplica" in fits["_maybe_symbolic_build"]
        for step in ("train_step", "test_step"):
            assert "Invalid reduction dimension 0 for input with 0 dimensions" in fits[step]
