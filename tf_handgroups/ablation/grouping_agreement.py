"""How much groupings agree: over the seeds of a variant, or with the fingers."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from tf_handgroups.errors import InputError


def adjusted_rand_index(first: Sequence[int], second: Sequence[int]) -> float:
    """Returns how well two groupings agree: 1 for the same groups, about 0 for chance.

    The names of the groups do not matter. Of all pairs of joints those are counted that
    share a group in both groupings; chance is what random groupings with groups of the
    same sizes would give.

    Args:
        first: Group indices, one per joint.
        second: The same joints in another grouping.

    Raises:
        InputError: If the groupings have different lengths or fewer than two joints.

    Example:

    >>> adjusted_rand_index([0, 0, 1, 1], [1, 1, 0, 0])
    1.0

    Reference:
    - Hubert and Arabie, Comparing partitions, Journal of Classification, 1985.
    """
    if len(first) != len(second) or len(first) < 2:
        raise InputError(
            "adjusted_rand_index: expected two groupings of the same two or more joints. "
            f"Received: len(first)={len(first)}, len(second)={len(second)}."
        )
    _, rows = np.unique(first, return_inverse=True)
    _, columns = np.unique(second, return_inverse=True)
    table = np.zeros((rows.max() + 1, columns.max() + 1), int)
    np.add.at(table, (rows, columns), 1)

    def pairs(counts) -> int:
        return sum(math.comb(int(count), 2) for count in np.ravel(counts))

    together = pairs(table)
    in_first, in_second = pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    # Times the number of all pairs, so that everything is whole and exact.
    everything = math.comb(len(first), 2)
    chance = in_first * in_second
    largest = (in_first + in_second) * everything - 2 * chance
    # Both one group, or both all groups of one: nothing to disagree about.
    return 2 * (together * everything - chance) / largest if largest else 1.0


def pairwise_agreement(groupings: Sequence[Sequence[int]]) -> list[float]:
    """Returns the adjusted Rand index of every pair of groupings.

    Example:

    >>> pairwise_agreement([[0, 0, 1], [1, 1, 0], [0, 1, 0]])
    [1.0, -0.5, -0.5]
    """
    return [adjusted_rand_index(*pair) for pair in itertools.combinations(groupings, 2)]


def shared_groups(groupings: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns in which share of the groupings two joints are in the same group.

    Args:
        groupings: One or more.

    Returns:
        `(joints, joints)`, symmetric, 1 on the diagonal.

    Example:

    >>> shared_groups([[0, 0, 1], [0, 1, 1]])[0].tolist()
    [1.0, 0.5, 0.0]
    """
    table = np.asarray(groupings)
    return np.mean(table[:, :, None] == table[:, None, :], axis=0)


def renumbered(groupings: Sequence[Sequence[int]], num_groups: int) -> list[list[int]]:
    """Renumbers the groups of each grouping so that they match the first one best.

    Which group gets which number is chance; only for pictures it should be the same.

    Args:
        groupings: One or more.
        num_groups: Number of groups in all of them.

    Example:

    >>> renumbered([[0, 0, 1], [1, 1, 0]], 2)
    [[0, 0, 1], [0, 0, 1]]
    """
    result = []
    for grouping in groupings:
        shared = np.zeros((num_groups, num_groups), int)
        np.add.at(shared, (np.asarray(grouping), np.asarray(groupings[0])), 1)
        new = linear_sum_assignment(-shared)[1]
        result.append([int(new[group]) for group in grouping])
    return result
