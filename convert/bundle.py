"""Bundle folder for applications: models, contracts, golden vectors, licence, checksums."""

import json
import os
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.convert.bundle_readme import README_FILE, bundle_readme
from tf_handgroups.convert.contract import (
    Contract,
    completed_contract,
    contract_path,
    read_contract,
    sha256_of,
)
from tf_handgroups.convert.crops import check_crops
from tf_handgroups.convert.decode import COORDINATES
from tf_handgroups.convert.golden_file import read_arrays, write_arrays
from tf_handgroups.convert.golden_steps import write_golden_steps
from tf_handgroups.convert.quantize import RECIPES
from tf_handgroups.convert.run import BUNDLE_FILE, CHECKSUM_FILE, LiteRTRunner
from tf_handgroups.convert.sealed_model import read_verified, seal_model
from tf_handgroups.errors import InputError

SCHEMA = "tf_handgroups.bundle/1"
LICENCE_FILE = "LICENSE"

# Folders that may lie beside the files of a bundle: the Kotlin module.
KEPT_FOLDERS = ("kotlin",)

# First of these that a bundle holds becomes its default: small and fast first.
# The integer variant comes last: its maps are work for whoever runs it.
DEFAULT_ORDER = ("int8_mixed", "float16", "dynamic_int8", "float32", "int16x8", "int8")

# Largest difference between two processors' kernels that is still the same model.
# Measured between x86 and ARM: 2e-4 px in float32, 5e-4 px in int8_mixed; a wrong
# crop, colour order or model differs by pixels.
GOLDEN_TOLERANCE = {"uv_px": 0.25, "z_rel": 0.02, "presence": 0.1, "handedness": 0.1}
# Of the variant with integer outputs: two processors may round them to neighbouring steps.
INTEGER_GOLDEN_TOLERANCE = {"uv_px": 0.5, "z_rel": 0.1, "presence": 0.25, "handedness": 0.25}


