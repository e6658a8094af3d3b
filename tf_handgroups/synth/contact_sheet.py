"""Many samples on one picture, with their skeletons, for the eye."""

from collections.abc import Sequence

import cv2
import numpy as np

from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError
from tf_handgroups.joints import BONES, FINGER_COLOURS_RGB, finger_of

_COLOURS = list(FINGER_COLOURS_RGB.values())
_SHIFT = 4


def read_image(sample: HandSample) -> np.ndarray:
    """Decodes a sample's picture to `(H, W, 3)` uint8 RGB.

    Raises:
        InputError: If it cannot be decoded.
    """
    image = sample.image
    data = image if isinstance(image, bytes) else image.read_bytes()
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise InputError(f"{sample.sample_id}: the picture cannot be decoded.")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def _draw_skeleton(image, uv):
    points = np.round(uv * (1 << _SHIFT)).astype(int)
    for parent, joint in BONES:
        colour = _COLOURS[finger_of(joint)]
        ends = tuple(map(int, points[parent])), tuple(map(int, points[joint]))
        cv2.line(image, *ends, colour, 1, cv2.LINE_AA, _SHIFT)
    for joint, point in enumerate(points):
        colour = _COLOURS[finger_of(joint)] if joint else (255, 255, 255)
        cv2.circle(image, tuple(map(int, point)), 24, colour, -1, cv2.LINE_AA, _SHIFT)


def contact_sheet(
    samples: Sequence[HandSample], columns: int, draw_joints: bool = True, tile_px: int = 192
) -> np.ndarray:
    """Lays samples out in rows, each resized to a square tile.

    Args:
        samples: At least one sample.
        columns: Tiles per row.
        draw_joints: Whether to draw the skeletons of samples with a hand.
        tile_px: Side of a tile in pixels.

    Returns:
        `(rows * tile_px, columns * tile_px, 3)` uint8 RGB; unused tiles are black.

    Raises:
        InputError: If there is no sample or `columns` is not positive.
    """
    if not samples or columns < 1:
        raise InputError(
            "contact_sheet: expected samples and a positive number of columns. "
            f"Received: columns={columns!r}, samples={len(samples)}."
        )
    rows = -(-len(samples) // columns)
    sheet = np.zeros((rows * tile_px, columns * tile_px, 3), np.uint8)
    for index, sample in enumerate(samples):
        image = read_image(sample)
        scale = tile_px / max(image.shape[:2])
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        tile = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if draw_joints and sample.presence:
            _draw_skeleton(tile, (sample.uv_px + 0.5) * scale - 0.5)
        row, column = divmod(index, columns)
        top, left = row * tile_px, column * tile_px
        sheet[top : top + size[1], left : left + size[0]] = tile
    return sheet
