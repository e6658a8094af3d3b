"""Between camera coordinates, pixels and the network's 2.5D output, in closed form.

2.5D is `uv_px` (pixels) and `z_rel` (depth relative to the root joint, in lengths
of the reference bone). Every function takes one hand or any leading batch.
Frames: x right, y down, z forward, millimetres; pixels u right, v down.

**Scale.** One number is missing to go from 2.5D to 3D: the root depth (with
intrinsics) or the pixels per bone (without). Iqbal et al. (2018) choose it so that
the reference bone has length 1. That is exact for exact input, but ill-conditioned
where this bone points at the camera. Here the condition is summed over all bones,

    sum_i w_i |X_child(i) - X_parent(i)|^2  =  sum_i w_i r_i^2,

with r_i the bones' lengths in an average hand. It is still one quadratic, and
the choice of Iqbal et al. is its special case `ONLY_REFERENCE_BONE`. With noise of
2% of the box on `uv_px` and 0.15 bones on `z_rel`, on STB's test poses, the sum
over all bones leaves 25 mm of absolute error instead of 145 mm, 8.7 mm relative to
the root instead of 15.2 mm and, without intrinsics, 9.1 mm instead of 14.3 mm. The
price is a bias for hands of other proportions: on photographs of another person,
annotated by others, exact input keeps 46 mm of absolute error (0 mm with the
reference bone), but noisy input 37 mm (75 mm).

Bones from the wrist weigh 0.25, because hands and annotators differ most in them.
"""

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.joints import BONES, NUM_JOINTS, REFERENCE_BONE, ROOT_JOINT
from tf_handgroups.mean_hand import BONE_RATIOS

_PARENT = np.array([parent for parent, _ in BONES])
_CHILD = np.array([child for _, child in BONES])

ALL_BONES = np.where(_PARENT == 0, 0.25, 1.0)
ONLY_REFERENCE_BONE = np.array([float(bone == REFERENCE_BONE) for bone in BONES])

# Where noise leaves no sensible root depth, the nearest joint is kept one bone
# in front of the camera, and the root nearer than this many bones (about 45 m).
MAX_ROOT_DEPTH = 1000.0
# A hand seen end-on has no extent in the image; at least this share of the
# squared bone lengths is taken to lie in the image plane.
MIN_IMAGE_SHARE = 0.05


def project(xyz_camera_mm: np.ndarray, intrinsics_px: np.ndarray) -> np.ndarray:
    """Projects camera coordinates into the image.

    Args:
        xyz_camera_mm: `(..., points, 3)`, all in front of the camera.
        intrinsics_px: `(..., 3, 3)` camera matrix.

    Returns:
        `(..., points, 2)` pixels.

    Raises:
        InputError: If a value is not finite or a point is not in front of the camera.

    Example:

    >>> project(np.array([[10.0, 0.0, 100.0]]), np.diag([500.0, 500.0, 1.0])).tolist()
    [[50.0, 0.0]]
    """
    xyz = _finite("project", xyz_camera_mm=xyz_camera_mm)
    intrinsics = _check_intrinsics("project", intrinsics_px)
    if not (xyz[..., 2] > 0).all():
        raise InputError(
            "project: expected points in front of the camera, z > 0. "
            f"Received: smallest z={xyz[..., 2].min():g}. Check the sign of the z axis."
        )
    homogeneous = xyz @ np.swapaxes(intrinsics, -1, -2)
    return homogeneous[..., :2] / homogeneous[..., 2:]


def mirror_uv(uv_px: np.ndarray, image_width: int) -> np.ndarray:
    """Returns the points `(..., 2)` in the horizontally flipped image, u' = W-1-u.

    Example:

    >>> mirror_uv(np.array([[0.0, 7.0]]), image_width=64).tolist()
    [[63.0, 7.0]]
    """
    return np.stack([image_width - 1 - uv_px[..., 0], uv_px[..., 1]], axis=-1)


def mirror_xyz(xyz_camera_mm: np.ndarray) -> np.ndarray:
    """Returns the points `(..., 3)` with x negated: a left hand becomes a right one.

    Example:

    >>> mirror_xyz(np.array([1.0, 2.0, 3.0])).tolist()
    [-1.0, 2.0, 3.0]
    """
    return np.asarray(xyz_camera_mm) * np.array([-1, 1, 1], np.asarray(xyz_camera_mm).dtype)


