"""A `.tflite` file and its contract, written and read together."""

import hashlib
import os
import pathlib
from typing import Any

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.convert.contract import (
    Contract,
    contract_path,
    parse_contract,
    read_contract,
    write_contract,
)
from tf_handgroups.convert.embedded_contract import (
    embed_contract,
    embedded_contract,
    without_identity,
)
from tf_handgroups.convert.trial import try_in_child
from tf_handgroups.errors import InputError

_TRUST = "If you know where the file comes from, --trust takes it with the contract inside it."


def seal_model(
    model_path: str | os.PathLike, contract: Contract, overwrite: bool = False
) -> Contract:
    """Puts a contract into a `.tflite` file and, with the new hash, beside it.

    Args:
        model_path: The `.tflite` file; it is replaced.
        contract: What `make_contract` or `read_contract` returned.
        overwrite: Whether a contract beside the file may be replaced.

    Returns:
        The contract as it lies beside the file now.

    Raises:
        InputError: If the file is no LiteRT model, or there is a contract beside it and
            `overwrite` is false.
    """
    path = pathlib.Path(model_path)
    content = embed_contract(path.read_bytes(), contract)
    sealed = Contract(_with_identity(contract.values, content))
    write_contract(sealed, contract_path(path), overwrite)
    with replacing_file(path, overwrite=True) as temporary:
        temporary.write_bytes(content)
    return sealed


def read_verified(model_path: str | os.PathLike) -> tuple[Contract, bytes]:
    """Reads a model and its contract, and checks that they belong together.

    Args:
        model_path: The `.tflite` file; its contract lies beside it.

    Returns:
        The contract and the content of the `.tflite` file.

    Raises:
        InputError: If the model or the contract is missing or unusable, if size or SHA-256
            differ, or if the contract inside the file says something else.
    """
    path, content = _read(model_path)
    contract = read_contract(contract_path(path))
    advice = f"Copy model and contract from the same conversion. {_TRUST}"
    if len(content) != contract.values["model"]["bytes"]:
        raise InputError(
            f"{path}: expected {contract.values['model']['bytes']} bytes as its contract says. "
            f"Received: bytes={len(content)}. The file is truncated or another one. {advice}"
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest != contract.sha256:
        raise InputError(
            f"{path}: expected SHA-256 {contract.sha256} as its contract says. "
            f"Received: sha256={digest}. {advice}"
        )
    inside = embedded_contract(content, str(path))
    different = _different_fields(without_identity(contract.values), inside)
    if different:
        raise InputError(
            f"{path}: expected the same contract inside the file as beside it. "
            f"Received: different fields={different}. Convert the model again."
        )
    return contract, content


def read_trusted(model_path: str | os.PathLike) -> tuple[Contract, bytes]:
    """Reads a model with the contract inside it, whatever its hash, if a trial went well.

    Args:
        model_path: The `.tflite` file; a contract beside it is not looked at.

    Returns:
        The contract, with the SHA-256 and size that the file has, and the content of the
        `.tflite` file.

    Raises:
        InputError: If the file is missing, holds no contract, or LiteRT cannot run it in
            a process of its own.
    """
    path, content = _read(model_path)
    try_in_child(content, str(path))
    values = _with_identity(embedded_contract(content, str(path)), content)
    return parse_contract(values, f"{path}: contract inside the file"), content


def _read(model_path: str | os.PathLike) -> tuple[pathlib.Path, bytes]:
    path = pathlib.Path(model_path)
    if not path.is_file():
        raise InputError(
            f"{path}: expected a .tflite file. Received: no such file. Check the path."
        )
    return path, path.read_bytes()


def _with_identity(values: Any, content: bytes) -> dict[str, Any]:
    identity = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    return {**values, "model": {**values["model"], **identity}}


def _different_fields(beside: Any, inside: Any, path: str = "") -> list[str]:
    """Names of the fields that differ, for example `crop.margin`."""
    if not (isinstance(beside, dict) and isinstance(inside, dict)):
        return [] if beside == inside else [path]
    names = [*beside, *(name for name in inside if name not in beside)]
    return [
        field
        for name in names
        for field in _different_fields(
            beside.get(name), inside.get(name), f"{path}.{name}" if path else name
        )
    ]
