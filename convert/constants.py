"""The constants of a `.tflite` file: reading and changing them."""

from collections import Counter
from typing import Any

import numpy as np

from tf_handgroups.convert.check_ops import op_name

# Ops with a kernel -> axis of its output channels and of its input channels.
KERNEL_AXES = {"CONV_2D": (0, 3), "DEPTHWISE_CONV_2D": (3, 3), "FULLY_CONNECTED": (0, 1)}

_FLOAT32 = 0


def constant(model: Any, index: int) -> np.ndarray | None:
    """Returns a float32 constant in double precision, `None` for any other tensor.

    Args:
        model: As of `parse_tflite`.
        index: Of the tensor; -1 stands for a missing one.
    """
    if index < 0:
        return None
    tensor = model.subgraphs[0].tensors[index]
    data = model.buffers[tensor.buffer].data
    if data is None or tensor.type != _FLOAT32:
        return None
    shape = () if tensor.shape is None else tensor.shape
    return np.frombuffer(bytes(data), "<f4").reshape(shape).astype(np.float64)


def store(model: Any, index: int, values: np.ndarray) -> None:
    """Replaces the values of a float32 constant of the same shape."""
    buffer = model.buffers[model.subgraphs[0].tensors[index].buffer]
    buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)


def kernel_ops(model: Any) -> list[Any]:
    """Returns the convolutions and products whose kernel and bias belong to them alone.

    A constant that two ops read cannot be changed for one of them.
    """
    graph = model.subgraphs[0]
    readers: Counter = Counter()
    for operator in graph.operators:
        readers.update({graph.tensors[i].buffer for i in operator.inputs if i >= 0})
    found = []
    for operator in graph.operators:
        if op_name(model, operator) not in KERNEL_AXES or len(operator.inputs) < 3:
            continue
        _, kernel, bias = (int(index) for index in operator.inputs[:3])
        own = all(
            constant(model, index) is not None and readers[graph.tensors[index].buffer] == 1
            for index in (kernel, bias)
        )
        if own:
            found.append(operator)
    return found
