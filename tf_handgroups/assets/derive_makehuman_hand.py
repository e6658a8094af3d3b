"""Derives `hand_mesh_makehuman.npz` from MakeHuman's base mesh (CC0).

Usage: `python -m tf_handgroups.assets.derive_makehuman_hand FOLDER OUT.npz`.
The folder holds `base.obj`, `weights.default.json` and `targets_hands/*.target.gz`, see
`PROVENANCE_MAKEHUMAN_HAND.md`. Only NumPy and the standard library are needed.
"""

import gzip
import itertools
import json
import os
import pathlib
import sys

import numpy as np

from tf_handgroups.assets.mesh_tools import (
    FOREARM_BONE,
    NUM_BONES,
    PALM_BONE,
    blend_forearm,
    boundary_loop,
    drop_small_weights,
    hand_arrays,
    place_tips,
    ring_faces,
    smooth_step,
    soften_thumb_base,
    subdivide_loop,
    thicken_arm,
)
from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.errors import InputError

# Each morph: grown minus shrunk, times half of this share. MakeHuman's own full
# lengthening is 1.3 to 1.7 times and even its wrists are as thick as an elbow.
MORPHS = {
    "finger_diameter": ("r-hand-fingers-diameter", 0.7),
    "finger_distance": ("r-hand-fingers-distance", 0.9),
    "finger_length": ("r-hand-fingers-length", 0.35),
    "wrist_girth": ("measure-wrist-circ", 0.45),
}
_FINGER_CUBES = [
    f"joint-r-finger-{finger}-{part}" for finger in range(1, 6) for part in range(1, 5)
]
_CUBES = ("joint-r-hand", *_FINGER_CUBES, "joint-r-elbow")
_WRIST, _ELBOW = 0, 21
# Vertices of the nail plates in `base.obj`, counted from 0.
_NAILS = (
    range(2766, 2778),
    *(
        [*range(2068 + 192 * n, 2080 + 192 * n), *(k + 39 * n for k in (2822, 2823, 2824))]
        + [k + 39 * n for k in (2978, 2979, 2980)]
        for n in range(4)
    ),
)
_MM_PER_UNIT = 100.0
# From the wrist's turning point to the middle finger's end.
_HAND_LENGTH_MM = 190.0
# MakeHuman turns fingers near the web; people bend them nearer the wrist.
_MCP_SHIFTS_MM = (9.0, 9.5, 9.0, 8.0)
# The knuckles of a hand stand in an arch; MakeHuman's stand in a row. Towards the palm.
_MCP_ARCH_MM = (3.5, -3.0, -1.0, 3.5)
# Thumb CMC towards the MCP and the palm, MCP towards the tip: where the WebXR hand has them.
_CMC_SHIFTS_MM, _THUMB_MCP_SHIFT_MM = (3.0, 4.0), 7.0
# The wrist's joint lies at the heel of the palm, before the turning point.
_PIVOT_SHIFT_MM, _HEEL_SHIFT_MM, _HEEL_DEPTH_MM = 10.0, 13.0, 3.0
# The source's wrist is about 143 mm round; we make it about 170 mm, an estimate.
_ARM_FACTORS = (1.17, 1.2)
_SOFTENING_STEPS = 12
# The middle finger's nail looks straight away from the palm.
_ROLL_DEG = 6.0
# The arm is cut here, beyond the turning point, and goes on with a few rings.
_CUT_MM, _ARM_LENGTH_MM, _ARM_RINGS = 150.0, 330.0, 3


def _read_text(path: pathlib.Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}). "
            "Use the folder of MakeHuman's base.obj, weights.default.json and targets_hands."
        ) from error


