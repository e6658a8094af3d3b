"""Does a converted model still say the same? Differences to the Keras model, and gates."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.table import Table

from tf_handgroups.convert.byte_input import from_bytes, to_bytes
from tf_handgroups.convert.crops import check_crops
from tf_handgroups.convert.decode import COORDINATES
from tf_handgroups.convert.export import INPUT_NAME, MAP_OUTPUTS
from tf_handgroups.convert.map_outputs import decoding_of
from tf_handgroups.convert.quantize import recipe_named
from tf_handgroups.convert.run import KerasRunner, open_signature, run_signature
from tf_handgroups.errors import GateError, InputError

# Output -> unit of the difference. `uv_px` differences are Euclidean per joint.
UNITS = {
    "uv_px": "crop px",
    "z_rel": "bone lengths",
    "presence": "logit",
    "handedness": "logit",
}


@dataclasses.dataclass(frozen=True)
class Gate:
    """Largest differences at which a variant may be delivered.

    Args:
        limits: `"<output>.<statistic>"` -> limit in the unit of `UNITS`.
        justification: Why these numbers.
    """

    limits: Mapping[str, float]
    justification: str


# For scale: on a crop of 128 pixels a good hand network errs by about 3.5 pixels
# (0.04 of a box that fills 2/3 of the crop) and by about 0.3 bone lengths in depth.
_INT8_GATE = Gate(
    {
        "uv_px.mean": 0.5,
        "uv_px.p99": 3.0,
        "z_rel.mean": 0.1,
        "presence.mean": 0.5,
        "handedness.mean": 0.5,
    },
    "A seventh of a good network's own 2D error, a third of its depth error, and half a logit "
    "(at most 0.12 in probability). Sound int8 conversions measured 0.2 px on average and "
    "0.6-1.5 px at the 99th percentile; a quantized soft-argmax measured 5 px and 43 px. The "
    "maximum is reported, not gated: on an ambiguous crop two peaks may trade places.",
)
GATES = {
    "float32": Gate(
        {
            "uv_px.max": 0.02,
            "z_rel.max": 0.002,
            "presence.max": 0.005,
            "handedness.max": 0.005,
        },
        "Only the order of additions differs: 5e-5 px and 1e-6 elsewhere are usual; four hundred "
        "times that still is invisible, while a wrong layer moves joints by pixels.",
    ),
    "float16": Gate(
        {
            "uv_px.mean": 0.05,
            "uv_px.p99": 0.5,
            "z_rel.max": 0.05,
            "presence.max": 0.1,
            "handedness.max": 0.1,
        },
        "Weights carry 11 bits: 0.004-0.02 px on average and 0.01-0.13 px at the 99th percentile "
        "were measured; half a pixel is a seventh of a good network's own error. The largest "
        "difference is not gated, for the reason given for int8.",
    ),
    "dynamic_int8": _INT8_GATE,
    "int8_mixed": _INT8_GATE,
    "int16x8": _INT8_GATE,
    "int8": Gate(
        {
            "uv_px.mean": 1.0,
            "uv_px.p99": 8.0,
            "z_rel.mean": 0.1,
            "presence.mean": 0.5,
            "handedness.mean": 0.5,
        },
        "Twice that of int8_mixed, whose first blocks and tail stay in float. The shipped "
        "network measured 0.41 px and 2.3 px on photographs, 0.84 px and 6.5 px on renders of a "
        "kind that it was not trained on, while its error against the labels moved by less than "
        "0.4 % in either: eight bits shift the joints that it is unsure of anyway. Biases left "
        "uncorrected measured 1.34 px and 10.7 px.",
    ),
}


@dataclasses.dataclass(frozen=True)
class ParityReport:
    """Differences between two models on the same crops.

    Args:
        num_crops: Number of crops compared.
        differences: Output -> statistic (`mean`, `p99`, `max`) -> value in the unit of
            `UNITS`. Not-a-number anywhere in an output gives infinity.

    Example:

    >>> report = ParityReport(1, {"uv_px": {"mean": 0.1, "p99": 0.2, "max": 0.3}})
    >>> report.value("uv_px.p99")
    0.2
    """

    num_crops: int
    differences: Mapping[str, Mapping[str, float]]

    def value(self, key: str) -> float:
        """Returns one number, `"<output>.<statistic>"`."""
        output, statistic = key.split(".")
        return self.differences[output][statistic]

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON values, rounded to six significant digits."""
        return {
            "crops": self.num_crops,
            "units": {name: UNITS[name] for name in self.differences},
        } | {
            name: {key: _json_number(value) for key, value in statistics.items()}
            for name, statistics in self.differences.items()
        }

    def failures(self, recipe: str) -> list[str]:
        """Returns what exceeds the gate of a recipe, as readable sentences.

        Raises:
            InputError: If the recipe is unknown.
        """
        recipe_named(recipe)
        return [
            f"{key}={self.value(key):.4g} > {limit:g} {UNITS[key.split('.')[0]]}"
            for key, limit in GATES[recipe].limits.items()
            if key.split(".")[0] in self.differences and not self.value(key) <= limit
        ]

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


