"""Where the hand lies in the painted maps, and noise to paint with.

The hand is unrolled once (thumb turned so that its nail looks at the viewer) into
two flat maps, the back and the palm; both share pixel coordinates.
"""

import dataclasses
import functools

import cv2
import numpy as np
from scipy.spatial import KDTree

from tf_handgroups.synth.hand_mesh import pose_hand, skin_vertices
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.hand_template import load_template

TEXELS_PER_MM = 1.0
# Hand-frame millimetres of the map's first texel, and its size in texels.
_ORIGIN_MM = np.array([-110.0, -112.0])
MAP_SIZE = (int(210 * TEXELS_PER_MM), int(250 * TEXELS_PER_MM))
_NEIGHBOURHOOD_MM = 4.5


@dataclasses.dataclass(frozen=True, eq=False)
class Unrolled:
    """Where vertices and joints lie in the maps.

    Args:
        texels: `(V, 2)` float32 map coordinates of the vertices.
        back: `(V, 1)` float32, 1 on the back of the hand, 0 on the palm.
        joints: `(21, 2)` map coordinates of the joints.
    """

    texels: np.ndarray
    back: np.ndarray
    joints: np.ndarray


@functools.cache
def unrolled(mesh: str = "webxr") -> Unrolled:
    """Returns the flat layout of a mesh, computed once per process."""
    shape = HandShape(mesh=mesh)
    angles = np.zeros(25)
    angles[[0, 4, 8, 12, 16]] = np.radians([52, 4, -5, -14, -24])
    angles[20] = np.radians(-76)
    joints, linear, offset = pose_hand(angles, shape)
    vertices = skin_vertices(shape, linear, offset)
    # Nails and their folds must not count as palm: normals of a neighbourhood.
    near = KDTree(vertices).sparse_distance_matrix(
        KDTree(vertices), _NEIGHBOURHOOD_MM, output_type="coo_matrix"
    )
    near.data = np.exp(-((near.data / (0.6 * _NEIGHBOURHOOD_MM)) ** 2))
    normals = near @ load_template(mesh).triangles.normals(vertices)
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    texels = (vertices[:, :2] - _ORIGIN_MM) * TEXELS_PER_MM
    t = np.clip(0.5 - normals[:, 2:3] / 0.7, 0, 1)
    return Unrolled(
        texels=texels.astype(np.float32),
        back=(t * t * (3 - 2 * t)).astype(np.float32),
        joints=(joints[:, :2] - _ORIGIN_MM) * TEXELS_PER_MM,
    )


def smooth_noise(
    generator: np.random.Generator, width: int, height: int, cells: float, channels: int = 1
) -> np.ndarray:
    """Returns `(height, width, channels)` float32 noise, about unit deviation.

    Args:
        generator: Source of randomness.
        width: Pixels.
        height: Pixels.
        cells: Number of independent values along the longer side.
        channels: Number of channels.
    """
    step = max(width, height) / cells
    grid = generator.standard_normal(
        (int(height / step) + 2, int(width / step) + 2, channels), np.float32
    )
    noise = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return noise.reshape(height, width, channels)
