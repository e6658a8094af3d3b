"""What the hand meshes' derivations share: subdivision, the open edge, the wrist's weights."""

import numpy as np

from tf_handgroups.joints import PARENTS

PALM_BONE, THUMB_BONE, FOREARM_BONE, NUM_BONES = 0, 1, 16, 17

# The forearm takes over from the palm over this length.
_WRIST_BLEND_MM = 54.0
_TIP_DEPTH_MM = 1.2


def smooth_step(value: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    """Returns a smooth rise from 0 at `low` to 1 at `high`.

    Example:
    >>> smooth_step(np.array([-1.0, 1.0, 5.0]), 0, 2).tolist()
    [0.0, 0.5, 1.0]
    """
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def boundary_loop(faces: np.ndarray) -> np.ndarray:
    """Returns the vertices along the one open edge, in the direction of its faces.

    Args:
        faces: `(F, 3)` vertex indices of a mesh with one hole.

    Returns:
        `(N,)` vertex indices.

    Example:
    >>> boundary_loop(np.array([[0, 1, 2], [0, 2, 3]])).tolist()
    [0, 1, 2, 3]
    """
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).tolist()
    directed = {(a, b) for a, b in edges}
    following = {a: b for a, b in directed if (b, a) not in directed}
    start = min(following)
    loop = [start]
    while following[loop[-1]] != start:
        loop.append(following[loop[-1]])
    return np.array(loop)


