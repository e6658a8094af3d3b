"""The skin of a posed hand as points, for what touches it or must stay out of it."""

import dataclasses

import numpy as np

from tf_handgroups.synth.hand_mesh import pose_hand, skin_vertices
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.hand_template import load_template


@dataclasses.dataclass(frozen=True, eq=False)
class PosedSkin:
    """Vertices of a posed hand, hand frame.

    Args:
        points_mm: `(V, 3)` with float32 precision.
        normals: `(V, 3)` unit, outward, with float32 precision.
        bones: `(V,)` index of the bone that moves each point most.
        joints_mm: `(21, 3)`.
    """

    points_mm: np.ndarray
    normals: np.ndarray
    bones: np.ndarray
    joints_mm: np.ndarray

    def every(self, step: int) -> "PosedSkin":
        """Returns a sparser skin."""
        return PosedSkin(
            self.points_mm[::step], self.normals[::step], self.bones[::step], self.joints_mm
        )


def posed_skin(shape: HandShape, angles: np.ndarray) -> PosedSkin:
    """Poses a hand.

    Args:
        shape: Its proportions.
        angles: `(25,)` radians, see `hand_mesh.pose_hand`.

    Example:
    >>> posed_skin(HandShape(), np.zeros(25)).joints_mm.shape
    (21, 3)
    """
    return skin_of_pose(shape, pose_hand(angles, shape))


def skin_of_pose(shape: HandShape, pose: tuple[np.ndarray, np.ndarray, np.ndarray]) -> PosedSkin:
    """Skins a hand that is posed already.

    Args:
        shape: Its proportions.
        pose: Joints, linear parts and offsets from `hand_mesh.pose_hand`.

    Example:
    >>> skin_of_pose(HandShape(), pose_hand(np.zeros(25))).points_mm.shape[1]
    3
    """
    template = load_template(shape.mesh)
    joints, linear, offset = pose
    vertices = skin_vertices(shape, linear, offset)
    return PosedSkin(
        points_mm=vertices.astype(np.float64),
        normals=template.triangles.normals(vertices).astype(np.float64),
        bones=template.bones,
        joints_mm=joints,
    )
