"""Many samples on one picture, with their skeletons, for the eye."""

from collections.abc import Sequence

import cv2
import numpy as np

from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.draw_hand import draw_hand
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image


def contact_sheet(
    samples: Sequence[HandSample], columns: int, draw_joints: bool = True, tile_px: int = 192
) -> np.ndarray:
    """Lays samples out in rows, each fitted into a square tile.

    Args:
        samples: At least one sample.
        columns: Tiles per row.
        draw_joints: Whether to draw the skeletons of samples with a hand.
        tile_px: Side of a tile in pixels.

    Returns:
        `(rows * tile_px, columns * tile_px, 3)` uint8 RGB; unused places are black.

    Raises:
        InputError: If there is no sample, `columns` or `tile_px` is not positive, or
            a picture cannot be read.

    Example:
    >>> from tf_handgroups.synth.scene import render_sample
    >>> contact_sheet([render_sample(seed, 64) for seed in range(3)], 2, tile_px=48).shape
    (96, 96, 3)
    """
    if not samples or columns < 1 or tile_px < 1:
        raise InputError(
            "contact_sheet: expected samples, and columns and tile_px of at least 1. "
            f"Received: samples={len(samples)}, columns={columns!r}, tile_px={tile_px!r}. "
            "Pass at least one sample."
        )
    rows = -(-len(samples) // columns)
    sheet = np.zeros((rows * tile_px, columns * tile_px, 3), np.uint8)
    for index, sample in enumerate(samples):
        image = read_image(sample.image)
        height, width = image.shape[:2]
        scale = tile_px / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        tile = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if draw_joints and sample.presence:
            # Integers are pixel centres, so the picture's corner is at -0.5.
            tile = draw_hand(tile, (sample.uv_px + 0.5) * scale - 0.5, sample.visible)
        row, column = divmod(index, columns)
        top, left = row * tile_px, column * tile_px
        sheet[top : top + size[1], left : left + size[0]] = tile
    return sheet
