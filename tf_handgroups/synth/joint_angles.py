"""Anatomical angles of any hand from its 21 joints: ours, a data set's or a network's.

Angles are read from positions alone, so the same function describes rendered and
measured hands. The palm's frame: forward from the wrist to the middle MCP; dorsal,
the mean normal of the wrist and the four MCPs; lateral towards the thumb.
"""

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS

_FINGERS = ("index", "middle", "ring", "little")

ANGLE_NAMES = (
    *(f"{finger} MCP flexion" for finger in _FINGERS),
    *(f"{finger} PIP flexion" for finger in _FINGERS),
    *(f"{finger} DIP flexion" for finger in _FINGERS),
    *(f"{finger} MCP abduction" for finger in _FINGERS),
    "index-middle gap",
    "middle-ring gap",
    "ring-little gap",
    "index-little spread",
    "thumb radial abduction",
    "thumb palmar abduction",
    "thumb MCP flexion",
    "thumb IP flexion",
)


def _unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _dot(one, two):
    return (one * two).sum(axis=-1)


def _bend(before, after, lateral):
    """Angle from `before` to `after` in the plane that `lateral` is most upright to."""
    hinge = _unit(lateral - _dot(lateral, before)[..., None] * before)
    return np.arctan2(_dot(np.cross(before, after), hinge), _dot(before, after))


def palm_frame(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the palm's unit axes of right hands.

    Args:
        joints: `(..., 21, 3)` right hands in canonical order, any unit and rotation.

    Returns:
        Forward, dorsal and lateral (towards the thumb), each `(..., 3)`.

    Example:
    >>> from tf_handgroups.synth.hand_mesh import pose_hand
    >>> _, dorsal, _ = palm_frame(pose_hand(np.zeros(25))[0])
    >>> bool(dorsal[2] < -0.9)
    True
    """
    wrist = joints[..., 0, :]
    knuckles = joints[..., 5::4, :] - wrist[..., None, :]
    forward = _unit(knuckles[..., 1, :])
    normals = np.cross(knuckles[..., :-1, :], knuckles[..., 1:, :])
    # Of a right hand, index to little turns clockwise seen from the back.
    normal = -normals.sum(axis=-2)
    dorsal = _unit(normal - _dot(normal, forward)[..., None] * forward)
    return forward, dorsal, np.cross(dorsal, forward)


def joint_angles_deg(joints: np.ndarray) -> np.ndarray:
    """Measures the angles named in `ANGLE_NAMES`.

    Flexion is positive towards the palm. A finger's abduction is the angle of its first
    bone out of the plane that forward and dorsal span, positive towards the thumb.
    Gaps are differences of neighbours' abductions, positive for parted fingers. Of the
    thumb's metacarpal, radial abduction is its angle beside forward, within the palm's
    plane; palmar abduction is its angle out of that plane, positive before the palm.

    Args:
        joints: `(..., 21, 3)` right hands in canonical order, any unit and rotation.

    Returns:
        `(..., 24)` degrees.

    Raises:
        InputError: If the shape is another one.

    Example:
    >>> from tf_handgroups.synth.hand_mesh import pose_hand
    >>> bent = np.zeros(25)
    >>> bent[6] = np.radians(50)
    >>> angles = joint_angles_deg(pose_hand(bent)[0])
    >>> bool(40 < angles[ANGLE_NAMES.index("index PIP flexion")] < 60)
    True
    """
    joints = np.asarray(joints, np.float64)
    if joints.shape[-2:] != (NUM_JOINTS, 3):
        raise InputError(
            "joint_angles_deg: expected joints of shape (..., 21, 3). "
            f"Received: shape={joints.shape}. Use the canonical order, right hands."
        )
    forward, dorsal, lateral = palm_frame(joints)
    fingers = joints[..., 1:, :].reshape(*joints.shape[:-2], 5, 4, 3)
    bones = _unit(np.diff(fingers, axis=-2))
    first = bones[..., 1:, 0, :]
    axes = [axis[..., None, :] for axis in (forward, dorsal, lateral)]
    mcp = np.arctan2(-_dot(first, axes[1]), _dot(first, axes[0]))
    # Beyond a right angle the finger comes back; keep hyperextension negative.
    mcp = np.where(mcp < -np.pi / 2, mcp + 2 * np.pi, mcp)
    abduction = np.arcsin(np.clip(_dot(first, axes[2]), -1, 1))
    pip = _bend(first, bones[..., 1:, 1, :], axes[2])
    dip = _bend(bones[..., 1:, 1, :], bones[..., 1:, 2, :], axes[2])
    gaps = abduction[..., :-1] - abduction[..., 1:]
    spread = abduction[..., :1] - abduction[..., 3:]
    values = np.concatenate(
        [mcp, pip, dip, abduction, gaps, spread, _thumb_angles(joints, bones[..., 0, :, :])],
        axis=-1,
    )
    return np.degrees(values)


def _thumb_angles(joints, bones):
    """Radial and palmar abduction, MCP and IP flexion `(..., 4)`, radians."""
    forward, dorsal, lateral = palm_frame(joints)
    metacarpal = bones[..., 0, :]
    radial = np.arctan2(_dot(metacarpal, lateral), _dot(metacarpal, forward))
    palmar = np.arcsin(np.clip(-_dot(metacarpal, dorsal), -1, 1))
    # Flexion brings the thumb to the base of the little finger.
    hinge = np.cross(metacarpal, joints[..., 17, :] - joints[..., 2, :])
    mcp = _bend(metacarpal, bones[..., 1, :], hinge)
    ip = _bend(bones[..., 1, :], bones[..., 2, :], hinge)
    return np.stack([radial, palmar, mcp, ip], axis=-1)
