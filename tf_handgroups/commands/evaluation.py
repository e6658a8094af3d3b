"""Commands that measure."""

from typing import Annotated

import typer

from tf_handgroups.commands.options import AsJson, Data, Model, Out, Overwrite, Threads
from tf_handgroups.commands.terminal import console, print_json


def evaluate(
    model: Model,
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
        print_json(result.report)
    else:
        console.print(result.table(), soft_wrap=True)
        console.print(f"Report: {out}")
