"""Where another hand stands beside the labelled one.

The other hand of the same person is the mirrored mesh; another person's is not. It must
stay clear which hand is labelled: the second one hides few joints of the labelled hand,
and where it is in front it lies mostly outside of the labelled hand's box.
"""

import dataclasses

import numpy as np
from scipy.spatial import KDTree

from tf_handgroups.camera import project
from tf_handgroups.synth.hand_mesh import rotation
from tf_handgroups.synth.hand_template import FOREARM_BONE, load_template
from tf_handgroups.synth.posed_skin import PosedSkin
from tf_handgroups.synth.viewpoint import View

# Of the 21 joints of the labelled hand, how many the second hand may hide.
MAX_HIDDEN = 7
_HIDDEN_GOAL = 6
# Share, name: beside, behind or before the labelled hand, palm to palm, a finger tip on
# it, and another person's handshake.
ARRANGEMENTS = (
    (0.34, "beside"),
    (0.2, "behind"),
    (0.12, "front"),
    (0.12, "praying"),
    (0.1, "touch"),
    (0.07, "handshake"),
    (0.05, "other_person"),
)
_OTHER_PEOPLE = ("handshake", "other_person")
_TRIES = 6
_PRESS_MM = 3.0
# Sleeves are this much thicker than the arm.
_CLOTH_MM = 9.0
_NEAR_MM = 110.0
_MIRROR = np.diag([-1.0, 1.0, 1.0])


def random_arrangement(generator: np.random.Generator) -> str:
    """Draws how two hands stand to each other, a name from `ARRANGEMENTS`.

    Example:
    >>> random_arrangement(np.random.default_rng(0)) in {name for _, name in ARRANGEMENTS}
    True
    """
    shares = np.array([share for share, _ in ARRANGEMENTS])
    return ARRANGEMENTS[int(generator.choice(len(shares), p=shares / shares.sum()))][1]


def same_person(arrangement: str) -> bool:
    """Whether both hands of an arrangement belong to one person."""
    return arrangement not in _OTHER_PEOPLE


def count_hidden(
    joints_px: np.ndarray,
    joints_depth_mm: np.ndarray,
    vertices_px: np.ndarray,
    vertices_depth_mm: np.ndarray,
    faces: np.ndarray,
) -> int:
    """Counts joints that lie behind a mesh.

    Args:
        joints_px: `(J, 2)` pixels.
        joints_depth_mm: `(J,)`.
        vertices_px: `(V, 2)` pixels.
        vertices_depth_mm: `(V,)`.
        faces: `(F, 3)`.

    Example:
    >>> square = np.array([[0, 0], [0, 9], [9, 9], [9, 0.0]])
    >>> faces = np.array([[0, 1, 2], [0, 2, 3]])
    >>> count_hidden(np.array([[4, 3], [4, 30.0]]), np.full(2, 8.0), square, np.full(4, 7.0), faces)
    1
    """
    x, y, depth = (np.ascontiguousarray(v) for v in (*vertices_px.T, vertices_depth_mm))
    corners_x, corners_y = x[faces], y[faces]
    low_x, high_x = corners_x.min(axis=1), corners_x.max(axis=1)
    low_y, high_y = corners_y.min(axis=1), corners_y.max(axis=1)
    hidden = 0
    for (u, v), own in zip(joints_px, joints_depth_mm, strict=True):
        near = np.flatnonzero((low_x <= u) & (u <= high_x) & (low_y <= v) & (v <= high_y))
        ax, bx, cx = corners_x[near].T - u
        ay, by, cy = corners_y[near].T - v
        sides = np.stack([ax * by - ay * bx, bx * cy - by * cx, cx * ay - cy * ax])
        covers = (sides >= 0).all(axis=0) | (sides <= 0).all(axis=0)
        hidden += bool((depth[faces[near[covers]]].mean(axis=1) < own).any())
    return hidden


def random_second_view(
    generator: np.random.Generator,
    first: PosedSkin,
    second: PosedSkin,
    mesh: str,
    view: View,
    image_size: int,
    arrangement: str,
) -> View | None:
    """Draws the view of a second hand.

    Args:
        generator: Source of randomness.
        first: The labelled hand.
        second: The other hand as a right hand in its own hand frame.
        mesh: Template of the second hand.
        view: Of the labelled hand.
        image_size: Side of the square picture in pixels.
        arrangement: Name from `ARRANGEMENTS`.

    Returns:
        A `View` with the same camera, whose rotation mirrors (determinant -1) for the
        other hand of the same person; `None` if no place was found.
    """
    faces = load_template(mesh).faces
    tree = KDTree(first.points_mm[::4])
    for _ in range(_TRIES):
        turn, shift, away = _place(generator, first, second, view, arrangement)
        shift = _apart(first, tree, second, turn, shift, away)
        if shift is None:
            continue
        found = dataclasses.replace(
            view,
            rotation=view.rotation @ turn,
            translation_mm=view.rotation @ shift + view.translation_mm,
        )
        if _is_clear(first, second, faces, view, found, image_size):
            return found
    return None


