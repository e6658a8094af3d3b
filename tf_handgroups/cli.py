"""The command line: `tf-handgroups COMMAND`.

Exit codes: 0 done, 1 failure while running, 2 unusable arguments or input, 3 a
quality gate not met. It never asks questions and replaces nothing without
`--overwrite`. The only module that imports from both the package and the converter.
"""

import enum
import json
import os
import pathlib
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from tf_handgroups.errors import GateError, InputError
from tf_handgroups.quiet_start import import_tensorflow_quietly

app = typer.Typer(
    help="Train 3D hand-pose networks that learn their joint groups; ship them as LiteRT bundles.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
# What Typer returns after Ctrl-C.
TYPER_INTERRUPTED = 130

console = Console()
errors = Console(stderr=True, soft_wrap=True)

Out = Annotated[pathlib.Path, typer.Option(help="Folder for the results.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for another program.")]
Data = Annotated[str, typer.Option(help="Data set as KIND:PATH, e.g. synth:renders/train.")]
DataList = Annotated[list[str], typer.Option(help="Data set as KIND:PATH; may be repeated.")]
Threads = Annotated[int, typer.Option(min=1, max=64, help="CPU threads of LiteRT.")]


class Strategy(enum.StrEnum):
    """Distribution strategies of `train`."""

    AUTO = "auto"
    SINGLE = "single"
    MIRRORED = "mirrored"


@app.command()
def demo(out: Out = pathlib.Path("demo_out"), overwrite: Overwrite = False, seed: Seed = 0) -> None:
    """The whole road on rendered hands in minutes, ending in one HTML report.

    Renders, trains a small network, hardens, converts, predicts.

    Example: `tf-handgroups demo --out demo_out`
    """
    from tf_handgroups.convert.demo import run_demo

    report = run_demo(out, seed=seed, overwrite=overwrite, console=console)
    console.print(f"Open {report} in a browser.")


@app.command()
def synth(
    count: Annotated[int, typer.Option(help="Number of images.")],
    out: Out,
    seed: Seed = 0,
    image_size: Annotated[int, typer.Option(help="Side of the images in pixels.")] = 192,
    workers: Annotated[int, typer.Option(help="Processes that render.")] = os.cpu_count() or 1,
    preview: Annotated[
        pathlib.Path | None, typer.Option(help="Also draw a contact sheet to this PNG.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Renders a synthetic training set of hands with exact labels into shards.

    An interrupted run continues where it stopped.

    Example: `tf-handgroups synth --count 40000 --seed 1 --out renders/train`
    """
    import itertools

    from tf_handgroups.datasets.shards import ShardDataset
    from tf_handgroups.image_file import write_image
    from tf_handgroups.synth.contact_sheet import contact_sheet
    from tf_handgroups.synth.write_shards import write_synthetic_shards

    write_synthetic_shards(
        count, seed, out, image_size=image_size, num_workers=workers, overwrite=overwrite
    )
    if preview is not None:
        samples = list(itertools.islice(ShardDataset(out), 48))
        write_image(preview, contact_sheet(samples, columns=8), overwrite=True)
        console.print(f"Contact sheet: {preview}")
    console.print(f"{count} images in {out}. Use them as --data synth:{out}")


@app.command()
def train(
    data: DataList,
    val: DataList,
    out: Out,
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")] = "mobile",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a field of the recipe: field=value.")
    ] = None,
    strategy: Annotated[Strategy, typer.Option(help="How to distribute.")] = Strategy.AUTO,
    initial_model: Annotated[
        pathlib.Path | None, typer.Option(help="A trained .keras file to start from.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the model.")] = "not stated",
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
) -> None:
    """Trains a network with Keras `fit`.

    Example: `tf-handgroups train --recipe mobile --data synth:renders/train
    --val synth:renders/val --out runs/mobile --set steps=9000`
    """
    from tf_handgroups.datasets.registry import open_dataset
    from tf_handgroups.recipes import get_recipe, override
    from tf_handgroups.training import train as run_training

    chosen = override(get_recipe(recipe), set_ or [])
    run_training(
        chosen,
        [open_dataset(name) for name in data],
        [open_dataset(name) for name in val],
        out,
        strategy=strategy.value,
        resume=resume,
        initial_model=initial_model,
        licence=licence,
        write=lambda line: console.print(line, soft_wrap=True, highlight=False),
    )
    console.print(f"Trained model: {out / 'model.keras'}")


@app.command()
def evaluate(
    model: Annotated[pathlib.Path, typer.Option(help=".keras, .tflite or bundle folder.")],
    data: Data,
    out: Out,
    protocol: Annotated[str, typer.Option(help="Name of a protocol, or all.")] = "all",
    threads: Threads = 1,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Measures a model on a labelled data set: tables, PCK curves, worst cases.

    Example: `tf-handgroups evaluate --model android_assets --data handjson:photos
    --out report`
    """
    from tf_handgroups.convert.predict import Predictor
    from tf_handgroups.datasets.registry import open_dataset
    from tf_handgroups.evaluation import evaluate as run_evaluation

    dataset = open_dataset(data)
    result = run_evaluation(Predictor(model, threads), dataset, protocol=protocol)
    result.save(out, overwrite=overwrite)
    if as_json:
        sys.stdout.write(json.dumps(result.report) + "\n")
    else:
        console.print(result.table(), soft_wrap=True)
        console.print(f"Report: {out}")


@app.command()
def predict(
    model: Annotated[pathlib.Path, typer.Option(help=".keras, .tflite or bundle folder.")],
    inputs: Annotated[list[pathlib.Path], typer.Argument(help="Images or folders of images.")],
    out: Out,
    boxes: Annotated[
        pathlib.Path | None,
        typer.Option(help="handjson file with `file`, `box_px`, `handedness` of each hand."),
    ] = None,
    threads: Threads = 1,
    overwrite: Overwrite = False,
) -> None:
    """Finds the 21 joints of hands: predictions.json and overlays.

    Without --boxes the whole image is taken as one hand's window.

    Example: `tf-handgroups predict --model android_assets photo.jpg --boxes boxes.json
    --out result`
    """
    from tf_handgroups.convert.predict_files import predict_files

    count = predict_files(
        model,
        inputs,
        out,
        boxes=boxes,
        num_threads=threads,
        overwrite=overwrite,
        track=lambda items: track(items, "predicting", console=errors),
    )
    console.print(f"{count} hands in {out / 'predictions.json'}, overlays beside it.")


@app.command()
def convert(
    model: Annotated[pathlib.Path, typer.Option(help="Trained or hardened .keras file.")],
    data: Annotated[str, typer.Option(help="KIND:PATH of calibration and validation hands.")],
    out: Out,
    variant: Annotated[
        list[str] | None, typer.Option(help="Quantization recipe; may be repeated.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Start of the file names.")] = None,
    calibration: Annotated[int, typer.Option(min=1, help="Number of calibration crops.")] = 200,
    validation: Annotated[int, typer.Option(min=1, help="Number of validation crops.")] = 200,
    seed: Seed = 0,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Also write variants outside their gate.")
    ] = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Hardens a network and converts it to verified LiteRT files with contracts.

    Example: `tf-handgroups convert --model runs/mobile/model.keras
    --data synth:renders/val --out converted`
    """
    from tf_handgroups.convert.calibration import dataset_crops
    from tf_handgroups.convert.convert import DEFAULT_RECIPES, convert_model
    from tf_handgroups.convert.quantize import recipe_named
    from tf_handgroups.datasets.registry import open_dataset
    from tf_handgroups.model_file import load_model

    recipes = variant or list(DEFAULT_RECIPES)
    for recipe in recipes:
        recipe_named(recipe)
    size = load_model(model).input_shape[1]
    crops = dataset_crops(open_dataset(data), size, calibration + validation, seed)
    report = convert_model(
        model,
        out,
        recipes,
        calibration_crops=crops[:calibration],
        validation_crops=crops[calibration:],
        accept_loss=accept_loss,
        overwrite=overwrite,
        name=name,
        console=errors if as_json else console,
    )
    if as_json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        console.print(f"Converted models and report.json: {out}")


@app.command()
def bundle(
    out: Annotated[pathlib.Path, typer.Option(help="Bundle folder.")] = pathlib.Path(
        "android_assets"
    ),
    converted: Annotated[
        pathlib.Path | None, typer.Option(help="Folder written by `convert`.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="KIND:PATH of hands for golden vectors.")] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="Variants to bundle; all if omitted.")
    ] = None,
    default: Annotated[str | None, typer.Option(help="Variant that runners take.")] = None,
    licence_file: Annotated[
        pathlib.Path | None, typer.Option(help="Licence text of the model.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Verify the bundle in --out.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Bundles converted models for an app, or verifies a bundle with --check.

    Example: `tf-handgroups bundle --converted converted --data synth:renders/val
    --out android_assets`
    """
    from tf_handgroups.convert.bundle import check_bundle, write_bundle
    from tf_handgroups.convert.bundle_sources import golden_crops, read_licence

    if check:
        report = check_bundle(out)
        console.print(f"{out}: sound; default variant {report['default']}")
        return
    if converted is None or data is None:
        raise InputError("bundle: expected --converted and --data, or --check.")
    write_bundle(
        converted,
        out,
        golden_crops(converted, data),
        variants=variant,
        default=default,
        licence_text=read_licence(licence_file),
        overwrite=overwrite,
    )
    console.print(f"Bundle: {out}")


@app.command()
def benchmark(
    models: Annotated[list[pathlib.Path], typer.Argument(help=".tflite files.")],
    rounds: Annotated[int, typer.Option(min=3, help="Timed runs of each file.")] = 50,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Times several .tflite files interleaved in one process and prints ratios.

    Example: `tf-handgroups benchmark float32.tflite int8_mixed.tflite`
    """
    from tf_handgroups.convert.benchmark import benchmark as run_benchmark
    from tf_handgroups.convert.benchmark import benchmark_table

    rows = run_benchmark(models, rounds=rounds, num_threads=threads)
    if as_json:
        sys.stdout.write(json.dumps([row.as_dict() for row in rows]) + "\n")
    else:
        console.print(benchmark_table(rows))


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    Args:
        argv: Arguments without the program's name; those of the process if `None`.

    Example:

    >>> main(["train", "--recipe", "none", "--data", "a:b", "--val", "a:b", "--out", "run"])
    2
    """
    arguments = sys.argv[1:] if argv is None else argv
    try:
        if arguments and "--help" not in arguments:
            import_tensorflow_quietly()
        result = app(args=arguments, prog_name="tf-handgroups", standalone_mode=False)
        if result == TYPER_INTERRUPTED:
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except InputError as error:
        return _fail(error, 2)
    except GateError as error:
        return _fail(error, 3)
    except typer.Exit as error:
        return error.exit_code
    except typer.Abort:
        return 1
    except KeyboardInterrupt:
        errors.print("Interrupted.")
        return 1
    except Exception as error:
        # Typer's own usage errors know how to print themselves and their exit code.
        show = getattr(error, "show", None)
        if callable(show):
            show()
            return int(getattr(error, "exit_code", 2))
        if os.environ.get("HANDGROUPS_DEBUG"):
            raise
        return _fail(error, 1)


def _fail(error: Exception, code: int) -> int:
    message = str(error) or type(error).__name__
    errors.print("error:", style="bold red", end=" ")
    errors.print(message, markup=False, highlight=False)
    return code


def run() -> None:
    """Entry point of the console script."""
    sys.exit(main())
