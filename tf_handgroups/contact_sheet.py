"""Many samples on one picture, with their skeletons, for the eye."""

from collections.abc import Sequence

import cv2
import numpy as np

from tf_handgroups.crop import crop_image, crop_matrix, transform_points
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.draw_hand import draw_box, draw_hand, draw_text
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image


def contact_sheet(
    samples: Sequence[HandSample],
    columns: int,
    draw_joints: bool = True,
    tile_px: int = 192,
    captions: Sequence[str] | None = None,
    box_margin: float | None = None,
) -> np.ndarray:
    """Lays samples out in rows, each fitted into a square tile.

    Args:
        samples: At least one sample.
        columns: Most tiles in a row.
        draw_joints: Whether to draw the skeletons of samples with a hand.
        tile_px: Side of a tile in pixels.
        captions: A short ASCII text for each sample, written into its tile.
        box_margin: Side of a square window over the longer side of the sample's box, to
            show that window and the box in it instead of the whole picture.

    Returns:
        `(rows * tile_px, columns * tile_px, 3)` uint8 RGB; unused places are black.

    Raises:
        InputError: If there is no sample, `columns` or `tile_px` is not positive, or
            a picture cannot be read.

    Example:
    >>> from tf_handgroups.synth.render import render_sample
    >>> contact_sheet([render_sample(seed, 64) for seed in range(3)], 2, tile_px=48).shape
    (96, 96, 3)
    """
    if not samples or columns < 1 or tile_px < 1:
        raise InputError(
            "contact_sheet: expected samples, and columns and tile_px of at least 1. "
            f"Received: samples={len(samples)}, columns={columns!r}, tile_px={tile_px!r}. "
            "Pass at least one sample."
        )
    columns = min(columns, len(samples))
    rows = -(-len(samples) // columns)
    sheet = np.zeros((rows * tile_px, columns * tile_px, 3), np.uint8)
    for index, sample in enumerate(samples):
        image = read_image(sample.image)
        if box_margin is None:
            tile, matrix = _whole_picture(image, tile_px)
        else:
            tile, matrix = _window(image, sample, tile_px, box_margin)
        if draw_joints and sample.presence:
            tile = draw_hand(tile, transform_points(matrix, sample.uv_px), sample.visible)
        if captions is not None:
            draw_text(tile, captions[index], (4, tile.shape[0] - 6))
        row, column = divmod(index, columns)
        top, left = row * tile_px, column * tile_px
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet


def _whole_picture(image: np.ndarray, tile_px: int) -> tuple[np.ndarray, np.ndarray]:
    """The picture fitted into a tile, and the matrix picture -> tile."""
    height, width = image.shape[:2]
    scale = tile_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Integers are pixel centres, so the picture's corner is at -0.5.
    offset = 0.5 * scale - 0.5
    matrix = np.array([[scale, 0, offset], [0, scale, offset]])
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), matrix


def _window(
    image: np.ndarray, sample: HandSample, tile_px: int, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """The surroundings of the sample's box, which is drawn, and the matrix picture -> tile."""
    matrix = crop_matrix(sample.box_px, tile_px, margin)
    tile = np.round(crop_image(image, matrix, tile_px) * 255).astype(np.uint8)
    low = transform_points(matrix, sample.box_px[:2])
    box = np.concatenate([low, sample.box_px[2:] * matrix[0, 0]])
    return draw_box(tile, box), matrix
