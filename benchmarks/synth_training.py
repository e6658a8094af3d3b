"""What a synthetic set is worth: a fixed small network trained on it, measured on photographs.

    tf-handgroups synth --count 40000 --seed 1 --out renders/train
    python -m benchmarks.synth_training --set old=renders/old new=renders/train --out runs/worth \
        --real ../shared/data
    python -m benchmarks.synth_training --out runs/worth        # prints the table again

A set may be mixed with further data of any KIND: `--set mixed=renders/train,handjson:hands/pseudo`.
Every set trains the same network for the same number of steps: recipe `mobile` (its encoder
starts from ImageNet weights) at 64x64, bfloat16, batches of 32, augmentation with in-plane
rotation up to +-180 degrees; the seed fixes weights, order and augmentation. The 12,000
steps, 384,000 presentations, take 26 minutes on two free cores.

The hardened model, in float32, is then measured with the boxes and sides that the labels give:

- `real3d_dev`: 150 photographs with 3D joints, all left hands, one camera and one scene.
  PA-MPJPE is the protocol `procrustes`; beside it the constant pose of `evaluate`.
- `mmpose_samples`: all hands of the samples of FreiHAND (8, but 2 poses before 4 backgrounds),
  RHD (3), InterHand2.6M (6 in 4 pictures), OneHand10K (4) and Panoptic (4), pooled, in 2D. 25 hands
  are few: small differences mean nothing. Where the side is not labelled, the network says it.
- further photographs with `--also NAME=FOLDER` (`handjson`, for example of
  `tf-handgroups pseudo-label`), in 2D.

2D errors are of visible joints, in longer sides of the tight box around them. Both are measured
as they are and turned by 90 degrees (`--rotations`), see `tf_handgroups.rotated_dataset`.

A run lies in OUT/NAME_seedS. A finished one is not repeated, an interrupted one continues after
its last epoch. `results.json` in it says everything; `table.md` in OUT shows all runs there, oldest
first, with differences to the oldest. The validation that `train` asks for sees 64 hands of
the set; nothing is chosen by it. Runs with other seeds tell how much chance makes.
"""

import argparse
import dataclasses
import datetime
import json
import pathlib
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tf_handgroups
from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.convert.run import KerasRunner
from tf_handgroups.datasets.coco_keypoints import read_coco_keypoints
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.datasets.interhand import InterHandDataset
from tf_handgroups.datasets.registry import KINDS, Dataset, open_dataset
from tf_handgroups.datasets.sample import HandSample, image_bytes
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation import Predict, evaluate
from tf_handgroups.hardening import harden
from tf_handgroups.model_file import load_model
from tf_handgroups.recipes import get_recipe, override
from tf_handgroups.recipes.recipe import Recipe
from tf_handgroups.rotated_dataset import RotatedDataset
from tf_handgroups.run_folder import MODEL_FILE, RECIPE_FILE
from tf_handgroups.run_record import describe
from tf_handgroups.training import train

SETTINGS = ["input_size=64", "precision=mixed_bfloat16", "batch_size=32", "steps_per_epoch=500"]
STEPS = 12_000
ROTATIONS = (0.0, 90.0)
RESULTS_FILE, TRAINING_FILE, TABLE_FILE = "results.json", "training.json", "table.md"
NUM_VALIDATION = 64
# Joint orders of mmpose's files; InterHand2.6M's has a layout of its own.
COCO_ORDERS = {"freihand": "canonical", "rhd": "rhd"}
COCO_ORDERS |= {"onehand10k": "canonical", "panoptic": "canonical"}
PCK_BOX_SHARES = (0.05, 0.1, 0.2)

# Data, measure, heading and digits of the table's columns.
COLUMNS = [
    ("real3d_dev", "pa_mpjpe_mm", "real3d_dev PA-MPJPE (mm)", 2),
    ("real3d_dev", "epe_box", "real3d_dev EPE/box", 4),
    ("mmpose_samples", "epe_box", "mmpose EPE/box", 4),
    *(("mmpose_samples", f"pck_{share:g}", f"mmpose PCK@{share:g}", 3) for share in PCK_BOX_SHARES),
]

Measure = Callable[[Predict], list[dict[str, Any]]]


def benchmark_recipe(steps: int, seed: int) -> Recipe:
    """The fixed network and schedule."""
    return override(get_recipe("mobile"), [*SETTINGS, f"steps={steps}", f"seed={seed}"])


def mmpose_hands(folder: pathlib.Path) -> list[HandSample]:
    """All hands of `mmpose_samples`, with their pictures in memory."""
    samples: list[HandSample] = []
    for name, order in COCO_ORDERS.items():
        source = folder / name
        samples += read_coco_keypoints(source / f"test_{name}.json", source, order).samples
    source = folder / "interhand2.6m"
    with tempfile.TemporaryDirectory() as name:
        # The reader wants the official layout.
        official = pathlib.Path(name)
        annotations, images = official / "annotations" / "test", official / "images" / "test"
        annotations.mkdir(parents=True)
        images.mkdir(parents=True)
        for part in ("data", "camera", "joint_3d"):
            target = annotations / f"InterHand2.6M_test_{part}.json"
            shutil.copy(source / f"test_interhand2.6m_{part}.json", target)
        for image in source.glob("*.jpg"):
            shutil.copy(image, images)
        samples += InterHandDataset(official, split="test")
        return [dataclasses.replace(sample, image=image_bytes(sample)) for sample in samples]


