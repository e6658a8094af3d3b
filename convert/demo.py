"""`demo`: the whole road on rendered hands in minutes, ending in one HTML report.

It lies beside the converter because its road ends in converted models; only the
command line imports it.
"""

import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import shutil
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.markup import escape

from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.contact_sheet import contact_sheet
from tf_handgroups.convert.convert import convert_model
from tf_handgroups.convert.demo_report import DemoFacts, Picture, demo_report
from tf_handgroups.convert.labelled_crops import labelled_crops
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.convert.predict_files import PREDICTIONS_FILE, SCHEMA
from tf_handgroups.convert.pruning import harden_and_measure
from tf_handgroups.crop import crop_image, crop_matrix, transform_points
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.datasets.shards import ShardDataset
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.draw_hand import draw_hand
from tf_handgroups.evaluation import evaluate
from tf_handgroups.evaluation_report import Evaluation
from tf_handgroups.hardening import grouping_of
from tf_handgroups.image_file import read_image, write_image
from tf_handgroups.model_file import save_model
from tf_handgroups.recipes import Recipe, get_recipe, override
from tf_handgroups.run_folder import read_history
from tf_handgroups.synth.write_shards import write_synthetic_shards
from tf_handgroups.training import train

REPORT_FILE = "report.html"
VARIANTS = ("float32", "int8_mixed")
STAGES = ("render", "train", "harden", "convert", "evaluate", "predict", "report")
CPU_INFO = pathlib.Path("/proc/cpuinfo")
LICENCE = "Apache-2.0; trained on rendered hands only"

_PICTURE_PX = 224
_PICTURE_MARGIN = 1.6


@dataclasses.dataclass(frozen=True)
class DemoSize:
    """How much the demo does: about 5 minutes on two CPU cores by default.

    Args:
        num_train: Renders to train on.
        num_validation: Renders for the curves, calibration and parity.
        num_held_out: Renders that only the evaluation sees.
        image_size: Side of the renders in pixels.
        recipe: Name of the recipe.
        steps: Training steps.
        steps_per_epoch: Steps between two points of the curves.
        overrides: More changes of the recipe, see `recipes.override`.
        num_calibration: Validation renders that calibrate int8; the others check it.
        num_typical: Pictures of hands at even steps between best and worst.
        num_worst: Pictures of the hands with the largest errors.
        timed_runs: Of every model.
        num_workers: Processes that render.
    """

    num_train: int = 3000
    num_validation: int = 300
    num_held_out: int = 200
    image_size: int = 160
    recipe: str = "mobile"
    steps: int = 420
    steps_per_epoch: int = 70
    overrides: tuple[str, ...] = ("augmentation.rotation_deg=45", "warmup_steps=60")
    num_calibration: int = 100
    num_typical: int = 9
    num_worst: int = 3
    timed_runs: int = 30
    num_workers: int = os.cpu_count() or 1


