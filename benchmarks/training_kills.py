"""Kills a short training again and again, resumes it, and compares it with a whole one.

    python -m benchmarks.training_kills --out kills

Every training is a process of its own and ends by `kill -9` at a random moment: while
TensorFlow starts, in a step, in a validation, or, every other time, while a file of the
run is being written. Then it is resumed and killed again, and at last it may finish. Exit
code 3 if a resume does not continue from the newest whole state, or weights or history
differ from those of the training that nobody killed. Takes about 20 s for each kill on two
cores.
"""

import argparse
import csv
import dataclasses
import pathlib
import random
import subprocess
import sys
import time

import numpy as np

from tf_handgroups.errors import GateError

STEPS_FILE = "steps.txt"
RTOL, ATOL = 1e-3, 1e-4


@dataclasses.dataclass(frozen=True)
class Kill:
    """A kill, in steps of the whole run.

    Args:
        done: Steps that were done when it came.
        kept: Step of the newest whole state, 0 if there was none.
        writing: Whether a file of the run was being written.
        counted: Steps that all processes together had done, also those done again.
    """

    done: int
    kept: int
    writing: bool
    counted: int


def train_once(out: str, steps: int, state_minutes: float, resume: bool) -> None:
    """The training that is killed: a small network, with everything a state has to hold.

    Eagerly: to trace its graphs would take each of these short processes most of its time.
    """
    import tensorflow as tf

    from tests.hands import make_sample
    from tests.smallest_recipe import SMALLEST
    from tf_handgroups.callbacks.step_clock import StepClock
    from tf_handgroups.training import train

    class Hands(list):
        kind = "memory"

    tf.config.run_functions_eagerly(True)
    count = StepClock.on_train_batch_end

    def counted(self, batch, logs=None):
        count(self, batch, logs)
        with open(f"{out}.{STEPS_FILE}", "a") as file:
            file.write(f"{self.step}\n")

    StepClock.on_train_batch_end = counted
    recipe = dataclasses.replace(
        SMALLEST,
        steps=steps,
        steps_per_epoch=7,
        batch_size=4,
        warmup_steps=2,
        ema_momentum=0.9,
    )
    hands = [make_sample(seed=seed) for seed in range(9)]
    train(
        recipe,
        [Hands(hands[:5]), Hands(hands[5:])],
        [Hands(hands[:2])],
        out,
        resume=resume,
        state_minutes=state_minutes,
    )


def begin(run: pathlib.Path, steps: int, state_minutes: float) -> subprocess.Popen:
    """Starts the training of a run folder, or resumes it if it has begun."""
    resume = (run / "recipe.json").is_file()
    arguments = [repr(value) for value in (str(run), steps, state_minutes, resume)]
    code = f"from benchmarks.training_kills import train_once; train_once({', '.join(arguments)})"
    with open(f"{run}.log", "a") as log:
        return subprocess.Popen([sys.executable, "-c", code], stdout=log, stderr=log)


def finish(process: subprocess.Popen, run: pathlib.Path) -> None:
    """Waits for the end of a training that is to succeed."""
    if process.wait():
        raise RuntimeError(f"{run}: did not train to its end, see {run}.log")


def kill(
    process: subprocess.Popen, run: pathlib.Path, more_steps: int, seconds: float, writing: bool
) -> Kill:
    """Kills a training.

    Args:
        process: The training.
        run: Its folder.
        more_steps: Steps that it may do.
        seconds: What it may go on then.
        writing: Whether to wait for a file that is being written instead.

    Raises:
        RuntimeError: If it ended by itself before.
    """

    def wait_for(condition) -> None:
        while not condition():
            if process.poll() is not None:
                raise RuntimeError(f"{run}: ended before it was killed, see {run}.log")
            time.sleep(0.001)

    before = len(steps_done(run))
    wait_for(lambda: len(steps_done(run)) >= before + more_steps)
    if writing:
        wait_for(lambda: unfinished_files(run))
    else:
        time.sleep(seconds)
    process.kill()
    process.wait()
    writing = bool(unfinished_files(run))
    done = steps_done(run)
    return Kill(max(done, default=0), newest_state(run), writing, len(done))


