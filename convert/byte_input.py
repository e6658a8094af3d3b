"""A `.tflite` file that takes the bytes of a picture instead of floats.

`uint8`, scale 1/255, zero point 0: the bytes of a bitmap or a camera as they are. LiteRT
runtimes, MediaPipe and the Edge TPU compiler all take it, where a signed input would ask
every app to shift its bytes first. Inside, the graph goes on as before.
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert.check_ops import op_name
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite
from tf_handgroups.errors import InputError

INPUT_TYPES = ("float32", "uint8")
BYTE_QUANTIZATION = {"scale": float(str(np.float32(1 / 255))), "zero_point": 0}

_FLOAT32, _UINT8, _INT8 = (
    schema.TensorType.FLOAT32,
    schema.TensorType.UINT8,
    schema.TensorType.INT8,
)


def check_input_type(input_type: str) -> None:
    """Checks the name of an input type.

    Raises:
        InputError: If it is none of `INPUT_TYPES`.

    Example:

    >>> check_input_type("uint8")
    """
    if input_type not in INPUT_TYPES:
        raise InputError(
            f"quantize: expected an input type among {', '.join(INPUT_TYPES)}. "
            f"Received: input_type={input_type!r}."
        )


def take_bytes(content: bytes) -> bytes:
    """Gives a model with a float32 image in [0, 1] a `uint8` input.

    Where the graph begins by quantizing the image to int8 in steps of 1/255, that op turns
    into a shift by 128 and no float is left. Elsewhere a dequantization is put in front.

    Args:
        content: A `.tflite` file with one float32 input.

    Returns:
        The changed file; on the bytes of an image it computes what it did on the
        floats `bytes / 255`.

    Raises:
        InputError: If the content is not a LiteRT model with one float32 input.
    """
    model = parse_tflite(content)
    graph = model.subgraphs[0]
    if len(graph.inputs) != 1 or graph.tensors[graph.inputs[0]].type != _FLOAT32:
        types = [graph.tensors[index].type for index in graph.inputs]
        raise InputError(
            "take_bytes: expected a model with one float32 input. "
            f"Received: inputs of types {types}. Convert with the input type float32 first."
        )
    image = int(graph.inputs[0])
    readers = [op for op in graph.operators if image in [int(index) for index in op.inputs]]
    if all(_shifts(model, operator) for operator in readers):
        _hold_bytes(graph.tensors[image])
        return pack_tflite(model)
    pixels = len(graph.tensors)
    tensor: Any = schema.TensorT()
    tensor.name, tensor.buffer = b"image_bytes", len(model.buffers)
    tensor.shape = graph.tensors[image].shape
    tensor.shapeSignature = graph.tensors[image].shapeSignature
    _hold_bytes(tensor)
    graph.tensors.append(tensor)
    model.buffers.append(schema.BufferT())
    convert = schema.OperatorT()
    convert.opcodeIndex = _opcode(model, schema.BuiltinOperator.DEQUANTIZE)
    convert.inputs, convert.outputs = [pixels], [image]
    convert.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    convert.builtinOptions = schema.DequantizeOptionsT()
    graph.operators.insert(0, convert)
    graph.inputs = [pixels]
    for entry in (e for signature in model.signatureDefs or [] for e in signature.inputs):
        entry.tensorIndex = pixels if entry.tensorIndex == image else entry.tensorIndex
    return pack_tflite(model)


def to_bytes(crops: np.ndarray) -> np.ndarray:
    """Returns crops in [0, 1] as `uint8`, rounded.

    Example:

    >>> to_bytes(np.array([0.0, 0.5, 1.0])).tolist()
    [0, 128, 255]
    """
    return np.round(np.asarray(crops, np.float32) * np.float32(255)).astype(np.uint8)


def from_bytes(pixels: np.ndarray) -> np.ndarray:
    """Returns bytes as the float32 crops that they stand for.

    Example:

    >>> from_bytes(np.array([0, 255], np.uint8)).tolist()
    [0.0, 1.0]
    """
    return pixels.astype(np.float32) / np.float32(255)


def _hold_bytes(tensor: Any) -> None:
    tensor.type = _UINT8
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = [BYTE_QUANTIZATION["scale"]]
    tensor.quantization.zeroPoint = [BYTE_QUANTIZATION["zero_point"]]


def _shifts(model: Any, operator: Any) -> bool:
    """Whether an op quantizes to int8 in steps of 1/255: of bytes, a shift by 128."""
    target = model.subgraphs[0].tensors[operator.outputs[0]]
    if op_name(model, operator) != "QUANTIZE" or target.type != _INT8:
        return False
    scale, zero_point = target.quantization.scale[0], target.quantization.zeroPoint[0]
    return abs(float(scale) * 255 - 1) < 1e-5 and int(zero_point) == -128


def _opcode(model: Any, builtin: int) -> int:
    for index, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 2
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
