"""What a `.tflite` file takes and returns, as its signature says: names, shapes, dtypes, scales."""

from typing import Any

import numpy as np

from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import InputError

# `TensorType` of the LiteRT schema.
_DTYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 7: "int16", 9: "int8"}


def model_interface(content: bytes, where: str = "model") -> dict[str, dict[str, dict[str, Any]]]:
    """Returns the inputs and outputs of the only signature of a file.

    Args:
        content: Content of a `.tflite` file.
        where: Name of the file for messages.

    Returns:
        `{"inputs": {name: tensor}, "outputs": {name: tensor}}`, where a tensor is
        `{"shape", "dtype"}` and, if it holds integers that mean real numbers,
        `"quantization": {"scale", "zero_point"}`.

    Raises:
        InputError: If the content is not a LiteRT model with one signature.
    """
    model = parse_tflite(content, where)
    signatures = model.signatureDefs or []
    if len(signatures) != 1:
        raise InputError(
            f"{where}: expected one signature. Received: signatures={len(signatures)}. "
            "Convert the model again with tf-handgroups convert."
        )
    tensors = model.subgraphs[signatures[0].subgraphIndex].tensors
    return {
        "inputs": {m.name.decode(): _tensor(tensors[m.tensorIndex]) for m in signatures[0].inputs},
        "outputs": {
            m.name.decode(): _tensor(tensors[m.tensorIndex]) for m in signatures[0].outputs
        },
    }


def _tensor(tensor: Any) -> dict[str, Any]:
    described: dict[str, Any] = {
        "shape": [int(side) for side in (() if tensor.shape is None else tensor.shape)],
        "dtype": _DTYPES.get(tensor.type, f"type {tensor.type}"),
    }
    quantization = tensor.quantization
    if quantization is not None and quantization.scale is not None and len(quantization.scale) == 1:
        described["quantization"] = {
            # The shortest decimal that is the same float32: readable, and exact.
            "scale": float(str(np.float32(quantization.scale[0]))),
            "zero_point": int(quantization.zeroPoint[0]),
        }
    return described
