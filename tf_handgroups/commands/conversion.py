"""Commands from a trained network to the files of an app."""

import pathlib
from typing import Annotated

import typer

from tf_handgroups.commands.options import AsJson, Out, Overwrite, Seed, ThreadsList, Trust
from tf_handgroups.commands.terminal import console, errors, print_json, say
from tf_handgroups.errors import InputError


def convert(
    model: Annotated[pathlib.Path, typer.Option(help="Trained or hardened .keras file.")],
    data: Annotated[str, typer.Option(help="KIND:PATH of calibration and validation hands.")],
    out: Out,
    variant: Annotated[
        list[str] | None, typer.Option(help="Quantization recipe; may be repeated.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Start of the file names.")] = None,
    input_type: Annotated[
        str, typer.Option(help="float32, or uint8: the files take the bytes of a picture.")
    ] = "float32",
    calibration: Annotated[int, typer.Option(min=1, help="Number of calibration crops.")] = 200,
    calibration_data: Annotated[
        str | None,
        typer.Option(
            help="KIND:PATH of calibration hands, or images:FOLDER of pictures without labels; "
            "other hands of --data if omitted."
        ),
    ] = None,
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
    from tf_handgroups.convert.byte_input import check_input_type
    from tf_handgroups.convert.calibration import calibration_crops, calibration_origin
    from tf_handgroups.convert.convert import DEFAULT_RECIPES, convert_model
    from tf_handgroups.convert.labelled_crops import labelled_crops
    from tf_handgroups.convert.quantize import recipe_named
    from tf_handgroups.datasets.registry import open_dataset
    from tf_handgroups.model_file import load_model

    recipes = variant or list(DEFAULT_RECIPES)
    for recipe in recipes:
        recipe_named(recipe)
    check_input_type(input_type)
    size = load_model(model).input_shape[1]
    hands = open_dataset(data)
    if calibration_data is None:
        labelled = labelled_crops(hands, size, calibration + validation, seed)
        crops, source = labelled[:calibration].pixels, calibration_origin(data, seed)
        validation_crops = labelled[calibration:]
    else:
        crops, source = calibration_crops(calibration_data, size, calibration, seed)
        validation_crops = labelled_crops(hands, size, validation, seed)
    report = convert_model(
        model,
        out,
        recipes,
        calibration_crops=crops,
        validation_crops=validation_crops,
        accept_loss=accept_loss,
        overwrite=overwrite,
        name=name,
        console=errors if as_json else console,
        input_type=input_type,
        calibration_source=source,
    )
    if as_json:
        print_json(report)
    else:
        say(f"Converted models, report.json and report.html: {out}")


def bundle(
    out: Annotated[pathlib.Path, typer.Option(help="Bundle folder.")] = pathlib.Path(
        "android_assets"
    ),
    converted: Annotated[
        pathlib.Path | None, typer.Option(help="Folder written by `convert`, or an older bundle.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="KIND:PATH of hands for golden vectors; an older bundle's if omitted."),
    ] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="Variants to bundle; all if omitted.")
    ] = None,
    default: Annotated[str | None, typer.Option(help="Variant that runners take.")] = None,
    licence_file: Annotated[
        pathlib.Path | None, typer.Option(help="Licence text of the model.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Number for tracking: presence_threshold, min_cutoff_hz, beta, ..."
        ),
    ] = None,
    check: Annotated[
        pathlib.Path | None, typer.Option(help="Verify this bundle and write nothing.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Bundles converted models for an app, or verifies a bundle with --check DIR.

    --converted may name a bundle, to bring it up to date or to change its numbers.

    Example: `tf-handgroups bundle --converted converted --data synth:renders/val
    --out android_assets`
    """
    from tf_handgroups.convert.bundle import write_bundle
    from tf_handgroups.convert.bundle_check import check_bundle
    from tf_handgroups.convert.bundle_sources import golden_crops, read_licence
    from tf_handgroups.convert.tracking_rule import TRACKING_NUMBERS
    from tf_handgroups.number_fields import numbers_of

    if check is not None:
        report = check_bundle(check)
        say(f"{check}: sound; default variant {report['default']}")
        return
    if converted is None:
        raise InputError("bundle: expected --converted DIR, or --check DIR. Received: neither.")
    write_bundle(
        converted,
        out,
        golden_crops(converted, data),
        variants=variant,
        default=default,
        licence_text=read_licence(licence_file, converted),
        tracking=numbers_of(set_ or [], TRACKING_NUMBERS),
        overwrite=overwrite,
    )
    say(f"Bundle: {out}")


def benchmark(
    models: Annotated[list[pathlib.Path], typer.Argument(help=".tflite files.")],
    rounds: Annotated[int, typer.Option(min=3, help="Timed runs of each file.")] = 50,
    threads: ThreadsList = None,
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Times several .tflite files interleaved in one process and prints ratios.

    --threads may be repeated; without it, one thread.

    Example: `tf-handgroups benchmark float32.tflite int8_mixed.tflite --threads 1 --threads 2`
    """
    from tf_handgroups.convert.benchmark import benchmark as run_benchmark
    from tf_handgroups.convert.benchmark import benchmark_tables

    rows = run_benchmark(models, rounds=rounds, threads=threads or [1], trust=trust)
    if as_json:
        print_json([row.as_dict() for row in rows])
    else:
        console.print(*benchmark_tables(rows))