def run_demo(
    out: str | os.PathLike,
    seed: int = 0,
    overwrite: bool = False,
    console: Console | None = None,
    size: DemoSize | None = None,
) -> pathlib.Path:
    """Renders hands, trains on them, hardens, converts, evaluates, predicts, reports.

    `out` receives `report.html`, `run/` (`model.keras`, `hardened.keras`,
    `history.csv`), `converted/` (LiteRT files with contracts), `samples/` (held-out
    hands in the `handjson` format) and `predictions/` (of those). It appears at once,
    when all is done. A variant outside its gate is written and marked in the report.

    Args:
        out: Folder for the results.
        seed: Of everything random.
        overwrite: Whether an existing `out` may be replaced.
        console: Where progress goes; `None` is standard output.
        size: How much to do; `None` takes the default.

    Returns:
        Path of the report.

    Raises:
        InputError: If `out` exists and `overwrite` is false; before any work.
        GateError: If the float32 export disagrees with the Keras model.
    """
    size = size or DemoSize()
    stages = _Stages(console or Console())
    with replacing_folder(out, overwrite) as folder:
        recipe = demo_recipe(size, seed)
        with stages.next(f"{size.num_train} training hands and {_num_test(size)} for tests"):
            training, validation, held_out = _render(folder / "renders", size, seed, stages.console)
            sheet = contact_sheet(list(itertools.islice(training, 24)), columns=6)
        with stages.next(f"recipe {recipe.name}, {recipe.steps} steps of {recipe.batch_size}"):
            model = train(
                recipe,
                [training],
                [validation],
                folder / "run",
                strategy="single",
                licence=LICENCE,
                write=lambda line: stages.say(line),
            )
        num_hands = sum(sample.presence for sample in validation)
        crops = labelled_crops(validation, recipe.input_size, num_hands, seed)
        with stages.next("fixed groups, nothing that nobody reads"), stages.working():
            hardened, pruning = harden_and_measure(model, crops.pixels[:32], size.timed_runs)
            save_model(hardened, folder / "run" / "hardened.keras")
        with stages.next("LiteRT, float32 and int8"), stages.working():
            conversion = convert_model(
                folder / "run" / "hardened.keras",
                folder / "converted",
                VARIANTS,
                calibration_crops=crops.pixels[: size.num_calibration],
                validation_crops=crops[size.num_calibration :],
                accept_loss=True,
                name="demo_hand",
                benchmark_rounds=size.timed_runs,
                console=stages.console,
            )
        models = {name: folder / "converted" / f"demo_hand_{name}.tflite" for name in VARIANTS}
        with stages.next(f"{size.num_held_out} hands that training never saw"), stages.working():
            evaluations = _evaluate(models, held_out)
        with stages.next("pictures with the int8 model"):
            pictures = _predict(models["int8_mixed"], evaluations["int8_mixed"], folder, size)
        with stages.next("one HTML file"):
            facts = DemoFacts(
                out=os.fspath(out),
                seed=seed,
                recipe=recipe,
                num_train=size.num_train,
                num_validation=size.num_validation,
                image_size=size.image_size,
                sheet=sheet,
                history=read_history(folder / "run"),
                probabilities=keras.ops.convert_to_numpy(model.selector.membership()),
                grouping=grouping_of(model),
                pruning=pruning,
                conversion=conversion,
                evaluations=evaluations,
                pictures=pictures,
                seconds=dict(stages.seconds),
            )
            (folder / REPORT_FILE).write_text(demo_report(facts), encoding="utf-8")
            shutil.rmtree(folder / "renders")
    return pathlib.Path(out) / REPORT_FILE


class _Stages:
    """Prints numbered headings and keeps how long every stage took."""

    def __init__(self, console: Console):
        self.console = console
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def next(self, what: str) -> Iterator[None]:
        name = STAGES[len(self.seconds)]
        heading = f"{len(self.seconds) + 1}/{len(STAGES)} {name}"
        passed = sum(self.seconds.values())
        self.say(
            f"[bold]{heading}[/bold]: {what}  [dim]({_clock(passed)} so far)[/dim]", plain=False
        )
        start = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - start

    def say(self, line: str, plain: bool = True) -> None:
        # Not wrapped or coloured by the console: the lines are logs, too.
        text = f"    {escape(line)}" if plain else line
        self.console.print(text, highlight=False, soft_wrap=True)

    def working(self) -> Any:
        return self.console.status("working")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _num_test(size: DemoSize) -> int:
    return size.num_validation + size.num_held_out


def demo_recipe(size: DemoSize, seed: int) -> Recipe:
    """Returns the recipe that the demo trains, in the precision that suits this computer.

    Example:

    >>> demo_recipe(DemoSize(steps=10), seed=0).steps
    10
    """
    changes = {
        "steps": size.steps,
        "steps_per_epoch": size.steps_per_epoch,
        "seed": seed,
        "precision": "mixed_bfloat16" if _has_fast_bfloat16() else "float32",
    }
    assignments = [f"{name}={value}" for name, value in changes.items()]
    return override(get_recipe(size.recipe), [*assignments, *size.overrides])


