"""Where the hand stands before the camera, and which crop of the picture is kept.

Kinds of views follow what users show to cameras: the palm to a webcam or a phone's front
camera, the back, the own hand seen from behind and above as with glasses, both sides,
fingers pointing at the camera, and any direction. Distances of 260 to 1200 mm give the
perspective; with it and the crop follows the focal length in pixels. Hands stand up to 27
degrees off the optical axis, as in pictures of phones and webcams 60 to 75 degrees wide.
"""

import dataclasses

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_mesh import rotation

# Hand size (longer side of the joints' box) as a share of the image side.
BOX_SHARE = (0.50, 0.62)
_CENTRE_SHIFT = 0.06


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """A rigid placement and a pinhole camera.

    Args:
        rotation: `(3, 3)` from hand to camera frame.
        translation_mm: `(3,)`.
        intrinsics_px: `(3, 3)`.
        kind: Name from `VIEW_KINDS`.
    """

    rotation: np.ndarray
    translation_mm: np.ndarray
    intrinsics_px: np.ndarray
    kind: str

    def to_camera(self, points_mm: np.ndarray) -> np.ndarray:
        """Moves `(N, 3)` points of the hand frame into the camera frame."""
        return points_mm @ self.rotation.T + self.translation_mm


# Share, name, then mean and deviation of yaw, pitch and roll in degrees, then nearest and
# farthest distance in mm. Yaw 0 shows the back, 180 the palm, -90 the thumb's side, 90 the
# little finger's. Positive pitch brings the fingers towards the camera. Negative roll
# leans them to the left, so that a right forearm enters at the bottom right.
_KINDS = (
    (0.34, "palm", (180, 28), (6, 20), (0, 24), (280, 1200)),
    (0.25, "back", (0, 26), (0, 20), (0, 24), (280, 1200)),
    (0.12, "egocentric", (-24, 30), (-30, 16), (-20, 18), (260, 600)),
    (0.07, "thumb_side", (-90, 24), (0, 22), (0, 24), (280, 900)),
    (0.03, "little_side", (90, 22), (0, 22), (0, 24), (280, 900)),
    (0.04, "fingers_first", (180, 45), (60, 12), (0, 24), (260, 900)),
    (0.15, "anywhere", (0, 0), (0, 0), (0, 0), (260, 1200)),
)
# The same of everyday pictures, more often straight on and less far away.
_EVERYDAY_KINDS = (
    (0.37, "palm", (180, 25), (4, 17), (0, 24), (300, 900)),
    (0.25, "back", (0, 25), (0, 17), (0, 24), (300, 900)),
    (0.07, "egocentric", (-24, 30), (-30, 16), (-20, 18), (260, 600)),
    (0.08, "thumb_side", (-90, 22), (0, 18), (0, 24), (300, 900)),
    (0.03, "little_side", (90, 22), (0, 18), (0, 24), (300, 900)),
    (0.20, "anywhere", (0, 0), (0, 0), (0, 0), (300, 900)),
)
VIEW_KINDS = tuple((row[0], row[1]) for row in _KINDS)
# Share of rolls that are uniform up to the limit, whatever the kind: tables are seen
# from every side, phones are held aslant.
_UNIFORM_ROLL_SHARE = 0.6
# Fingers farther away from the camera: the forearm would hide the whole hand.
_PITCH_LIMITS_DEG = (-62, 80)


def random_orientation(
    generator: np.random.Generator, kind: str, max_roll_deg: float = 60.0, everyday: bool = False
) -> np.ndarray:
    """Draws a rotation hand -> camera.

    Args:
        generator: Source of randomness.
        kind: Name from `VIEW_KINDS`.
        max_roll_deg: Largest in-plane turn away from fingers up.
        everyday: Whether the view is one of everyday pictures.

    Returns:
        `(3, 3)`.

    Raises:
        InputError: If there is no such kind.

    Example:
    >>> turn = random_orientation(np.random.default_rng(0), "palm")
    >>> bool(turn[2, 2] < 0)  # the palm's normal points to the camera
    True
    """
    rows = {row[1]: row[2:5] for row in (_EVERYDAY_KINDS if everyday else _KINDS)}
    if kind not in rows:
        raise InputError(
            f"random_orientation: expected a kind of {', '.join(rows)}. Received: kind={kind!r}."
        )
    yaw, pitch, roll = (generator.normal(mean, deviation) for mean, deviation in rows[kind])
    if kind == "anywhere":
        yaw = generator.uniform(0, 360)
        pitch = np.degrees(np.arcsin(generator.uniform(-1, 1)))
    elif kind == "fingers_first" and generator.random() < 0.3:
        yaw += 180
    if kind == "anywhere" or generator.random() < _UNIFORM_ROLL_SHARE:
        roll = generator.uniform(-max_roll_deg, max_roll_deg)
    yaw, pitch, roll = np.radians(
        [
            yaw,
            np.clip(pitch, *_PITCH_LIMITS_DEG),
            np.clip(roll, -max_roll_deg, max_roll_deg),
        ]
    )
    return rotation(2, roll) @ rotation(0, pitch) @ rotation(1, yaw)


def random_view(
    generator: np.random.Generator,
    joints_mm: np.ndarray,
    image_size: int,
    max_roll_deg: float = 60.0,
    everyday: bool = False,
) -> View:
    """Draws a view in which the joints' box has the size and place of a training crop.

    Args:
        generator: Source of randomness.
        joints_mm: `(21, 3)` in the hand frame.
        image_size: Side of the square image in pixels.
        max_roll_deg: Largest in-plane turn away from fingers up.
        everyday: Whether the view is one of everyday pictures.

    Returns:
        A `View`; its principal point is wherever the crop puts it.
    """
    rows = _EVERYDAY_KINDS if everyday else _KINDS
    shares = np.array([row[0] for row in rows])
    row = rows[int(generator.choice(len(rows), p=shares / shares.sum()))]
    turn = random_orientation(generator, row[1], max_roll_deg, everyday)
    distance = np.exp(generator.uniform(*np.log(row[5])))
    # Off the optical axis the hand is seen from a different side than its turn says.
    sideways = np.clip(generator.normal(0, 0.16, 2), -0.4, 0.4) * distance
    centre = (joints_mm @ turn.T).mean(axis=0)
    nearest = (joints_mm @ turn.T)[:, 2].min() - centre[2]
    depth = max(distance, 130.0 - nearest)
    translation = np.array([*sideways, depth]) - centre
    points = joints_mm @ turn.T + translation
    flat = points[:, :2] / points[:, 2:]
    low, high = flat.min(axis=0), flat.max(axis=0)
    share = generator.uniform(*BOX_SHARE)
    focal = share * image_size / (high - low).max()
    shift = generator.uniform(-_CENTRE_SHIFT, _CENTRE_SHIFT, 2) * image_size
    centre_px = (image_size - 1) / 2 + shift - focal * (low + high) / 2
    intrinsics = np.array([[focal, 0, centre_px[0]], [0, focal, centre_px[1]], [0, 0, 1.0]])
    return View(rotation=turn, translation_mm=translation, intrinsics_px=intrinsics, kind=row[1])
