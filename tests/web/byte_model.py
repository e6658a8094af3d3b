"""The smallest model with bytes in and int8 out, as the recipe `int8` has them."""

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert.byte_input import BYTE_QUANTIZATION
from tf_handgroups.convert.tflite_file import pack_tflite

SHAPE = [1, 4, 4, 3]
SHIFTED = {"scale": BYTE_QUANTIZATION["scale"], "zero_point": -128}
CONTRACT = {
    "model": {"file": "bytes.tflite", "signature": "serving_default"},
    "input": {"name": "image", "shape": SHAPE, "dtype": "uint8"},
    "outputs": {"maps": {"shape": SHAPE, "dtype": "int8", "quantization": SHIFTED}},
}


def byte_model() -> bytes:
    """Returns a `.tflite` file that shifts the bytes of an image by 128."""
    model: Any = schema.ModelT()
    model.version, model.description = 3, b"bytes"
    model.buffers = [schema.BufferT()]
    code: Any = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    code.version = 1
    model.operatorCodes = [code]
    graph: Any = schema.SubGraphT()
    graph.name = b"main"
    graph.tensors = [
        _tensor(b"image", schema.TensorType.UINT8, BYTE_QUANTIZATION),
        _tensor(b"maps", schema.TensorType.INT8, SHIFTED),
    ]
    graph.inputs, graph.outputs = [0], [1]
    shift: Any = schema.OperatorT()
    shift.opcodeIndex, shift.inputs, shift.outputs = 0, [0], [1]
    shift.builtinOptionsType = schema.BuiltinOptions.QuantizeOptions
    shift.builtinOptions = schema.QuantizeOptionsT()
    graph.operators = [shift]
    model.subgraphs = [graph]
    signature: Any = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    signature.inputs, signature.outputs = [_entry(b"image", 0)], [_entry(b"maps", 1)]
    model.signatureDefs = [signature]
    return pack_tflite(model)


def _tensor(name: bytes, kind: int, quantization: dict) -> Any:
    tensor: Any = schema.TensorT()
    tensor.name, tensor.type, tensor.shape, tensor.buffer = name, kind, SHAPE, 0
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = [quantization["scale"]]
    tensor.quantization.zeroPoint = [quantization["zero_point"]]
    return tensor


def _entry(name: bytes, index: int) -> Any:
    entry: Any = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry
