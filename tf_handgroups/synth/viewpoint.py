"""Where the hand stands before the camera, and which crop of the picture is kept."""

import dataclasses

import numpy as np

from tf_handgroups.synth.hand_mesh import rotation

# Hand size (longer side of the joints' box) as a share of the image side.
BOX_SHARE = (0.50, 0.62)
_CENTRE_SHIFT = 0.06
_NEAR_MM, _FAR_MM = 260.0, 1200.0


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """A rigid placement and a pinhole camera.

    Args:
        rotation: `(3, 3)` from hand to camera frame.
        translation_mm: `(3,)`.
        intrinsics_px: `(3, 3)`.
    """

    rotation: np.ndarray
    translation_mm: np.ndarray
    intrinsics_px: np.ndarray

    def to_camera(self, points_mm: np.ndarray) -> np.ndarray:
        """Moves `(N, 3)` points of the hand frame into the camera frame."""
        return points_mm @ self.rotation.T + self.translation_mm


def random_orientation(generator: np.random.Generator, max_roll_deg: float = 60.0) -> np.ndarray:
    """Draws a rotation hand -> camera: any viewing direction, fingers near up.

    About 40 % look at the palm, 25 % at the back, the rest anywhere.
    """
    kind = generator.random()
    if kind < 0.65:
        yaw = (np.pi if kind < 0.40 else 0.0) + np.radians(generator.normal(0, 28))
        pitch = np.radians(generator.normal(0, 22))
    else:
        yaw = generator.uniform(0, 2 * np.pi)
        pitch = np.arcsin(generator.uniform(-0.97, 0.97))
    # Fingers far away from the camera: the forearm would hide the whole hand.
    pitch = np.clip(pitch, np.radians(-62), np.radians(80))
    roll = np.radians(generator.uniform(-max_roll_deg, max_roll_deg))
    return rotation(2, roll) @ rotation(0, pitch) @ rotation(1, yaw)


def random_view(
    generator: np.random.Generator,
    joints_mm: np.ndarray,
    image_size: int,
    max_roll_deg: float = 60.0,
) -> View:
    """Draws a view in which the joints' box has the size and place of a training crop.

    Args:
        generator: Source of randomness.
        joints_mm: `(21, 3)` in the hand frame.
        image_size: Side of the square image in pixels.
        max_roll_deg: Largest in-plane turn away from fingers up.

    Returns:
        A `View`; its principal point is wherever the crop puts it.
    """
    turn = random_orientation(generator, max_roll_deg)
    distance = np.exp(generator.uniform(np.log(_NEAR_MM), np.log(_FAR_MM)))
    # Off the optical axis the hand is seen from a different side than its turn says.
    sideways = np.clip(generator.normal(0, 0.13, 2), -0.32, 0.32) * distance
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
    return View(rotation=turn, translation_mm=translation, intrinsics_px=intrinsics)