def mirror_intrinsics(intrinsics_px: np.ndarray, image_width: int) -> np.ndarray:
    """Returns the camera matrix `(..., 3, 3)` of the flipped image, cx' = W-1-cx.

    With `mirror_uv` and `mirror_xyz` projection stays consistent; a skew changes
    its sign as well.

    Example:

    >>> mirror_intrinsics(np.array([[500.0, 0, 20], [0, 500, 30], [0, 0, 1]]), 64)[0].tolist()
    [500.0, 0.0, 43.0]
    """
    mirrored = np.array(intrinsics_px, copy=True)
    mirrored[..., 0, 1] = 0 - mirrored[..., 0, 1]
    mirrored[..., 0, 2] = image_width - 1 - mirrored[..., 0, 2]
    return mirrored


def reference_bone_mm(xyz_camera_mm: np.ndarray) -> np.ndarray:
    """Returns the length `(...)` of the bone 9-10 of hands `(..., 21, 3)`.

    Example:

    >>> hand = np.zeros((21, 3)); hand[10] = [3.0, 4.0, 0.0]
    >>> float(reference_bone_mm(hand))
    5.0
    """
    first, second = REFERENCE_BONE
    return np.linalg.norm(xyz_camera_mm[..., second, :] - xyz_camera_mm[..., first, :], axis=-1)


def relative_depth(xyz_camera_mm: np.ndarray) -> np.ndarray:
    """Returns `z_rel`: depth relative to joint 9 in lengths of the bone 9-10.

    Args:
        xyz_camera_mm: `(..., 21, 3)`.

    Returns:
        `(..., 21)`.

    Raises:
        InputError: If a value is not finite or the bone has no length.

    Example:

    >>> hand = np.zeros((21, 3)); hand[10, 0] = 40.0; hand[4, 2] = -20.0
    >>> relative_depth(hand)[[4, 9]].tolist()
    [-0.5, 0.0]
    """
    xyz = _finite("relative_depth", xyz_camera_mm=xyz_camera_mm)
    bone = _check_bone("relative_depth", reference_bone_mm(xyz))
    return (xyz[..., 2] - xyz[..., ROOT_JOINT, None, 2]) / bone[..., None]


def recover_up_to_scale(
    uv_px: np.ndarray,
    z_rel: np.ndarray,
    intrinsics_px: np.ndarray,
    bone_weights: np.ndarray = ALL_BONES,
) -> np.ndarray:
    """Returns camera coordinates in reference-bone units, from intrinsics alone.

    The root depth Z solves the module's quadratic with X = (x (Z + z), y (Z + z),
    Z + z), where (x, y) are the joints on the plane z = 1. Foreshortening greater
    than a bone's length is cut off. Where no root is real (too noisy input) the
    depth that comes nearest is taken, where none is in front of the camera the
    nearest joint is put one bone in front of it; the result is always finite.

    Args:
        uv_px: `(..., 21, 2)` pixels.
        z_rel: `(..., 21)` in bones.
        intrinsics_px: `(..., 3, 3)` camera matrix of the same image.
        bone_weights: `(20,)` weights in the order of `joints.BONES`.
            `ONLY_REFERENCE_BONE` gives the method of Iqbal et al.

    Returns:
        `(..., 21, 3)` camera axes, unit: the hand's own bone 9-10.

    Raises:
        InputError: If a value is not finite or a shape does not fit.

    Example:

    >>> hand = 40 * np.linspace([0, 0, 10.0], [2, 3, 11], 21)
    >>> intrinsics = np.diag([500.0, 500.0, 1.0])
    >>> bones = hand / reference_bone_mm(hand)
    >>> got = recover_up_to_scale(project(hand, intrinsics), relative_depth(hand),
    ...     intrinsics, ONLY_REFERENCE_BONE)
    >>> bool(np.allclose(got, bones))
    True

    Reference:
    - [Iqbal et al., 2018](https://arxiv.org/abs/1804.09534)
    """
    uv, z = _check_pose("recover_up_to_scale", uv_px, z_rel)
    rays = _rays(uv, _check_intrinsics("recover_up_to_scale", intrinsics_px))
    depth = _root_depth(rays, z, np.asarray(bone_weights))[..., None] + z
    return np.concatenate([rays * depth[..., None], depth[..., None]], axis=-1)


