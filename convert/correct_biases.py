"""Takes out what rounding the weights to 8 bits adds to every channel on average.

A rounded kernel errs by `rounded - kernel`; times the mean of its input that is a constant
per output channel, and constants belong into the bias, which an int8 convolution keeps in
32 bits. It matters where weights are large and nearly cancel, as in an edge filter: there
the rounded weights no longer cancel, and the error grows with the brightness of the input.
"""

from collections.abc import Callable, Mapping

import numpy as np

from tf_handgroups.convert.channel_ranges import ChannelRange
from tf_handgroups.convert.check_ops import op_name
from tf_handgroups.convert.constants import KERNEL_AXES, constant, kernel_ops, store
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite


def correct_biases(
    content: bytes,
    ranges: Mapping[str, ChannelRange],
    quantized: Callable[[str, str], bool],
) -> bytes:
    """Changes the biases of the convolutions that will be rounded to int8.

    Args:
        content: A float32 `.tflite` file.
        ranges: As of `channel_ranges` on this file; the means are read.
        quantized: Function `(op, name of its output) -> bool`, whether it will be.

    Returns:
        The file with biases that fit the rounded kernels.

    Raises:
        InputError: If the content is not a LiteRT model.
    """
    model = parse_tflite(content)
    tensors = model.subgraphs[0].tensors
    for operator in kernel_ops(model):
        name = op_name(model, operator)
        if not quantized(name, tensors[operator.outputs[0]].name.decode()):
            continue
        source, kernel, bias = (int(index) for index in operator.inputs[:3])
        found = ranges.get(tensors[source].name.decode())
        values, old = constant(model, kernel), constant(model, bias)
        out_axis, in_axis = KERNEL_AXES[name]
        if found is None or values is None or old is None:
            continue
        if values.shape[in_axis] != len(found.mean):
            continue
        shift = mean_error(values, found.mean, out_axis, in_axis)
        store(model, bias, old - shift)
    return pack_tflite(model)


def mean_error(kernel: np.ndarray, mean: np.ndarray, out_axis: int, in_axis: int) -> np.ndarray:
    """Returns what rounding a kernel to int8 adds to each output channel on average.

    Args:
        kernel: Weights.
        mean: `(input channels,)` mean of the input.
        out_axis: Axis of the output channels, which have a scale each.
        in_axis: Axis of the input channels; the same as `out_axis` for a depthwise kernel.

    Example:

    >>> kernel = np.array([[127.0, 0.4], [127.0, -0.3]])  # both small weights round to 0
    >>> mean_error(kernel, np.array([1.0, 10.0]), out_axis=0, in_axis=1).tolist()
    [-4.0, 3.0]
    """
    others = tuple(axis for axis in range(kernel.ndim) if axis != out_axis)
    steps = np.maximum(np.abs(kernel).max(axis=others, keepdims=True), 1e-30) / 127
    shape = [1] * kernel.ndim
    shape[in_axis] = len(mean)
    return np.sum((np.round(kernel / steps) * steps - kernel) * mean.reshape(shape), axis=others)
