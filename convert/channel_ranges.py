"""What values every channel of every activation takes on calibration crops."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tf_handgroups.convert.check_ops import op_name
from tf_handgroups.convert.constants import constant
from tf_handgroups.convert.tflite_file import parse_tflite

_ELEMENTWISE = {"ADD": np.add, "MUL": np.multiply, "SUB": np.subtract}


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelRange:
    """Values of one tensor; channels are its last axis.

    Args:
        low: `(channels,)` smallest value.
        high: `(channels,)` largest value.
        mean: `(channels,)` mean over crops and positions.

    Example:

    >>> ChannelRange(np.zeros(2), np.array([1.0, 6.0]), np.ones(2)).scaled(2.0).high.tolist()
    [2.0, 12.0]
    """

    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray

    def scaled(self, factor: Any) -> "ChannelRange":
        """Returns the range of the tensor times a positive factor per channel."""
        return ChannelRange(self.low * factor, self.high * factor, self.mean * factor)


def activations(model: Any) -> list[int]:
    """Returns the indices of the float32 tensors that are computed or given, not constant.

    Args:
        model: As of `parse_tflite`.
    """
    graph = model.subgraphs[0]
    found = [*graph.inputs, *(index for op in graph.operators for index in op.outputs)]
    return [int(i) for i in dict.fromkeys(found) if graph.tensors[i].type == 0]


def channel_ranges(content: bytes, crops: np.ndarray) -> dict[str, ChannelRange]:
    """Runs a float model on crops and returns the range of every activation by name.

    Smallest and largest value over *all* crops: a moving average, as AI Edge Quantizer's
    own calibration takes, cuts off rare peaks, and a result that depends on the order of
    the crops cannot be reproduced.

    Args:
        content: A float32 `.tflite` file with one input.
        crops: `(N, S, S, 3)` in [0, 1].

    Raises:
        InputError: If the content is not a LiteRT model.
    """
    model = parse_tflite(content)
    graph, indices = model.subgraphs[0], activations(model)
    interpreter = Interpreter(
        model_content=bytes(content),
        num_threads=1,
        # Delegates compute in one go and keep nothing in between.
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    found: dict[int, list[np.ndarray]] = {}
    for crop in crops:
        interpreter.set_tensor(int(graph.inputs[0]), crop[None].astype(np.float32))
        interpreter.invoke()
        for index in indices:
            value = interpreter.get_tensor(index)
            rows = value.reshape(-1, value.shape[-1] if value.ndim else 1)
            new = [rows.min(axis=0), rows.max(axis=0), rows.mean(axis=0, dtype=np.float64)]
            old = found.setdefault(index, [new[0], new[1], np.zeros_like(new[2])])
            found[index] = [np.minimum(old[0], new[0]), np.maximum(old[1], new[1]), old[2] + new[2]]
    return {
        graph.tensors[index].name.decode(): ChannelRange(
            low.astype(np.float64), high.astype(np.float64), total / len(crops)
        )
        for index, (low, high, total) in found.items()
    }


def quantizer_ranges(content: bytes, ranges: Mapping[str, ChannelRange]) -> dict[str, Any]:
    """Returns ranges per tensor in the form that AI Edge Quantizer takes.

    Args:
        content: The model of the ranges.
        ranges: As of `channel_ranges`.
    """
    result = {}
    for tensor in parse_tflite(content).subgraphs[0].tensors:
        name = tensor.name.decode()
        if name in ranges:
            result[name] = limits(tensor, ranges[name].low.min(), ranges[name].high.max())
    return result


def spread_image_range(content: bytes) -> dict[str, Any]:
    """Returns the exact ranges of the image and of what is computed from it pixel by pixel.

    An image lies in [0, 1] whatever the crops of the calibration showed. With the ranges of
    the normalisation that follows derived from that, not measured, an 8-bit image passes
    all of it without rounding.

    Args:
        content: A float32 `.tflite` file with one input.
    """
    model = parse_tflite(content)
    graph = model.subgraphs[0]
    spread = {int(graph.inputs[0]): (0.0, 1.0)}
    for operator in graph.operators:
        calculate = _ELEMENTWISE.get(op_name(model, operator))
        if calculate is None or int(operator.inputs[0]) not in spread:
            continue
        value = constant(model, int(operator.inputs[1]))
        if value is not None and value.size == 1:
            ends = [float(calculate(end, value.item())) for end in spread[int(operator.inputs[0])]]
            spread[int(operator.outputs[0])] = (min(ends), max(ends))
    return {
        graph.tensors[index].name.decode(): limits(graph.tensors[index], *ends)
        for index, ends in spread.items()
    }


def limits(tensor: Any, low: float, high: float) -> dict[str, np.ndarray]:
    """Returns a range in the form that AI Edge Quantizer takes.

    Args:
        tensor: Of the LiteRT schema.
        low: Smallest value.
        high: Largest value.
    """
    shape = [1] * (0 if tensor.shape is None else len(tensor.shape))
    return {"min": np.full(shape, low, np.float32), "max": np.full(shape, high, np.float32)}