def recover_absolute(
    uv_px: np.ndarray,
    z_rel: np.ndarray,
    intrinsics_px: np.ndarray,
    bone_mm: float | np.ndarray,
    bone_weights: np.ndarray = ALL_BONES,
) -> np.ndarray:
    """Returns camera coordinates in mm from intrinsics and the length of bone 9-10.

    Args:
        uv_px: `(..., 21, 2)` pixels.
        z_rel: `(..., 21)` in bones.
        intrinsics_px: `(..., 3, 3)` camera matrix of the same image.
        bone_mm: `(...)` length of the bone 9-10, about 45 mm in adults.
        bone_weights: As for `recover_up_to_scale`, which says how it works.

    Returns:
        `(..., 21, 3)` mm.

    Raises:
        InputError: As `recover_up_to_scale`, and if the length is not positive.

    Example:

    >>> xyz = recover_absolute(np.zeros((21, 2)), np.zeros(21), np.eye(3), 45.0)
    >>> xyz.shape, bool(np.isfinite(xyz).all())
    ((21, 3), True)
    """
    bone = _check_bone("recover_absolute", np.asarray(bone_mm, np.float64))
    return recover_up_to_scale(uv_px, z_rel, intrinsics_px, bone_weights) * bone[..., None, None]


def recover_with_root_depth(
    uv_px: np.ndarray,
    z_rel: np.ndarray,
    intrinsics_px: np.ndarray,
    root_depth_mm: float | np.ndarray,
    bone_mm: float | np.ndarray,
) -> np.ndarray:
    """Returns camera coordinates in mm for a known root depth and bone length.

    With both from ground truth this is the evaluation protocol of Li et al. (2021).

    Args:
        uv_px: `(..., 21, 2)` pixels.
        z_rel: `(..., 21)` in bones.
        intrinsics_px: `(..., 3, 3)` camera matrix of the same image.
        root_depth_mm: `(...)` z of joint 9.
        bone_mm: `(...)` length of the bone 9-10.

    Returns:
        `(..., 21, 3)` mm.

    Raises:
        InputError: If a value is not finite, a shape does not fit, or a length is
            not positive.

    Example:

    >>> xyz = recover_with_root_depth(np.ones((21, 2)), np.zeros(21), np.eye(3), 500.0, 45.0)
    >>> xyz[9].tolist()
    [500.0, 500.0, 500.0]

    Reference:
    - [Li et al., 2021](https://arxiv.org/abs/2012.09496)
    """
    where = "recover_with_root_depth"
    uv, z = _check_pose(where, uv_px, z_rel)
    bone = _check_bone(where, np.asarray(bone_mm, np.float64))
    root = _check_bone(where, np.asarray(root_depth_mm, np.float64), "root_depth_mm")
    depth = root[..., None] + z * bone[..., None]
    rays = _rays(uv, _check_intrinsics(where, intrinsics_px))
    return np.concatenate([rays * depth[..., None], depth[..., None]], axis=-1)


def recover_weak_perspective(
    uv_px: np.ndarray, z_rel: np.ndarray, bone_weights: np.ndarray = ALL_BONES
) -> np.ndarray:
    """Returns joint positions relative to joint 9 in bone units, without intrinsics.

    Assumes that the hand is small against its distance: pixels are then
    proportional to x and y. The scale is the module's condition solved for the
    squared number of pixels per bone, sum_i w_i |d_i|^2 / sum_i w_i (r_i^2 - dz_i^2),
    with each foreshortening cut at 0; finite for every finite input.

    Args:
        uv_px: `(..., 21, 2)` pixels.
        z_rel: `(..., 21)` in bones.
        bone_weights: As for `recover_up_to_scale`.

    Returns:
        `(..., 21, 3)` camera axes, joint 9 at the origin.

    Raises:
        InputError: If a value is not finite or a shape does not fit.

    Example:

    >>> flat = np.zeros((21, 2)); flat[10] = [0.0, -30.0]
    >>> recover_weak_perspective(flat, np.zeros(21), ONLY_REFERENCE_BONE)[10].tolist()
    [0.0, -1.0, 0.0]
    """
    uv, z = _check_pose("recover_weak_perspective", uv_px, z_rel)
    weights = np.asarray(bone_weights)
    squared_px = ((uv[..., _CHILD, :] - uv[..., _PARENT, :]) ** 2).sum(axis=-1) @ weights
    in_plane = _in_plane(z) @ weights
    in_plane = np.maximum(in_plane, MIN_IMAGE_SHARE * (BONE_RATIOS**2 @ weights))
    px_per_bone = np.sqrt(np.maximum(squared_px / in_plane, np.finfo(np.float64).tiny))
    xy = (uv - uv[..., ROOT_JOINT, None, :]) / px_per_bone[..., None, None]
    return np.concatenate([xy, (z - z[..., ROOT_JOINT, None])[..., None]], axis=-1)


