"""The measures of one run: its model on a data set, hardened and in other forms."""

import csv
import dataclasses
import json
import pathlib
from collections.abc import Sequence

import keras
import numpy as np

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation import evaluate
from tf_handgroups.evaluation_report import Evaluation
from tf_handgroups.hardening import grouping_of, harden
from tf_handgroups.model_file import load_model
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.run_folder import MODEL_FILE
from tf_handgroups.sample_prediction import SamplePrediction

GROUPING_FILE = "grouping.json"
NUM_DRAWS = 5

# How the trained network is used, and what that means.
FORMS = {
    "hardened": "the network that is shipped",
    "trained": "the trained network with its hard grouping",
    "expected": "the groups mixed by the learned probabilities",
    "sampled": f"the groups mixed by chance as in training, mean of {NUM_DRAWS} draws",
}


@dataclasses.dataclass(frozen=True)
class Measure:
    """A number about a run.

    Args:
        form: One of `FORMS`.
        measure: What was measured, for example `2d/epe_box` or `procrustes/mpjpe_mm`.
        value: The number.
        num_hands: On so many hands; 0 for what needs none.
    """

    form: str
    measure: str
    value: float
    num_hands: int


def measures_path(folder: pathlib.Path, data: str) -> pathlib.Path:
    """Returns where the measures of a run on a data set lie.

    Example:

    >>> measures_path(pathlib.Path("run"), "photos").name
    'measures-photos.csv'
    """
    return folder / f"measures-{data}.csv"


def measure_run(folder: pathlib.Path, data: str, datasets: Sequence, all_forms: bool) -> None:
    """Measures a finished run and leaves the numbers and the grouping in its folder.

    Args:
        folder: Of the run.
        data: Name of the data.
        datasets: Data sets, taken together.
        all_forms: Whether every form is measured, not only the hardened one.

    Raises:
        InputError: If the model is none, or no hand is labelled.
    """
    model = load_model(folder / MODEL_FILE)
    if not isinstance(model, HandPoseModel):
        raise InputError(f"{folder / MODEL_FILE}: expected the trained model. Received: another.")
    hands = [sample for dataset in datasets for sample in dataset]
    hardened = harden(model)
    measures = [*_size("hardened", hardened), *_size("trained", model)]
    measures += _measured("hardened", hardened, hands)
    if all_forms:
        measures += _measured("trained", model, hands)
        if model.selector.grouping is None:
            expected = model.mixture_model(model.selector.membership())
            measures += _measured("expected", expected, hands)
            draws = (model.selector.sample_weights(draw) for draw in range(NUM_DRAWS))
            measures += _mean(
                [_measured("sampled", model.mixture_model(weights), hands) for weights in draws]
            )
    with replacing_file(folder / GROUPING_FILE, overwrite=True) as temporary:
        temporary.write_text(json.dumps(grouping_of(model)) + "\n", encoding="utf-8")
    with replacing_file(measures_path(folder, data), overwrite=True) as temporary:
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(field.name for field in dataclasses.fields(Measure))
            table.writerows(dataclasses.astuple(measure) for measure in measures)


def read_measures(folder: pathlib.Path, data: str) -> list[Measure]:
    """Reads what `measure_run` wrote.

    Raises:
        InputError: If the file is missing or damaged.
    """
    path = measures_path(folder, data)
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [
                Measure(row["form"], row["measure"], float(row["value"]), int(row["num_hands"]))
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected measures. Received: a missing or damaged file. "
            "Remove it and run ablate again."
        ) from error


def read_grouping(folder: pathlib.Path) -> list[int]:
    """Reads the hard grouping of a measured run."""
    return json.loads((folder / GROUPING_FILE).read_text(encoding="utf-8"))


def measures_of(result: Evaluation, form: str) -> list[Measure]:
    """Returns the numbers of an evaluation.

    Example:

    >>> report = {"data": {"num_hands": 9}, "errors_2d": {"protocol": "", "epe_px": 2.5,
    ...     "auc_30px": None, "num_joints": 9}}
    >>> measures_of(Evaluation(report, {}, {}, []), "hardened")
    [Measure(form='hardened', measure='2d/epe_px', value=2.5, num_hands=9)]
    """
    all_hands = result.report["data"]["num_hands"]
    groups = {"2d": result.report["errors_2d"], **result.report.get("errors_3d", {})}
    return [
        Measure(form, f"{group}/{name}", value, rows.get("num_hands", all_hands))
        for group, rows in groups.items()
        for name, value in rows.items()
        if isinstance(value, float)
    ]


def _measured(form: str, model: keras.Model, hands: list[HandSample]) -> list[Measure]:
    return measures_of(evaluate(SamplePrediction(model), hands, num_worst=0), form)


def _size(form: str, model: keras.Model) -> list[Measure]:
    weights = model.trainable_weights
    return [Measure(form, "model/weights", float(sum(int(np.prod(w.shape)) for w in weights)), 0)]


def _mean(draws: list[list[Measure]]) -> list[Measure]:
    return [
        dataclasses.replace(same[0], value=float(np.mean([one.value for one in same])))
        for same in zip(*draws, strict=True)
    ]