def steps_done(run: pathlib.Path) -> list[int]:
    """Numbers of the steps in the order in which they were done, over all sessions."""
    file = pathlib.Path(f"{run}.{STEPS_FILE}")
    return [int(line) for line in file.read_text().split()] if file.is_file() else []


def unfinished_files(run: pathlib.Path) -> list[pathlib.Path]:
    """Files under a temporary name that have been written to in the last moments."""
    found = [*run.glob(".*.part.*"), *run.glob("states/.*.part.*")]
    return [path for path in found if time.time() - path.stat().st_mtime < 1]


def newest_state(run: pathlib.Path) -> int:
    """Step of the newest state that is whole, 0 if there is none."""
    from tf_handgroups.train_state import latest_state

    state = latest_state(run / "states", lambda line: None)
    return state.step if state else 0


def differences(run: pathlib.Path, whole: pathlib.Path) -> dict[str, float]:
    """Largest relative difference of weights and of history, after a small absolute one."""
    from tf_handgroups.model_file import load_model

    weights = [
        np.concatenate(
            [np.ravel(value) for value in load_model(path / "model.keras").get_weights()]
        )
        for path in (run, whole)
    ]
    return {
        "weights": _excess(*weights),
        "history": _excess(*(_history(path) for path in (run, whole))),
    }


def _excess(received: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference as a part of what is allowed; infinite if the shapes differ."""
    if received.shape != expected.shape:
        return float("inf")
    return float(np.max(np.abs(received - expected) / (ATOL + RTOL * np.abs(expected))))


def _history(run: pathlib.Path) -> np.ndarray:
    with open(run / "history.csv", newline="") as file:
        return np.array([[float(value) for value in row.values()] for row in csv.DictReader(file)])


def survive(
    folder: pathlib.Path, kills: int, steps: int, state_minutes: float, seed: int
) -> tuple[list[Kill], dict[str, float]]:
    """Trains once as a whole and once with kills; returns these and the `differences`."""
    folder.mkdir(parents=True, exist_ok=True)
    whole, run = folder / "whole", folder / "killed"
    finish(begin(whole, steps, state_minutes), whole)
    draw = random.Random(seed)
    records = []
    for number in range(kills):
        process = begin(run, steps, state_minutes)
        # Never so many steps that the run could finish before its last kill.
        more = draw.randint(0, steps // (kills + 1)) if number else 1
        seconds = draw.uniform(0, 1 if more else 15)
        records.append(kill(process, run, more, seconds, writing=number % 2 == 1))
        print(f"kill {number + 1}: {records[-1]}", flush=True)
    finish(begin(run, steps, state_minutes), run)
    done = steps_done(run)
    for record in records:
        if done[record.counted] != record.kept + 1:
            raise GateError(f"{record}: the next step was {done[record.counted]}")
    return records, differences(run, whole)


def main(argv: list[str] | None = None) -> int:
    """Prints a line for every kill, and what differs in the end."""
    parser = argparse.ArgumentParser(description="Kills a training and resumes it")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="a new folder")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--state-every", type=float, default=0.0, help="minutes")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    if options.out.exists() or options.kills < 1 or options.steps <= 2 * options.kills:
        parser.error("expected a new --out, --kills >= 1 and more --steps than twice as many")
    try:
        records, found = survive(
            options.out, options.kills, options.steps, options.state_every, options.seed
        )
    except GateError as error:
        print(error, file=sys.stderr)
        return 3
    lost = [record.done - record.kept for record in records]
    print(f"Steps lost to each kill: {lost}; while writing: {sum(r.writing for r in records)}")
    print("Differences as a part of what rounding is allowed:", found)
    return 0 if max(found.values()) <= 1 else 3


if __name__ == "__main__":
    sys.exit(main())
