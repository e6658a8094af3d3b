"""A posed right hand: shape parameters and joint angles in, mesh and joints out.

The hand frame and the joint places are those of `hand_template`.
"""

import functools

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.hand_template import (
    FOREARM_BONE,
    NUM_BONES,
    load_template,
)

NUM_ANGLES = 25


def rotation(axis: int, angle: float | np.ndarray) -> np.ndarray:
    """Returns `(..., 3, 3)` rotations by `angle` `(...)` radians about axis 0, 1 or 2.

    Example:
    >>> (rotation(2, np.pi / 2) @ [1, 0, 0]).round(6).tolist()
    [0.0, 1.0, 0.0]
    """
    angle = np.asarray(angle, np.float64)
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = np.zeros((*angle.shape, 3, 3))
    one, two = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1.0
    matrix[..., one, one] = matrix[..., two, two] = cosine
    matrix[..., two, one], matrix[..., one, two] = sine, -sine
    return matrix


def _euler_yxz(matrix: np.ndarray) -> tuple[float, float, float]:
    """Angles (a, b, c) with `matrix = Ry(a) Rx(b) Rz(c)`."""
    b = np.arcsin(np.clip(-matrix[1, 2], -1, 1))
    return (
        float(np.arctan2(matrix[0, 2], matrix[2, 2])),
        float(b),
        float(np.arctan2(matrix[1, 0], matrix[1, 1])),
    )


@functools.cache
def rest_angles(mesh: str = "webxr") -> np.ndarray:
    """Returns `(5, 3, 3)`: per finger and bone the rest turn (sideways, bend, twist), radians."""
    template = load_template(mesh)
    angles = np.zeros((5, 3, 3))
    for finger in range(5):
        parent = template.rotations[0]
        for part in range(3):
            own = template.rotations[1 + 4 * finger + part]
            angles[finger, part] = _euler_yxz(parent.T @ own)
            parent = own
    return angles


def _morphed(rest: np.ndarray, moved: np.ndarray, shape: HandShape) -> np.ndarray:
    """Adds the mesh's own shape changes `(K, N, 3)` to `rest` `(N, 3)`."""
    amounts = np.asarray(shape.morphs, moved.dtype)
    if amounts.shape == (0,):
        return rest
    names = load_template(shape.mesh).morph_names
    if amounts.shape != (len(names),) or not (np.abs(amounts) <= 1).all():
        raise InputError(
            f"HandShape: expected {len(names)} morphs from -1 to 1 for the mesh "
            f"{shape.mesh!r} ({', '.join(names) or 'it has none'}). "
            f"Received: morphs={amounts.tolist()}. Leave them empty for none."
        )
    return rest + np.einsum("k,knc->nc", amounts, moved)


def _times(matrices, vectors):
    """Products of `(..., 3, 3)` and `(..., 3)`."""
    return (matrices @ vectors[..., None])[..., 0]


