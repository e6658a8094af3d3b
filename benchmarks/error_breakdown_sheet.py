"""The worst hands, and what is most taken for one, on one picture."""

from collections.abc import Sequence

import numpy as np

from benchmarks.error_breakdown_hands import Seeming
from tf_handgroups.contact_sheet import contact_sheet
from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.evaluation_report import WorstCase, cases_image

_TILE_PX, _COLUMNS = 226, 6


def failures_sheet(worst: Sequence[WorstCase], seeming: Sequence[Seeming]) -> np.ndarray:
    """Lays out hands, truth left of prediction, and below them pictures without a hand.

    Args:
        worst: At least one; the captions are their `sample_id`s.
        seeming: Pictures without a hand, shown as the network sees them, with their presence.

    Returns:
        `(height, width, 3)` uint8 RGB.

    Raises:
        InputError: If there is no hand, or an image cannot be read.
    """
    parts = [cases_image(worst)]
    if seeming:
        parts.append(
            contact_sheet(
                [one.sample for one in seeming],
                _COLUMNS,
                tile_px=_TILE_PX,
                captions=[f"no hand, presence {one.presence:.3f}" for one in seeming],
                box_margin=CROP_MARGIN,
            )
        )
    width = max(part.shape[1] for part in parts)
    return np.concatenate([_widened(part, width) for part in parts])


def _widened(picture: np.ndarray, width: int) -> np.ndarray:
    space = ((0, 0), (0, width - picture.shape[1]), (0, 0))
    return np.pad(picture, space, constant_values=255)
