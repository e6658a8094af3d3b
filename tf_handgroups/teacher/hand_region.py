"""Where the teacher looks for joints: rotated squares in which the hand points up.

The rules are those of MediaPipe's published graphs `palm_detection_detection_to_roi`
and `hand_landmark_landmarks_to_roi` (Apache-2.0).
"""

import dataclasses
import math

import cv2
import numpy as np

from tf_handgroups.crop import crop_matrix, invert, transform_points
from tf_handgroups.teacher.palm_detection import MIDDLE_MCP, WRIST, Palm

PALM_SCALE, PALM_SHIFT = 2.6, 0.5
JOINTS_SCALE, JOINTS_SHIFT = 2.0, 0.1
# Wrist, thumb and the first two joints of each finger; tips move too much.
STEADY_JOINTS = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)


@dataclasses.dataclass(frozen=True, eq=False)
class HandRegion:
    """A square of an image.

    Args:
        centre_px: `(2,)` in the image; integers are pixel centres.
        side_px: Side of the square.
        rotation_rad: What turns the content clockwise on the screen until the hand
            points up.

    Example:

    >>> HandRegion(np.array([8.0, 8.0]), 4.0, 0.0).matrix(8).tolist()
    [[2.0, -0.0, -12.5], [0.0, 2.0, -12.5]]
    """

    centre_px: np.ndarray
    side_px: float
    rotation_rad: float

    def matrix(self, size: int, mirror: bool = False) -> np.ndarray:
        """Returns the `(2, 3)` affine matrix from the image to a crop of `size` pixels."""
        corner = self.centre_px - self.side_px / 2
        box = (*corner, self.side_px, self.side_px)
        return crop_matrix(box, size, 1.0, self.rotation_rad, mirror)

    def varied(self, scale: float, turn_rad: float) -> "HandRegion":
        """Returns a region about the same centre, larger by `scale` and turned further."""
        return HandRegion(self.centre_px, self.side_px * scale, self.rotation_rad + turn_rad)


def region_of_palm(palm: Palm, matrix: np.ndarray) -> HandRegion:
    """Returns the region in which the joints of a palm lie.

    Args:
        palm: In the detector's picture.
        matrix: `(2, 3)`, the image to the detector's picture; turned and scaled, not mirrored.

    Example:

    >>> points = np.array([[50, 80], *[[50, 60]] * 6], float)  # it points up
    >>> region = region_of_palm(Palm(1, np.array([40, 60, 20, 20.0]), points), np.eye(2, 3))
    >>> region.centre_px.round(3).tolist(), region.side_px, round(region.rotation_rad, 3) % 6.283
    ([50.0, 60.0], 52.0, 0.0)
    """
    up = palm.keypoints_px[MIDDLE_MCP] - palm.keypoints_px[WRIST]
    rotation = _rotation_to_up(up)
    towards_fingers = np.array([-math.sin(rotation), -math.cos(rotation)])
    centre = palm.box_px[:2] + palm.box_px[2:] / 2
    centre = centre + PALM_SHIFT * palm.box_px[3] * towards_fingers
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    turned = math.atan2(matrix[1, 0], matrix[0, 0])
    return HandRegion(
        transform_points(invert(matrix), centre),
        PALM_SCALE * float(max(palm.box_px[2:])) / scale,
        rotation + turned,
    )


def region_of_joints(uv_px: np.ndarray) -> HandRegion:
    """Returns the region around known joints, for a second look.

    Args:
        uv_px: `(21, 2)` in the image.

    Example:

    >>> from tf_handgroups.mean_hand import MEAN_POSE
    >>> region = region_of_joints(MEAN_POSE[:, :2] * 20)
    >>> round(region.side_px)
    106
    """
    rotation = rotation_of_joints(uv_px)
    to_upright = HandRegion(np.zeros(2), 1.0, rotation).matrix(1)
    upright = transform_points(to_upright, uv_px[list(STEADY_JOINTS)])
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre = (low + high) / 2 - (0, JOINTS_SHIFT * (high - low)[1])
    side = JOINTS_SCALE * max(float((high - low).max()), 1.0)
    return HandRegion(transform_points(invert(to_upright), centre), side, rotation)


def rotation_of_joints(uv_px: np.ndarray) -> float:
    """Returns what turns a hand clockwise on the screen until it points up, in radians.

    Args:
        uv_px: `(21, 2)` in the image; only wrist, index, middle and ring MCP are looked at.

    Example:

    >>> uv = np.zeros((21, 2)); uv[[5, 9, 13], 0] = -7.0  # it points to the left
    >>> round(math.degrees(rotation_of_joints(uv))) % 360
    90
    """
    knuckles = (uv_px[9] + (uv_px[5] + uv_px[13]) / 2) / 2
    return _rotation_to_up(knuckles - uv_px[0])


def cut_region(image: np.ndarray, matrix: np.ndarray, size: int, border: int) -> np.ndarray:
    """Cuts a region out of an image as the teacher wants it.

    Args:
        image: `(height, width, 3)` uint8 RGB.
        matrix: `(2, 3)`, image to crop.
        size: Side of the crop in pixels.
        border: What lies outside the image: `cv2.BORDER_CONSTANT` (black) or
            `cv2.BORDER_REPLICATE`.

    Returns:
        `(size, size, 3)` float32 in [0, 1].

    Example:

    >>> image = np.full((64, 48, 3), 255, np.uint8)
    >>> crop = cut_region(image, np.eye(2, 3) / 4, 16, cv2.BORDER_CONSTANT)
    >>> crop.shape, float(crop[8, 8, 0]), float(crop[8, 15, 0])
    ((16, 16, 3), 1.0, 0.0)
    """
    shrink = 1 / math.hypot(matrix[0, 0], matrix[1, 0])
    if shrink >= 2:
        # Every pixel shall count, not one in four.
        height, width = (max(1, round(side / shrink)) for side in image.shape[:2])
        ratio = np.array([image.shape[1] / width, image.shape[0] / height])
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        linear = matrix[:, :2]
        matrix = np.column_stack([linear * ratio, matrix[:, 2] + linear @ ((ratio - 1) / 2)])
    crop = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    return crop.astype(np.float32) / np.float32(255)


def _rotation_to_up(direction: np.ndarray) -> float:
    return -math.pi / 2 - math.atan2(float(direction[1]), float(direction[0]))
