"""The crops on which a converted model differs most, drawn with both skeletons."""

from collections.abc import Mapping

import cv2
import numpy as np

from tf_handgroups.draw_hand import draw_hand, draw_text
from tf_handgroups.errors import InputError
from tf_handgroups.joints import JOINT_NAMES

_TILE_PX = 288
_MOVED_COLOUR_RGB = (255, 40, 40)
# Nearer joints lie on each other in the picture, too.
_VISIBLE_PX = 0.5


def worst_crops(
    pixels: np.ndarray,
    expected: Mapping[str, np.ndarray],
    received: Mapping[str, np.ndarray],
    count: int = 6,
    columns: int = 3,
) -> np.ndarray:
    """Draws the crops with the largest mean 2D difference, worst first.

    The variant's skeleton is drawn over the dimmed one of the Keras model; red lines lead
    from where the Keras model sees a joint to where the variant does.

    Args:
        pixels: `(N, S, S, 3)` crops, RGB in [0, 1].
        expected: Outputs of the Keras model.
        received: Outputs of the variant.
        count: At most so many crops.
        columns: Most tiles in a row.

    Returns:
        `(height, width, 3)` uint8 RGB.

    Raises:
        InputError: If there is no crop, or the arrays are not of one length.

    Example:

    >>> uv = {"uv_px": np.full((2, 21, 2), 8.0)}
    >>> worst_crops(np.zeros((2, 16, 16, 3)), uv, uv, columns=2).shape
    (288, 576, 3)
    """
    first, second = (np.asarray(outputs["uv_px"], np.float64) for outputs in (expected, received))
    lengths = (len(pixels), len(first), len(second))
    if not len(pixels) or len(set(lengths)) > 1:
        raise InputError(
            "worst_crops: expected at least one crop and the outputs of both models for each. "
            f"Received: lengths={lengths}. Pass what two runners returned for the same crops."
        )
    distance_px = np.linalg.norm(second - first, axis=-1)
    distance_px = np.where(np.isfinite(distance_px), distance_px, np.inf)
    order = np.argsort(-distance_px.mean(axis=1), kind="stable")[:count]
    tiles = [_tile(pixels[i], first[i], second[i], distance_px[i], int(i)) for i in order]
    columns = min(columns, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)]
    return np.concatenate(rows, 0)


def _tile(
    pixels: np.ndarray,
    expected_px: np.ndarray,
    received_px: np.ndarray,
    distance_px: np.ndarray,
    index: int,
) -> np.ndarray:
    scale = _TILE_PX / pixels.shape[0]
    image = np.round(np.asarray(pixels, np.float32) * 255).astype(np.uint8)
    tile = cv2.resize(image, (_TILE_PX, _TILE_PX), interpolation=cv2.INTER_LINEAR)
    # Integers are pixel centres.
    expected, received = ((uv + 0.5) * scale - 0.5 for uv in (expected_px, received_px))
    tile = draw_hand(tile, expected, visible=np.zeros(len(expected), bool))
    tile = draw_hand(tile, received)
    for joint in np.flatnonzero(np.isfinite(distance_px) & (distance_px > _VISIBLE_PX)):
        start, end = (np.round(uv[joint]).astype(int).tolist() for uv in (expected, received))
        cv2.line(tile, start, end, _MOVED_COLOUR_RGB, 2, cv2.LINE_AA)
    worst = int(np.argmax(distance_px))
    draw_text(tile, f"crop {index}: mean {distance_px.mean():.2f} px", (6, 16))
    line = f"{JOINT_NAMES[worst]} {distance_px[worst]:.1f} px"
    draw_text(tile, line, (6, _TILE_PX - 8), _MOVED_COLOUR_RGB)
    return cv2.copyMakeBorder(
        tile[1:-1, 1:-1], 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(255, 255, 255)
    )
