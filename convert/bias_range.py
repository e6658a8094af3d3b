"""Keeps the biases of nearly dead channels inside the 32 bits of an int8 convolution.

An int8 convolution stores its bias in steps of (input scale x weight scale). Folding a
batch norm leaves channels whose weights are almost zero while their bias is not: the
step becomes so small that the bias no longer fits, and AI Edge Quantizer 0.10 then wraps
it round to a large negative number. The channel loses its constant, silently.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_handgroups.convert.check_ops import op_name
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite

# Axis of the output channels in the kernels of LiteRT, and which inputs are image, kernel, bias.
_CONVOLUTIONS = {
    "CONV_2D": (0, (0, 1, 2)),
    "DEPTHWISE_CONV_2D": (3, (0, 1, 2)),
    "TRANSPOSE_CONV": (0, (2, 1, 3)),
}

# Largest bias in steps; a quarter of the 32-bit limit, because operations that share a
# scale may shrink the step further.
_MAX_STEPS = 2.0**29


def lift_dead_channels(content: bytes, ranges: Mapping[str, Any]) -> tuple[bytes, int]:
    """Enlarges one weight per nearly dead channel so that its bias can be represented.

    The enlarged weight changes the channel's output by at most 255 * 127 / 2^29 = 0.006 %
    of its bias.

    Args:
        content: A float32 `.tflite` file.
        ranges: Calibrated `{"min", "max"}` by tensor name.

    Returns:
        The changed file and the number of channels changed (0: the file is the same).

    Raises:
        InputError: If the content is not a LiteRT model.
    """
    model = parse_tflite(content)
    changed = 0
    for graph in model.subgraphs:
        for operator in graph.operators:
            axis, places = _CONVOLUTIONS.get(op_name(model, operator), (0, ()))
            numbers = [int(operator.inputs[p]) for p in places if p < len(operator.inputs)]
            if len(numbers) < 3 or min(numbers) < 0:
                continue
            image, kernel, bias = (graph.tensors[number] for number in numbers)
            found = ranges.get(image.name.decode())
            if not found:
                continue
            # The quantizer's ranges include zero.
            low = min(0.0, float(np.min(found["min"])))
            scale = (max(0.0, float(np.max(found["max"]))) - low) / 255
            buffer = model.buffers[kernel.buffer]
            lifted, count = lift_kernel(
                np.frombuffer(bytes(buffer.data), "<f4").reshape(kernel.shape),
                np.frombuffer(bytes(model.buffers[bias.buffer].data), "<f4"),
                scale,
                axis,
            )
            if count:
                buffer.data = np.frombuffer(lifted.astype("<f4").tobytes(), np.uint8)
                changed += count
    if not changed:
        return bytes(content), 0
    return pack_tflite(model), changed


def lift_kernel(
    kernel: np.ndarray, bias: np.ndarray, input_scale: float, axis: int
) -> tuple[np.ndarray, int]:
    """Returns a kernel whose biases fit, and the number of channels changed.

    Args:
        kernel: Weights, output channels along `axis`.
        bias: `(channels,)`.
        input_scale: Quantization step of the convolution's input.
        axis: Axis of the output channels.

    Example:

    >>> kernel = np.array([[0.5, 0.1], [1e-12, -2e-12]])  # the second channel is dead
    >>> lifted, count = lift_kernel(kernel, np.array([1.0, 1.0]), 0.02, axis=0)
    >>> count, lifted[0].tolist(), f"{lifted[1, 1]:.1e}"
    (1, [0.5, 0.1], '-1.2e-05')
    """
    if not input_scale > 0:
        return kernel, 0
    rows = np.moveaxis(kernel, axis, 0).reshape(len(bias), -1).copy()
    largest = np.argmax(np.abs(rows), axis=1)
    channels = np.arange(len(bias))
    needed = np.abs(bias) * 127 / (input_scale * _MAX_STEPS)
    dead = np.abs(rows[channels, largest]) < needed
    sign = np.where(rows[channels, largest] < 0, -1, 1)
    rows[channels[dead], largest[dead]] = (sign * needed)[dead]
    moved = np.moveaxis(kernel, axis, 0).shape
    return np.moveaxis(rows.reshape(moved), 0, axis), int(dead.sum())
