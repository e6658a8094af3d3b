"""Runs the shipped models on ARM64 kernels, emulated, and compares them with this machine's.

`make parity-arm64` does it all; on Debian with an x86 processor it runs

    python -m benchmarks.parity_arm64 --build   # once: emulator, ARM64 Python and LiteRT
    python -m benchmarks.parity_arm64           # every variant of android_assets

Each model is run here on its golden crops while its calls are recorded; the emulated
Cortex-A76 repeats the calls, and its results take the place of the recorded ones. Exit
codes: 0 equal within the limits, 2 something is missing, 3 not equal.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.arm64_sysroot import build, command, missing
from tf_handgroups.convert.bundle import read_golden
from tf_handgroups.convert.parity import UNITS, ParityReport, compare_outputs
from tf_handgroups.convert.run import BUNDLE_FILE, LiteRTRunner
from tf_handgroups.errors import GateError, InputError

ROOT = pathlib.Path(__file__).parents[1]
RUNNER = pathlib.Path(__file__).with_name("arm64_runner.py")

# Largest differences. The kernels of two processors add in another order: 2e-4 px in float
# and 5e-4 px in int8_mixed are usual. Other recipes: the tolerance of their bundle.
LIMITS = {"uv_px": 0.01, "z_rel": 0.002, "presence": 0.01, "handedness": 0.01}
STRICT = ("float32", "float16", "int8_mixed")


class _Recorder:
    """Passes calls on and keeps them."""

    def __init__(self, infer: Any):
        self.infer = infer
        self.calls: list[dict[str, np.ndarray]] = []

    def __call__(self, **inputs: np.ndarray) -> Any:
        self.calls.append(inputs)
        return self.infer(**inputs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.infer, name)


class _Replay:
    """Returns results that were computed elsewhere, in the order of the calls."""

    def __init__(self, infer: Any, results: Sequence[Mapping[str, np.ndarray]]):
        self.infer = infer
        self.results = iter(results)

    def __call__(self, **inputs: np.ndarray) -> Any:
        return next(self.results)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.infer, name)


def run_emulated(
    sysroot: pathlib.Path, calls: Mapping[pathlib.Path, Sequence[Mapping[str, np.ndarray]]]
) -> dict[pathlib.Path, list[dict[str, np.ndarray]]]:
    """Runs calls of models on the emulated processor.

    Args:
        sysroot: Folder of `arm64_sysroot.build`.
        calls: Model file -> arrays by input name, one mapping per call.

    Returns:
        Model file -> arrays by output name, one mapping per call.

    Raises:
        InputError: If the emulated process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        entries = []
        for number, (model, inputs) in enumerate(calls.items()):
            for index, arrays in enumerate(inputs):
                for name, values in arrays.items():
                    np.save(place / f"{number}_{index}_{name}.npy", values)
            entries.append({"model": os.fspath(model), "calls": [list(a) for a in inputs]})
        (place / "calls.json").write_text(json.dumps(entries))
        done = subprocess.run(command(sysroot, RUNNER, folder), capture_output=True, text=True)
        if done.returncode:
            raise InputError(
                "parity_arm64: the emulated process failed. Received: exit code "
                f"{done.returncode}, {done.stderr.strip()[-500:]}"
            )
        return {
            model: [
                {
                    path.stem.removeprefix(f"{number}_{index}_out_"): np.load(path)
                    for path in place.glob(f"{number}_{index}_out_*.npy")
                }
                for index in range(len(inputs))
            ]
            for number, (model, inputs) in enumerate(calls.items())
        }


def compare_bundle(
    bundle_folder: pathlib.Path, sysroot: pathlib.Path
) -> dict[str, dict[str, ParityReport]]:
    """Compares every variant of a bundle.

    Returns:
        Recipe -> `{"golden", "x86"}` -> differences of the ARM64 outputs to those.
    """
    bundle = json.loads((bundle_folder / BUNDLE_FILE).read_text(encoding="utf-8"))
    golden, expected, runners, calls = {}, {}, {}, {}
    for recipe, entry in bundle["variants"].items():
        golden[recipe] = read_golden(bundle_folder, entry["golden"])
        runners[recipe] = runner = LiteRTRunner(bundle_folder / entry["file"])
        runner.infer = recorder = _Recorder(runner.infer)
        expected[recipe] = runner(golden[recipe]["image"])
        runner.infer = recorder.infer
        calls[(bundle_folder / entry["file"]).absolute()] = recorder.calls
    reports = {}
    results = run_emulated(sysroot, calls)
    for recipe, found in zip(runners, results.values(), strict=True):
        runner, crops = runners[recipe], golden[recipe].pop("image")
        runner.infer = _Replay(runner.infer, found)
        outputs = runner(crops)
        reports[recipe] = {
            "golden": compare_outputs(golden[recipe], outputs),
            "x86": compare_outputs(expected[recipe], outputs),
        }
    return reports


def exceeded(
    reports: Mapping[str, Mapping[str, ParityReport]], tolerance: Mapping[str, float]
) -> list[str]:
    """Returns what is beyond its limit, as readable sentences.

    Args:
        reports: As of `compare_bundle`.
        tolerance: Limits of the recipes that are not in `STRICT`.
    """
    return [
        f"{recipe} against {other}: {name} {report.value(f'{name}.max'):.4g} > {limit:g} {unit}"
        for recipe, others in reports.items()
        for other, report in others.items()
        for name, unit in UNITS.items()
        if name in report.differences
        and not report.value(f"{name}.max")
        <= (limit := (LIMITS if recipe in STRICT else tolerance)[name])
    ]


def table(reports: Mapping[str, Mapping[str, ParityReport]]) -> str:
    """Returns the largest differences as a Markdown table."""
    names = list(UNITS)
    lines = [
        "| largest difference of ARM64 to | "
        + " | ".join(f"{n}, {UNITS[n]}" for n in names)
        + " |",
        "|---|" + "---|" * len(names),
    ]
    for recipe, others in reports.items():
        for other, report in others.items():
            cells = [
                f"{report.value(f'{name}.max'):.1e}" if name in report.differences else "none"
                for name in names
            ]
            lines.append(f"| {recipe}, {other} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Runs the script and returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", action="store_true", help="make the ARM64 system and stop")
    parser.add_argument("--sysroot", type=pathlib.Path, default=ROOT / ".arm64")
    parser.add_argument("--bundle", type=pathlib.Path, default=ROOT / "android_assets")
    arguments = parser.parse_args(argv)
    try:
        reason = missing(arguments.sysroot)
        if arguments.build:
            if reason:
                build(arguments.sysroot)
            return 0
        if reason:
            raise InputError(reason)
        reports = compare_bundle(arguments.bundle, arguments.sysroot)
        print(table(reports))
        bundle = json.loads((arguments.bundle / BUNDLE_FILE).read_text(encoding="utf-8"))
        if failures := exceeded(reports, bundle["golden_tolerance"]):
            raise GateError("ARM64 computes something else: " + "; ".join(failures))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except GateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
