"""Places that the pose of a hand leaves for a thing.

A rod or a ball that palm and fingers enclose, something flat or thin between the thumb
and another finger, something that lies on the palm. How much room there is follows from
the posed skin. All finders take the skin in the hand frame and the unit vector `up`
away from the ground, and return `None` where the pose leaves no such place.
"""

import dataclasses

import numpy as np

from tf_handgroups.synth.posed_skin import PosedSkin


@dataclasses.dataclass(frozen=True, eq=False)
class Grip:
    """A frame for a thing, and the room in it.

    Args:
        turn: `(3, 3)` whose columns are the thing's axes in the hand frame.
        origin_mm: `(3,)` hand frame.
        radius_mm: Room across the z axis; half a thickness for flat things.
        low_mm: How far a thing may reach along z, a negative number.
        high_mm: The same on the other side.
    """

    turn: np.ndarray
    origin_mm: np.ndarray
    radius_mm: float
    low_mm: float = 0.0
    high_mm: float = 0.0


def _unit(vector):
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def _frame(axis, towards):
    """Right-handed `(3, 3)` with z along `axis` and x as near `towards` as can be."""
    axis = _unit(axis)
    x = _unit(towards - axis * (axis @ towards))
    return np.stack([x, np.cross(axis, x), axis], axis=1)


