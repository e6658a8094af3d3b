"""Square crops: box -> affine matrix `image -> crop`, the crop itself, and the way back.

The rule is written once, in `CROP_RULE`; the contract of a converted model carries
it to phone and browser. `tf_handgroups.pipeline` does the same in graph ops.
"""

import math

import numpy as np

from tf_handgroups.errors import InputError

CROP_MARGIN = 1.5

CROP_RULE = {
    "shape": "square",
    "margin": CROP_MARGIN,
    "centre": "box centre",
    "side": "margin * max(box width, box height)",
    "border": "constant",
    "border_value": 0.0,
    "interpolation": "bilinear",
    "reduction": "before the warp, average blocks of k x k pixels, k = max(1, floor(side / size + "
    "1e-6)): a ratio that is whole but for rounding counts as whole",
    "pixel_convention": "integer coordinates are pixel centres; crop pixel = "
    "(image pixel - centre) * size / side + (size - 1) / 2",
}


def crop_matrix(
    box_px, size: int, margin: float = CROP_MARGIN, rotation_rad: float = 0.0, mirror: bool = False
) -> np.ndarray:
    """Returns the affine matrix that maps image pixels to pixels of a square crop.

    Args:
        box_px: `x, y, width, height` of the hand in image pixels.
        size: Side of the crop in crop pixels.
        margin: Side of the window over the longer side of the box.
        rotation_rad: Turns the content clockwise as seen on the screen.
        mirror: Whether the crop is flipped left to right (left hands).

    Returns:
        `(2, 3)` float64 matrix; `crop = matrix @ (u, v, 1)`.

    Raises:
        InputError: If the box is not finite or not positive.

    Example:

    >>> matrix = crop_matrix((10, 10, 20, 20), size=60, margin=1.5)
    >>> (matrix @ (20, 20, 1)).tolist()  # the box centre becomes the crop centre
    [29.5, 29.5]
    """
    x, y, width, height = (float(value) for value in box_px)
    if not (math.isfinite(x + y + width + height) and width > 0 and height > 0):
        raise InputError(
            "crop_matrix: expected a finite box x, y, width > 0, height > 0. "
            f"Received: box_px={[x, y, width, height]}."
        )
    scale = size / (margin * max(width, height))
    cos, sin = scale * math.cos(rotation_rad), scale * math.sin(rotation_rad)
    linear = np.array([[cos, -sin], [sin, cos]])
    centre = np.array([x + width / 2, y + height / 2])
    shift = (size - 1) / 2 - linear @ centre
    matrix = np.concatenate([linear, shift[:, None]], axis=1)
    if mirror:
        matrix[0] = -matrix[0]
        matrix[0, 2] += size - 1
    return matrix


def invert(matrix: np.ndarray) -> np.ndarray:
    """Returns the `(2, 3)` inverse of a `(2, 3)` affine matrix.

    Example:

    >>> matrix = crop_matrix((0, 0, 10, 10), size=32)
    >>> np.allclose(transform_points(invert(matrix), transform_points(matrix, [[3, 4]])), [[3, 4]])
    True
    """
    linear = np.linalg.inv(matrix[:, :2])
    return np.concatenate([linear, -linear @ matrix[:, 2:]], axis=1)


def transform_points(matrix: np.ndarray, points) -> np.ndarray:
    """Applies a `(2, 3)` affine matrix to `(..., 2)` points.

    Example:

    >>> transform_points(np.array([[2.0, 0, 1], [0, 2, 0]]), [[1, 1]]).tolist()
    [[3.0, 2.0]]
    """
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def crop_image(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Cuts the square crop out of an image, by the rule of `CROP_RULE`.

    The interpolation is computed exactly (OpenCV's `warpAffine` rounds positions to
    1/32 pixel), so that every runner can reproduce it.

    Args:
        image: `(height, width, 3)` uint8.
        matrix: `(2, 3)` matrix of `crop_matrix`.
        size: Side of the crop.

    Returns:
        `(size, size, 3)` float32 in [0, 1].

    Example:

    >>> image = np.full((40, 40, 3), 255, np.uint8)
    >>> crop = crop_image(image, crop_matrix((10, 10, 10, 10), 8), 8)
    >>> crop.shape, float(crop.min())
    ((8, 8, 3), 1.0)
    """
    to_image = invert(matrix)
    factor = max(1, math.floor(math.sqrt(abs(np.linalg.det(to_image[:, :2]))) + 1e-6))
    pixels = image.astype(np.float32)
    if factor > 1:
        height, width = (max(1, side // factor) for side in image.shape[:2])
        blocks = pixels[: height * factor, : width * factor]
        block_rows, block_columns = blocks.shape[0] // height, blocks.shape[1] // width
        pixels = blocks.reshape(height, block_rows, width, block_columns, 3).mean((1, 3))
        to_image = to_image / factor
        to_image[:, 2] -= (factor - 1) / (2 * factor)
    # Rounding takes the brightest pixels a hair beyond 1.
    return np.clip(_bilinear(pixels, to_image, size) / np.float32(255), 0, 1)


def _bilinear(pixels: np.ndarray, to_image: np.ndarray, size: int) -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(size), np.arange(size))
    u, v = np.moveaxis(transform_points(to_image, np.stack([columns, rows], -1)), -1, 0)
    u0, v0 = np.floor(u).astype(int), np.floor(v).astype(int)
    du, dv = (u - u0)[..., None].astype(np.float32), (v - v0)[..., None].astype(np.float32)

    def at(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        inside = (row >= 0) & (row < pixels.shape[0]) & (column >= 0) & (column < pixels.shape[1])
        row = np.clip(row, 0, pixels.shape[0] - 1)
        column = np.clip(column, 0, pixels.shape[1] - 1)
        return pixels[row, column] * inside[..., None]

    top = at(v0, u0) * (1 - du) + at(v0, u0 + 1) * du
    bottom = at(v0 + 1, u0) * (1 - du) + at(v0 + 1, u0 + 1) * du
    return (top * (1 - dv) + bottom * dv).astype(np.float32)
