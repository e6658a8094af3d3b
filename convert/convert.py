"""The whole conversion: Keras file in, verified LiteRT variants with contracts out."""

import importlib.metadata
import json
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console

from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.convert.benchmark import benchmark, benchmark_tables
from tf_handgroups.convert.byte_input import from_bytes, to_bytes
from tf_handgroups.convert.check_ops import check_ops
from tf_handgroups.convert.contract import (
    make_contract,
    sha256_of,
)
from tf_handgroups.convert.crops import check_crops
from tf_handgroups.convert.decode import COORDINATES
from tf_handgroups.convert.export import INPUT_NAME, check_exportable, export_float32
from tf_handgroups.convert.interface import model_interface
from tf_handgroups.convert.labelled_crops import LabelledCrops
from tf_handgroups.convert.map_outputs import decoding_of, export_maps
from tf_handgroups.convert.op_support import (
    OpSupport,
    fallback_reasons,
    op_support,
    support_dict,
    support_table,
)
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.parity import ParityReport, compare_outputs, parity_table
from tf_handgroups.convert.parity_gates import GATES
from tf_handgroups.convert.parity_report import parity_html
from tf_handgroups.convert.pruning import harden_and_measure
from tf_handgroups.convert.quantize import quantize, recipe_named
from tf_handgroups.convert.run import KerasRunner, run_signature
from tf_handgroups.convert.sealed_model import seal_model
from tf_handgroups.convert.worst_crops import worst_crops
from tf_handgroups.errors import GateError, InputError
from tf_handgroups.model_file import hardened_metadata, load_model, save_model
from tf_handgroups.models.hand_pose_model import HandPoseModel

SCHEMA = "tf_handgroups.conversion_report/1"
REPORT_FILE = "report.json"
HTML_FILE = "report.html"
DEFAULT_RECIPES = ("float32", "float16", "int8_mixed")

_STACK = ("tensorflow", "keras", "ai-edge-litert", "ai-edge-quantizer", "tf_handgroups")