def _enclosed(skin: PosedSkin, centres, axis, num_fingers):
    """Free radii `(C,)` about centres `(C, 3)`; 0 where too few fingers close round.

    With an axis the radius is that of a rod, without one that of a ball.
    """
    offsets = (skin.points_mm[None] - centres[:, None]).astype(np.float32)
    if axis is not None:
        along = offsets @ axis.astype(np.float32)
        offsets -= along[:, :, None] * axis.astype(np.float32)
    distance = np.sqrt(np.einsum("cnk,cnk->cn", offsets, offsets))
    if axis is not None:
        distance[np.abs(along) > 45] = 1e3
    nearest = np.argmin(distance, axis=1)
    rows = np.arange(len(centres))
    free = distance[rows, nearest]
    first = offsets[rows, nearest] / np.maximum(free, 1e-6)[:, None]
    # The nearest skin must look at the centre, or the centre lies in the flesh.
    outside = np.einsum("ck,ck->c", skin.normals[nearest], first) < -0.3
    # Thin things need a closer grip than thick ones.
    near = distance < 1.3 * free[:, None] + 3.5
    opposite = np.einsum("cnk,ck->cn", offsets, first) < -0.55 * distance
    closed = (opposite & near).any(axis=1)
    fingers = sum(
        near[:, (skin.bones - 1) // 3 == finger].any(axis=1).astype(int) for finger in range(1, 5)
    )
    # The palm or the thumb holds against the fingers.
    held = near[:, skin.bones <= 3].any(axis=1) & (fingers >= num_fingers)
    return np.where(outside & closed & held, free, 0.0)


def _centres(generator, skin: PosedSkin, count):
    """Places before the palm, where fingers may close round something."""
    palm = skin.joints_mm[[5, 9, 13, 17]].mean(axis=0)
    size = np.linalg.norm(skin.joints_mm[9] - skin.joints_mm[0]) / 77
    spread = generator.uniform([-14, -45, 14], [14, 40, 62], (count, 3))
    return palm + spread * size


def rod_grip(generator: np.random.Generator, skin: PosedSkin, up: np.ndarray) -> Grip | None:
    """A rod across the palm: the widest one that the fingers enclose."""
    radius, axis, centre = 0.0, np.zeros(3), np.zeros(3)
    coarse = skin.every(3)
    for _ in range(3):
        along = _unit(np.array([-1.0, 0, 0]) + generator.normal(0, [0.1, 0.35, 0.2]))
        centres = _centres(generator, skin, 70)
        free = _enclosed(coarse, centres, along, 3)
        free[free > 46] = 0
        winner = int(np.argmax(free))
        if free[winner] > radius:
            radius, axis, centre = float(free[winner]), along, centres[winner]
    if radius == 0:
        return None
    along = (skin.points_mm - centre) @ axis
    across = np.linalg.norm(skin.points_mm - centre - along[:, None] * axis, axis=1)
    radius = float(across[np.abs(along) < 45].min())
    if radius < 4:
        return None
    # Where the rod would run into the arm or a thumb it must end.
    high = min([200.0, *(along[(across < radius) & (along > 0)] - 4)])
    low = min([200.0, *(-along[(across < radius) & (along <= 0)] - 4)])
    palm = skin.joints_mm[[5, 9, 13, 17]].mean(axis=0)
    turn = _frame(axis, centre - palm)
    return Grip(turn, centre, radius + 0.8, low_mm=-float(low), high_mm=float(high))


def ball_grip(generator: np.random.Generator, skin: PosedSkin, up: np.ndarray) -> Grip | None:
    """A ball between palm or thumb and at least two fingers."""
    centres = _centres(generator, skin, 120)
    free = _enclosed(skin.every(4), centres, None, 2)
    free[free > 52] = 0
    winner = int(np.argmax(free))
    if free[winner] < 10:
        return None
    radius = float(np.linalg.norm(skin.points_mm - centres[winner], axis=1).min())
    turn = _frame(generator.standard_normal(3), generator.standard_normal(3))
    return Grip(turn, centres[winner], radius + 0.8)


def _thumb_contact(skin: PosedSkin):
    """Nearest facing places on thumb and another finger: middle, direction, gap; or None."""
    thumb = np.flatnonzero(skin.bones == 3)
    fingers = np.flatnonzero((skin.bones > 4) & (skin.bones % 3 != 1) & (skin.bones < 16))
    reach = skin.points_mm[fingers][None] - skin.points_mm[thumb][:, None]
    gap = np.linalg.norm(reach, axis=2)
    opposed = np.einsum("tk,fk->tf", skin.normals[thumb], skin.normals[fingers]) < -0.4
    faces = np.einsum("tfk,tk->tf", reach, skin.normals[thumb]) > 0.75 * gap - 1
    faces &= np.einsum("tfk,fk->tf", reach, skin.normals[fingers]) < -0.75 * gap + 1
    gap = np.where(opposed & faces, gap, np.inf)
    t, f = np.unravel_index(int(np.argmin(gap)), gap.shape)
    if not np.isfinite(gap[t, f]) or gap[t, f] > 85:
        return None
    first, second = thumb[t], fingers[f]
    middle = 0.5 * (skin.points_mm[first] + skin.points_mm[second])
    normal = _unit(skin.normals[first] - skin.normals[second] + reach[t, f] / 6)
    return middle, normal, float(gap[t, f])


def _outward(skin: PosedSkin, middle):
    """From the palm to a place between fingers: where a held thing sticks out."""
    return _unit(middle - skin.joints_mm[[0, 5, 17]].mean(axis=0))


def pinch_grip(generator: np.random.Generator, skin: PosedSkin, up: np.ndarray) -> Grip | None:
    """A thin rod between thumb and finger; its lower end is nearer to the palm."""
    contact = _thumb_contact(skin)
    if contact is None or contact[2] > 13:
        return None
    middle, normal, gap = contact
    base = _frame(normal, _outward(skin, middle))
    best = (np.inf, base, 0.0)
    for turn in np.radians(np.arange(-75, 76, 15)):
        axis = base @ [np.cos(turn), np.sin(turn), 0.0]
        along = (skin.points_mm - middle) @ axis
        across = np.linalg.norm(skin.points_mm - middle - along[:, None] * axis, axis=1)
        blocked = along[(across < 3.0) & (along < -12)]
        room = min(130.0, float((-blocked).min() - 4) if len(blocked) else 130.0)
        cost = abs(turn) * 25 - room + generator.uniform(0, 30)
        if cost < best[0]:
            best = (cost, _frame(axis, normal), room)
    return Grip(best[1], middle, max(gap / 2 + 0.8, 2.2), low_mm=-best[2], high_mm=70.0)


def flat_grip(generator: np.random.Generator, skin: PosedSkin, up: np.ndarray) -> Grip | None:
    """Two facing pads; y of the frame points away from the palm."""
    contact = _thumb_contact(skin)
    if contact is None:
        return None
    middle, normal, gap = contact
    turn = _frame(normal * (1 if generator.random() < 0.5 else -1), -_outward(skin, middle))
    turn = turn[:, [1, 0, 2]] * [1, -1, 1]
    return Grip(turn, middle, 0.5 * gap + 0.3)


def palm_grip(generator: np.random.Generator, skin: PosedSkin, up: np.ndarray) -> Grip | None:
    """Something lies on an open palm that looks up; the origin is on the skin."""
    joints = skin.joints_mm
    tips = joints[[8, 12, 16]].mean(axis=0)
    if np.linalg.norm(tips - joints[0]) < 1.45 * np.linalg.norm(joints[9] - joints[0]):
        return None
    centre = joints[[0, 5, 9, 17]].mean(axis=0) + generator.normal(0, [5, 10, 0])
    normal = _unit(np.cross(joints[17] - joints[5], joints[0] - joints[9]))
    if normal @ up < 0.6:
        return None
    near = np.linalg.norm(np.cross(skin.points_mm - centre, normal), axis=1) < 25
    height = float(np.max((skin.points_mm[near] - centre) @ normal, initial=0))
    turn = _frame(normal, joints[9] - joints[0] + generator.normal(0, 30, 3))
    return Grip(turn, centre + normal * height, height)
