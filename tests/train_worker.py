"""A worker that trains through the command line and notes the loss of every step.

`python -m tests.train_worker FILE SIGNAL@STEP ARGUMENT...`: losses go to FILE, one line
`step loss` each; after STEP the worker sends itself SIGNAL (step 0: never); the arguments
are those of `tf-handgroups`. At the end it says whether the run has its report.
"""

import os
import pathlib
import signal
import sys
from collections.abc import Callable

from tf_handgroups.cli import main
from tf_handgroups.quiet_start import import_tensorflow_quietly


def noting_losses(note: Callable[[int, float], None]) -> dict[str, Callable]:
    """Returns methods for `StepClock` that also hand over the loss of every single step.

    Keras shows callbacks the mean over the epoch so far; the loss of a step is what it
    adds to the sums behind it. Those are sums over all replicas, so all workers read them.
    """
    from tf_handgroups.callbacks.step_clock import StepClock

    count = StepClock.on_train_batch_end
    before: list[float] = []

    def sums(clock) -> list[float]:
        tracker = next(metric for metric in clock.model.metrics if metric.name == "loss")
        return [float(variable.numpy()) for variable in tracker.variables]

    def on_train_batch_begin(clock, batch, logs=None):
        before[:] = sums(clock)

    def on_train_batch_end(clock, batch, logs=None):
        count(clock, batch, logs)
        total, samples = (now - then for now, then in zip(sums(clock), before, strict=True))
        note(clock.step, total / samples)

    return {
        "on_train_batch_begin": on_train_batch_begin,
        "on_train_batch_end": on_train_batch_end,
    }


def run(file: str, action: str, *arguments: str) -> int:
    name, _, last = action.partition("@")

    def note(step: int, loss: float) -> None:
        with open(file, "a") as lines:
            lines.write(f"{step} {loss!r}\n")
        if step == int(last):
            os.kill(os.getpid(), signal.Signals[name])

    import_tensorflow_quietly()
    from tf_handgroups.callbacks.step_clock import StepClock

    for place, method in noting_losses(note).items():
        setattr(StepClock, place, method)
    code = main(list(arguments))
    run = pathlib.Path(arguments[arguments.index("--out") + 1])
    print("There is a report:", (run / "report.html").is_file())
    return code


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
