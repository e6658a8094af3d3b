"""Procrustes alignment: scale, rotation (no reflection) and shift, in NumPy."""

import numpy as np

# Below this many joints an alignment fits almost anything and says nothing.
MIN_JOINTS = 3


def procrustes_align(
    source: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None
) -> np.ndarray:
    """Moves `source` onto `target` by the best similarity transform.

    Minimises the summed squared distance over scale, rotation and translation.
    FreiHAND's official script also allows reflections; this does not, because a
    mirrored hand is a wrong hand.

    Args:
        source: `(..., joints, 3)`; a leading batch is aligned sample by sample.
        target: Same shape.
        mask: `(..., joints)`, true for joints that take part in the fit; all by
            default. The coordinates of others in `target` may be NaN.

    Returns:
        Array of the shape of `source`: all its joints, moved. A sample with fewer
        than 3 joints in the mask is NaN.

    Example:

    >>> points = np.random.default_rng(0).normal(size=(21, 3))
    >>> turned = 3 * points @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]]) + 5
    >>> bool(np.allclose(procrustes_align(points, turned), turned))
    True
    """
    source = np.asarray(source, np.float64)
    target = np.asarray(target, np.float64)
    fit = np.ones(source.shape[:-1], bool) if mask is None else np.asarray(mask) > 0
    fit = np.broadcast_to(fit, source.shape[:-1])[..., None]
    enough = fit.sum(axis=-2, keepdims=True) >= MIN_JOINTS
    weight = fit / np.maximum(fit.sum(axis=-2, keepdims=True), 1)
    centre_source = np.where(fit, weight * source, 0).sum(axis=-2, keepdims=True)
    centre_target = np.where(fit, weight * target, 0).sum(axis=-2, keepdims=True)
    points = np.where(fit, source - centre_source, 0)
    goal = np.where(fit, target - centre_target, 0)

    left, singular, right = np.linalg.svd(np.swapaxes(points, -1, -2) @ goal)
    # The last singular direction changes sign where the best orthogonal matrix
    # would be a reflection (Kabsch 1976, Umeyama 1991).
    sign = np.sign(np.linalg.det(left @ right))
    left = np.concatenate([left[..., :2], left[..., 2:] * sign[..., None, None]], axis=-1)
    trace = singular[..., 0] + singular[..., 1] + sign * singular[..., 2]
    spread = np.maximum((points**2).sum(axis=(-1, -2)), np.finfo(np.float64).tiny)
    scale = (trace / spread)[..., None, None]
    aligned = scale * (source - centre_source) @ left @ right + centre_target
    return np.where(enough, aligned, np.nan)
