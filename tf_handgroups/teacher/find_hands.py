"""Hands of one picture as the teacher sees them, looked at in several ways.

A palm gives a region, the joints in it a better region, and that one is shown to the
teacher ten times: turned, larger, smaller, mirrored. What it says is the median of the
ten answers; how far they lie apart says how much it knows.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Protocol

import cv2
import numpy as np

from tf_handgroups.crop import crop_matrix, invert, transform_points
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.teacher.hand_region import (
    HandRegion,
    cut_region,
    region_of_joints,
    region_of_palm,
)
from tf_handgroups.teacher.palm_detection import KEYPOINT_JOINTS, SIZE_PX, decode, overlaps
from tf_handgroups.teacher.teacher_models import LANDMARK_SIZE_PX, Landmarks

# Side of the detector's window over the longer side of the picture, and turns of it in
# degrees. Hands that fill the picture are found only with room around them.
WINDOWS = tuple((scale, turn) for turn in (0, 90, -90, 180) for scale in (1.0, 1.6))
# Scale, turn in degrees, mirrored.
VIEWS = tuple(
    (scale, turn, mirror)
    for mirror in (False, True)
    for scale, turn in ((1.0, 0), (1.0, -25), (1.0, 25), (0.85, 10), (1.2, -10))
)
# Hands of which so much is shared are the same.
SAME_HAND_OVERLAP = 0.5
# Below, a region holds no hand and is not looked at again.
HOPELESS_PRESENCE = 0.1


class PalmModel(Protocol):
    """What `find_palms` needs of a teacher."""

    def palms(self, crop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes `(2016, 18)` and logits `(2016,)` for a `(192, 192, 3)` crop."""
        ...


class TeacherModels(PalmModel, Protocol):
    """What `find_hands` needs of a teacher; `teacher_models.Teacher` has it."""

    def landmarks(self, crop: np.ndarray) -> Landmarks:
        """The joints in a `(224, 224, 3)` crop."""
        ...


@dataclasses.dataclass(frozen=True, eq=False)
class FoundPalm:
    """A palm of a picture.

    Args:
        score: Confidence of the palm detector in [0, 1].
        keypoints_px: `(7, 2)`, the joints `KEYPOINT_JOINTS`, in pixels of the picture.
        region: Where the joints of the hand lie.
    """

    score: float
    keypoints_px: np.ndarray
    region: HandRegion


@dataclasses.dataclass(frozen=True, eq=False)
class FoundHand:
    """A hand and how far the teacher's answers agree about it.

    Args:
        uv_px: `(21, 2)`, median of the views, in pixels of the picture.
        spread: `(21,)`, root mean square distance of the views from `uv_px` over the
            longer side of `box_px`.
        xyz_m: `(21, 3)` metres, median of the views; x right, y down in the picture, z
            away from the camera. Good for shape, not for size or place.
        box_px: `(4,)` `x, y, width, height` around `uv_px`.
        palm_score: Confidence of the palm detector in [0, 1].
        palm_distance: Mean distance of the detector's seven joints from those of
            `uv_px`, over the longer side of `box_px`.
        presence: Least confidence of a view that there is a hand.
        right: Mean probability that it is a right hand.
        right_range: Largest minus smallest such probability of the views.
    """

    uv_px: np.ndarray
    spread: np.ndarray
    xyz_m: np.ndarray
    box_px: np.ndarray
    palm_score: float
    palm_distance: float
    presence: float
    right: float
    right_range: float


def find_hands(teacher: TeacherModels, image: np.ndarray) -> list[FoundHand]:
    """Returns the hands of a picture, each once, the most confident palm first.

    Args:
        teacher: The models.
        image: `(height, width, 3)` uint8 RGB.
    """
    found: list[FoundHand] = []
    for palm in find_palms(teacher, image):
        first = look(teacher.landmarks, image, palm.region)
        if first.presence < HOPELESS_PRESENCE:
            continue
        hand = _looked_at(teacher, image, region_of_joints(first.uv_px), palm)
        boxes = np.array([other.box_px for other in found]).reshape(-1, 4)
        if not (overlaps(hand.box_px, boxes) > SAME_HAND_OVERLAP).any():
            found.append(hand)
    return found


def find_palms(
    model: PalmModel, image: np.ndarray, windows: Sequence[tuple[float, float]] = WINDOWS
) -> list[FoundPalm]:
    """Returns the palms in the first window that shows any, the most confident first.

    Args:
        model: The palm detector.
        image: `(height, width, 3)` uint8 RGB.
        windows: Side of the detector's window over the longer side of the picture, and turn
            of it in degrees, in the order in which they are tried.
    """
    height, width = image.shape[:2]
    for scale, turn in windows:
        box = (-0.5, -0.5, width, height)
        matrix = crop_matrix(box, SIZE_PX, scale, math.radians(turn))
        crop = cut_region(image, matrix, SIZE_PX, cv2.BORDER_CONSTANT)
        palms = decode(*model.palms(crop))
        if palms:
            back = invert(matrix)
            return [
                FoundPalm(
                    palm.score,
                    transform_points(back, palm.keypoints_px),
                    region_of_palm(palm, matrix),
                )
                for palm in palms
            ]
    return []


def _looked_at(
    teacher: TeacherModels,
    image: np.ndarray,
    region: HandRegion,
    palm: FoundPalm,
) -> FoundHand:
    views = [
        look(teacher.landmarks, image, region.varied(scale, math.radians(turn)), mirror)
        for scale, turn, mirror in VIEWS
    ]
    all_uv = np.array([view.uv_px for view in views])
    uv = np.median(all_uv, axis=0)
    box = box_around(uv)
    side = float(box[2:].max())
    apart = np.linalg.norm(uv[list(KEYPOINT_JOINTS)] - palm.keypoints_px, axis=-1)
    right = [view.right for view in views]
    return FoundHand(
        uv_px=uv,
        spread=np.sqrt(np.square(all_uv - uv).sum(axis=-1).mean(axis=0)) / side,
        xyz_m=np.median([view.xyz_m for view in views], axis=0),
        box_px=box,
        palm_score=palm.score,
        palm_distance=float(apart.mean()) / side,
        presence=min(view.presence for view in views),
        right=float(np.mean(right)),
        right_range=max(right) - min(right),
    )


def look(
    landmarks: Callable[[np.ndarray], Landmarks],
    image: np.ndarray,
    region: HandRegion,
    mirror: bool = False,
) -> Landmarks:
    """Returns what a landmark model says about a region, in the picture's pixels, axes and side.

    Args:
        landmarks: The model, for a `(224, 224, 3)` crop.
        image: `(height, width, 3)` uint8 RGB.
        region: Where to look; what lies outside the picture repeats its edge.
        mirror: Whether to show the region flipped left to right.
    """
    matrix = region.matrix(LANDMARK_SIZE_PX, mirror)
    seen = landmarks(cut_region(image, matrix, LANDMARK_SIZE_PX, cv2.BORDER_REPLICATE))
    back = invert(matrix)
    scale = math.sqrt(abs(np.linalg.det(back[:, :2])))
    # A rotation, and a mirror: the picture's axes from the crop's, without the scale.
    turn = back[:, :2] / scale
    xyz = np.concatenate([seen.xyz_m[:, :2] @ turn.T, seen.xyz_m[:, 2:]], axis=-1)
    right = 1 - seen.right if mirror else seen.right
    uv_px = transform_points(back, seen.uv_px)
    return Landmarks(uv_px, scale * seen.z_px, xyz, seen.presence, right)
