"""The blocks of the authors' network in NumPy, from its description and by layer name."""

import numpy as np

from tests.models.numpy_network import convolution

EPSILON = 1e-5


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def has(model, name: str) -> bool:
    return name in {layer.name for layer in model.layers}


def norm(model, x: np.ndarray, name: str) -> np.ndarray:
    """Batch norm with its moving statistics."""
    gamma, beta, mean, variance = model.get_layer(name).get_weights()
    return (x - mean) / np.sqrt(variance.astype(np.float64) + EPSILON) * gamma + beta


def plain(model, x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
    """Convolution alone."""
    kernel, bias = model.get_layer(f"{name}_conv").get_weights()
    return convolution(x, kernel, bias, stride, symmetric=True)


def unit(model, x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
    """Convolution and, unless it is folded, batch norm."""
    x = plain(model, x, name, stride)
    return norm(model, x, f"{name}_norm") if has(model, f"{name}_norm") else x


def module(model, x: np.ndarray, name: str) -> np.ndarray:
    """Pre-activation bottleneck."""
    skip = plain(model, x, f"{name}_skip") if has(model, f"{name}_skip_conv") else x
    weights = model.get_layer(f"{name}_preactivation").get_weights()
    if len(weights) == 4:
        x = norm(model, x, f"{name}_preactivation")
    else:
        scale, shift = weights
        x = x * scale.reshape(-1) + shift
    x = relu(unit(model, relu(x), f"{name}_reduce"))
    x = relu(unit(model, x, f"{name}_spatial"))
    return skip + plain(model, x, f"{name}_expand")


def residual(model, x: np.ndarray, name: str) -> np.ndarray:
    skip = unit(model, x, f"{name}_skip") if has(model, f"{name}_skip_conv") else x
    x = relu(unit(model, x, f"{name}_first"))
    return relu(skip + unit(model, x, f"{name}_second"))


def down(model, x: np.ndarray, name: str) -> np.ndarray:
    """Halves the sides; both inner units end in a ReLU."""
    kernel, bias = model.get_layer(f"{name}_skip_conv").get_weights()
    skip = x[:, ::2, ::2] @ kernel[0, 0].astype(np.float64) + bias
    if has(model, f"{name}_skip_norm"):
        skip = norm(model, skip, f"{name}_skip_norm")
    x = relu(unit(model, x, f"{name}_first", stride=2))
    return relu(skip + relu(unit(model, x, f"{name}_second")))


def up(model, x: np.ndarray, name: str) -> np.ndarray:
    """Doubles the sides by a transposed convolution."""
    kernel, bias = model.get_layer(f"{name}_conv").get_weights()
    x = transposed_convolution(x, kernel) + bias
    return relu(norm(model, x, f"{name}_norm") if has(model, f"{name}_norm") else x)


def transposed_convolution(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """PyTorch's ConvTranspose2d(4, stride=2, padding=1): every cell adds 4 x 4 outputs.

    The kernel is `(height, width, out, in)`. Padding means cutting off the outermost ring.
    """
    batch, height, width, _ = x.shape
    result = np.zeros((batch, 2 * height + 2, 2 * width + 2, kernel.shape[2]))
    for row in range(height):
        for column in range(width):
            stamp = np.einsum("bi,yxoi->byxo", x[:, row, column], kernel.astype(np.float64))
            result[:, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += stamp
    return result[:, 1:-1, 1:-1]


def pool(x: np.ndarray) -> np.ndarray:
    """The largest of every 2 x 2 cells."""
    return np.maximum.reduce(
        [x[:, ::2, ::2], x[:, 1::2, ::2], x[:, ::2, 1::2], x[:, 1::2, 1::2]],
    )


def nearest(x: np.ndarray) -> np.ndarray:
    """Doubles the sides by repeating every cell."""
    return x.repeat(2, axis=1).repeat(2, axis=2)


def assert_close(received, expected: np.ndarray) -> None:
    """Float32 sums of up to 1152 terms through many layers: relative to the largest value."""
    assert expected.std() > 1e-3 * np.abs(expected).max() > 0
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
