"""Which ops the accelerators of phones document, as data, with their conditions.

As documented, not measured: nothing here was tried on a device, and drivers differ. Read on
2026-11-28 from stored copies of these sources, which may be older than today's:

- `xnnpack`: README of the XNNPACK delegate in google-ai-edge/LiteRT, "Limitations and
  supported operators". What XNNPACK of the installed runtime really takes is measured
  beside it, as `partitions` and `delegated_ops`.
- `gpu`: "GPU ML operations support" in developers.google.com/edge/litert/performance/gpu
  (OpenCL and OpenGL delegate), and the list of ML Drift, its successor in LiteRT 2, in
  google-ai-edge/LiteRT, `ml_drift_delegate/tflite/support/support.cc`. An op that only the
  second names depends on the runtime.
- `nnapi`: what the NNAPI delegate of TensorFlow Lite hands over at API level 30 and above
  (`tensorflow/lite/delegates/nnapi/nnapi_delegate.cc`). Android 15 deprecated NNAPI, and a
  driver may still refuse.
- `edgetpu`: "Supported operations" in coral.ai/docs/edgetpu/models-intro. The compiler makes
  one partition: once an op has to run on the CPU, all that follow it do.

A condition is a function of the op that says why it does not fit, or `None`.
"""

import dataclasses
from collections.abc import Callable, Mapping

from tf_handgroups.convert.graph_ops import GraphOp, GraphTensor

FLOATS = frozenset({"FLOAT32"})
BYTES = frozenset({"INT8", "UINT8"})

# Such weights come out of a DEQUANTIZE, which the delegates are made to fold away.
_HALF = "float16 weights, if unpacked when the model is loaded"

Condition = Callable[[GraphOp], str | None]


@dataclasses.dataclass(frozen=True)
class OpRule:
    """When a backend takes an op.

    Args:
        dtypes: Types of the activations that it takes.
        needs: Conditions without which the op falls back.
        doubts: Conditions without which it depends on runtime, version or driver.
    """

    dtypes: frozenset[str] = FLOATS | BYTES
    needs: tuple[Condition, ...] = ()
    doubts: tuple[Condition, ...] = ()


@dataclasses.dataclass(frozen=True)
class Backend:
    """The documented ops of one accelerator.

    Args:
        title: For tables.
        rules: Op name -> rule.
        one_partition: Whether everything after the first op on the CPU stays there.
    """

    title: str
    rules: Mapping[str, OpRule]
    one_partition: bool = False


def activations(op: GraphOp) -> list[GraphTensor]:
    """Returns the tensors that an op computes on: no constants, shapes or axes."""
    tensors = [tensor for tensor in op.inputs if tensor is not None and not tensor.is_constant]
    return [*tensors, *op.outputs]


def _says(text: str) -> Condition:
    return lambda op: text


def _constant(*indices: int) -> Condition:
    def condition(op: GraphOp) -> str | None:
        for index in indices:
            tensor = op.input(index)
            if tensor is not None and not tensor.is_constant:
                return f"input {index} must be constant"
        return None

    return condition


def _rank_up_to(limit: int) -> Condition:
    def condition(op: GraphOp) -> str | None:
        rank = max(len(tensor.shape) for tensor in activations(op))
        return None if rank <= limit else f"{rank} axes, at most {limit}"

    return condition


def _inputs_up_to(limit: int) -> Condition:
    def condition(op: GraphOp) -> str | None:
        count = len(op.inputs)
        return None if count <= limit else f"{count} inputs, at most {limit}"

    return condition


def _plain(op: GraphOp) -> str | None:
    return "with fused activation" if op.option("fusedActivationFunction", 0) else None


def _biased(op: GraphOp) -> str | None:
    return None if op.input(2) is not None else "without bias"


def _static_weights(op: GraphOp) -> str | None:
    kernel = op.input(1)
    return None if kernel is None or kernel.is_constant else _HALF


def _not_hybrid(op: GraphOp) -> str | None:
    image, kernel = op.input(0), op.input(1)
    if image is None or kernel is None:
        return None
    mixed = image.dtype in FLOATS and kernel.dtype in BYTES
    return "int8 weights on float input" if mixed else None


def _unit_beta(op: GraphOp) -> str | None:
    return None if op.option("beta", 1.0) == 1.0 else "beta other than 1"


def _spatial(op: GraphOp) -> str | None:
    image, axes = op.input(0), op.input(1)
    if image is None or axes is None or axes.values is None or len(image.shape) != 4:
        return "not over rows and columns of a picture"
    found = sorted(int(axis) % 4 for axis in axes.values.ravel())
    return None if found in ([1, 2], [2]) else f"over axes {found}, only [1, 2] or [2]"


