"""Where fingers touch: the thumb brought to a place, and flesh that overlaps.

The thumb's pad is moved to a point of another finger or of the palm by a few damped
Gauss-Newton steps that stay near the angles drawn, so that touching postures keep
their variety.
"""

import dataclasses

import numpy as np

from tf_handgroups.synth.hand_mesh import rest_angles, rotation
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.hand_template import load_template

# Directions in a bone's frame: forward is -z, dorsal +y, +x towards the little finger.
PALMAR, DORSAL, RADIAL = (0.0, -1.0, 0.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)

# Half thickness of the flesh in mm around first, second, third bone, of the default shape,
# and how much thicker the fingers of other meshes are.
FLESH_MM = np.array(
    [(11, 9.5, 8.5), (8.5, 7.3, 6.3), (8.6, 7.5, 6.6), (8.0, 7.0, 6.2), (7, 6, 5.4)]
)
_MESH_FLESH = {"webxr": 1.0, "makehuman": 1.2}
# The thumb's angles among the 25, in the order of `_Chain.axes`.
_THUMB_ANGLES = np.array([0, 1, 20, 2, 3])
# Share of the last bone at which pads touch.
_PAD_SHARE = 0.68
# How far angles may follow a contact, degrees: thumb; finger sideways, three bends.
_THUMB_GIVE_DEG = (11.0, 11.0, 16.0, 13.0, 16.0)
_FINGER_GIVE_DEG = (3.0, 9.0, 12.0, 7.0)
_STEPS = 4
_POINT_MM, _TURN = 1.2, 0.4


@dataclasses.dataclass(frozen=True)
class Touch:
    """What the thumb's pad shall touch.

    Args:
        finger: 1 index .. 4 little, or 0 for the palm.
        part: Bone of the finger, 0 to 2.
        share: Place along that bone in [0, 1].
        direction: Side of the bone in its frame, a unit vector such as `PALMAR`.
        tilt: How far pads meet towards the tips, as a tangent; for `direction=PALMAR` on
            both sides.
        gap_mm: Air between the skins.
        moves: Whether the finger bends to meet the thumb.
        point_mm: `(3,)` on the palm's skin in the hand frame, for `finger=0`.
    """

    finger: int
    part: int = 2
    share: float = _PAD_SHARE
    direction: tuple[float, float, float] = PALMAR
    tilt: float = 0.0
    gap_mm: float = 1.0
    moves: bool = False
    point_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclasses.dataclass(frozen=True, eq=False)
class _Chain:
    """Joints `(N, 4, 3)`, bone frames `(N, 3, 3, 3)`, and per angle axis and origin."""

    joints: np.ndarray
    frames: np.ndarray
    axes: np.ndarray
    origins: np.ndarray


def _chain(angles, finger, shape):
    """The finger of `pose_hand`, with the axes about which its angles turn.

    Angles in order: sideways, first bend, (thumb: twist,) second bend, third bend.
    """
    template, rest = load_template(shape.mesh), rest_angles(shape.mesh)
    rest_joints = template.joints_mm
    if len(shape.morphs):
        rest_joints = rest_joints + np.einsum("k,kjc->jc", shape.morphs, template.morph_joints_mm)
    palm = np.asarray(shape.palm) * shape.scale
    first = 1 + 4 * finger
    count = len(angles)
    origin = np.broadcast_to(palm * rest_joints[first], (count, 3))
    turn = np.broadcast_to(template.rotations[0], (count, 3, 3))
    thick = shape.finger_thickness[finger] * shape.scale
    joints, frames, axes, origins = [origin], [], [], []
    for part in range(3):
        side, _, twist = rest[finger, part]
        if part == 0:
            axes.append(turn[:, :, 1])
            side = angles[:, 4 * finger]
            twist = twist + (angles[:, 20] if finger == 0 else angles[:, 24] * (finger - 2))
        turn = turn @ rotation(1, side)
        axes.append(-turn[:, :, 0])
        turn = turn @ rotation(0, -angles[:, 4 * finger + 1 + part])
        if part == 0 and finger == 0:
            axes.append(turn[:, :, 2])
        turn = turn @ rotation(2, twist)
        origins += [origin] * (len(axes) - len(origins))
        joint = first + part
        bone = rest_joints[joint + 1] - rest_joints[joint]
        size = np.array([thick, thick, shape.bone_length[finger, part] * shape.scale])
        origin = origin + turn @ (size * (template.rotations[joint].T @ bone))
        joints.append(origin)
        frames.append(turn)
    return _Chain(*(np.stack(rows, axis=1) for rows in (joints, frames, axes, origins)))


def _pad(tilt):
    return np.array([0.0, -1.0, -tilt]) / np.hypot(1, tilt)


def _skin_point(chain, finger, shape, part, share, direction):
    """A point on a finger's skin and the outward direction, each `(N, 3)`."""
    thickness = shape.finger_thickness[finger] * _MESH_FLESH[shape.mesh]
    radius = FLESH_MM[finger, part] * thickness * shape.scale
    outward = chain.frames[:, part] @ np.asarray(direction)
    bone = chain.joints[:, part] * (1 - share) + chain.joints[:, part + 1] * share
    return bone + radius * outward, outward


def _jacobian(chain, point, outward):
    """Derivatives `(N, angles, 6)` of a point (in tolerances) and a direction."""
    point = np.cross(chain.axes, point[:, None] - chain.origins) / _POINT_MM
    turned = np.cross(chain.axes, outward[:, None]) / _TURN
    return np.concatenate([point, turned], axis=2)


