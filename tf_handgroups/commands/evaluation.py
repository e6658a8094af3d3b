"""Commands that measure."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from tf_handgroups.commands.options import AsJson, Data, Model, Out, Overwrite, Threads, Trust
from tf_handgroups.commands.terminal import console, errors, print_json, progress, say
from tf_handgroups.errors import InputError


def evaluate(
    model: Model,
    data: Data,
    out: Out,
    protocol: Annotated[
        str, typer.Option(help="Name of a protocol (docs/paper.md lists them), or all.")
    ] = "all",
    submission: Annotated[
        pathlib.Path | None, typer.Option(help="Also write FreiHAND's pred.json to this file.")
    ] = None,
    rotation: Annotated[
        float, typer.Option(help="Turn the pictures clockwise by so many degrees first.")
    ] = 0.0,
    threads: Threads = 1,
    trust: Trust = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Measures a model on a labelled data set: tables, PCK curves, worst cases.

    With --submission the hands need no labels: every one gets its row in pred.json. With
    --rotation, joints, cameras and boxes turn with the pictures.

    Example: `tf-handgroups evaluate --model android_assets --data handjson:photos
    --out report`
    """
    from tf_handgroups.convert.predict import Predictor
    from tf_handgroups.datasets.registry import open_dataset
    from tf_handgroups.evaluation import evaluate as run_evaluation
    from tf_handgroups.freihand_submission import write_submission
    from tf_handgroups.rotated_dataset import RotatedDataset

    if submission is not None and rotation:
        raise InputError(
            "evaluate: expected the pictures as they are for a submission. "
            f"Received: --rotation {rotation:g}. Leave out one of --submission and --rotation."
        )
    dataset = open_dataset(data)
    if rotation:
        dataset = RotatedDataset(dataset, rotation)
    predict = Predictor(model, threads, trust)
    written = None
    if submission is not None:
        # Before any prediction: with both files wanted, both have to be allowed.
        if out.is_dir() and any(out.iterdir()) and not overwrite:
            raise InputError(f"{out}: already exists. Choose another --out or pass --overwrite.")
        predict = _once(predict)
        with progress("predicting") as show:
            written = write_submission(predict, dataset, submission, overwrite, show)
    result = None
    if written is None or written.num_labelled:
        with progress("measuring") as show:
            result = run_evaluation(predict, dataset, protocol=protocol, on_progress=show)
        result.save(out, overwrite=overwrite)
    if as_json:
        report: dict[str, Any] = result.report if result else {}
        if written:
            report = report | {"submission": written.as_dict()}
        print_json(report)
    elif result:
        console.print(result.table(), soft_wrap=True)
        say(f"Report: {out}")
    if written:
        place = errors if as_json else console
        place.print(f"Submission: {written.path}, {written.num_hands} hands", soft_wrap=True)
        if written.note:
            place.print(f"Note: {written.note}", soft_wrap=True)
        if not result:
            place.print(f"No hand of {data} is labelled: there is no report.", soft_wrap=True)


def plot_pck(
    out: Annotated[pathlib.Path, typer.Option(help="PNG file to write.")],
    report: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BENCHMARK[:LABEL]=PATH",
            help="Also draw our curve from a report of `evaluate`; may be repeated.",
        ),
    ] = None,
    benchmark: Annotated[
        list[str] | None,
        typer.Option(help="rhd, stb or dexter-object; may be repeated, all if omitted."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Draws PCK curves beside the published ones, as figure 3 of the paper.

    A curve that was measured on other data than the benchmark's is dashed and says so.

    Example: `tf-handgroups plot-pck --report rhd:my-model=runs/mobile/report --out pck.png`
    """
    from tf_handgroups.atomic_files import replacing_file
    from tf_handgroups.measured_curves import read_measured_curve
    from tf_handgroups.pck_figure import pck_figure
    from tf_handgroups.published_curves import PUBLISHED

    if out.suffix.lower() != ".png":
        raise InputError(f"plot-pck: expected a file name ending in .png. Received: out={out}.")
    measured = [read_measured_curve(argument) for argument in report or []]
    picture = pck_figure(measured, benchmark or tuple(PUBLISHED))
    with replacing_file(out, overwrite) as temporary:
        temporary.write_bytes(picture)
    say(f"Figure: {out}")


def _once(predict: Callable[[list], Sequence[Any]]) -> Callable[[list], list[Any]]:
    """The same predictions, but made only once for each sample."""
    known: dict[str, Any] = {}

    def remembered(samples: list) -> list[Any]:
        new = [sample for sample in samples if sample.sample_id not in known]
        if new:
            known.update(zip([s.sample_id for s in new], predict(new), strict=True))
        return [known[sample.sample_id] for sample in samples]

    return remembered
