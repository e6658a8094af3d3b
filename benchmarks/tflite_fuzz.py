"""What happens to damaged `.tflite` files: refused by their hash, and what --trust does.

    python -m benchmarks.tflite_fuzz --count 1200

Every damaged file is laid beside the contract of the sound one and opened as the commands
do, without and with `trust`. The process in which `trust` tries a file is kept for many
files here and started anew when it dies. Two models are damaged: a small network that is
converted first, and the shipped `int8_mixed`. The exit code is 1 if a file passed without
`trust`, or if one that had been tried failed afterwards in this process.
"""

import argparse
import collections
import contextlib
import dataclasses
import json
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.tflite_mutations import Mutator
from tf_handgroups.convert import sealed_model
from tf_handgroups.convert.contract import contract_path
from tf_handgroups.convert.run import LiteRTRunner
from tf_handgroups.convert.sealed_model import read_verified
from tf_handgroups.convert.trial import (
    RAN,
    RUNTIME,
    STRUCTURE,
    WAIT_SECONDS,
    frame,
    signal_name,
    start_child,
)
from tf_handgroups.errors import InputError

ROOT = pathlib.Path(__file__).parents[1]
SHIPPED = ROOT / "android_assets" / "handpose_mobile_synth_128_int8_mixed.tflite"

# What the runtime allocates for one model is not always given back.
_FILES_PER_CHILD = 100

CRASHED, TOO_LONG = "crashed", "too long"