def bring_thumb(
    angles: np.ndarray, shape: HandShape, touch: Touch, limits: np.ndarray
) -> np.ndarray:
    """Changes the thumb's angles (and a moving finger's) until the pad is where it shall be.

    Args:
        angles: `(N, 25)` radians.
        shape: Proportions.
        touch: What to touch.
        limits: `(25, 2)` radians.

    Returns:
        `(N, 25)` radians within the limits; a place out of reach is approached.

    Example:
    >>> everything = np.tile([-3.0, 3.0], (25, 1))
    >>> angles = np.radians(np.full((1, 25), 20.0))
    >>> touch = Touch(finger=1, moves=True)
    >>> bool((bring_thumb(angles, HandShape(), touch, everything) != angles)[0, :8].all())
    True
    """
    angles = angles.copy()
    index, give = _THUMB_ANGLES, np.radians(_THUMB_GIVE_DEG)
    if touch.moves:
        index = np.concatenate([index, 4 * touch.finger + np.arange(4)])
        give = np.concatenate([give, np.radians(_FINGER_GIVE_DEG)])
    start = angles[:, index]
    low, high = limits[index].T
    pad = _pad(touch.tilt)
    direction = pad if touch.direction == PALMAR else touch.direction
    for step in range(_STEPS):
        thumb = _chain(angles, 0, shape)
        point, outward = _skin_point(thumb, 0, shape, 2, _PAD_SHARE, pad)
        jacobian = _jacobian(thumb, point, outward)
        if touch.finger == 0:
            target = np.array(touch.point_mm) * shape.palm * shape.scale
            facing = np.array([0.0, 0.0, 1.0])
        else:
            if touch.moves or step == 0:
                finger = _chain(angles, touch.finger, shape)
            target, facing = _skin_point(
                finger, touch.finger, shape, touch.part, touch.share, direction
            )
            target = target + touch.gap_mm * facing
        if touch.moves:
            # Facing directions shall add up to zero.
            other = _jacobian(finger, target, facing) * [-1, -1, -1, 1, 1, 1]
            jacobian = np.concatenate([jacobian, other], axis=1)
        missing = np.concatenate([(target - point) / _POINT_MM, -(outward + facing) / _TURN], 1)
        now = angles[:, index]
        normal = jacobian @ jacobian.transpose(0, 2, 1) + np.diag(1 / give**2)
        pull = (jacobian @ missing[:, :, None])[:, :, 0] + (start - now) / give**2
        change = np.linalg.solve(normal, pull[:, :, None])[:, :, 0]
        angles[:, index] = np.clip(now + np.clip(change, -0.6, 0.6), low, high)
    return angles


def flesh_thickness(shape: HandShape) -> float:
    """Returns how thick the fingers are beside those of the default shape, by size.

    Example:
    >>> flesh_thickness(HandShape(scale=0.8))
    1.0
    """
    return float(np.mean(shape.finger_thickness)) * _MESH_FLESH[shape.mesh]


def _spheres():
    """Rows (from joint, to joint, share, radius in mm, finger); the palm is finger 5."""
    rows = []
    for finger, radii in enumerate(FLESH_MM):
        for part, radius in enumerate(radii):
            first = 1 + 4 * finger + part
            shares = (0.6, 0.95) if part == 0 else (0.3, 0.65, 0.95 if part == 1 else 0.8)
            rows += [(first, first + 1, share, radius, finger) for share in shares]
    for knuckle in (5, 9, 13, 17):
        rows += [(0, knuckle, share, 10, 5) for share in (0.35, 0.6, 0.85)]
    return np.array(rows)


_SPHERES = _spheres()
_FROM, _TO = _SPHERES[:, 0].astype(int), _SPHERES[:, 1].astype(int)
_FINGER = _SPHERES[:, 4].astype(int)
# The first bones are joined to the palm and cannot run into it.
_FIRST = np.isin(_FROM, (1, 5, 9, 13, 17)) & (_FINGER < 5)
_ONE, _TWO = np.nonzero(
    (_FINGER[:, None] < _FINGER[None]) & ~(_FIRST[:, None] & (_FINGER == 5)[None])
)
# Flesh gives way by this much before it counts.
SOFT_MM = 2.5


def penetration_mm(joints: np.ndarray, thickness: float = 1.0) -> np.ndarray:
    """Sums how deep spheres along different fingers lie in each other.

    Args:
        joints: `(..., 21, 3)` millimetres.
        thickness: Factor on the spheres' radii.

    Returns:
        `(...)` millimetres; a few are normal for touching fingers.

    Example:
    >>> from tf_handgroups.synth.hand_mesh import pose_hand
    >>> thumb_in_index, _, _ = pose_hand(np.zeros(25))
    >>> bool(penetration_mm(thumb_in_index) > 20)
    True
    """
    share = _SPHERES[:, 2:3]
    points = joints[..., _FROM, :] * (1 - share) + joints[..., _TO, :] * share
    apart = points[..., _ONE, :] - points[..., _TWO, :]
    distance = np.sqrt(np.einsum("...pc,...pc->...p", apart, apart))
    reach = (_SPHERES[_ONE, 3] + _SPHERES[_TWO, 3]) * thickness - SOFT_MM
    return np.maximum(0, reach - distance).sum(axis=-1)