def convert_model(
    keras_path: str | os.PathLike,
    out_dir: str | os.PathLike,
    recipes: Sequence[str] = DEFAULT_RECIPES,
    calibration_crops: np.ndarray | None = None,
    validation_crops: np.ndarray | LabelledCrops | None = None,
    accept_loss: bool = False,
    overwrite: bool = False,
    name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    benchmark_rounds: int = 30,
    console: Console | None = None,
    input_type: str = "float32",
    calibration_source: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Converts a network to LiteRT, one verified file per recipe.

    `out_dir` receives `<name>_<recipe>.tflite` with its contract for every variant
    inside its gate, `report.json`, `report.html`, and `<name>_hardened.keras` if the
    network was hardened here. The folder appears at once, when all is done.

    Args:
        keras_path: A `.keras` file, hardened or not (then it is hardened here).
        out_dir: Folder for the results.
        recipes: Keys of `quantize.RECIPES`.
        calibration_crops: `(N, S, S, 3)` in [0, 1], for recipes that calibrate.
        validation_crops: `(N, S, S, 3)` in [0, 1], on which every variant is compared
            with the Keras model; with labels, errors against them are compared, too.
            `None` takes the calibration crops.
        accept_loss: Whether variants outside their gate are written all the same.
        overwrite: Whether an existing `out_dir` may be replaced.
        name: Start of the file names; `None` takes that of `keras_path`.
        metadata: See `contract.make_contract`; `None` takes those in the model.
        benchmark_rounds: Timed runs of each variant, 0 for no benchmark.
        console: Where the tables go; `None` is standard output.
        input_type: `"float32"`, or `"uint8"` for files that take the bytes of a picture,
            whose names then end in `_uint8`. The recipe `int8` takes bytes always.
        calibration_source: Where the calibration crops come from, plain JSON values such
            as `data` and `seed`; report and contracts repeat them with the number.

    Returns:
        The content of `report.json`.

    Raises:
        InputError: If an argument, the model or the crops are unusable.
        GateError: If the float32 export disagrees with the Keras model or holds a
            forbidden op (nothing is written then), or, unless `accept_loss`, after
            everything else is written, if a variant is outside its gate.
    """
    keras_path = pathlib.Path(keras_path)
    names = list(dict.fromkeys(recipes))
    if not names:
        raise InputError("convert_model: expected at least one recipe. Received: recipes=[].")
    chosen = [recipe_named(recipe) for recipe in names]
    name = name or keras_path.stem
    if not re.fullmatch(r"[\w.-]+", name):
        raise InputError(
            "convert_model: expected a name of letters, digits and _ . - for the files. "
            f"Received: name={name!r}."
        )
    if validation_crops is None:
        validation_crops = calibration_crops
    if validation_crops is None:
        raise InputError(
            "convert_model: expected validation_crops, real crops on which the variants are "
            "compared with the Keras model. Received: validation_crops=None."
        )
    console = console or Console()
    labels = validation_crops if isinstance(validation_crops, LabelledCrops) else None
    pixels = validation_crops if labels is None else labels.pixels
    with replacing_folder(out_dir, overwrite) as folder:
        model = load_model(keras_path)
        pruning = None
        if isinstance(model, HandPoseModel):
            crops = check_crops(pixels, model.config["input_size"], "validation_crops")
            model, pruning = harden_and_measure(model, crops)
            console.print(str(pruning), soft_wrap=True)
            save_model(model, folder / f"{name}_hardened.keras")
        size = check_exportable(model)
        crops = check_crops(pixels, size, "validation_crops")
        metadata = hardened_metadata(model) if metadata is None else metadata
        # The model itself says what it returns: not every network has all logits.
        metadata = {**metadata, "outputs": list(model.output)}
        float_model = export_float32(model)
        # What nobody may deliver is found before anything is compared.
        check_ops(float_model, f"{keras_path}: float32 export")
        comparison = _Comparison(model, crops, labels)
        exported, *_ = comparison.of(float_model, "float32", COORDINATES)
        exported.check("float32", f"{keras_path}: float32 export")
        calibration = (
            None
            if calibration_crops is None
            else {**(calibration_source or {}), "crops": len(calibration_crops)}
        )
        reports, variants, supports, pictures = {}, {}, {}, {}
        for recipe in chosen:
            decoding = decoding_of(model) if recipe.integer_only else COORDINATES
            source = export_maps(model) if recipe.integer_only else float_model
            content = quantize(source, recipe.name, calibration_crops, input_type)
            ending = "" if recipe.integer_only or input_type == "float32" else f"_{input_type}"
            path = folder / f"{name}_{recipe.name}{ending}.tflite"
            ops = check_ops(content, path.stem)
            interface = model_interface(content, path.stem)
            report, expected, received = comparison.of(
                content, interface["inputs"][INPUT_NAME]["dtype"], decoding
            )
            failures = report.failures(recipe.name)
            delivered = not failures or accept_loss
            calibrated = calibration if recipe.needs_calibration else None
            if delivered:
                path.write_bytes(content)
                verdict = "loss accepted" if failures else "passed"
                parity = report.as_dict() | {"gate": verdict}
                contract = make_contract(
                    path, metadata, recipe.name, parity, interface, decoding, calibrated
                )
                sealed = seal_model(path, contract)
            reports[recipe.name] = report
            supports[recipe.name] = op_support(content)
            pictures[recipe.name] = worst_crops(crops, expected, received)
            variants[recipe.name] = {
                "file": path.name if delivered else None,
                "bytes": sealed.values["model"]["bytes"] if delivered else len(content),
                "summary": recipe.summary,
                "input": interface["inputs"][INPUT_NAME],
                "decoding": decoding["kind"],
                "graph": ops.as_dict(),
                "op_support": support_dict(supports[recipe.name]),
                "parity": report.as_dict(),
                "joints": report.joints_dict(),
                "gate": {
                    "passed": not failures,
                    "failures": failures,
                    "limits": dict(GATES[recipe.name].limits),
                    "justification": GATES[recipe.name].justification,
                },
            }
        console.print(parity_table(reports))
        _print_support(supports, console)
        files = {n: folder / v["file"] for n, v in variants.items() if v["file"]}
        if benchmark_rounds and files:
            rows = benchmark(list(files.values()), rounds=benchmark_rounds)
            console.print(*benchmark_tables(rows))
            for recipe_name, row in zip(files, rows, strict=True):
                variants[recipe_name]["benchmark"] = row.as_dict()
        result = {
            "schema": SCHEMA,
            "source": {"file": keras_path.name, "sha256": sha256_of(keras_path)},
            "input_size": size,
            "crops": {
                "calibration": 0 if calibration_crops is None else len(calibration_crops),
                "validation": len(crops),
            },
            "calibration": calibration,
            "hardening": None if pruning is None else pruning.as_dict(),
            "accept_loss": accept_loss,
            "versions": {package: importlib.metadata.version(package) for package in _STACK},
            "variants": variants,
        }
        text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / REPORT_FILE).write_text(text + "\n", encoding="utf-8")
        (folder / HTML_FILE).write_text(parity_html(result, pictures), encoding="utf-8")
        failed = {n: v["gate"]["failures"] for n, v in variants.items() if not v["file"]}
        if failed and not files:
            raise _gate_error(failed, "Nothing was written.")
    if failed:
        raise _gate_error(failed, f"The other variants are in {out_dir}.")
    return result


class _Comparison:
    """Compares files with the Keras model, which runs once per kind of input."""

    def __init__(self, model: Any, crops: np.ndarray, labels: LabelledCrops | None):
        self._runner = KerasRunner(model)
        self._crops = {"float32": crops, "uint8": from_bytes(to_bytes(crops))}
        self._labels = labels
        self._expected: dict[str, dict[str, np.ndarray]] = {}

    def of(
        self, content: bytes, dtype: str, decoding: Mapping[str, Any]
    ) -> tuple[ParityReport, dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Returns the differences and both models' outputs.

        Both shall see the same pixels: where the file takes bytes, so does Keras.
        """
        crops = self._crops[dtype]
        if dtype not in self._expected:
            self._expected[dtype] = self._runner(crops)
        expected = self._expected[dtype]
        received = run_signature(open_signature(content), crops, decoding)
        return compare_outputs(expected, received, self._labels), expected, received


def _print_support(supports: Mapping[str, Sequence[OpSupport]], console: Console) -> None:
    console.print(support_table(supports))
    for name, support in supports.items():
        for line in fallback_reasons(support):
            console.print(f"{name} on {line}", highlight=False, markup=False)


def _gate_error(failed: Mapping[str, list[str]], written: str) -> GateError:
    details = "; ".join(f"{recipe}: {', '.join(why)}" for recipe, why in failed.items())
    return GateError(
        "convert_model: expected every variant to agree with the Keras model. "
        f"Received: {details}. {written} Use milder recipes, more calibration crops, or "
        "--accept-loss."
    )