def _in_plane(z: np.ndarray) -> np.ndarray:
    """Squared length of each bone left after its extent in depth, at least 0."""
    return np.maximum(BONE_RATIOS**2 - (z[..., _CHILD] - z[..., _PARENT]) ** 2, 0)


def _root_depth(rays: np.ndarray, z: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Solves a Z^2 + 2 b Z + c = 0 for the larger root, with the fallbacks described."""
    lateral = rays * z[..., None]
    slope = rays[..., _CHILD, :] - rays[..., _PARENT, :]
    offset = lateral[..., _CHILD, :] - lateral[..., _PARENT, :]
    a = (slope**2).sum(axis=-1) @ weights
    b = (slope * offset).sum(axis=-1) @ weights
    c = ((offset**2).sum(axis=-1) - _in_plane(z)) @ weights
    root = np.sqrt(np.maximum(b * b - a * c, 0)) - b
    nearest = 1.0 - z.min(axis=-1)
    # root / a, but bounded where all joints fall into one pixel and a vanishes.
    depth = np.where(root < MAX_ROOT_DEPTH * a, root / np.where(a > 0, a, 1), MAX_ROOT_DEPTH)
    return np.maximum(depth, nearest)


def _rays(uv: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """The points `(..., 21, 2)` where the pixels' viewing rays cross the plane z = 1."""
    ones = np.ones((*uv.shape[:-1], 1))
    rays = np.concatenate([uv, ones], axis=-1) @ np.swapaxes(np.linalg.inv(intrinsics), -1, -2)
    return rays[..., :2] / rays[..., 2:]


def _finite(where: str, **arrays: np.ndarray) -> np.ndarray:
    ((name, value),) = arrays.items()
    value = np.asarray(value, np.float64)
    if not np.isfinite(value).all():
        raise InputError(
            f"{where}: expected finite numbers. Received: {name}=array with "
            f"{np.count_nonzero(~np.isfinite(value))} NaN or infinite entries. "
            "Leave unlabelled hands out first."
        )
    return value


def _check_pose(where: str, uv_px, z_rel) -> tuple[np.ndarray, np.ndarray]:
    uv, z = _finite(where, uv_px=uv_px), _finite(where, z_rel=z_rel)
    if uv.shape[-2:] != (NUM_JOINTS, 2) or z.shape != uv.shape[:-1]:
        raise InputError(
            f"{where}: expected uv_px (..., {NUM_JOINTS}, 2) and z_rel (..., {NUM_JOINTS}). "
            f"Received: uv_px.shape={uv.shape}, z_rel.shape={z.shape}."
        )
    return uv, z


def _check_intrinsics(where: str, intrinsics_px) -> np.ndarray:
    intrinsics = _finite(where, intrinsics_px=intrinsics_px)
    focal = intrinsics[..., [0, 1], [0, 1]] if intrinsics.shape[-2:] == (3, 3) else np.zeros(1)
    if not (focal > 0).all():
        raise InputError(
            f"{where}: expected a camera matrix (..., 3, 3) with focal lengths > 0. "
            f"Received: intrinsics_px={np.asarray(intrinsics_px).tolist()!r:.200}."
        )
    return intrinsics


def _check_bone(where: str, length: np.ndarray, name: str = "bone_mm") -> np.ndarray:
    if not (np.isfinite(length) & (length > 0)).all():
        raise InputError(
            f"{where}: expected a positive length. Received: {name}={length.tolist()!r:.200}. "
            "Two joints of the hand may coincide."
        )
    return length
