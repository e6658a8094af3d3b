"""What this machine can do at most: one large matrix product, in float32 and in int8.

The reference is a 1x1 convolution of LiteRT, built here byte by byte, because most of a
mobile network's arithmetic is of this kind and runs on the same kernels of XNNPACK: so a
model's share of this peak is lost to its shapes, its other ops and memory, not to another
library. Its weights (512 x 512) stay in the cache and are used for 1024 pixels. The peak of
the silicon is higher than any kernel gets.
"""

import dataclasses
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert.export import INPUT_NAME, SIGNATURE

_SIDE, _CHANNELS = 32, 512
REFERENCE_MACS = _SIDE * _SIDE * _CHANNELS * _CHANNELS

_INT8_SCALE = 1 / 128


@dataclasses.dataclass(frozen=True)
class MachinePeak:
    """Speed of the reference convolution.

    Args:
        float32: Giga multiply-accumulates per second.
        int8: The same of the int8 convolution.

    Example:

    >>> MachinePeak(float32=50.0, int8=200.0).seconds(50e9, 200e9)
    2.0
    """

    float32: float
    int8: float

    def seconds(self, float_macs: float, int_macs: float) -> float:
        """Returns how long so many multiply-accumulates take at this speed."""
        return float_macs / (self.float32 * 1e9) + int_macs / (self.int8 * 1e9)


def reference_model(dtype: str) -> bytes:
    """Builds the reference convolution as a `.tflite` file.

    Args:
        dtype: `"float32"` or `"int8"`: of input, weights and output alike.

    Example:

    >>> from tf_handgroups.convert.graph_cost import graph_cost
    >>> graph_cost(reference_model("int8")).int_macs == REFERENCE_MACS
    True
    """
    generator = np.random.default_rng(0)
    weights = generator.integers(-127, 128, (_CHANNELS, 1, 1, _CHANNELS))
    is_int8 = dtype == "int8"
    kernel = weights.astype(np.int8) if is_int8 else weights.astype(np.float32) / 128
    bias = np.zeros(_CHANNELS, np.int32 if is_int8 else np.float32)
    code = schema.TensorType.INT8 if is_int8 else schema.TensorType.FLOAT32
    bias_code = schema.TensorType.INT32 if is_int8 else schema.TensorType.FLOAT32
    picture = [1, _SIDE, _SIDE, _CHANNELS]
    # Scales of a bias are products of those of input and weights.
    scales = (_INT8_SCALE, _INT8_SCALE, _INT8_SCALE**2, 1.0) if is_int8 else (None,) * 4
    tensors = [
        _tensor(INPUT_NAME, picture, code, 0, scales[0]),
        _tensor("kernel", list(kernel.shape), code, 1, scales[1]),
        _tensor("bias", [_CHANNELS], bias_code, 2, scales[2]),
        _tensor("product", picture, code, 0, scales[3]),
    ]
    operator: Any = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1, 2], [3]
    operator.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
    options = operator.builtinOptions = schema.Conv2DOptionsT()
    options.padding = schema.Padding.VALID
    options.strideW = options.strideH = 1
    options.dilationWFactor = options.dilationHFactor = 1
    graph: Any = schema.SubGraphT()
    graph.tensors, graph.operators = tensors, [operator]
    graph.inputs, graph.outputs = [0], [3]
    opcode: Any = schema.OperatorCodeT()
    opcode.builtinCode = opcode.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    opcode.version = 3 if is_int8 else 1
    signature: Any = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
    signature.inputs, signature.outputs = [_named(INPUT_NAME, 0)], [_named("product", 3)]
    model: Any = schema.ModelT()
    model.version, model.subgraphs, model.operatorCodes = 3, [graph], [opcode]
    model.buffers = [_buffer(b""), _buffer(kernel.tobytes()), _buffer(bias.tobytes())]
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(name: str, shape: list[int], code: int, buffer: int, scale: float | None) -> Any:
    tensor: Any = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, shape, code, buffer
    tensor.hasRank = True
    if scale is not None:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [0]
    return tensor


def _named(name: str, index: int) -> Any:
    entry: Any = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry


def _buffer(content: bytes) -> Any:
    buffer: Any = schema.BufferT()
    buffer.data = np.frombuffer(content, np.uint8) if content else None
    return buffer
