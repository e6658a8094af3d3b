"""The blocks of the network in NumPy, one loop per kernel tap."""

import numpy as np


def convolution(
    x: np.ndarray, kernel: np.ndarray, bias=0.0, stride: int = 1, symmetric: bool = False
) -> np.ndarray:
    """`same` convolution of `(batch, height, width, channels)`.

    Padded as TensorFlow pads, which on even sides and stride 2 is more after than before;
    `symmetric`: by half the kernel on both sides, as PyTorch pads.
    """
    rows, columns = kernel.shape[:2]
    height, width = -(-x.shape[1] // stride), -(-x.shape[2] // stride)
    pad_rows = max((height - 1) * stride + rows - x.shape[1], 0)
    pad_columns = max((width - 1) * stride + columns - x.shape[2], 0)
    padding = [
        (0, 0),
        (pad_rows // 2, pad_rows - pad_rows // 2),
        (pad_columns // 2, pad_columns - pad_columns // 2),
        (0, 0),
    ]
    if symmetric:
        padding[1:3] = [(rows // 2, rows // 2), (columns // 2, columns // 2)]
    x = np.pad(x.astype(np.float64), padding)
    result = np.zeros((x.shape[0], height, width, kernel.shape[3]))
    for row in range(rows):
        for column in range(columns):
            taps = x[
                :,
                row : row + stride * height : stride,
                column : column + stride * width : stride,
            ]
            result += taps[:, :height, :width] @ kernel[row, column].astype(np.float64)
    return result + bias


def block(model, x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
    """Convolution, batch norm with its moving statistics, ReLU; or a folded block."""
    weights = model.get_layer(f"{name}_conv").get_weights()
    x = convolution(x, weights[0], weights[1] if len(weights) == 2 else 0.0, stride)
    if any(layer.name == f"{name}_norm" for layer in model.layers):
        gamma, beta, mean, variance = model.get_layer(f"{name}_norm").get_weights()
        x = (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    return np.maximum(x, 0)


def upsample(x: np.ndarray) -> np.ndarray:
    """Doubles height and width bilinearly: 3/4 of the nearest cell, 1/4 of the next."""
    for axis in (1, 2):
        last = x.shape[axis] - 1
        cells = np.arange(last + 1)
        before = x.take(np.maximum(cells - 1, 0), axis)
        after = x.take(np.minimum(cells + 1, last), axis)
        both = np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
        x = both.reshape(*x.shape[:axis], 2 * (last + 1), *x.shape[axis + 1 :])
    return x


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