def read_obj(path: str | os.PathLike) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Reads the vertices and the groups of quadrangles of an `.obj` file.

    Returns:
        Vertices `(V, 3)` in the file's units, and per group `(Q, 4)` vertex indices.

    Raises:
        InputError: If the file is missing or holds other polygons.
    """
    vertices: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    group = ""
    for line in _read_text(pathlib.Path(path)).splitlines():
        key, *fields = line.split() or [""]
        if key == "v":
            vertices.append([float(field) for field in fields])
        elif key == "g":
            group = fields[0]
        elif key == "f":
            if len(fields) != 4:
                raise InputError(
                    f"{path}: expected faces of 4 corners. Received: corners={len(fields)}. "
                    "Use MakeHuman's base.obj."
                )
            corners = [int(field.split("/")[0]) - 1 for field in fields]
            groups.setdefault(group, []).append(corners)
    return np.array(vertices), {name: np.array(quads) for name, quads in groups.items()}


def _read_target(path: pathlib.Path, num_vertices: int) -> np.ndarray:
    displacement = np.zeros((num_vertices, 3))
    for line in _read_text(path).splitlines():
        if line.strip() and not line.startswith("#"):
            index, *moved = line.split()
            displacement[int(index)] = [float(field) for field in moved]
    return displacement


def _shares(weights: dict[str, list], num_vertices: int) -> np.ndarray:
    """Returns `(V, 7)`: how much of a vertex belongs to each finger's ray, wrist and arm."""
    shares = np.zeros((num_vertices, 7))
    for bone, pairs in weights.items():
        name, _, side = bone.partition(".")
        if side != "R":
            continue
        if name.startswith("finger"):
            column = int(name[6]) - 1
        elif name.startswith("metacarpal"):
            column = int(name[10])
        elif name == "wrist":
            column = 5
        elif name.startswith("lowerarm"):
            column = 6
        else:
            continue
        for index, weight in pairs:
            shares[index, column] += weight
    return shares


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _hand_frame(cubes: np.ndarray) -> np.ndarray:
    """Returns the rows x to the little finger, y to the wrist, z out of the palm."""
    y = _unit(cubes[_WRIST] - cubes[9])
    across = cubes[17] - cubes[5]
    x = _unit(across - y * (across @ y))
    z = np.cross(x, y)
    cosine, sine = np.cos(np.radians(_ROLL_DEG)), np.sin(np.radians(_ROLL_DEG))
    frame = np.stack([x * cosine - z * sine, y, z * cosine + x * sine])
    if (cubes[3] - cubes[9]) @ x > 0:
        raise InputError(
            "derive_makehuman_hand: expected the thumb on the other side than the little finger. "
            "Received: a hand whose thumb lies beside it. Use MakeHuman's right hand."
        )
    return frame