def pose_hand(
    angles: np.ndarray, shape: HandShape | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Computes the joints and bone transforms of posed hands of one shape.

    Args:
        angles: `(..., 25)` radians. Per finger (thumb first) four entries: sideways,
            and the bends of the first, second and third bone. Then 20 thumb twist,
            21 wrist bend (positive towards the palm), 22 wrist sideways, 23 forearm
            twist, 24 palm arch (turns the fingers' bending planes together).
            Sideways is positive towards the thumb; bend is positive towards the palm
            and zero when the bone continues its parent. The thumb's first bone is
            measured from the direction of the straight fingers.
        shape: Proportions; defaults to the template's.

    Returns:
        Joints `(..., 21, 3)` in millimetres, and linear parts `(..., 17, 3, 3)` and
        offsets `(..., 17, 3)` such that vertex = linear @ rest + offset.

    Raises:
        InputError: If `angles` does not end in 25 values, or the shape's morphs do not
            fit its mesh.

    Example:
    >>> joints, _, _ = pose_hand(np.zeros(25))
    >>> joints.shape, bool(np.allclose(joints[9], 0))
    ((21, 3), True)
    """
    angles = np.asarray(angles, np.float64)
    if angles.shape[-1:] != (NUM_ANGLES,):
        raise InputError(
            f"pose_hand: expected {NUM_ANGLES} angles in radians on the last axis. "
            f"Received: shape={angles.shape}. See pose_prior.random_pose."
        )
    shape = shape or HandShape()
    template, rest = load_template(shape.mesh), rest_angles(shape.mesh)
    rest_joints = _morphed(template.joints_mm, template.morph_joints_mm, shape)
    frames = template.rotations
    batch = angles.shape[:-1]
    joints = np.zeros((*batch, 21, 3))
    linear = np.zeros((*batch, NUM_BONES, 3, 3))
    offset = np.zeros((*batch, NUM_BONES, 3))
    palm = np.diag(np.asarray(shape.palm)) * shape.scale
    joints[..., 0, :] = palm @ rest_joints[0]
    linear[..., 0, :, :] = palm
    # All fingers at once, bone after bone.
    fingers = angles[..., :20].reshape(*batch, 5, 4)
    extra = angles[..., 24:25] * (np.arange(5) - 2)
    extra[..., 0] = angles[..., 20]
    turn, origin = frames[0], _times(palm, rest_joints[1::4])
    thick = np.asarray(shape.finger_thickness) * shape.scale
    for part in range(3):
        side, twist = rest[:, part, 0], rest[:, part, 2]
        if part == 0:
            side, twist = fingers[..., 0], twist + extra
        bend = rotation(0, -fingers[..., 1 + part])
        turn = turn @ rotation(1, side) @ bend @ rotation(2, twist)
        start, end = rest_joints[1 + part :: 4], rest_joints[2 + part :: 4]
        length = shape.bone_length[:, part] * shape.scale
        size = np.stack([thick, thick, length], axis=1)
        stretch = (size[:, None] * np.eye(3)) @ frames[1 + part :: 4].transpose(0, 2, 1)
        bones = slice(1 + part, FOREARM_BONE, 3)
        joints[..., 1 + part :: 4, :] = origin
        linear[..., bones, :, :] = turn @ stretch
        offset[..., bones, :] = origin - _times(turn, _times(stretch, start))
        origin = origin + _times(turn, _times(stretch, end - start))
    joints[..., 4::4, :] = origin
    pivot = template.wrist_pivot_mm
    wrist = rotation(0, angles[..., 21]) @ rotation(1, angles[..., 23])
    wrist = rotation(2, angles[..., 22]) @ wrist
    thick = shape.scale * shape.forearm_thickness
    across = np.diag([thick * shape.palm[0], shape.scale, thick * shape.palm[2]])
    linear[..., FOREARM_BONE, :, :] = wrist @ across
    offset[..., FOREARM_BONE, :] = palm @ pivot - wrist @ (across @ pivot)
    return joints, linear, offset


# Bending joints whose backs stand out when bent: finger and which of its bends.
_KNUCKLES = tuple((finger, part) for finger in range(5) for part in range(3) if finger or part)
_KNUCKLE_ANGLES = np.array([4 * finger + 1 + part for finger, part in _KNUCKLES])
_KNUCKLE_LIFTS = np.array([(1.0, 0.7, 0.4)[part] for _, part in _KNUCKLES])


@functools.cache
def _knuckle_weights(mesh: str) -> np.ndarray:
    """`(14, V)` float32: how much each vertex belongs to the back of each knuckle."""
    template = load_template(mesh)
    rows = []
    for finger, part in _KNUCKLES:
        joint = 1 + 4 * finger + part
        dorsal = template.rotations[joint][:, 1]
        radius = 7.0 if part == 0 else 5.0
        squared = ((template.vertices_mm - template.joints_mm[joint] - dorsal * 6) ** 2).sum(axis=1)
        facing = np.clip(template.normals @ dorsal, 0, 1)
        rows.append(np.exp(-squared / (2 * radius**2)) * facing)
    return np.array(rows, np.float32)


def raise_knuckles(
    vertices: np.ndarray,
    normals: np.ndarray,
    shape: HandShape,
    angles: np.ndarray,
    height_mm: float,
) -> np.ndarray:
    """Lifts the backs of bent joints, where linear-blend skinning loses the knuckles.

    Args:
        vertices: `(V, 3)` posed vertices.
        normals: `(V, 3)` their normals.
        shape: Whose mesh they are.
        angles: `(25,)` radians, as for `pose_hand`.
        height_mm: Lift of a finger's first knuckle at 90 degrees.

    Returns:
        `(V, 3)` float32 vertices; joints do not move.
    """
    lift = np.sin(np.clip(angles[_KNUCKLE_ANGLES], 0, np.pi / 2)) * _KNUCKLE_LIFTS
    amount = np.einsum("k,kv->v", lift.astype(np.float32) * height_mm, _knuckle_weights(shape.mesh))
    return vertices + normals * amount[:, None]


def skin_vertices(shape: HandShape, linear: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Returns the skinned vertices `(V, 3)` float32 in millimetres (linear-blend skinning).

    Args:
        shape: Whose mesh is skinned.
        linear: `(17, 3, 3)` from `pose_hand`.
        offset: `(17, 3)` from `pose_hand`.
    """
    template = load_template(shape.mesh)
    packed = np.concatenate([linear.reshape(NUM_BONES, 9), offset], axis=1).astype(np.float32)
    # One contiguous row per matrix entry is much faster than one small matrix per vertex;
    # einsum, because a threaded BLAS costs milliseconds on products this small.
    blended = np.einsum("be,bv->ev", packed, template.bone_weights)
    x, y, z = _morphed(template.vertices_mm, template.morph_vertices_mm, shape).T
    vertices = np.empty((len(x), 3), np.float32)
    for row in range(3):
        first, second, third = blended[3 * row : 3 * row + 3]
        vertices[:, row] = first * x + second * y + third * z + blended[9 + row]
    return vertices