def _has_fast_bfloat16() -> bool:
    """Returns whether this computer multiplies bfloat16 in hardware; others emulate it."""
    try:
        flags = CPU_INFO.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _render(
    folder: pathlib.Path, size: DemoSize, seed: int, console: Console
) -> tuple[ShardDataset, ShardDataset, ShardDataset]:
    counts = {
        "train": size.num_train,
        "validation": size.num_validation,
        "held_out": size.num_held_out,
    }
    for index, (name, count) in enumerate(counts.items()):
        write_synthetic_shards(
            count,
            seed * len(counts) + index,
            folder / name,
            image_size=size.image_size,
            num_workers=size.num_workers if count > 100 else 1,
            progress=not console.quiet,
        )
    training, validation, held_out = (ShardDataset(folder / name) for name in counts)
    return training, validation, held_out


def _evaluate(models: dict[str, pathlib.Path], held_out: ShardDataset) -> dict[str, Evaluation]:
    samples = list(held_out)
    return {
        name: evaluate(Predictor(path), samples, protocol="procrustes", num_worst=len(samples))
        for name, path in models.items()
    }


def _predict(
    model: pathlib.Path, evaluation: Evaluation, folder: pathlib.Path, size: DemoSize
) -> list[Picture]:
    """Writes some held-out hands as files and predicts them, as `predict` would."""
    chosen = choose_cases(len(evaluation.worst), size.num_typical, size.num_worst)
    write_handjson([evaluation.worst[rank].sample for rank in chosen], folder / "samples")
    predictor = Predictor(model)
    hands, pictures = [], []
    for rank, sample in zip(chosen, HandJsonDataset(folder / "samples"), strict=True):
        image = read_image(sample.image)
        hand = predictor.predict(image, [sample.box_px], [sample.handedness])[0]
        # Ids are file#number; the folder will move.
        file = pathlib.PurePosixPath("samples", sample.sample_id.rpartition("#")[0])
        hands.append({"image": str(file)} | hand.to_json())
        overlay = draw_hand(image, hand.uv_px)
        write_image(folder / "predictions" / f"{file.stem}_overlay.png", overlay)
        pictures.append(
            Picture(
                pixels=truth_beside_prediction(sample, image, hand.uv_px),
                error_box=evaluation.worst[rank].error_box,
                better_than=rank / len(evaluation.worst),
                is_worst=rank < size.num_worst,
            )
        )
    result = {"schema": SCHEMA, "model_sha256": predictor.runner.sha256, "hands": hands}
    text = json.dumps(result, indent=1, allow_nan=False)
    (folder / "predictions" / PREDICTIONS_FILE).write_text(text + "\n", encoding="utf-8")
    return pictures


def choose_cases(count: int, num_typical: int, num_worst: int) -> list[int]:
    """Returns the ranks to show, best first: some at even steps, then the worst.

    Args:
        count: Number of hands; rank 0 has the largest error.
        num_typical: How many at even ranks.
        num_worst: How many of the worst.

    Example:

    >>> choose_cases(11, 3, 2)
    [8, 5, 2, 1, 0]
    """
    num_worst = min(num_worst, count)
    shares = 1 - (np.arange(num_typical) + 0.5) / max(num_typical, 1)
    typical = np.round((count - 1) * shares).astype(int).tolist()
    chosen = [*typical, *range(num_worst - 1, -1, -1)]
    return [rank for rank in dict.fromkeys(chosen) if 0 <= rank < count]


def truth_beside_prediction(sample: HandSample, image: np.ndarray, uv_px: np.ndarray) -> np.ndarray:
    """Returns the hand's surroundings twice: with its label, with its prediction.

    Args:
        sample: The hand.
        image: Its image.
        uv_px: `(21, 2)` prediction in pixels of the image.

    Returns:
        `(224, 456, 3)` uint8 RGB, a white bar between the halves.
    """
    matrix = crop_matrix(sample.box_px, _PICTURE_PX, _PICTURE_MARGIN)
    crop = np.round(crop_image(image, matrix, _PICTURE_PX) * 255).astype(np.uint8)
    true_uv = np.where(sample.visible[:, None], sample.uv_px, np.nan)
    truth = draw_hand(crop, transform_points(matrix, true_uv))
    guess = draw_hand(crop, transform_points(matrix, uv_px))
    bar = np.full((_PICTURE_PX, 8, 3), 255, np.uint8)
    return np.concatenate([truth, bar, guess], axis=1)