def measures_of(predict: Predict, hands: Dataset | Sequence[HandSample], degrees: float) -> dict:
    """Errors on hands turned by an angle."""
    result = evaluate(predict, RotatedDataset(hands, degrees))
    report = result.report
    thresholds, shares = result.curves_box["2D"]
    row = {
        "rotation_deg": report["data"]["rotation_deg"],
        "num_hands": report["data"]["num_hands"],
        "epe_box": report["errors_2d"]["epe_box"],
        "median_box": report["errors_2d"]["median_box"],
        "epe_px": report["errors_2d"]["epe_px"],
    }
    row |= {f"pck_{x:g}": round(float(np.interp(x, thresholds, shares)), 6) for x in PCK_BOX_SHARES}
    if report["data"]["num_hands_3d"] == report["data"]["num_hands"]:
        row["pa_mpjpe_mm"] = report["errors_3d"]["procrustes"]["mpjpe_mm"]
        row["mean_hand_pa_mpjpe_mm"] = report["mean_hand"]["mpjpe_mm"]
    return row


def measure_on(
    real: pathlib.Path,
    rotations: Sequence[float],
    also: Sequence[tuple[str, pathlib.Path]] = (),
) -> Measure:
    """Reads the photographs, so that what is missing is noticed before any training."""
    data = {
        "real3d_dev": HandJsonDataset(real / "real3d_dev"),
        "mmpose_samples": mmpose_hands(real / "mmpose_samples"),
        **{name: HandJsonDataset(folder) for name, folder in also},
    }

    def measure(predict: Predict) -> list[dict[str, Any]]:
        return [
            {"data": name, **measures_of(predict, hands, degrees)}
            for name, hands in data.items()
            for degrees in rotations
        ]

    return measure


def open_set(text: str) -> list[Dataset]:
    """Opens the parts of a set, `FOLDER` or `KIND:PATH`, separated by commas.

    Example:

    >>> open_set("missing")
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: missing: expected an existing path after synth:. ...
    """
    names = text.split(",")
    known = tuple(f"{kind}:" for kind in KINDS)
    return [open_dataset(name if name.startswith(known) else f"synth:{name}") for name in names]


def described_set(datasets: Sequence[Dataset]) -> dict[str, Any]:
    """What results say about a set: settings of its renders, names and weights of the rest."""
    first, *others = datasets
    info = getattr(first, "info", {"data": describe(first)})
    content = {key: value for key, value in info.items() if key != "shards"}
    if others:
        content["with"] = [describe(other) for other in others]
    return content


def run_set(
    name: str, datasets: list[Dataset], recipe: Recipe, out: pathlib.Path, measure: Measure
) -> pathlib.Path:
    """Trains on a set and measures, or what of it is left to do; returns the run's folder."""
    folder = out / f"{name}_seed{recipe.seed}"
    asked = {
        "set": described_set(datasets),
        "recipe": json.loads(json.dumps(dataclasses.asdict(recipe))),
    }
    if (folder / RESULTS_FILE).is_file():
        found = json.loads((folder / RESULTS_FILE).read_text())
        if any(found[key] != value for key, value in asked.items()):
            raise InputError(
                f"{folder}: expected a run with these steps on this set. Received: a finished one "
                "with other steps or on another set. Choose another name or --out."
            )
        print(f"{folder}: finished before")
        return folder
    run = folder / "training"
    if not (folder / TRAINING_FILE).is_file():
        resume = (run / RECIPE_FILE).is_file()
        start = time.monotonic()
        first = datasets[0]
        validation = [first[index] for index in range(min(NUM_VALIDATION, len(first)))]
        train(recipe, datasets, [validation], run, strategy="single", resume=resume)
        minutes = round((time.monotonic() - start) / 60, 2)
        # Of an interrupted run only the last part was timed.
        _write_json(folder / TRAINING_FILE, {"minutes": None if resume else minutes})
    predict = Predictor(KerasRunner(harden(load_model(run / MODEL_FILE))))
    results = {
        "name": name,
        "seed": recipe.seed,
        **asked,
        "path": str(datasets[0].path),
        "presentations": recipe.steps * recipe.batch_size,
        **json.loads((folder / TRAINING_FILE).read_text()),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        "model": "hardened, float32",
        "measures": measure(predict),
    }
    _write_json(folder / RESULTS_FILE, results)
    return folder


