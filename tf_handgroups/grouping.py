"""Fixed groupings of the 21 joints: the baselines that a learned grouping must beat.

A grouping is a tuple of 21 group indices in canonical joint order.
"""

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS, finger_of

GROUPING_NAMES = ("one_group", "per_finger", "random")


def validate_grouping(grouping, num_groups: int) -> tuple[int, ...]:
    """Returns a grouping as a tuple of ints after checking it.

    Raises:
        InputError: If there are not 21 integers in `0 .. num_groups - 1`.

    Example:

    >>> validate_grouping([0] * 20 + [1], num_groups=2)[-1]
    1
    """
    table = np.asarray(grouping)
    if table.shape != (NUM_JOINTS,) or not np.issubdtype(table.dtype, np.integer):
        raise InputError(
            f"grouping: expected 21 integers, one group per joint. Received: grouping={grouping!r}."
        )
    if table.min() < 0 or table.max() >= num_groups:
        raise InputError(
            f"grouping: expected groups in 0 .. {num_groups - 1}. "
            f"Received: grouping={grouping!r}. Raise num_groups or renumber the groups."
        )
    return tuple(int(group) for group in table)


def named_grouping(name: str, num_groups: int, seed: int = 0) -> tuple[int, ...]:
    """Returns one of the fixed groupings of the paper's ablation.

    Args:
        name: `"one_group"` (every joint in group 0), `"per_finger"` (thumb to little
            are groups 0 to 4; the wrist goes with the middle finger, whose MCP is the
            root; needs 5 groups) or `"random"` (sizes as equal as possible).
        num_groups: Number of groups of the network.
        seed: Seed of the random grouping.

    Raises:
        InputError: If the name is unknown or there are too few groups.

    Example:

    >>> named_grouping("per_finger", 5)[:6]
    (2, 0, 0, 0, 0, 1)
    """
    if name == "one_group":
        return validate_grouping([0] * NUM_JOINTS, num_groups)
    if name == "per_finger":
        fingers = [finger_of(joint) for joint in range(NUM_JOINTS)]
        return validate_grouping([2, *fingers[1:]], num_groups)
    if name == "random":
        order = np.random.default_rng(seed).permutation(NUM_JOINTS)
        return validate_grouping(order % num_groups, num_groups)
    raise InputError(
        f"named_grouping: unknown grouping. Received: name={name!r}. "
        f"Known groupings: {', '.join(GROUPING_NAMES)}."
    )