class Child:
    """Tries one model after the other in a process that is started anew when it dies."""

    def __init__(self, wait_seconds: float = WAIT_SECONDS):
        self.wait_seconds = wait_seconds
        self.process: subprocess.Popen | None = None
        self.num_files = 0
        self.stages: list[str] = []
        self.signals: collections.Counter[str] = collections.Counter()

    def try_model(self, content: bytes, where: str) -> None:
        """Stands in for `trial.try_in_child`, and keeps how far the model got."""
        if self.process is None or self.num_files >= _FILES_PER_CHILD:
            self.close()
            self.process, self.num_files = start_child(subprocess.DEVNULL), 0
        self.num_files += 1
        stage, message = self._ask(self.process, content)
        self.stages.append(stage)
        if stage != RAN:
            raise InputError(f"{where}: {message}")

    def _ask(self, process: subprocess.Popen, content: bytes) -> tuple[str, str]:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("Child: expected a process with pipes.")
        with contextlib.suppress(BrokenPipeError):  # it died while it was reading
            stdin.write(frame(content))
            stdin.flush()
        if not select.select([stdout], [], [], self.wait_seconds)[0]:
            self.close()
            return TOO_LONG, "did not end"
        if line := stdout.readline():
            answer = json.loads(line)
            return answer["stage"], answer["message"]
        name = signal_name(process.wait())
        self.signals[name] += 1
        self.close()
        return CRASHED, name

    def close(self) -> None:
        """Ends the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@dataclasses.dataclass
class Findings:
    """Counts of one kind of damage; the first three steps are what `trust` did."""

    files: int = 0
    refused_by_hash: int = 0
    structure: int = 0
    runtime: int = 0
    crashed: int = 0
    too_long: int = 0
    ran: int = 0
    contract_refused: int = 0
    loaded: int = 0
    failed_here: int = 0


@contextlib.contextmanager
def trying_in(child: Child) -> Iterator[None]:
    """Lets `trust` use one process for many files."""
    before = sealed_model.try_in_child
    sealed_model.try_in_child = child.try_model
    try:
        yield
    finally:
        sealed_model.try_in_child = before
        child.close()


def fuzz(model: pathlib.Path, count: int, seed: int, child: Child) -> dict[str, Findings]:
    """Damages a model and opens the results.

    Args:
        model: A sound `.tflite` file with its contract.
        count: Number of damaged files.
        seed: Of the damage.
        child: Process in which files are tried.

    Returns:
        Kind of damage -> what happened.
    """
    contract, content = read_verified(model)
    crop = np.zeros((1, contract.input_size, contract.input_size, 3), np.float32)
    found: dict[str, Findings] = collections.defaultdict(Findings)
    with tempfile.TemporaryDirectory() as folder, trying_in(child):
        path = pathlib.Path(folder) / model.name
        shutil.copy(contract_path(model), contract_path(path))
        for kind, damaged in Mutator(content, seed).mutations(count):
            path.write_bytes(damaged)
            row = found[kind]
            row.files += 1
            try:
                read_verified(path)
            except InputError as error:
                row.refused_by_hash += "as its contract says. Received: " in str(error)
            _open_trusted(path, crop, row, child)
    return dict(found)


def _open_trusted(path: pathlib.Path, crop: np.ndarray, row: Findings, child: Child) -> None:
    tried = len(child.stages)
    try:
        LiteRTRunner(path, trust=True)(crop)
        row.loaded += 1
    except InputError:
        row.contract_refused += child.stages[tried:] == [RAN]
    except Exception as error:  # must not happen: report all, then fail
        print(f"{path.name}: {type(error).__name__}: {error}", file=sys.stderr)
        row.failed_here += 1
    stage = child.stages[tried]
    row.structure += stage == STRUCTURE
    row.runtime += stage == RUNTIME
    row.crashed += stage == CRASHED
    row.too_long += stage == TOO_LONG
    row.ran += stage == RAN


def table(found: dict[str, Findings]) -> str:
    """Returns a Markdown table with a row for each kind of damage and one for all."""
    names = [field.name for field in dataclasses.fields(Findings)]
    total = Findings(**{n: sum(getattr(row, n) for row in found.values()) for n in names})
    lines = [
        "| damage | " + " | ".join(name.replace("_", " ") for name in names) + " |",
        "|---|" + "---:|" * len(names),
    ]
    for kind, row in {**found, "all": total}.items():
        cells = " | ".join(str(getattr(row, name)) for name in names)
        lines.append(f"| {kind} | {cells} |")
    return "\n".join(lines)


def is_sound(found: dict[str, Findings]) -> bool:
    """Whether every file was refused by its hash, and none that was tried failed here."""
    return all(row.refused_by_hash == row.files and not row.failed_here for row in found.values())


def small_model(folder: pathlib.Path) -> pathlib.Path:
    """Converts a small network with random weights and returns its float32 file."""
    import keras

    from tf_handgroups.convert.convert import convert_model
    from tf_handgroups.models.hand_pose_model import HandPoseModel

    keras.utils.set_random_seed(1)
    network = HandPoseModel(input_size=64, encoder="tiny", group_channels=8, num_groups=3)
    network.save(folder / "small.keras")
    crops = np.random.default_rng(0).random((4, 64, 64, 3), np.float32)
    convert_model(
        folder / "small.keras",
        folder / "converted",
        recipes=["float32"],
        validation_crops=crops,
        benchmark_rounds=0,
    )
    return folder / "converted" / "small_float32.tflite"


def main(argv: list[str] | None = None) -> int:
    """Runs the script and returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1200, help="damaged files of each model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--model", type=pathlib.Path, action="append", help="instead of the two models"
    )
    arguments = parser.parse_args(argv)
    sound = True
    with tempfile.TemporaryDirectory() as folder:
        models = arguments.model or [small_model(pathlib.Path(folder)), SHIPPED]
        for model in models:
            child, start = Child(), time.monotonic()
            found = fuzz(model, arguments.count, arguments.seed, child)
            sound &= is_sound(found)
            seconds = time.monotonic() - start
            print(f"\n{model.name}, seed {arguments.seed}, {seconds:.0f} s\n\n{table(found)}")
            if child.signals:
                print("\nCrashes of the child: " + str(dict(child.signals)))
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