def table(runs: Sequence[dict[str, Any]]) -> str:
    """Lays out runs as markdown; those after the first with differences to it."""
    known = [column[0] for column in COLUMNS]
    names = dict.fromkeys(row["data"] for run in runs for row in run["measures"])
    also = [(name, "epe_box", f"{name} EPE/box", 4) for name in names if name not in known]
    columns = COLUMNS + also
    lines = ["| " + " | ".join(["run", "turned by", *(column[2] for column in columns)]) + " |"]
    lines.append("|---|---:|" + "---:|" * len(columns))
    for run in runs:
        for degrees in dict.fromkeys(row["rotation_deg"] for row in run["measures"]):
            cells = [_cell(run, runs[0], degrees, column) for column in columns]
            lines.append("| " + " | ".join([_title(run), f"{degrees:g}°", *cells]) + " |")
    lines += ["", *_notes(runs)]
    return "\n".join(lines) + "\n"


def _title(run: dict[str, Any]) -> str:
    return f"{run['name']}, seed {run['seed']}"


def _cell(run: dict, first: dict, degrees: float, column: tuple[str, str, str, int]) -> str:
    data, measure, _, digits = column
    value, before = (_value(one, data, degrees, measure) for one in (run, first))
    if value is None:
        return "-"
    difference = "" if run is first or before is None else f" ({value - before:+.{digits}f})"
    return f"{value:.{digits}f}{difference}"


def _value(run: dict[str, Any], data: str, degrees: float, measure: str) -> float | None:
    for row in run["measures"]:
        if (row["data"], row["rotation_deg"]) == (data, degrees):
            return row.get(measure)
    return None


def _notes(runs: Sequence[dict[str, Any]]) -> list[str]:
    """What was trained, on what and with what; one line for each run and data set."""
    lines = []
    for run in runs:
        minutes = "interrupted" if run["minutes"] is None else f"{run['minutes']:.1f} minutes"
        recipe = run["recipe"]
        described = ", ".join(f"{key} {json.dumps(value)}" for key, value in run["set"].items())
        versions = ", ".join(f"{key} {value}" for key, value in run["versions"].items())
        lines.append(
            f"- {_title(run)}: {run['presentations']} presentations at {recipe['input_size']} px, "
            f"{recipe['precision']}, {minutes}; {versions}. Set: {described}."
        )
    for row in runs[0]["measures"] if runs else []:
        constant = row.get("mean_hand_pa_mpjpe_mm")
        text = f"; a constant pose has PA-MPJPE {constant:.2f} mm" if constant else ""
        if not row["rotation_deg"]:
            lines.append(f"- {row['data']}: {row['num_hands']} hands{text}.")
    return lines


def found_runs(out: pathlib.Path) -> list[dict[str, Any]]:
    """The results of all finished runs, oldest first."""
    results = [json.loads(path.read_text()) for path in sorted(out.glob(f"*/{RESULTS_FILE}"))]
    return sorted(results, key=lambda result: result["finished"])


def _versions() -> dict[str, str]:
    return {
        "tf_handgroups": tf_handgroups.__version__,
        "TensorFlow": tf.__version__,
        "Keras": keras.__version__,
        "Python": platform.python_version(),
    }


def _write_json(path: pathlib.Path, content: dict) -> None:
    with replacing_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")


def _named_set(text: str) -> tuple[str, str]:
    name, equals, parts = text.partition("=")
    if not (equals and parts) or not name.replace("-", "").replace("_", "").isalnum():
        raise argparse.ArgumentTypeError(
            f"expected NAME=FOLDER, NAME of letters, digits, - and _. Received: {text!r}"
        )
    return name, parts


def _named_folder(text: str) -> tuple[str, pathlib.Path]:
    name, folder = _named_set(text)
    return name, pathlib.Path(folder)


def main(argv: list[str] | None = None) -> int:
    """Trains, measures, prints and writes the table."""
    parser = argparse.ArgumentParser(description="What synthetic sets are worth")
    parser.add_argument("--set", type=_named_set, nargs="+", action="extend", default=[])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the runs")
    parser.add_argument("--real", type=pathlib.Path, default=pathlib.Path("../shared/data"))
    parser.add_argument("--also", type=_named_folder, nargs="+", action="extend", default=[])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rotations", type=float, nargs="+", default=ROTATIONS)
    options = parser.parse_args(argv)
    try:
        if options.set:
            measure = measure_on(options.real, options.rotations, options.also)
            recipe = benchmark_recipe(options.steps, options.seed)
            sets = [(name, open_set(parts)) for name, parts in options.set]
            for name, datasets in sets:
                keras.backend.clear_session()
                print(f"{name}: {', '.join(map(describe, datasets))}")
                run_set(name, datasets, recipe, options.out, measure)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    runs = found_runs(options.out)
    if not runs:
        print(f"{options.out}: no finished run. Name sets with --set.", file=sys.stderr)
        return 2
    text = table(runs)
    with replacing_file(options.out / TABLE_FILE, overwrite=True) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
