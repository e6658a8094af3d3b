"""Where the networks of `benchmarks.peers` look: windows from boxes, turned ones, the best case."""

import numpy as np

from tf_handgroups.crop import CROP_MARGIN, invert, transform_points
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.teacher.hand_region import (
    STEADY_JOINTS,
    HandRegion,
    region_of_joints,
    rotation_of_joints,
)

TWO_PASSES = "two passes"
# From the true joints; nobody has these, but they say what a better rotation could give.
UPRIGHT_BOX, THEIR_REGION = "upright box", "MediaPipe's region"
BEST_CASES = (UPRIGHT_BOX, THEIR_REGION)
_DIRECTION_JOINTS = (0, 5, 9, 13)


def box_way(margin: float = CROP_MARGIN) -> str:
    """Returns the name of looking at the box with a margin, nothing known about rotation."""
    return f"box x{margin:g}"


def window_of_box(box_px: np.ndarray, margin: float = CROP_MARGIN) -> HandRegion:
    """Returns the upright square about a box `x, y, width, height`."""
    x, y, width, height = map(float, box_px)
    centre = np.array([x + width / 2, y + height / 2])
    return HandRegion(centre, margin * max(width, height), 0.0)


def turned_upright(window: HandRegion, uv_px: np.ndarray) -> HandRegion:
    """Returns the window turned about its centre until the hand of `uv_px (21, 2)` points up."""
    return HandRegion(window.centre_px, window.side_px, rotation_of_joints(uv_px))


def best_case(way: str, sample: HandSample) -> HandRegion | None:
    """Returns the window that the true joints give, `None` if too few of them are labelled.

    Args:
        way: `UPRIGHT_BOX`, the tight box of the hand turned until it points up, with the
            margin of our crops; or `THEIR_REGION`, where MediaPipe looks once it has
            found a hand in the picture before.
        sample: The labelled hand.
    """
    known = labelled(sample)
    if not known[list(_DIRECTION_JOINTS if way == UPRIGHT_BOX else STEADY_JOINTS)].all():
        return None
    uv = sample.uv_px.astype(np.float64)
    if way == THEIR_REGION:
        return region_of_joints(uv)
    rotation = rotation_of_joints(uv)
    to_upright = HandRegion(np.zeros(2), 1.0, rotation).matrix(1)
    upright = window_of_box(box_around(transform_points(to_upright, uv[known])))
    centre = transform_points(invert(to_upright), upright.centre_px)
    return HandRegion(centre, upright.side_px, rotation)


def turn_error_deg(sample: HandSample, uv_px: np.ndarray) -> float | None:
    """Returns by how much the direction of `uv_px` differs from the truth, 0 to 180 degrees."""
    if not labelled(sample)[list(_DIRECTION_JOINTS)].all():
        return None
    turn = rotation_of_joints(uv_px) - rotation_of_joints(sample.uv_px.astype(np.float64))
    return abs(degrees_around_zero(turn))


def degrees_around_zero(rotation_rad: float) -> float:
    """Returns an angle in degrees from -180 to 180.

    Example:

    >>> degrees_around_zero(2 * np.pi - 0.5 * np.pi)
    -90.0
    """
    return float((np.degrees(rotation_rad) + 180) % 360 - 180)


def labelled(sample: HandSample) -> np.ndarray:
    """Returns `(21,)` bool: joints whose place in the picture is known, visible or not."""
    known = np.isfinite(sample.uv_px).all(axis=-1)
    return known & (sample.visible | (sample.xyz_camera_mm is not None))