def _without_batch(op: GraphOp) -> str | None:
    axes, image = op.input(1), op.input(0)
    if axes is None or axes.values is None or image is None:
        return None
    found = [int(axis) % len(image.shape) for axis in axes.values.ravel()]
    return "over the batch" if 0 in found else None


def _exact_resize(op: GraphOp) -> str | None:
    if op.option("halfPixelCenters") or op.option("alignCorners"):
        return "half_pixel_centers or align_corners need API level 30"
    return None


def _flat_output(op: GraphOp) -> str | None:
    rows = op.outputs[0].num_elements // max(1, op.outputs[0].shape[-1])
    return None if rows == 1 else f"{rows} rows, the output must be one-dimensional"


def _softmax_size(op: GraphOp) -> str | None:
    count = op.outputs[0].num_elements
    return None if count <= 16_000 else f"{count} elements, at most 16,000"


def _softmax_row(op: GraphOp) -> str | None:
    rows = op.outputs[0].num_elements // max(1, op.outputs[0].shape[-1])
    return None if rows == 1 else "older compilers take one row only"


def _three_axes(op: GraphOp) -> str | None:
    for tensor in activations(op):
        if any(side > 1 for side in tensor.shape[:-3]):
            return f"shape {tensor.shape}: only the last three axes may exceed 1"
    return None


def _from_bytes(op: GraphOp) -> str | None:
    tensor = op.input(0)
    return None if tensor is not None and tensor.dtype in BYTES else "takes FLOAT32"


def _half_weights(op: GraphOp) -> str | None:
    tensor = op.input(0)
    return _HALF if tensor is not None and tensor.is_constant else None


def _rules(names: str, rule: OpRule) -> dict[str, OpRule]:
    return dict.fromkeys(names.split(), rule)


_XNNPACK_BOTH = (
    "ADD CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE ELU FULLY_CONNECTED LEAKY_RELU "
    "LOGISTIC MAX_POOL_2D MEAN MUL PAD RESHAPE RESIZE_BILINEAR SLICE SPACE_TO_DEPTH SPLIT SUB "
    "TANH TRANSPOSE TRANSPOSE_CONV"
)
_XNNPACK_FLOAT = (
    "ABS AVERAGE_POOL_2D CEIL DIV FLOOR HARD_SWISH MAXIMUM MINIMUM NEG PRELU RELU RELU6 "
    "RELU_N1_TO_1 ROUND SOFTMAX SQRT SQUARE SQUARED_DIFFERENCE STRIDED_SLICE"
)
_DYNAMIC = (_static_weights, _not_hybrid)
XNNPACK = Backend(
    "XNNPACK",
    {
        **_rules(_XNNPACK_BOTH, OpRule()),
        **_rules(_XNNPACK_FLOAT, OpRule(FLOATS)),
        **_rules("CONV_2D DEPTHWISE_CONV_2D", OpRule(needs=(_biased,), doubts=_DYNAMIC)),
        **_rules("FULLY_CONNECTED TRANSPOSE_CONV", OpRule(doubts=_DYNAMIC)),
        **_rules("CONCATENATION", OpRule(doubts=(_inputs_up_to(4),))),
        **_rules("SOFTMAX", OpRule(FLOATS, needs=(_unit_beta,))),
        **_rules("MEAN", OpRule(needs=(_constant(1), _spatial))),
        **_rules("PAD RESHAPE TRANSPOSE RESIZE_BILINEAR", OpRule(needs=(_constant(1),))),
        **_rules("QUANTIZE", OpRule()),
        **_rules("DEQUANTIZE", OpRule(doubts=(_half_weights,))),
    },
)

_GPU_DOCUMENTED = (
    "ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXP FULLY_CONNECTED LOGISTIC "
    "MAX_POOL_2D MAXIMUM MINIMUM MUL PAD PRELU RELU RELU6 RESHAPE RESIZE_BILINEAR SOFTMAX "
    "STRIDED_SLICE SUB TRANSPOSE_CONV"
)
_GPU_ML_DRIFT = (
    "ABS ARG_MAX BATCH_MATMUL CAST CEIL COS CUMSUM DEPTH_TO_SPACE DEQUANTIZE DIV ELU FLOOR "
    "FLOOR_DIV FLOOR_MOD GATHER GELU HARD_SWISH LEAKY_RELU LOG MEAN MIRROR_PAD NEG ONE_HOT PACK "
    "PADV2 POW QUANTIZE REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU_N1_TO_1 RESIZE_NEAREST_NEIGHBOR "
    "REVERSE_V2 ROUND RSQRT SELECT SELECT_V2 SIGN SIN SLICE SPACE_TO_DEPTH SPLIT SPLIT_V SQRT "
    "SQUARE SQUARED_DIFFERENCE SUM TANH TILE TOPK_V2 TRANSPOSE UNPACK"
)
_ML_DRIFT_ONLY = (_says("ML Drift (LiteRT 2) names it, the older delegate's list does not"),)
GPU = Backend(
    "GPU",
    {
        **_rules(_GPU_DOCUMENTED, OpRule()),
        **_rules(_GPU_ML_DRIFT, OpRule(doubts=_ML_DRIFT_ONLY)),
        **_rules("DEQUANTIZE", OpRule(doubts=(_half_weights, *_ML_DRIFT_ONLY))),
        **_rules(
            "CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED TRANSPOSE_CONV", OpRule(doubts=_DYNAMIC)
        ),
    },
)

