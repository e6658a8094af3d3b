"""Multiply-accumulates of a `.tflite` file, counted from its graph.

Counted are the ops that hold nearly all arithmetic of a network: convolution, depthwise and
transposed convolution, fully connected, and matrix product. What is counted is the textbook
number, padding included; a kernel may do less (it skips the padding) or more (it rounds the
channels up).
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tf_handgroups.convert.graph_ops import GraphOp, graph_ops


@dataclasses.dataclass(frozen=True)
class GraphCost:
    """Multiply-accumulates for one crop.

    Args:
        macs: By op name, largest first.
        float_macs: Those on float weights (float16 weights are unpacked to float32).
        int_macs: Those on integer weights, also where the input is float and quantized at
            run time.
    """

    macs: dict[str, int]
    float_macs: int
    int_macs: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.float_macs + self.int_macs

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return {"total": self.total} | dataclasses.asdict(self)


def _convolution(op: GraphOp) -> int:
    kernel = _shape(op, 1)  # (out, rows, columns, in / groups)
    return op.outputs[0].num_elements * _product(kernel[1:])


def _depthwise(op: GraphOp) -> int:
    kernel = _shape(op, 1)  # (1, rows, columns, out)
    return op.outputs[0].num_elements * _product(kernel[1:3])


def _transposed(op: GraphOp) -> int:
    kernel = _shape(op, 1)  # (out, rows, columns, in); every input pixel is spread by it
    return _product(_shape(op, 2)) * _product(kernel[:3])


def _fully_connected(op: GraphOp) -> int:
    return op.outputs[0].num_elements * _shape(op, 1)[-1]


def _batch_matmul(op: GraphOp) -> int:
    left = _shape(op, 0)
    return op.outputs[0].num_elements * left[-2 if op.option("adjX") else -1]


# The second input of each is the weights.
_COUNTS: dict[str, Callable[[GraphOp], int]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _batch_matmul,
}


def count_macs(op: GraphOp) -> int:
    """Returns the multiply-accumulates of one op, 0 for those that are not counted.

    Args:
        op: As of `graph_ops`.
    """
    return _COUNTS[op.name](op) if op.name in _COUNTS else 0


def graph_cost(content: bytes, where: str = "model") -> GraphCost:
    """Counts the multiply-accumulates of one run.

    Args:
        content: Content of a `.tflite` file with static shapes.
        where: Name of the model for messages.

    Raises:
        InputError: If the content is not a LiteRT model.
    """
    macs: dict[str, int] = {}
    by_type = {True: 0, False: 0}
    for op in graph_ops(content, where):
        if not (number := count_macs(op)):
            continue
        macs[op.name] = macs.get(op.name, 0) + number
        kernel = op.input(1)
        by_type[kernel is not None and kernel.dtype.startswith(("INT", "UINT"))] += number
    ordered = dict(sorted(macs.items(), key=lambda item: -item[1]))
    return GraphCost(ordered, float_macs=by_type[False], int_macs=by_type[True])


def _shape(op: GraphOp, index: int) -> tuple[int, ...]:
    tensor = op.input(index)
    return () if tensor is None else tensor.shape


def _product(sides: tuple[int, ...]) -> int:
    return int(np.prod(sides, dtype=np.int64))
