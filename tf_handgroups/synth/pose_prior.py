"""Plausible hand poses: families of everyday postures within joint limits.

Candidates of one family are drawn together; the one whose fingers run least into
each other is kept. See `hand_mesh.pose_hand` for the meaning of the 25 angles.
"""

import numpy as np

from tf_handgroups.synth.hand_mesh import NUM_ANGLES, pose_hand
from tf_handgroups.synth.hand_shape import HandShape

# Degrees. Rows per finger: sideways, bend of first, second, third bone; then thumb
# twist, wrist bend, wrist sideways, forearm twist, palm arch.
LIMITS_DEG = np.array(
    [
        *[(-6, 66), (-8, 64), (-22, 62), (-28, 82)],
        *[(-22, 20), (-28, 94), (-4, 112), (-10, 84)],
        *[(-20, 12), (-28, 96), (-4, 114), (-10, 84)],
        *[(-28, 6), (-28, 98), (-4, 114), (-10, 84)],
        *[(-40, 8), (-30, 100), (-4, 112), (-10, 84)],
        *[(-35, 35), (-70, 75), (-35, 35), (-40, 40), (-4, 8)],
    ],
    np.float64,
)

# (weight, name). Weights follow how often a posture is seen, not how easy it is.
FAMILIES = (
    (0.13, "spread"),
    (0.09, "flat"),
    (0.14, "relaxed"),
    (0.09, "fist"),
    (0.17, "sign"),
    (0.07, "point"),
    (0.12, "pinch"),
    (0.11, "grasp"),
    (0.04, "claw"),
    (0.04, "random"),
)
_CANDIDATES = 20

# Sideways angle of index .. little when the fingers are parallel, and what a full
# spread adds.
_PARALLEL_DEG = np.array([-5.0, -6.0, -8.0, -9.0])
_SPREAD_DEG = np.array([17.0, 4.0, -9.0, -23.0])

# Thumb postures in degrees: sideways, out of the palm, MCP bend, IP bend, twist;
# each row is mean then deviation.
_THUMBS = {
    "rest": ((34, 28, 4, 6, 0), (6, 6, 8, 10, 5)),
    "wide": ((54, 18, -2, -4, -6), (6, 8, 8, 12, 5)),
    "along": ((20, 12, 4, 4, -14), (5, 5, 7, 8, 6)),
    "beside_fist": ((24, 22, 14, 16, -4), (5, 5, 8, 14, 5)),
    "over_fist": ((16, 42, 30, 42, 14), (5, 5, 9, 14, 6)),
    "across": ((8, 42, 38, 30, 20), (5, 6, 10, 16, 6)),
    "opposed": ((24, 48, 12, 18, 14), (7, 7, 9, 12, 6)),
    "up": ((46, 10, 0, -12, -8), (7, 6, 8, 14, 6)),
}


def _thumb(generator, count, *names):
    # One posture for all candidates: otherwise the choice would favour thumbs that
    # stay away from the fingers.
    mean, deviation = _THUMBS[str(generator.choice(names))]
    return np.array(mean) + np.array(deviation) * generator.standard_normal((count, 5))


def _extended(generator, count):
    """Bends `(count, 4, 3)` of straight fingers, degrees."""
    common = generator.normal(0, 6, (count, 1, 1))
    bends = np.array([4.0, 8.0, 4.0]) + common * [1, 0.5, 0.3]
    return bends + generator.normal(0, 1, (count, 4, 3)) * [7, 5, 4]


def _folded(generator, count):
    tight = generator.uniform(-0.6, 1, (count, 1, 1))
    bends = np.array([72.0, 94.0, 55.0]) + tight * [12, 12, 14]
    return bends + generator.normal(0, 1, (count, 4, 3)) * [7, 6, 8]


def _curled(generator, count, low, high):
    """All fingers half closed by a common amount in [low, high] plus a slope across."""
    amount = generator.uniform(low, high, (count, 1))
    slope = generator.normal(0.06, 0.12, (count, 1)) * np.array([-1.5, -0.5, 0.5, 1.5])
    own = np.clip(amount + slope + generator.normal(0, 0.05, (count, 4)), -0.1, 1.0)
    # How the bend is shared between knuckle and finger differs from grasp to grasp.
    share = generator.uniform(-0.35, 0.35, (count, 1))
    mcp = own * 80 * (1 + share) + 2
    pip = own * 96 * (1 - share) + 6
    dip = pip * generator.uniform(0.35, 0.75, (count, 1)) - 2
    return np.stack([mcp, pip, dip], axis=2) + generator.normal(0, 4, (count, 4, 3))


