import itertools

import numpy as np
import pytest

from tf_handgroups.ablation.grouping_agreement import (
    adjusted_rand_index,
    pairwise_agreement,
    renumbered,
    shared_groups,
)
from tf_handgroups.errors import InputError


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # Printed in the documentation of scikit-learn.
        ([0, 0, 1, 1], [0, 0, 1, 1], 1.0),
        ([0, 0, 1, 1], [1, 1, 0, 0], 1.0),
        ([0, 0, 1, 2], [0, 0, 1, 1], 4 / 7),
        ([0, 0, 0, 0], [0, 1, 2, 3], 0.0),
        ([0, 0, 1, 1], [0, 1, 0, 1], -0.5),
        # Nothing to disagree about.
        ([0, 0, 0], [1, 1, 1], 1.0),
        ([0, 1, 2], [2, 0, 1], 1.0),
        # Hubert's formula by hand: table [[2, 1], [1, 2]], pairs 2; 6 * 6 / 15 by chance.
        ([0, 0, 0, 1, 1, 1], [0, 0, 1, 0, 1, 1], (2 - 36 / 15) / (6 - 36 / 15)),
    ],
)
def test_known_values(first, second, expected):
    assert adjusted_rand_index(first, second) == pytest.approx(expected, abs=1e-12)
    assert adjusted_rand_index(second, first) == pytest.approx(expected, abs=1e-12)


def test_against_counting_pairs_and_all_permutations():
    """Chance is the mean over all ways to hand the second groups out again."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        first, second = rng.integers(0, 3, 6), rng.integers(0, 2, 6)

        def together(one, other):
            pairs = itertools.combinations(range(6), 2)
            return sum(one[a] == one[b] and other[a] == other[b] for a, b in pairs)

        chance = np.mean(
            [together(first, second[list(order)]) for order in itertools.permutations(range(6))]
        )
        largest = (together(first, first) + together(second, second)) / 2
        expected = (together(first, second) - chance) / (largest - chance)
        assert adjusted_rand_index(first.tolist(), second.tolist()) == pytest.approx(expected)


def test_independent_groupings_agree_by_chance_only():
    rng = np.random.default_rng(1)
    values = [adjusted_rand_index(*rng.integers(0, 3, (2, 21)).tolist()) for _ in range(400)]
    assert abs(np.mean(values)) < 0.02 < np.std(values)


@pytest.mark.parametrize(("first", "second"), [([0, 1], [0, 1, 2]), ([0], [0]), ([], [])])
def test_rejects_groupings_of_other_joints(first, second):
    with pytest.raises(InputError, match=r"Received: len\(first\)="):
        adjusted_rand_index(first, second)


def test_every_pair_of_runs_counts_once():
    groupings = [[0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1]]
    assert pairwise_agreement(groupings) == [1.0, -0.5, -0.5]
    assert pairwise_agreement(groupings[:1]) == []


def test_share_of_runs_in_which_two_joints_are_together():
    shared = shared_groups([[0, 0, 1], [2, 2, 2], [0, 1, 1], [0, 1, 2]])
    np.testing.assert_allclose(shared, [[1, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 1]])


def test_renumbering_changes_names_only():
    rng = np.random.default_rng(2)
    first = rng.integers(0, 4, 21).tolist()
    names = [2, 0, 3, 1]
    other = rng.integers(0, 4, 21).tolist()
    result = renumbered([first, [names[group] for group in first], other], 4)
    assert result[0] == result[1] == first
    assert adjusted_rand_index(result[2], other) == 1
    # No other numbering of the third has more joints in common with the first.
    common = sum(a == b for a, b in zip(result[2], first, strict=True))
    best = max(
        sum(order[a] == b for a, b in zip(other, first, strict=True))
        for order in itertools.permutations(range(4))
    )
    assert common == best