def ring_faces(previous: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Joins two rings of equally many vertices.

    Args:
        previous: `(N,)` the open edge, as from `boundary_loop`.
        current: `(N,)` the new ring.

    Returns:
        `(2N, 3)` faces, turned like those before the open edge.
    """
    after = np.roll(np.arange(len(previous)), -1)
    # The loop runs along its faces, so the new faces must run against it.
    return np.concatenate(
        [
            np.stack([previous[after], previous, current], axis=1),
            np.stack([current[after], previous[after], current], axis=1),
        ]
    )


def blend_forearm(vertices: np.ndarray, weights: np.ndarray, start_mm: float) -> np.ndarray:
    """Moves palm weight to the forearm across the wrist, so that it bends smoothly.

    Args:
        vertices: `(V, 3)` hand frame, millimetres.
        weights: `(V, 17)` skin weights.
        start_mm: Where along y the forearm begins to take over.

    Returns:
        `(V, 17)` skin weights.
    """
    turned = smooth_step(vertices[:, 1], start_mm, start_mm + _WRIST_BLEND_MM)
    share = turned * weights[:, PALM_BONE]
    weights = weights.copy()
    weights[:, PALM_BONE] -= share
    weights[:, FOREARM_BONE] += share
    return weights


def thicken_arm(
    vertices: np.ndarray, heights_mm: np.ndarray, pivot: np.ndarray, factors: tuple[float, float]
) -> np.ndarray:
    """Widens wrist and arm about the arm's axis.

    Args:
        vertices: `(V, 3)` hand frame, millimetres; the arm lies along y.
        heights_mm: `(V,)` place of the vertices along y.
        pivot: `(3,)` the wrist's turning point.
        factors: Thickness factor at the wrist and 150 mm beyond; the palm stays.

    Returns:
        `(V, 3)` vertices.
    """
    wrist, arm = factors
    beyond = heights_mm - pivot[1]
    factor = 1 + (wrist - 1) * smooth_step(beyond, -22, 8)
    factor += (arm - wrist) * smooth_step(beyond, 20, 150)
    return pivot + (vertices - pivot) * np.stack([factor, np.ones_like(factor), factor], axis=1)


def soften_thumb_base(faces: np.ndarray, weights: np.ndarray, steps: int) -> np.ndarray:
    """Widens the limit between palm and thumb, where the palm folds when the thumb closes.

    Args:
        faces: `(F, 3)` vertex indices.
        weights: `(V, 17)` skin weights.
        steps: How often a vertex takes the mean of its neighbours and itself.

    Returns:
        `(V, 17)` skin weights; only palm and thumb base exchange shares.
    """
    corners, nexts = faces.ravel(), faces[:, [1, 2, 0]].ravel()
    both = weights[:, PALM_BONE] + weights[:, THUMB_BONE]
    share = weights[:, THUMB_BONE] / np.maximum(both, 1e-9)
    # Vertices of other bones have no share to give.
    count = np.bincount(corners, both[nexts], len(weights)) + both
    for _ in range(steps):
        summed = np.bincount(corners, (both * share)[nexts], len(weights)) + both * share
        share = summed / np.maximum(count, 1e-9)
    weights = weights.copy()
    weights[:, THUMB_BONE], weights[:, PALM_BONE] = both * share, both * (1 - share)
    return weights


def place_tips(
    vertices: np.ndarray, weights: np.ndarray, joints: np.ndarray, forward: np.ndarray
) -> np.ndarray:
    """Moves the tips to the middle of the fingers' ends, 1.2 mm below the skin.

    Args:
        vertices: `(V, 3)` millimetres, after subdivision, which rounds the ends off.
        weights: `(V, 17)` skin weights.
        joints: `(21, 3)` millimetres.
        forward: `(5, 3)` unit directions of the last bones.

    Returns:
        `(21, 3)` joints.
    """
    joints = joints.copy()
    for finger in range(5):
        own = vertices[weights[:, 3 + 3 * finger] > 0.9]
        along = own @ forward[finger]
        cap = own[along > along.max() - 3.0].mean(axis=0)
        rise = along.max() - _TIP_DEPTH_MM - cap @ forward[finger]
        joints[4 + 4 * finger] = cap + forward[finger] * rise
    return joints


def drop_small_weights(weights: np.ndarray) -> np.ndarray:
    """Returns `weights` `(V, 17)` without shares below 1 %, each row summing to 1."""
    weights = np.where(weights < 0.01, 0, weights)
    return weights / weights.sum(axis=1, keepdims=True)


def subdivide_loop(vertices, faces, attributes):
    """One step of Loop subdivision.

    Args:
        vertices: `(V, 3)` positions.
        faces: `(F, 3)` vertex indices.
        attributes: `(V, C)` values that are interpolated linearly.

    Returns:
        Vertices `(V + E, 3)`, faces `(4F, 3)`, attributes `(V + E, C)`.
    """
    num = len(vertices)
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    unique, inverse, counts = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1, 3)
    opposite = np.zeros((len(unique), 3))
    np.add.at(opposite, inverse.ravel(), vertices[faces[:, [2, 0, 1]].ravel()])
    middle = vertices[unique].mean(axis=1)
    inner = counts == 2
    points = middle.copy()
    points[inner] = middle[inner] * 0.75 + opposite[inner] * 0.125
    boundary = unique[~inner]
    neighbours, valence = np.zeros((num, 3)), np.zeros(num)
    for a, b in (unique.T, unique.T[::-1]):
        np.add.at(neighbours, a, vertices[b])
        np.add.at(valence, a, 1)
    beta = (0.625 - (0.375 + 0.25 * np.cos(2 * np.pi / valence)) ** 2)[:, None]
    even = vertices * (1 - beta) + neighbours / valence[:, None] * beta
    even[boundary.ravel()] = vertices[boundary.ravel()]
    split = inverse + num
    a, b, c = faces.T
    ab, bc, ca = split.T
    new_faces = np.concatenate(
        [np.stack(f, axis=1) for f in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
    )
    new_attributes = np.concatenate([attributes, attributes[unique].mean(axis=1)])
    return np.concatenate([even, points]), new_faces, new_attributes


def hand_arrays(
    vertices: np.ndarray,
    faces: np.ndarray,
    weights: np.ndarray,
    rotations: np.ndarray,
    joints: np.ndarray,
    pivot: np.ndarray,
) -> dict[str, np.ndarray]:
    """Returns the arrays of a hand's asset, with the middle MCP as origin.

    Args:
        vertices: `(V, 3)` mm.
        faces: `(F, 3)` vertex indices.
        weights: `(V, 17)` skin weights.
        rotations: `(21, 3, 3)` joint frames at rest.
        joints: `(21, 3)` mm, canonical order.
        pivot: `(3,)` mm, the point the forearm turns about.
    """
    centre = joints[9]
    return {
        "vertices_mm": (vertices - centre).astype(np.float32),
        "faces": faces.astype(np.uint16),
        "weights": weights.astype(np.float32),
        "joint_rotations": rotations.astype(np.float32),
        "joints_mm": (joints - centre).astype(np.float32),
        "wrist_pivot_mm": (pivot - centre).astype(np.float32),
        "parents": np.array(PARENTS, np.int8),
    }