def _assemble(generator, thumb, bends, spread):
    """Packs degrees into `(count, 25)`; bent fingers lose their freedom sideways."""
    count = len(thumb)
    angles = np.zeros((count, NUM_ANGLES))
    freedom = 1 - 0.8 * np.clip(bends[:, :, 0] / 80, 0, 1)
    sideways = _PARALLEL_DEG + spread * _SPREAD_DEG * freedom
    sideways = sideways + generator.normal(0, 2.0, (count, 4)) * freedom
    for finger in range(4):
        angles[:, 4 + 4 * finger] = sideways[:, finger]
        angles[:, 5 + 4 * finger : 8 + 4 * finger] = bends[:, finger]
    angles[:, 0:4] = thumb[:, :4]
    angles[:, 20] = thumb[:, 4]
    angles[:, 24] = generator.normal(1.5, 1.5, count)
    return angles


def _family(generator, name, count):
    """Draws `(count, 25)` poses of a family, degrees, wrist angles still zero."""
    spread = generator.uniform(-0.1, 0.5, (count, 1))
    extended, folded = _extended(generator, count), _folded(generator, count)
    if name == "spread":
        thumb = _thumb(generator, count, "wide", "wide", "rest", "up")
        return _assemble(generator, thumb, extended, generator.uniform(0.35, 1.1, (count, 1)))
    if name == "flat":
        thumb = _thumb(generator, count, "along", "rest", "across", "wide")
        return _assemble(generator, thumb, extended, generator.uniform(-0.2, 0.15, (count, 1)))
    if name == "relaxed":
        thumb = _thumb(generator, count, "rest", "rest", "along", "opposed")
        return _assemble(generator, thumb, _curled(generator, count, 0.08, 0.55), spread)
    if name == "fist":
        thumb = _thumb(generator, count, "beside_fist", "over_fist", "over_fist", "up")
        return _assemble(generator, thumb, folded, spread)
    if name == "sign":
        weights = np.array([0.62, 0.5, 0.35, 0.4])
        up = generator.random(4) < weights
        if generator.random() < 0.5:
            # Neighbouring fingers tend to go together: counts one to four, and back.
            edge = generator.integers(1, 5)
            up = np.arange(4) < edge if generator.random() < 0.75 else np.arange(4) >= edge
        bends = np.where(up[None, :, None], extended, folded)
        thumb = _thumb(
            generator, count, *(("over_fist", "across", "rest", "up", "wide", "opposed"))
        )
        return _assemble(generator, thumb, bends, generator.uniform(-0.1, 0.9, (count, 1)))
    if name == "point":
        bends = folded
        bends[:, 0] = extended[:, 0]
        thumb = _thumb(generator, count, "over_fist", "beside_fist", "up", "wide", "opposed")
        return _assemble(generator, thumb, bends, spread)
    if name == "pinch":
        others = extended if generator.random() < 0.5 else _curled(generator, count, 0.1, 0.8)
        bends = others.copy()
        closed = 1 if generator.random() < 0.7 else int(generator.integers(1, 5))
        mcp = generator.uniform(28, 62, (count, 1))
        shape = np.stack([mcp, generator.uniform(28, 72, (count, 1))], axis=2)[:, 0]
        dip = shape[:, 1:] * generator.uniform(0.2, 0.7, (count, 1))
        start = 0 if closed > 1 or generator.random() < 0.85 else int(generator.integers(1, 4))
        for finger in range(start, min(start + closed, 4)):
            bends[:, finger] = np.concatenate([shape, dip], axis=1)
            bends[:, finger] += generator.normal(0, 3, (count, 3))
        thumb = _thumb(generator, count, "opposed")
        return _assemble(generator, thumb, bends, spread)
    if name == "grasp":
        thumb = _thumb(generator, count, "opposed", "opposed", "over_fist", "rest")
        return _assemble(generator, thumb, _curled(generator, count, 0.3, 0.85), spread)
    if name == "claw":
        bends = extended.copy()
        hook = generator.uniform(35, 98, (count, 1)) + generator.normal(0, 6, (count, 4))
        bends[:, :, 1], bends[:, :, 2] = hook, hook * 0.62
        thumb = _thumb(generator, count, "rest", "along", "opposed", "wide")
        return _assemble(generator, thumb, bends, generator.uniform(-0.1, 0.9, (count, 1)))
    bends = np.stack(
        [
            generator.uniform(-15, 90, (count, 4)),
            generator.uniform(0, 105, (count, 4)),
            np.zeros((count, 4)),
        ],
        axis=2,
    )
    bends[:, :, 2] = bends[:, :, 1] * generator.uniform(0.3, 0.8, (count, 4))
    thumb = _thumb(generator, count, *_THUMBS)
    return _assemble(generator, thumb, bends, generator.uniform(-0.1, 1, (count, 1)))


