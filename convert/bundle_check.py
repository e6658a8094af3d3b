"""Verifies a bundle: nothing changed, missing or added, and the models compute what it says."""

import hashlib
import os
import pathlib
import re
from collections.abc import Mapping
from typing import Any

from tf_handgroups.convert.bundle import (
    KEPT_FOLDERS,
    read_bundle,
    read_golden,
)
from tf_handgroups.convert.contract import read_contract
from tf_handgroups.convert.golden_steps import check_golden_steps
from tf_handgroups.convert.parity import compare_outputs
from tf_handgroups.convert.run import BUNDLE_FILE, CHECKSUM_FILE, LiteRTRunner
from tf_handgroups.errors import GateError, InputError

_ADVICE = "Copy the whole bundle again."


def check_bundle(folder: str | os.PathLike, run: bool = True) -> dict[str, Any]:
    """Checks a bundle: every file, hash and contract, and what the models compute.

    Args:
        folder: The bundle folder.
        run: Whether to run each model on its golden crops.

    Returns:
        `{"default": name, "variants": {name: {"file", "parity" or None}}}`.

    Raises:
        InputError: If a file is missing, changed, unusable, or not one of the bundle.
        GateError: If a model does not reproduce its golden outputs, or this version does
            the steps around it otherwise than `golden_steps.json` says.
    """
    folder = pathlib.Path(folder)
    bundle = read_bundle(folder)
    _check_files(folder, bundle)
    if "golden_steps" not in bundle:
        raise InputError(
            f"{folder / BUNDLE_FILE}: field golden_steps is missing. Received: "
            f"fields={sorted(bundle)}. An earlier version wrote it; bring it up to date with "
            f"tf-handgroups bundle --converted {folder} --out {folder} --overwrite."
        )
    contract = read_contract(folder / bundle["variants"][bundle["default"]]["contract"])
    check_golden_steps(folder, bundle["golden_steps"], contract.tracking)
    report: dict[str, Any] = {"default": bundle["default"], "variants": {}}
    for name, entry in bundle["variants"].items():
        runner = LiteRTRunner(folder / entry["file"])
        if runner.contract.recipe != name:
            raise InputError(
                f"{folder / entry['file']}: expected the recipe {name!r} of bundle.json. "
                f"Received: recipe={runner.contract.recipe!r}. Make the bundle again."
            )
        parity = _run_golden(folder, bundle, name, runner) if run else None
        report["variants"][name] = {"file": entry["file"], "parity": parity}
    return report


def _run_golden(
    folder: pathlib.Path, bundle: Mapping[str, Any], name: str, runner: LiteRTRunner
) -> dict[str, Any]:
    entry = bundle["variants"][name]
    golden = read_golden(folder, entry["golden"])
    parity = compare_outputs(golden, runner(golden["image"]))
    limits = entry["golden"].get("tolerance", bundle["golden_tolerance"])
    for output, limit in limits.items():
        if output not in golden:
            continue  # another variant's
        if not parity.value(f"{output}.max") <= limit:
            raise GateError(
                f"{folder / entry['file']}: expected the golden outputs within {limit:g}. "
                f"Received: {output}.max={parity.value(f'{output}.max'):.4g}. The runtime "
                "or processor computes something else."
            )
    return parity.as_dict()


def _check_files(folder: pathlib.Path, bundle: Mapping[str, Any]) -> None:
    path = folder / CHECKSUM_FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    sums = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (.+)$", text, re.M)}
    for name, digest in {**sums, **bundle["files"]}.items():
        file = folder / name
        received = (
            hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "no such file"
        )
        if not received == digest == sums.get(name):
            raise InputError(
                f"{file}: expected SHA-256 {digest}, in {CHECKSUM_FILE} {sums.get(name)}. "
                f"Received: sha256={received}. {_ADVICE}"
            )
    # bundle.json cannot list itself.
    unlisted = [name for name in sums if name not in bundle["files"] and name != BUNDLE_FILE]
    known = {*bundle["files"], BUNDLE_FILE, CHECKSUM_FILE, *KEPT_FOLDERS}
    unlisted += sorted(path.name for path in folder.iterdir() if path.name not in known)
    if unlisted:
        raise InputError(
            f"{folder}: expected only the files that {BUNDLE_FILE} lists. "
            f"Received: {', '.join(dict.fromkeys(unlisted))}. Move what is yours elsewhere, or "
            "make the bundle again."
        )