def write_bundle(
    source: str | os.PathLike,
    out_dir: str | os.PathLike,
    golden_crops: np.ndarray,
    variants: Sequence[str] | None = None,
    default: str | None = None,
    licence_text: str | None = None,
    tracking: Mapping[str, float] | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Assembles a bundle from a folder that `convert_model` wrote.

    The folder holds the chosen `.tflite` files with their contracts, for each a
    `<model>.golden.bin`, the golden steps (see `golden_steps`), `LICENSE`, `README.md`,
    `bundle.json` and `SHA256SUMS`. The same inputs give the same bytes. Contracts of earlier
    versions are completed.

    A golden file is little-endian and described in `bundle.json`: the crops as `uint8`
    (value / 255 is the network's input), then the expected outputs as `float32`: the decoded
    ones, coordinates whatever the variant returns.

    Args:
        source: Folder with `.tflite` files and contracts; another bundle, for example, which
            may be `out_dir` itself.
        out_dir: The bundle folder.
        golden_crops: `(N, S, S, 3)` in [0, 1], a few crops (rounded to 8 bits here).
        variants: Recipe names to include; `None` takes all in `source`.
        default: The variant that runners take; `None` picks by `DEFAULT_ORDER`, of those
            inside their gate if there are any.
        licence_text: Content of `LICENSE`; `None` writes licence and training data as the
            contracts state them.
        tracking: Numbers of the contracts' section `tracking` to change, by name, see
            `TrackingRule.changed`.
        overwrite: Whether an existing bundle may be replaced; the folders `KEPT_FOLDERS` in
            it stay.

    Returns:
        The content of `bundle.json`.

    Raises:
        InputError: If a variant is missing or damaged, `out_dir` exists, or a number of
            `tracking` is unknown or unfit.
    """
    available = find_variants(source)
    names = list(available) if variants is None else list(variants)
    chosen = _known(names, available, source)
    default = default or _default_of(chosen)
    if default not in chosen:
        raise InputError(
            f"write_bundle: expected a default among {', '.join(chosen)}. "
            f"Received: default={default!r}."
        )
    with replacing_folder(out_dir, overwrite) as folder:
        _keep_folders(out_dir, folder)
        contracts = {
            name: _copy_model(path, folder, tracking or {}) for name, path in chosen.items()
        }
        entries = {}
        outputs: set[str] = set()
        for name, path in chosen.items():
            entries[name] = {
                "file": path.name,
                "contract": contract_path(path).name,
                "golden": _write_golden(folder / path.name, golden_crops),
            }
            outputs |= {array["name"] for array in entries[name]["golden"]["arrays"]}
        golden_steps = write_golden_steps(folder, contracts[default].tracking)
        text = _licence_text(contracts[names[-1]]) if licence_text is None else licence_text
        (folder / LICENCE_FILE).write_text(text.rstrip() + "\n", encoding="utf-8")
        bundle: dict[str, Any] = {
            "schema": SCHEMA,
            "default": default,
            "variants": entries,
            "golden_steps": golden_steps,
            "golden_tolerance": {
                name: limit for name, limit in GOLDEN_TOLERANCE.items() if name in outputs
            },
        }
        text = bundle_readme(bundle, contracts)
        (folder / README_FILE).write_text(text, encoding="utf-8")
        bundle["files"] = {path.name: sha256_of(path) for path in _files(folder)}
        text = json.dumps(bundle, indent=2, ensure_ascii=False) + "\n"
        (folder / BUNDLE_FILE).write_text(text, encoding="utf-8")
        sums = [f"{sha256_of(path)}  {path.name}\n" for path in _files(folder)]
        (folder / CHECKSUM_FILE).write_text("".join(sums), encoding="utf-8")
    return bundle


def find_variants(source: str | os.PathLike) -> dict[str, pathlib.Path]:
    """Returns recipe name -> `.tflite` file of a folder of converted models.

    Raises:
        InputError: If the folder holds no converted model, one is damaged, or two have
            the same recipe.
    """
    folder = pathlib.Path(source)
    found: dict[str, pathlib.Path] = {}
    for path in sorted(folder.glob("*.tflite")):
        recipe = read_verified(path)[0].recipe
        if recipe in found:
            raise InputError(
                f"{folder}: expected one model per recipe. "
                f"Received: {recipe}={[found[recipe].name, path.name]}. Keep one of them."
            )
        found[recipe] = path
    if not found:
        raise InputError(
            f"{folder}: expected a folder of converted models (*.tflite). Received: none. "
            "Run tf-handgroups convert first."
        )
    order = [*RECIPES, *sorted(set(found) - set(RECIPES))]
    return {name: found[name] for name in order if name in found}


def _known(
    names: Sequence[str], available: Mapping[str, pathlib.Path], source: str | os.PathLike
) -> dict[str, pathlib.Path]:
    unknown = [name for name in names if name not in available]
    if unknown or not names:
        raise InputError(
            f"{source}: expected variants among {', '.join(available)}. "
            f"Received: variants={list(names)}. Convert the missing ones first."
        )
    return {name: available[name] for name in names}


def _default_of(chosen: Mapping[str, pathlib.Path]) -> str:
    passed = [
        name
        for name, path in chosen.items()
        # Parity made outside of `convert_model` need not have a gate.
        if read_contract(contract_path(path)).values["parity"].get("gate", "passed") == "passed"
    ]
    candidates = passed or list(chosen)
    return next((name for name in DEFAULT_ORDER if name in candidates), candidates[0])


def _licence_text(contract: Contract) -> str:
    values = contract.values
    return f"Licence: {values['licence']}\n\nTraining data: {values['training_data']}\n"


def _keep_folders(old: str | os.PathLike, new: pathlib.Path) -> None:
    """Source code beside the models is no part of the bundle, and not replaced with it."""
    for name in KEPT_FOLDERS:
        if (pathlib.Path(old) / name).is_dir():
            shutil.copytree(pathlib.Path(old) / name, new / name)


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _copy_model(
    path: pathlib.Path, folder: pathlib.Path, tracking: Mapping[str, float]
) -> Contract:
    """Copies a model and its contract, with changes in both if the contract needs some."""
    contract, content = read_verified(path)
    target = folder / path.name
    target.write_bytes(content)
    changed = completed_contract(contract)
    if tracking:
        section = changed.tracking.changed(tracking).to_json()
        changed = Contract({**changed.values, "tracking": section})
    if changed != contract:
        return seal_model(target, changed)
    shutil.copyfile(contract_path(path), contract_path(target))
    return contract


def _write_golden(path: pathlib.Path, crops: np.ndarray) -> dict[str, Any]:
    runner = LiteRTRunner(path)
    crops = check_crops(crops, runner.input_size, "golden_crops")
    pixels = np.round(crops * 255).astype(np.uint8)
    arrays = {"image": pixels} | runner(pixels.astype(np.float32) / np.float32(255))
    golden = write_arrays(arrays, path.with_suffix(".golden.bin"))
    if runner.contract.decoding["kind"] != COORDINATES["kind"]:
        golden["tolerance"] = {n: INTEGER_GOLDEN_TOLERANCE[n] for n in arrays if n != "image"}
    return golden


def read_golden(folder: str | os.PathLike, golden: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Reads a golden file: the crops as float32 in [0, 1] and the expected outputs.

    Args:
        folder: The bundle folder.
        golden: The entry `golden` of a variant in `bundle.json`.

    Raises:
        InputError: If the file does not fit its description.
    """
    arrays = {name: array.astype(np.float32) for name, array in read_arrays(folder, golden).items()}
    arrays["image"] = arrays["image"] / np.float32(255)
    return arrays


def read_bundle(folder: str | os.PathLike) -> dict[str, Any]:
    """Reads the description of a bundle.

    Raises:
        InputError: If the folder is no bundle, or a field is missing.
    """
    path = pathlib.Path(folder) / BUNDLE_FILE
    advice = "Make the folder with tf-handgroups bundle."
    try:
        bundle = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected the description of a bundle. Received: {error}. {advice}"
        ) from error
    schema = bundle.get("schema") if isinstance(bundle, dict) else None
    if schema != SCHEMA:
        raise InputError(f"{path}: expected schema {SCHEMA!r}. Received: {schema=!r}. {advice}")
    for field in ("default", "variants", "golden_tolerance", "files"):
        if field not in bundle:
            raise InputError(
                f"{path}: field {field} is missing. Received: fields={sorted(bundle)}. {advice}"
            )
    if bundle["default"] not in bundle["variants"]:
        raise InputError(
            f"{path}: expected a default among {', '.join(bundle['variants'])}. "
            f"Received: default={bundle['default']!r}. {advice}"
        )
    return bundle