# Spheres along the bones that stand for the flesh: (from joint, to joint, share,
# radius in mm, finger); the palm is finger 5.
def _spheres():
    rows = []
    for finger, radii in enumerate(((12, 10, 9), (9, 8, 7), (9, 8, 7), (8.5, 8, 7), (8, 7, 6))):
        for part, radius in enumerate(radii):
            first = 1 + 4 * finger + part
            shares = (0.6, 0.95) if part == 0 else (0.3, 0.65, 1.0)
            rows += [(first, first + 1, share, radius, finger) for share in shares]
    for knuckle in (5, 9, 13, 17):
        rows += [(0, knuckle, share, 10, 5) for share in (0.35, 0.6, 0.85)]
    return np.array(rows)


_SPHERES = _spheres()
_FROM, _TO = _SPHERES[:, 0].astype(int), _SPHERES[:, 1].astype(int)
_FINGER = _SPHERES[:, 4].astype(int)
# The first bones are joined to the palm and cannot run into it.
_FIRST = np.isin(_FROM, (1, 5, 9, 13, 17)) & (_FINGER < 5)
_TESTED = (_FINGER[:, None] < _FINGER[None]) & ~(_FIRST[:, None] & (_FINGER == 5)[None])


def penetration_mm(joints: np.ndarray, thickness: float = 1.0) -> np.ndarray:
    """Sums how deep spheres along different fingers lie in each other.

    Args:
        joints: `(..., 21, 3)` millimetres.
        thickness: Factor on the spheres' radii.

    Returns:
        `(...)` millimetres; a few are normal for touching fingers.

    Example:
    >>> thumb_in_index, _, _ = pose_hand(np.zeros(25))
    >>> bool(penetration_mm(thumb_in_index) > 20)
    True
    """
    share = _SPHERES[:, 2:3]
    points = joints[..., _FROM, :] * (1 - share) + joints[..., _TO, :] * share
    squared = (points**2).sum(-1)
    gram = points @ np.swapaxes(points, -1, -2)
    distance = np.sqrt(np.maximum(squared[..., :, None] + squared[..., None, :] - 2 * gram, 0))
    radii = _SPHERES[:, 3] * thickness
    depth = np.maximum(0, radii[:, None] + radii[None] - 2.5 - distance)
    return (depth * _TESTED).sum(axis=(-1, -2))


def random_family(generator: np.random.Generator) -> str:
    """Draws the name of a family by its weight.

    Example:
    >>> random_family(np.random.default_rng(0)) in {name for _, name in FAMILIES}
    True
    """
    weights = np.array([weight for weight, _ in FAMILIES])
    return FAMILIES[int(generator.choice(len(FAMILIES), p=weights / weights.sum()))][1]


def random_pose(generator: np.random.Generator, shape: HandShape, family: str) -> np.ndarray:
    """Draws one plausible pose.

    Args:
        generator: Source of randomness.
        shape: The hand whose fingers shall not run into each other.
        family: Name from `FAMILIES`.

    Returns:
        `(25,)` angles in radians, within `LIMITS_DEG`.

    Example:
    >>> angles = np.degrees(random_pose(np.random.default_rng(3), HandShape(), "pinch"))
    >>> bool(((angles >= LIMITS_DEG[:, 0] - 1e-9) & (angles <= LIMITS_DEG[:, 1] + 1e-9)).all())
    True
    """
    angles = _family(generator, family, _CANDIDATES)
    wrist = generator.normal(0, 1, 3) * [20, 9, 10] - [6, 0, 0]
    angles[:, 21:24] = wrist
    angles = np.radians(np.clip(angles, LIMITS_DEG[:, 0], LIMITS_DEG[:, 1]))
    joints, _, _ = pose_hand(angles, shape)
    score = penetration_mm(joints / shape.scale, float(np.mean(shape.finger_thickness)))
    if family == "pinch":
        gap = np.linalg.norm(joints[:, [8, 12], :] - joints[:, 4:5, :], axis=2).min(axis=1)
        target = 12.0 if generator.random() < 0.75 else generator.uniform(15, 60)
        score = score + 2 * np.abs(gap / shape.scale - target)
    return angles[int(np.argmin(score + generator.uniform(0, 4, _CANDIDATES)))]
