"""The embedded hand meshes at rest.

Hand frame: right hand, x to the little finger, y to the wrist, z out of the palm,
millimetres, origin at the middle MCP. This equals the camera frame of a right hand
seen from its back with the fingers up.

Joint places (the same in every mesh): wrist at the heel of the palm; CMC, MCP, PIP,
DIP and IP at the bending axes inside the hand; tips just below the skin of the
finger's end. Details: `assets/PROVENANCE_HAND_MESH.md` and
`assets/PROVENANCE_MAKEHUMAN_HAND.md`.
"""

import dataclasses
import functools
import importlib.resources

import numpy as np
from scipy.sparse import csr_array

from tf_handgroups.errors import InputError

NUM_BONES = 17
FOREARM_BONE = 16

_FILES = {"webxr": "hand_mesh.npz", "makehuman": "hand_mesh_makehuman.npz"}
MESHES = tuple(_FILES)


@dataclasses.dataclass(frozen=True, eq=False)
class Triangles:
    """The faces of a mesh, ready for normals of many poses.

    Args:
        faces: `(F, 3)` vertex indices, counter-clockwise seen from outside.
        num_vertices: Of the mesh.
    """

    faces: np.ndarray
    num_vertices: int

    @functools.cached_property
    def _corners(self) -> np.ndarray:
        return np.ascontiguousarray(self.faces.T, np.intp)

    @functools.cached_property
    def _meeting(self) -> csr_array:
        """`(V, F)`: 1 where a face meets a vertex."""
        index = self._corners.ravel()
        faces = np.argsort(index, kind="stable") % len(self.faces)
        ends = np.cumsum(np.bincount(index, minlength=self.num_vertices))
        rows = np.concatenate([[0], ends])
        return csr_array((np.ones(len(index)), faces, rows), (self.num_vertices, len(self.faces)))

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Returns area-weighted unit normals `(V, 3)` float32 for vertices `(V, 3)`.

        Example:
        >>> square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
        >>> Triangles(np.array([[0, 1, 2], [0, 2, 3]]), 4).normals(square)[3].tolist()
        [0.0, 0.0, 1.0]
        """
        x, y, z = (np.take(column, self._corners) for column in np.ascontiguousarray(vertices.T))
        ax, ay, az = x[1] - x[0], y[1] - y[0], z[1] - z[0]
        bx, by, bz = x[2] - x[0], y[2] - y[0], z[2] - z[0]
        across = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
        summed = np.stack([self._meeting @ component for component in across])
        length = np.sqrt(summed[0] ** 2 + summed[1] ** 2 + summed[2] ** 2)
        return (summed / np.maximum(length, 1e-9)).T.astype(np.float32, order="C")


@dataclasses.dataclass(frozen=True, eq=False)
class HandTemplate:
    """The asset's arrays and what follows from them.

    Args:
        vertices_mm: `(V, 3)` rest positions.
        triangles: Its `(F, 3)` int32 faces, counter-clockwise seen from outside.
        mirrored: The same faces for the mirrored hand, whose corners run the other way.
        bone_weights: `(17, V)` skin weights.
        bones: `(V,)` index of the bone that moves each vertex most.
        rotations: `(21, 3, 3)` joint frames at rest; -z is forward, y dorsal.
        joints_mm: `(21, 3)` canonical joints at rest.
        wrist_pivot_mm: `(3,)` point the forearm turns about.
        normals: `(V, 3)` unit normals at rest.
        nail: `(V,)` float32 in [0, 1], 1 on modelled nails; zeros if the mesh has none.
        morph_names: What each of the mesh's `K` own shape changes does; may be empty.
        morph_vertices_mm: `(K, V, 3)` float32, how far a full change moves the vertices.
        morph_joints_mm: `(K, 21, 3)`, how far it moves the joints.
    """

    vertices_mm: np.ndarray
    triangles: Triangles
    mirrored: Triangles
    bone_weights: np.ndarray
    bones: np.ndarray
    rotations: np.ndarray
    joints_mm: np.ndarray
    wrist_pivot_mm: np.ndarray
    normals: np.ndarray
    nail: np.ndarray
    morph_names: tuple[str, ...]
    morph_vertices_mm: np.ndarray
    morph_joints_mm: np.ndarray

    @property
    def faces(self) -> np.ndarray:
        """`(F, 3)` int32, counter-clockwise seen from outside."""
        return self.triangles.faces


@functools.cache
def load_template(mesh: str = "webxr") -> HandTemplate:
    """Returns an embedded hand, read once per process.

    Args:
        mesh: One of `MESHES`.

    Raises:
        InputError: If there is no such mesh.

    Example:
    >>> load_template("webxr").joints_mm.shape
    (21, 3)
    """
    if mesh not in _FILES:
        raise InputError(
            f"load_template: expected a mesh of {', '.join(MESHES)}. Received: mesh={mesh!r}."
        )
    asset = importlib.resources.files("tf_handgroups.assets") / _FILES[mesh]
    with asset.open("rb") as file, np.load(file) as data:
        faces = data["faces"].astype(np.int32)
        vertices = data["vertices_mm"]
        weights = np.ascontiguousarray(data["weights"].T)
        triangles = Triangles(faces, len(vertices))
        has_morphs = "morph_names" in data
        return HandTemplate(
            vertices_mm=vertices,
            triangles=triangles,
            mirrored=Triangles(np.ascontiguousarray(faces[:, ::-1]), len(vertices)),
            bone_weights=weights,
            bones=np.argmax(weights, axis=0),
            rotations=data["joint_rotations"].astype(np.float64),
            joints_mm=data["joints_mm"].astype(np.float64),
            wrist_pivot_mm=data["wrist_pivot_mm"].astype(np.float64),
            normals=triangles.normals(vertices),
            nail=_array(data, "nail", (len(vertices),), np.float32),
            morph_names=tuple(data["morph_names"].tolist()) if has_morphs else (),
            morph_vertices_mm=_array(data, "morph_vertices_mm", (0, *vertices.shape), np.float32),
            morph_joints_mm=_array(data, "morph_joints_mm", (0, 21, 3), np.float64),
        )


def _array(data, name, shape, dtype):
    """Returns an array of the asset, zeros of `shape` where the mesh does not have it."""
    return data[name].astype(dtype) if name in data else np.zeros(shape, dtype)