_NNAPI_BOTH = (
    "ADD MUL SUB AVERAGE_POOL_2D MAX_POOL_2D CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED HARD_SWISH "
    "SOFTMAX RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SQUEEZE L2_NORMALIZATION "
    "CONCATENATION DEQUANTIZE QUANTIZE RELU RELU_N1_TO_1 RELU6 LOGISTIC TANH PAD PADV2 "
    "SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND STRIDED_SLICE TRANSPOSE SLICE TRANSPOSE_CONV "
    "SPACE_TO_DEPTH DEPTH_TO_SPACE MEAN MAXIMUM MINIMUM CAST LEAKY_RELU PRELU TILE TOPK_V2 SELECT "
    "GATHER EXPAND_DIMS SPLIT SPLIT_V REDUCE_MIN REDUCE_MAX PACK SQUARED_DIFFERENCE ARG_MAX "
    "ARG_MIN"
)
_NNAPI_FLOAT = (
    "DIV FLOOR ABS EXP LOG RSQRT POW SIN SQRT NEG LOG_SOFTMAX REDUCE_PROD SUM ELU L2_POOL_2D"
)
NNAPI = Backend(
    "NNAPI",
    {
        **_rules(_NNAPI_BOTH, OpRule()),
        **_rules(_NNAPI_FLOAT, OpRule(FLOATS)),
        **_rules("CONV_2D", OpRule(needs=(_biased,), doubts=_DYNAMIC)),
        **_rules("DEPTHWISE_CONV_2D FULLY_CONNECTED TRANSPOSE_CONV", OpRule(doubts=_DYNAMIC)),
        **_rules("DEQUANTIZE", OpRule(doubts=(_half_weights,))),
        **_rules("CONCATENATION", OpRule(needs=(_plain, _rank_up_to(4)))),
        **_rules("SOFTMAX SUB SQUARED_DIFFERENCE", OpRule(needs=(_rank_up_to(4),))),
        **_rules("RESHAPE TRANSPOSE", OpRule(needs=(_constant(1),))),
        **_rules(
            "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR",
            OpRule(needs=(_constant(1),), doubts=(_exact_resize,)),
        ),
    },
)

_ONE_BYTE = (_three_axes,)
_EDGETPU_PLAIN = (
    "ADD DEPTHWISE_CONV_2D CONV_2D EXPAND_DIMS L2_NORMALIZATION LOGISTIC MAXIMUM MINIMUM MUL PACK "
    "PAD PRELU RELU RELU6 RELU_N1_TO_1 RSQRT SLICE SPACE_TO_DEPTH SPLIT SQUEEZE STRIDED_SLICE SUB "
    "SQUARED_DIFFERENCE TANH TRANSPOSE TRANSPOSE_CONV"
)
EDGETPU = Backend(
    "EdgeTPU",
    {
        **_rules(_EDGETPU_PLAIN, OpRule(BYTES, needs=_ONE_BYTE)),
        **_rules("AVERAGE_POOL_2D MAX_POOL_2D", OpRule(BYTES, needs=(_plain, *_ONE_BYTE))),
        **_rules("CONCATENATION", OpRule(BYTES, needs=(_plain, *_ONE_BYTE))),
        **_rules("FULLY_CONNECTED", OpRule(BYTES, needs=(_flat_output, *_ONE_BYTE))),
        **_rules(
            "MEAN SUM REDUCE_MAX REDUCE_MIN", OpRule(BYTES, needs=(_without_batch, *_ONE_BYTE))
        ),
        **_rules("RESHAPE", OpRule(BYTES, _ONE_BYTE, (_says("large ones may not be mapped"),))),
        **_rules(
            "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR",
            OpRule(BYTES, _ONE_BYTE, (_says("some sizes are not mapped, for precision"),)),
        ),
        **_rules(
            "SOFTMAX", OpRule(BYTES, needs=(_softmax_size, *_ONE_BYTE), doubts=(_softmax_row,))
        ),
        **_rules("QUANTIZE", OpRule(FLOATS | BYTES, needs=(_from_bytes, *_ONE_BYTE))),
    },
    one_partition=True,
)

BACKENDS: Mapping[str, Backend] = {
    "xnnpack": XNNPACK,
    "gpu": GPU,
    "nnapi": NNAPI,
    "edgetpu": EDGETPU,
}