def _rest_joints(cubes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Moves the cubes' centres `(22, 3)` mm to the bending axes; returns joints and pivot."""
    joints = cubes[:21].copy()
    to_middle = _unit(cubes[9] - cubes[_WRIST])
    pivot = cubes[_WRIST] + to_middle * _PIVOT_SHIFT_MM
    joints[0] = pivot + to_middle * _HEEL_SHIFT_MM + [0, 0, _HEEL_DEPTH_MM]
    for mcp, shift, arch in zip((5, 9, 13, 17), _MCP_SHIFTS_MM, _MCP_ARCH_MM, strict=True):
        joints[mcp] += _unit(joints[0] - joints[mcp]) * shift + [0, 0, arch]
    joints[1] += _unit(joints[1] - joints[0]) * _CMC_SHIFTS_MM[0] + [0, 0, _CMC_SHIFTS_MM[1]]
    joints[2] += _unit(joints[3] - joints[2]) * _THUMB_MCP_SHIFT_MM
    return joints, pivot


def _nail_normals(vertices: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Returns `(5, 3)` directions away from the backs of the fingers' ends."""
    normals = []
    for finger, nail in enumerate(_NAILS):
        points = vertices[list(nail)]
        normal = np.linalg.svd(points - points.mean(axis=0))[2][2]
        inside = joints[3 + 4 * finger] * 0.5 + joints[4 + 4 * finger] * 0.5
        normals.append(normal * np.sign(normal @ (points.mean(axis=0) - inside)))
    return np.array(normals)


def _joint_frames(joints: np.ndarray, dorsal: np.ndarray) -> np.ndarray:
    """Returns `(21, 3, 3)` frames: -z along the bone, y to the back, x completes them."""
    frames = np.zeros((21, 3, 3))
    frames[0] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    for finger in range(5):
        for part in range(3):
            joint = 1 + 4 * finger + part
            z = _unit(joints[joint] - joints[joint + 1])
            y = _unit(dorsal[finger] - z * (dorsal[finger] @ z))
            frames[joint] = np.stack([np.cross(y, z), y, z], axis=1)
        frames[4 + 4 * finger] = frames[3 + 4 * finger]
    return frames


def _straight_arm(points, heights, pivot, elbow):
    """Turns the arm about the wrist so that it continues the hand along y."""
    arm = _unit(elbow - pivot)
    z = np.array([0.0, 1.0, 0.0])
    axis = np.cross(arm, z)
    angle = np.arctan2(np.linalg.norm(axis), arm @ z)
    angles = angle * smooth_step(heights, pivot[1] - 15, pivot[1] + 45)[:, None]
    axis = _unit(axis)
    offset = points - pivot
    # Rodrigues' formula with one angle per point.
    return pivot + (
        offset * np.cos(angles)
        + np.cross(axis, offset) * np.sin(angles)
        + (offset @ axis)[:, None] * axis * (1 - np.cos(angles))
    )


def _lengthened_arm(vertices, faces, values, length_mm):
    """Continues the open end along y with rings that change little."""
    loop = boundary_loop(faces)
    ring = vertices[loop]
    centre = ring.mean(axis=0)
    previous = loop
    for step in range(1, _ARM_RINGS + 1):
        share = step / _ARM_RINGS
        points = centre + (ring - centre) * [1, 1 - share, 1] * (1 + 0.06 * share)
        points[:, 1] += share * (length_mm - centre[1])
        current = np.arange(len(loop)) + len(vertices)
        vertices = np.concatenate([vertices, points])
        values = np.concatenate([values, values[loop]])
        faces = np.concatenate([faces, ring_faces(previous, current)])
        previous = current
    return vertices, faces, values


def _skin_weights(vertices, faces, shares, joints, frames, pivot):
    """Divides every finger's ray among palm and bones where the joints bend."""
    weights = np.zeros((len(vertices), NUM_BONES))
    total = shares.sum(axis=1, keepdims=True)
    shares = shares / total
    weights[:, PALM_BONE] = shares[:, 5]
    weights[:, FOREARM_BONE] = shares[:, 6]
    for finger in range(5):
        left = shares[:, finger]
        for part in range(3):
            bone = 1 + 3 * finger + part
            reached = _beyond_joint(vertices, joints, frames, finger, part)
            if part:
                weights[:, bone - 1] += left * (1 - reached)
            else:
                weights[:, PALM_BONE] += left * (1 - reached)
            left = left * reached
        weights[:, 3 + 3 * finger] += left
    weights[:, PALM_BONE] += weights[:, FOREARM_BONE]
    weights[:, FOREARM_BONE] = 0
    weights = soften_thumb_base(faces, weights, _SOFTENING_STEPS)
    return drop_small_weights(blend_forearm(vertices, weights, pivot[1] - 24))


def _beyond_joint(vertices, joints, frames, finger, part):
    """Returns `(V,)` in [0, 1]: how far a vertex has passed the bending plane of a joint."""
    joint = 1 + 4 * finger + part
    offset = vertices - joints[joint]
    along = -frames[joint][:, 2]
    if part:
        along = _unit(along - frames[joint - 1][:, 2])
        half = 5.5 if part == 1 else 4.5
        return smooth_step(offset @ along, -half, half)
    if finger == 0:
        return np.ones(len(vertices))
    # The palm's skin goes on to the web, the back's turns at the knuckle.
    palmar = smooth_step(-(offset @ frames[joint][:, 1]), -8, 9)
    return smooth_step(offset @ along, -9 + 4 * palmar, 9 + 14 * palmar)


def _load(folder: pathlib.Path):
    """Returns vertices (mm), the hand's and arm's quads, cubes' vertices, shares, targets."""
    vertices, groups = read_obj(folder / "base.obj")
    document = json.loads(_read_text(folder / "weights.default.json"))
    shares = _shares(document["weights"], len(vertices))
    quads = groups["body"]
    quads = quads[(shares[quads].sum(axis=2) > 0.5).all(axis=1)]
    cubes = [np.unique(groups[name]) for name in _CUBES]
    targets = []
    for name, share in MORPHS.values():
        grown, shrunk = (
            _read_target(folder / "targets_hands" / f"{name}-{way}.target.gz", len(vertices))
            for way in ("incr", "decr")
        )
        targets.append((grown - shrunk) * 0.5 * share * _MM_PER_UNIT)
    return vertices * _MM_PER_UNIT, quads, cubes, shares, targets


class _Surface:
    """The arm's and hand's fixed net, so that displaced vertices give the same faces."""

    def __init__(self, vertices, quads, shares, pivot, elbow):
        straight = _straight_arm(vertices, vertices[:, 1], pivot, elbow)
        quads = quads[(straight[quads][:, :, 1] < pivot[1] + _CUT_MM).all(axis=1)]
        self._used, inverse = np.unique(quads, return_inverse=True)
        corners = inverse.reshape(-1, 4)
        self._faces = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
        nail = np.zeros(len(vertices))
        nail[[index for plate in _NAILS for index in plate]] = 1
        self._values = np.column_stack([shares, nail])[self._used]
        self._heights, self._pivot, self._elbow = vertices[:, 1], pivot, elbow

    def build(self, vertices):
        """Returns the fine vertices, faces, shares and nail share."""
        points = _straight_arm(vertices, self._heights, self._pivot, self._elbow)
        points = thicken_arm(points, self._heights, self._pivot, _ARM_FACTORS)[self._used]
        points, faces, values = _lengthened_arm(
            points, self._faces, self._values, self._pivot[1] + _ARM_LENGTH_MM
        )
        points, faces, values = subdivide_loop(points, faces, values)
        return points, faces, values[:, :7], values[:, 7]


def derive(source: str | os.PathLike, target: str | os.PathLike, overwrite: bool = False) -> None:
    """Reads MakeHuman's files and writes the asset.

    Args:
        source: Folder of `base.obj`, `weights.default.json` and `targets_hands`.
        target: Path of the `.npz` to write.
        overwrite: Whether an existing file may be replaced.

    Raises:
        InputError: If the source is unusable or the target exists.
    """
    vertices, quads, cube_vertices, shares, targets = _load(pathlib.Path(source))

    def centres(points):
        return np.array([points[indices].mean(axis=0) for indices in cube_vertices])

    cubes = centres(vertices)
    frame = _hand_frame(cubes)
    straight = [cubes[_WRIST], *cubes[9:13]]
    length = sum(np.linalg.norm(b - a) for a, b in itertools.pairwise(straight))
    # The turning point lies `_PIVOT_SHIFT_MM` before the cube, after scaling.
    frame = frame * (_HAND_LENGTH_MM + _PIVOT_SHIFT_MM) / length
    origin = cubes[9]
    vertices = (vertices - origin) @ frame.T
    cubes = centres(vertices)
    joints, pivot = _rest_joints(cubes)
    frames = _joint_frames(joints, _nail_normals(vertices, joints))
    surface = _Surface(vertices, quads, shares, pivot, cubes[_ELBOW])
    fine, faces, fine_shares, nail = surface.build(vertices)
    weights = _skin_weights(fine, faces, fine_shares, joints, frames, pivot)
    joints = place_tips(fine, weights, joints, -frames[4::4, :, 2])
    moved_vertices, moved_joints = [], []
    for displacement in targets:
        displaced = vertices + displacement @ frame.T
        moved = surface.build(displaced)[0]
        moved_vertices.append(moved - fine)
        moved_cubes, _ = _rest_joints(centres(displaced))
        moved_joints.append(place_tips(moved, weights, moved_cubes, -frames[4::4, :, 2]) - joints)
    arrays = hand_arrays(fine, faces, weights, frames, joints, pivot) | {
        "nail": nail.astype(np.float16),
        "morph_names": np.array(list(MORPHS)),
        "morph_vertices_mm": np.round(moved_vertices, 2).astype(np.float16),
        "morph_joints_mm": np.array(moved_joints, np.float32),
    }
    with replacing_file(target, overwrite) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    derive(sys.argv[1], sys.argv[2], overwrite=True)
