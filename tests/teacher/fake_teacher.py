"""A teacher that knows the answer, and pictures from which it reads where it looks."""

import math

import numpy as np

from tf_handgroups.crop import transform_points
from tf_handgroups.joints import BONES
from tf_handgroups.mean_hand import BONE_RATIOS
from tf_handgroups.teacher.find_hands import FoundHand
from tf_handgroups.teacher.palm_detection import KEYPOINT_JOINTS, SIZE_PX, anchors
from tf_handgroups.teacher.teacher_models import LANDMARK_SIZE_PX, Landmarks

SIZE = (200, 160)
_FIRST_COLOUR = 20


def right_hand(bend_deg: float = 15.0) -> np.ndarray:
    """`(21, 3)`: fingers up, palm to the camera, every finger joint bent by the same angle."""
    xyz = np.zeros((21, 3))
    # From straight up to the right, where the thumb is.
    across = np.radians([50.0, 12.0, 0.0, -12.0, -24.0])
    for (parent, child), length in zip(BONES, BONE_RATIOS, strict=True):
        finger, joint = divmod(child - 1, 4)
        bend = math.radians(bend_deg * joint if finger else 0)
        direction = np.array([math.sin(across[finger]), -math.cos(across[finger]), 0])
        direction = direction * math.cos(bend) + np.array([0, 0, -math.sin(bend)])
        xyz[child] = xyz[parent] + length * direction
    return xyz


def left_hand(bend_deg: float = 15.0) -> np.ndarray:
    return right_hand(bend_deg) * (-1, 1, 1)


def found_hand(xyz: np.ndarray | None = None, right: float = 0.98, **changes) -> FoundHand:
    """A hand of which the teacher is sure, drawn 20 pixels to a reference bone."""
    xyz = right_hand() if xyz is None else xyz
    uv = 20 * xyz[:, :2] + (100, 140)
    low, high = uv.min(axis=0), uv.max(axis=0)
    values = {
        "uv_px": uv,
        "spread": np.full(21, 0.01),
        "xyz_m": 0.04 * xyz,
        "box_px": np.concatenate([low, high - low]),
        "palm_score": 0.9,
        "palm_distance": 0.05,
        "presence": 0.97,
        "right": right,
        "right_range": 0.02,
    }
    return FoundHand(**(values | changes))


def map_picture(size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture whose red tells the column, green the row, and blue that it is one."""
    columns, rows = np.meshgrid(*(np.arange(side) + _FIRST_COLOUR for side in size))
    return np.stack([columns, rows, np.full_like(rows, 255)], -1).astype(np.uint8)


class FakeTeacher:
    """Knows one hand of `map_picture`.

    Args:
        xyz: `(21, 3)` in any unit.
        place_px, scale: Where the hand's wrist is and how many pixels a unit has.
        is_right: Its side.
        noise_px: Error of every joint in pixels of the crop, another one in every view.
        upright_within_deg: The detector sees palms that are turned by no more.
        presence: What it answers.
    """

    def __init__(
        self,
        xyz,
        place_px=(100, 110),
        scale=12.0,
        is_right=True,
        noise_px=0.0,
        upright_within_deg=60.0,
        presence=0.97,
    ):
        self.xyz, self.is_right = np.asarray(xyz), is_right
        self.uv = scale * self.xyz[:, :2] + place_px
        self.scale = scale
        self.noise_px, self.upright_within_deg = noise_px, upright_within_deg
        self.presence = presence
        self.views = []
        self._generator = np.random.default_rng(0)

    def palms(self, crop):
        boxes, logits = np.zeros((2016, 18)), np.full(2016, -20.0)
        points = transform_points(map_matrix(crop), self.uv[list(KEYPOINT_JOINTS)])
        up = points[2] - points[0]
        if abs(math.degrees(math.atan2(up[0], -up[1]))) > self.upright_within_deg:
            return boxes, logits
        low, high = points.min(axis=0) + 0.5, points.max(axis=0) + 0.5
        centre = (low + high) / 2
        place = int(np.argmin(np.linalg.norm(anchors() * SIZE_PX - centre, axis=-1)))
        origin = anchors()[place] * SIZE_PX
        boxes[place, :2], boxes[place, 2:4] = centre - origin, (high - low).max()
        boxes[place, 4:] = (points + 0.5 - origin).ravel()
        logits[place] = 3.0
        return boxes, logits

    def landmarks(self, crop):
        assert crop.shape == (LANDMARK_SIZE_PX, LANDMARK_SIZE_PX, 3)
        matrix = map_matrix(crop)
        self.views.append(matrix)
        uv = transform_points(matrix, self.uv)
        uv = uv + self.noise_px * self._generator.standard_normal((21, 2))
        determinant = float(np.linalg.det(matrix[:, :2]))
        turn = matrix[:, :2] / math.sqrt(abs(determinant))
        xyz = np.concatenate([self.xyz[:, :2] @ turn.T, self.xyz[:, 2:]], axis=-1)
        seen_right = self.is_right == (determinant > 0)
        z_px = math.sqrt(abs(determinant)) * self.scale * (self.xyz[:, 2] - self.xyz[0, 2])
        return Landmarks(uv, z_px, 0.04 * xyz, self.presence, 0.98 if seen_right else 0.03)


def map_matrix(crop: np.ndarray) -> np.ndarray:
    """The matrix picture -> crop, from the colours of the crop."""
    colours = crop.astype(np.float64) * 255
    # Not the border, black or repeated, where colours say nothing.
    last = np.array(SIZE) + _FIRST_COLOUR - 3
    clear = (colours[..., :2] > _FIRST_COLOUR + 2) & (colours[..., :2] < last)
    rows, columns = np.nonzero(clear.all(axis=-1) & (colours[..., 2] > 254.5))
    rows, columns = rows[::17], columns[::17]
    seen = colours[rows, columns, :2] - _FIRST_COLOUR
    known = np.column_stack([seen, np.ones(len(seen))])
    solution, *_ = np.linalg.lstsq(known, np.column_stack([columns, rows]), rcond=None)
    return solution.T
