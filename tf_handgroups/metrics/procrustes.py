"""Alignments that move a predicted hand onto the true one before errors are taken."""

import numpy as np

# Below this many joints an alignment fits almost anything and says nothing.
MIN_JOINTS = 3
MIN_JOINTS_CENTROID = 2

# Joints that lie closer together than this share of their largest coordinate differ by
# rounding only: they are one point.
_ROUNDING = 1e-12


def procrustes_align(
    source: np.ndarray,
    target: np.ndarray,
    mask: np.ndarray | None = None,
    reflection: bool = False,
) -> np.ndarray:
    """Moves `source` onto `target` by the best similarity transform.

    Minimises the summed squared distance over scale, rotation and translation.
    FreiHAND's official script also allows reflections, and so does `reflection=True`;
    by default a mirrored hand is a wrong hand.

    A degenerate source, all joints in one point up to rounding, has no direction to
    turn: it gets scale 0 and lands on the centroid of the target. FreiHAND's script
    reaches the same by adding 1e-8 m to both norms, which changes other hands by less than
    0.0001 mm.

    Args:
        source: `(..., joints, 3)`; a leading batch is aligned sample by sample.
        target: Same shape.
        mask: `(..., joints)`, true for joints that take part in the fit; all by
            default. The coordinates of others may be NaN.
        reflection: Whether the best orthogonal matrix may mirror the source.

    Returns:
        Array of the shape of `source`: all its joints, moved. A sample with fewer
        than 3 joints in the mask is NaN.

    Example:

    >>> points = np.random.default_rng(0).normal(size=(21, 3))
    >>> turned = 3 * points @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]]) + 5
    >>> bool(np.allclose(procrustes_align(points, turned), turned))
    True
    >>> mirrored = points * [-1, 1, 1]
    >>> bool(np.allclose(procrustes_align(mirrored, points), points))
    False
    >>> bool(np.allclose(procrustes_align(mirrored, points, reflection=True), points))
    True
    """
    fit, source, target = _prepared(source, target, mask)
    enough = fit.sum(axis=-2, keepdims=True) >= MIN_JOINTS
    centre_source, points = _centred(source, fit)
    centre_target, goal = _centred(target, fit)

    left, singular, right = np.linalg.svd(np.swapaxes(points, -1, -2) @ goal)
    # The last singular direction changes sign where the best orthogonal matrix
    # would be a reflection (Kabsch 1976, Umeyama 1991).
    sign = np.sign(np.linalg.det(left @ right))
    sign = np.ones_like(sign) if reflection else sign
    left = np.concatenate([left[..., :2], left[..., 2:] * sign[..., None, None]], axis=-1)
    trace = singular[..., 0] + singular[..., 1] + sign * singular[..., 2]
    scale = _ratio(trace, (points**2).sum(axis=(-1, -2)), _is_one_point(points, source, fit))
    aligned = scale * (source - centre_source) @ left @ right + centre_target
    return np.where(enough, aligned, np.nan)


def centroid_align(
    source: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None
) -> np.ndarray:
    """Moves and scales `source` until centroid and mean distance from it are the target's.

    No rotation. This is how Minimal-Hand compares fingertips on Dexter+Object. A source
    whose joints are one point up to rounding gets scale 0 and lands on the target's
    centroid.

    Args:
        source: `(..., joints, 3)`; a leading batch is aligned sample by sample.
        target: Same shape.
        mask: `(..., joints)`, true for joints that take part; all by default. The
            coordinates of others may be NaN.

    Returns:
        Array of the shape of `source`: all its joints, moved. A sample with fewer
        than 2 joints in the mask is NaN.

    Example:

    >>> tips = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    >>> centroid_align(tips, np.array([[5.0, 5.0, 5.0], [5.0, 5.0, 9.0]])).tolist()
    [[3.0, 5.0, 7.0], [7.0, 5.0, 7.0]]

    Reference:
    - [Zhou et al., 2020](https://arxiv.org/abs/2003.09572)
    """
    fit, source, target = _prepared(source, target, mask)
    count = fit.sum(axis=(-1, -2))
    centre_source, points = _centred(source, fit)
    centre_target, goal = _centred(target, fit)
    # Sums instead of means: both have the same number of joints.
    spread_source = np.linalg.norm(points, axis=-1).sum(axis=-1)
    spread_target = np.linalg.norm(goal, axis=-1).sum(axis=-1)
    scale = _ratio(spread_target, spread_source, _is_one_point(points, source, fit))
    aligned = scale * (source - centre_source) + centre_target
    return np.where((count >= MIN_JOINTS_CENTROID)[..., None, None], aligned, np.nan)


def _prepared(source, target, mask) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    source = np.asarray(source, np.float64)
    target = np.asarray(target, np.float64)
    fit = np.ones(source.shape[:-1], bool) if mask is None else np.asarray(mask) > 0
    return np.broadcast_to(fit, source.shape[:-1])[..., None], source, target


def _centred(points: np.ndarray, fit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The centroid of the joints that take part, and these relative to it (others zero)."""
    count = np.maximum(fit.sum(axis=-2, keepdims=True), 1)
    centre = np.where(fit, points, 0).sum(axis=-2, keepdims=True) / count
    return centre, np.where(fit, points - centre, 0)


def _is_one_point(centred: np.ndarray, points: np.ndarray, fit: np.ndarray) -> np.ndarray:
    size = np.abs(np.where(fit, points, 0)).max(axis=(-1, -2))
    return np.abs(centred).max(axis=(-1, -2)) <= _ROUNDING * size


def _ratio(above: np.ndarray, below: np.ndarray, is_zero: np.ndarray) -> np.ndarray:
    """Scale factors `(..., 1, 1)`, zero for degenerate samples."""
    below = np.maximum(np.where(is_zero, 1.0, below), np.finfo(np.float64).tiny)
    return np.where(is_zero, 0.0, above / below)[..., None, None]