def compare(keras_model: Any, tflite: bytes | str | os.PathLike, crops: np.ndarray) -> ParityReport:
    """Runs both models on the same crops and compares every output.

    Args:
        keras_model: Hardened Keras model, or a `KerasRunner`.
        tflite: Content or path of the converted model.
        crops: `(N, S, S, 3)` in [0, 1]; better not those of the calibration.

    Returns:
        The differences.

    Raises:
        InputError: If a model or the crops are unusable.
    """
    runner = keras_model if isinstance(keras_model, KerasRunner) else KerasRunner(keras_model)
    crops = check_crops(crops, runner.input_size, "compare: crops")
    where = "model"
    if not isinstance(tflite, bytes):
        where = str(tflite)
        tflite = pathlib.Path(tflite).read_bytes()
    infer = open_signature(tflite, where)
    if infer.get_input_details()[INPUT_NAME]["dtype"] == np.uint8:
        crops = from_bytes(to_bytes(crops))  # Both shall see the same pixels.
    maps = set(MAP_OUTPUTS) <= set(infer.get_output_details())
    decoding = decoding_of(runner.model) if maps else COORDINATES
    return compare_outputs(runner(crops), run_signature(infer, crops, decoding))


def compare_outputs(
    expected: Mapping[str, np.ndarray], received: Mapping[str, np.ndarray]
) -> ParityReport:
    """Compares the outputs of two runners on the same crops.

    Args:
        expected: Output name -> array `(N, ...)`.
        received: The same of the other model.

    Raises:
        InputError: If one of them lacks an output that the other has.

    Example:

    >>> zeros = {"uv_px": np.zeros((1, 21, 2))}
    >>> moved = {"uv_px": np.full((1, 21, 2), [3.0, 4.0])}
    >>> compare_outputs(zeros, moved).differences["uv_px"]["mean"]
    5.0
    """
    names = [name for name in UNITS if name in expected]
    found = [name for name in UNITS if name in received]
    if found != names:
        raise InputError(
            f"compare_outputs: expected the outputs {', '.join(names)} of both models. "
            f"Received: outputs={found}. Compare a network with its own conversion."
        )
    differences = {}
    for name in names:
        difference = np.abs(np.asarray(received[name], np.float64) - expected[name])
        if name == "uv_px":
            difference = np.linalg.norm(difference, axis=-1)
        difference = np.where(np.isfinite(difference), difference, np.inf)
        differences[name] = {
            "mean": float(np.mean(difference)),
            "p99": float(np.quantile(difference, 0.99, method="higher")),
            "max": float(np.max(difference)),
        }
    return ParityReport(len(next(iter(expected.values()))), differences)


def parity_table(reports: Mapping[str, ParityReport]) -> Table:
    """Returns a table of differences, one row per variant, failures marked.

    Args:
        reports: Recipe name -> report.
    """
    table = Table(title="Difference to the Keras model: uv in crop px, z in bone lengths")
    for column in ("variant", "uv mean", "p99", "max", "z mean", "max", "logit", "gate"):
        text = column in ("variant", "gate")
        table.add_column(column, justify="left" if text else "right", no_wrap=True)
    for recipe, report in reports.items():
        pixels = [report.value(f"uv_px.{key}") for key in ("mean", "p99", "max")]
        bones = [report.value(f"z_rel.{key}") for key in ("mean", "max")]
        logits = [
            statistics["max"]
            for name, statistics in report.differences.items()
            if UNITS[name] == "logit"
        ]
        cells = [f"{value:.3f}" for value in (*pixels, *bones)]
        cells.append(f"{max(logits):.3f}" if logits else "none")
        table.add_row(recipe, *cells, "failed" if report.failures(recipe) else "passed")
    return table


def _json_number(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None
