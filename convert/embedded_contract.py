"""The contract inside the `.tflite` file, so that a lone file still explains itself.

It is JSON in a metadata entry of the file, the same as beside it but for the file's own
SHA-256 and size, which no file can hold.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert.contract import Contract
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite
from tf_handgroups.errors import InputError

ENTRY_NAME = "tf_handgroups.contract"

# Fields of `model` that only the contract beside the file has.
IDENTITY = ("sha256", "bytes")

# A contract has 4 KB; a larger one could make the JSON reader fill the memory.
_MAX_BYTES = 1 << 20


def embed_contract(content: bytes, contract: Contract) -> bytes:
    """Returns a `.tflite` file with a contract inside, in place of the one it has, if any.

    Nothing that LiteRT computes with changes: weights, ops and signature stay as they are.

    Args:
        content: Content of a `.tflite` file.
        contract: Its contract; SHA-256 and size in it are left out.

    Returns:
        Content of the new file; the same arguments give the same bytes.

    Raises:
        InputError: If the content is not a LiteRT model.
    """
    model = parse_tflite(content)
    text = json.dumps(without_identity(contract.values), ensure_ascii=False, allow_nan=False)
    data = np.frombuffer(text.encode(), np.uint8)
    entries = _entries(model)
    if entries:
        model.buffers[entries[0].buffer].data = data
        model.metadata = [entry for entry in model.metadata if entry not in entries[1:]]
    else:
        model.buffers.append(schema.BufferT(data=data))
        entry = schema.MetadataT(name=ENTRY_NAME, buffer=len(model.buffers) - 1)
        model.metadata = [*(model.metadata or []), entry]
    return pack_tflite(model)


def embedded_contract(content: bytes, where: str) -> dict[str, Any]:
    """Returns the contract inside a `.tflite` file, without SHA-256 and size.

    Args:
        content: Content of the file.
        where: Name of the file for messages.

    Raises:
        InputError: If the content is no LiteRT model, or holds no contract, several, or
            one that is no JSON object.
    """
    model = parse_tflite(content, where)
    entries = _entries(model)
    if len(entries) != 1:
        raise InputError(
            f"{where}: expected one contract inside the file (metadata {ENTRY_NAME}). "
            f"Received: entries={len(entries)}. Convert the model with this version."
        )
    data = model.buffers[entries[0].buffer].data
    text = b"" if data is None else bytes(data)
    try:
        if not 0 < len(text) <= _MAX_BYTES:
            raise ValueError(f"{len(text)} bytes")
        values = json.loads(text.decode())
        if not isinstance(values, dict) or not isinstance(values.get("model"), dict):
            raise ValueError("another kind of value")
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{where}: expected a JSON object as the contract inside the file. "
            f"Received: {error}. Convert the model with this version."
        ) from error
    return values


def without_identity(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of a contract without the file's own SHA-256 and size.

    Example:

    >>> without_identity({"model": {"file": "a.tflite", "sha256": "0", "bytes": 1}, "crop": {}})
    {'model': {'file': 'a.tflite'}, 'crop': {}}
    """
    model = {name: value for name, value in values["model"].items() if name not in IDENTITY}
    return {**values, "model": model}


def _entries(model: Any) -> list[Any]:
    return [entry for entry in model.metadata or [] if entry.name == ENTRY_NAME.encode()]
