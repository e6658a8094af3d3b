"""What a runner accepts as input."""

from typing import Any

import numpy as np

from tf_handgroups.errors import InputError


def check_crops(crops: Any, size: int, where: str) -> np.ndarray:
    """Returns crops as float32 after checking shape and range.

    Args:
        crops: `(N, size, size, 3)`, RGB in [0, 1].
        size: Side of the network's input in pixels.
        where: Name of the argument for messages.

    Raises:
        InputError: If the shape differs, there is no crop, or a value is not in [0, 1].

    Example:

    >>> check_crops(np.zeros((1, 8, 8, 3)), 8, "calibration_crops").dtype
    dtype('float32')
    """
    crops = np.asarray(crops)
    if crops.ndim != 4 or crops.shape[1:] != (size, size, 3) or not len(crops):
        raise InputError(
            f"{where}: expected crops of shape (N, {size}, {size}, 3) with N >= 1. "
            f"Received: shape={crops.shape}. Cut them with tf_handgroups.crop.crop_image."
        )
    crops = crops.astype(np.float32)
    low, high = float(crops.min()), float(crops.max())
    if not (low >= 0.0 and high <= 1.0):
        raise InputError(
            f"{where}: expected values in [0, 1]. Received: range=[{low:g}, {high:g}]. "
            "Divide 8-bit images by 255."
        )
    return crops
