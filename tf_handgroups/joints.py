"""The 21 joints of a hand: names, bones, colours and named joint orders.

Everything inside the package is in the *canonical order* (that of FreiHAND and
MediaPipe): wrist; thumb CMC, MCP, IP, TIP; index MCP, PIP, DIP, TIP; middle;
ring; little. Files in another order are converted by the loader with a named
permutation of `JOINT_ORDERS`.
"""

import numpy as np

from tf_handgroups.errors import InputError

NUM_JOINTS = 21

FINGERS = ("thumb", "index", "middle", "ring", "little")

JOINT_NAMES = (
    "wrist",
    *(f"thumb_{part}" for part in ("cmc", "mcp", "ip", "tip")),
    *(f"{name}_{part}" for name in FINGERS[1:] for part in ("mcp", "pip", "dip", "tip")),
)

PARENTS = (0, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19)

BONES = tuple((parent, joint) for joint, parent in enumerate(PARENTS) if joint)

ROOT_JOINT = 9
REFERENCE_BONE = (9, 10)

# For each order `P`: canonical = source[P]. Sources: the loaders of the data sets
# named (hand3d for RHD and STB, InterHand2.6M's skeleton.txt, HO-3D's README).
JOINT_ORDERS = {
    "canonical": tuple(range(21)),
    "rhd": (0, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17),
    "stb": (0, 17, 18, 19, 20, 13, 14, 15, 16, 9, 10, 11, 12, 5, 6, 7, 8, 1, 2, 3, 4),
    "interhand": (20, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 19, 18, 17, 16),
    "ho3d": (0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20),
}

# One finger, one colour (RGB); the wrist is white. Okabe-Ito palette, so that the
# fingers stay distinguishable for colour-blind people.
FINGER_COLOURS_RGB = {
    "thumb": (213, 94, 0),
    "index": (240, 228, 66),
    "middle": (0, 158, 115),
    "ring": (86, 180, 233),
    "little": (204, 121, 167),
}


def finger_of(joint: int) -> int:
    """Returns the finger (0 thumb .. 4 little) of a canonical joint, -1 for the wrist.

    Example:

    >>> [finger_of(joint) for joint in (0, 1, 8, 20)]
    [-1, 0, 1, 4]
    """
    return (joint - 1) // 4 if joint else -1


def to_canonical(joints: np.ndarray, order: str) -> np.ndarray:
    """Reorders joints along the first axis into the canonical order.

    Args:
        joints: Array `(21, ...)` in the source order.
        order: A key of `JOINT_ORDERS`.

    Returns:
        Array of the same shape in canonical order.

    Raises:
        InputError: If the order is unknown or there are not 21 joints.

    Example:

    >>> to_canonical(np.arange(21), "rhd")[:5].tolist()
    [0, 4, 3, 2, 1]
    """
    if order not in JOINT_ORDERS:
        raise InputError(
            f"to_canonical: unknown joint order. Received: order={order!r}. "
            f"Known orders: {', '.join(JOINT_ORDERS)}."
        )
    joints = np.asarray(joints)
    if joints.ndim == 0 or joints.shape[0] != NUM_JOINTS:
        raise InputError(
            "to_canonical: expected 21 joints on the first axis. "
            f"Received: shape={joints.shape}. Check which joint layout the file uses."
        )
    return joints[list(JOINT_ORDERS[order])]
