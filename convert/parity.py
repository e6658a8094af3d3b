"""Does a converted model still say the same? Differences to the Keras model, and verdicts.

Two models are compared on the same crops by what their runners return (`uv_px`, `z_rel`,
...), so it does not matter how a variant computes them. Where the crops have labels, 3D
joints are recovered from both models and the errors against the labels are compared too.
"""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.table import Table

from tf_handgroups.convert.accuracy import AccuracyChange, accuracy_changes, recover_mm
from tf_handgroups.convert.byte_input import from_bytes, to_bytes
from tf_handgroups.convert.crops import check_crops
from tf_handgroups.convert.decode import COORDINATES
from tf_handgroups.convert.export import INPUT_NAME, MAP_OUTPUTS
from tf_handgroups.convert.labelled_crops import LabelledCrops
from tf_handgroups.convert.map_outputs import decoding_of
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.parity_gates import GATES, UNITS
from tf_handgroups.convert.quantize import recipe_named
from tf_handgroups.convert.run import KerasRunner, Runner, run_signature
from tf_handgroups.errors import GateError, InputError
from tf_handgroups.joints import JOINT_NAMES, NUM_JOINTS, ROOT_JOINT

_OUTPUTS = ("uv_px", "z_rel", "presence", "handedness")


@dataclasses.dataclass(frozen=True)
class ParityReport:
    """Differences between two models on the same crops.

    Args:
        num_crops: Number of crops compared.
        differences: Output -> statistic -> value in the unit of `UNITS`. Statistics are
            `mean`, `p99`, `max` and, for outputs with a value per joint, `worst_joint`, the
            mean of the joint with the largest one. `xyz_mm` is the distance between the
            recovered 3D joints, joint 9 on joint 9, where labels give bone and camera.
            Not-a-number anywhere in an output gives infinity.
        joints: Output -> statistic -> one value per joint, for outputs that have joints.
        accuracy: Measure of `accuracy.label_errors` -> change, where crops have labels.

    Example:

    >>> report = ParityReport(1, {"uv_px": {"mean": 0.1, "p99": 0.2, "max": 0.3}})
    >>> report.value("uv_px.p99")
    0.2
    """

    num_crops: int
    differences: Mapping[str, Mapping[str, float]]
    joints: Mapping[str, Mapping[str, list[float]]] = dataclasses.field(default_factory=dict)
    accuracy: Mapping[str, AccuracyChange] = dataclasses.field(default_factory=dict)

    def value(self, key: str) -> float:
        """Returns one number, `"<output>.<statistic>"`."""
        output, statistic = key.split(".")
        if output in self.accuracy:
            return getattr(self.accuracy[output], statistic)
        return self.differences[output][statistic]

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON values, rounded to six significant digits, without `joints`."""
        values = {
            "crops": self.num_crops,
            "units": {name: UNITS[name] for name in self.differences},
        } | {
            name: {key: _json_number(value) for key, value in statistics.items()}
            for name, statistics in self.differences.items()
        }
        if self.accuracy:
            values["against_labels"] = {
                name: {key: _json_number(v) for key, v in dataclasses.asdict(change).items()}
                for name, change in self.accuracy.items()
            }
        return values

    def joints_dict(self) -> dict[str, Any]:
        """Returns the differences of every joint as plain JSON values."""
        return {"names": list(JOINT_NAMES)} | {
            name: {key: [_json_number(v) for v in column] for key, column in statistics.items()}
            for name, statistics in self.joints.items()
        }

    def failures(self, recipe: str) -> list[str]:
        """Returns what exceeds the gate of a recipe, as readable sentences.

        Raises:
            InputError: If the recipe is unknown.
        """
        recipe_named(recipe)
        return [
            f"{key}={self.value(key):.4g} > {limit:g} {UNITS[key.split('.')[0]]}{self._joint(key)}"
            for key, limit in GATES[recipe].limits.items()
            if key.split(".")[0] in {*self.differences, *self.accuracy}
            and not self.value(key) <= limit
        ]

    def _joint(self, key: str) -> str:
        """Names the joint behind a statistic of the worst one."""
        output, statistic = key.split(".")
        if statistic != "worst_joint":
            return ""
        return f" ({JOINT_NAMES[int(np.argmax(self.joints[output]['mean']))]})"

    def check(self, recipe: str, where: str = "parity") -> None:
        """Raises unless the differences are within the gate of a recipe.

        Raises:
            GateError: If one exceeds its limit; the message names them all.
            InputError: If the recipe is unknown.
        """
        failures = self.failures(recipe)
        if failures:
            raise GateError(
                f"{where}: expected {recipe} to agree with the Keras model. "
                f"Received: {'; '.join(failures)} over {self.num_crops} crops. "
                "Use a milder recipe, more calibration crops, or accept the loss explicitly."
            )


def compare(
    keras_model: Any,
    variant: bytes | str | os.PathLike | Runner,
    crops: np.ndarray | LabelledCrops,
) -> ParityReport:
    """Runs both models on the same crops and compares every output.

    Args:
        keras_model: Hardened Keras model, or a `KerasRunner`.
        variant: Content or path of the converted model, or a runner of it. The first two
            need no contract; a model that its contract has to explain comes as a runner.
        crops: `(N, S, S, 3)` in [0, 1], or with labels; better not those of the calibration.

    Returns:
        The differences.

    Raises:
        InputError: If a model or the crops are unusable.
    """
    runner = keras_model if isinstance(keras_model, KerasRunner) else KerasRunner(keras_model)
    labels = crops if isinstance(crops, LabelledCrops) else None
    pixels = crops.pixels if isinstance(crops, LabelledCrops) else crops
    pixels = check_crops(pixels, runner.input_size, "compare: crops")
    if isinstance(variant, (bytes, str, os.PathLike)):
        where = "model"
        if not isinstance(variant, bytes):
            where = str(variant)
            variant = pathlib.Path(variant).read_bytes()
        infer = open_signature(variant, where)
        if infer.get_input_details()[INPUT_NAME]["dtype"] == np.uint8:
            pixels = from_bytes(to_bytes(pixels))  # Both shall see the same pixels.
        maps = set(MAP_OUTPUTS) <= set(infer.get_output_details())
        decoding = decoding_of(runner.model) if maps else COORDINATES
        received = run_signature(infer, pixels, decoding)
    else:
        received = variant(pixels)
    return compare_outputs(runner(pixels), received, labels)


def compare_outputs(
    expected: Mapping[str, np.ndarray],
    received: Mapping[str, np.ndarray],
    labels: LabelledCrops | None = None,
) -> ParityReport:
    """Compares the outputs of two runners on the same crops.

    Args:
        expected: Output name -> array `(N, ...)`.
        received: The same of the other model.
        labels: Of the crops, for differences in mm and errors against labels.

    Raises:
        InputError: If one of them lacks an output that the other has.

    Example:

    >>> zeros = {"uv_px": np.zeros((1, 21, 2))}
    >>> moved = {"uv_px": np.full((1, 21, 2), [3.0, 4.0])}
    >>> compare_outputs(zeros, moved).differences["uv_px"]["mean"]
    5.0
    """
    names = [name for name in _OUTPUTS if name in expected]
    found = [name for name in _OUTPUTS if name in received]
    if found != names:
        raise InputError(
            f"compare_outputs: expected the outputs {', '.join(names)} of both models. "
            f"Received: outputs={found}. Compare a network with its own conversion."
        )
    distances = {}
    for name in names:
        difference = np.abs(np.asarray(received[name], np.float64) - expected[name])
        if name == "uv_px":
            difference = np.linalg.norm(difference, axis=-1)
        distances[name] = np.where(np.isfinite(difference), difference, np.inf)
    accuracy = {}
    if labels is not None:
        accuracy = accuracy_changes(labels, expected, received)
        between_mm = _distance_mm(recover_mm(labels, expected), recover_mm(labels, received))
        if len(between_mm):
            distances["xyz_mm"] = between_mm
    differences, joints = {}, {}
    for name, distance in distances.items():
        differences[name] = {key: float(number(distance)) for key, number in _STATISTICS.items()}
        if distance.shape[1:] == (NUM_JOINTS,):
            joints[name] = {
                key: [float(number(column)) for column in distance.T]
                for key, number in _STATISTICS.items()
            }
            differences[name]["worst_joint"] = max(joints[name]["mean"])
    return ParityReport(len(next(iter(expected.values()))), differences, joints, accuracy)


_STATISTICS = {
    "mean": np.mean,
    "p99": lambda values: np.quantile(values, 0.99, method="higher"),
    "max": np.max,
}


def _distance_mm(expected_mm: np.ndarray, received_mm: np.ndarray) -> np.ndarray:
    """Distances `(hands, 21)` of 3D joints relative to joint 9, of hands that have some."""
    known = ~np.isnan(expected_mm).all(axis=(1, 2))
    finite = known & np.isfinite(received_mm).all(axis=(1, 2))
    first, second = (
        xyz[finite] - xyz[finite][:, [ROOT_JOINT]] for xyz in (expected_mm, received_mm)
    )
    distance = np.full(expected_mm.shape[:2], np.inf)
    distance[finite] = np.linalg.norm(first - second, axis=-1)
    return distance[known]


def parity_table(reports: Mapping[str, ParityReport]) -> Table:
    """Returns a table of differences, one row per variant, failures marked.

    Args:
        reports: Recipe name -> report.
    """
    table = Table(
        title="Difference to the Keras model: uv in crop px, z in bone lengths, xyz in mm,\n"
        "largest logit; MPJPE: growth of the 3D error against labels",
        collapse_padding=True,
    )
    for column in ("variant", "uv mean", "p99", "max", "z mean", "xyz", "logit", "MPJPE", "gate"):
        text = column in ("variant", "gate")
        table.add_column(column, justify="left" if text else "right", no_wrap=True)
    for recipe, report in reports.items():
        cells = [f"{report.value(f'uv_px.{key}'):.3f}" for key in ("mean", "p99", "max")]
        cells.append(f"{report.value('z_rel.mean'):.3f}")
        cells.append(
            f"{report.value('xyz_mm.mean'):.2f}" if "xyz_mm" in report.differences else "-"
        )
        logits = [
            statistics["max"]
            for name, statistics in report.differences.items()
            if UNITS[name] == "logit"
        ]
        cells.append(f"{max(logits):.3f}" if logits else "-")
        change = report.accuracy.get("mpjpe_mm")
        cells.append(f"{change.change_percent:+.2f}%" if change else "-")
        table.add_row(recipe, *cells, "failed" if report.failures(recipe) else "passed")
    return table


def _json_number(value: float) -> float | None:
    if isinstance(value, int):
        return value
    return float(f"{value:.6g}") if np.isfinite(value) else None