def _place(generator, first: PosedSkin, second: PosedSkin, view: View, arrangement):
    """Turn and shift of the second hand in the first one's frame, and the way out of it."""
    if arrangement == "praying":
        turn = rotation(2, generator.normal(0, 0.08 if generator.random() < 0.6 else 0.9))
        gap = first.points_mm[first.bones == 0, 2].max() * 1.7
        slide = np.array([*generator.normal(0, 6, 2), gap])
        return turn @ np.diag([1.0, 1.0, -1.0]), slide, np.array([0.0, 0, 1])
    if arrangement == "handshake":
        turn = rotation(2, generator.normal(0.25, 0.15)) @ np.diag([1.0, -1.0, -1.0])
        palm = first.joints_mm[[1, 5]].mean(axis=0)
        shift = palm + np.array([0.0, 0, 25]) - turn @ second.joints_mm[[1, 5]].mean(axis=0)
        return turn, shift, np.array([0.0, 0, 1])
    if arrangement == "touch":
        return _touch(generator, first, second)
    roll = generator.normal(0, np.radians(30))
    tilt = rotation(0, generator.normal(0, 0.35)) @ rotation(1, generator.normal(0, 0.5))
    own = tilt @ (_MIRROR if same_person(arrangement) else np.eye(3))
    if generator.random() < 0.3:
        # It shows its other side.
        own = np.diag([-1.0, 1.0, -1.0]) @ own
    # Both forearms of a person come from the same side, in the picture.
    turn = view.rotation.T @ rotation(2, roll) @ view.rotation @ own
    angle = generator.choice([0.0, np.pi]) + generator.normal(0, 0.6)
    sideways = np.array([np.cos(angle), np.sin(angle), 0.0])
    depth = np.array([0.0, 0.0, 1.0])
    if arrangement == "behind":
        offset = generator.uniform(0, 110) * sideways + generator.uniform(30, 200) * depth
        away = depth
    elif arrangement == "front":
        offset = generator.uniform(60, 150) * sideways - generator.uniform(25, 110) * depth
        away = sideways
    else:
        offset = generator.uniform(70, 180) * sideways + generator.normal(0, 40) * depth
        away = sideways
    middle = first.joints_mm.mean(axis=0) - turn @ second.joints_mm.mean(axis=0)
    return turn, middle + view.rotation.T @ offset, view.rotation.T @ away


def _touch(generator, first: PosedSkin, second: PosedSkin):
    """One finger tip of the second hand on the skin of the first."""
    hand = np.flatnonzero(first.bones != FOREARM_BONE)
    target = hand[int(generator.integers(len(hand)))]
    normal = first.normals[target]
    finger = int(generator.choice([1, 1, 1, 2, 0]))
    tip, before = second.joints_mm[4 + 4 * finger], second.joints_mm[3 + 4 * finger]
    pointing = _MIRROR @ (tip - before)
    lean = -normal + generator.normal(0, 0.35, 3)
    turn = _frame(lean, generator.standard_normal(3)) @ _frame(pointing, [0.3, 0.2, 0.9]).T
    turn = turn @ _MIRROR
    return turn, first.points_mm[target] + 2.0 * normal - turn @ tip, normal


def _frame(axis, towards):
    axis = axis / np.linalg.norm(axis)
    x = np.cross(axis, towards)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(axis, x), axis], axis=1)


def _apart(first: PosedSkin, tree, second: PosedSkin, turn, shift, away):
    """Moves the second hand away until it does not run into the first one."""
    points = second.points_mm[::6] @ turn.T
    normals = first.normals[::4]
    for _ in range(7):
        moved = points + shift
        distance, nearest = tree.query(moved, distance_upper_bound=25.0)
        close = np.flatnonzero(np.isfinite(distance))
        if not len(close):
            return shift
        offset = moved[close] - tree.data[nearest[close]]
        deepest = -np.einsum("nk,nk->n", offset, normals[nearest[close]]).min()
        if deepest < _PRESS_MM:
            return shift
        shift = shift + away * (deepest + 4.0)
    return None


def _is_clear(first: PosedSkin, second: PosedSkin, faces, view: View, found: View, size) -> bool:
    """Whether the second hand is seen, hides little, and cannot be taken for the first."""
    is_arm = second.bones == FOREARM_BONE
    skin = found.to_camera(second.points_mm + _CLOTH_MM * is_arm[:, None] * second.normals)
    if skin[~is_arm, 2].min() < _NEAR_MM:
        return False
    joints, other = view.to_camera(first.joints_mm), found.to_camera(second.joints_mm)
    points_px = project(np.maximum(skin, [-1e9, -1e9, 1.0]), view.intrinsics_px)
    inside = ((points_px > 0) & (points_px < size)).all(axis=1) & (skin[:, 2] > 1)
    if inside[~is_arm].mean() < 0.1 or skin[inside, 2].min() < 0.5 * _NEAR_MM:
        return False
    joints_px = project(joints, view.intrinsics_px)
    other_px = project(other, view.intrinsics_px)
    low, high = joints_px.min(axis=0), joints_px.max(axis=0)
    in_box = ((other_px > low) & (other_px < high)).all(axis=1).mean()
    behind = np.median(other[:, 2]) - np.median(joints[:, 2])
    if in_box > 0.45 and behind < 0:
        return False
    return count_hidden(joints_px, joints[:, 2], points_px, skin[:, 2], faces) <= _HIDDEN_GOAL
