import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.grouping import GROUPING_NAMES, named_grouping, validate_grouping


def test_per_finger_groups_each_finger_and_the_wrist_with_the_middle_one():
    expected = (2, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4)
    assert named_grouping("per_finger", 5) == expected


def test_one_group_is_the_first():
    assert named_grouping("one_group", 3) == (0,) * 21


@pytest.mark.parametrize(("num_groups", "sizes"), [(3, [7, 7, 7]), (4, [5, 5, 5, 6]), (1, [21])])
def test_random_groups_are_as_equal_as_possible(num_groups, sizes):
    table = named_grouping("random", num_groups, seed=4)
    assert sorted(np.bincount(table, minlength=num_groups)) == sizes


def test_random_follows_the_seed():
    assert named_grouping("random", 3, seed=1) == named_grouping("random", 3, seed=1)
    assert len({named_grouping("random", 3, seed=seed) for seed in range(10)}) == 10


@pytest.mark.parametrize("name", GROUPING_NAMES)
def test_tables_are_plain_integers(name):
    table = named_grouping(name, 5)
    assert len(table) == 21 and {type(group) for group in table} == {int}


def test_validate_accepts_arrays_and_lists():
    table = [joint % 3 for joint in range(21)]
    for grouping in (table, tuple(table), np.array(table, np.int64)):
        assert validate_grouping(grouping, 3) == tuple(table)


@pytest.mark.parametrize("bad", [[0] * 20, [0.0] * 21, [[0] * 21], "one_group", 0, [True] * 21])
def test_rejects_what_is_not_21_integers(bad):
    with pytest.raises(InputError, match=r"expected 21 integers.*Received: grouping="):
        validate_grouping(bad, 3)


@pytest.mark.parametrize("group", [-1, 3])
def test_rejects_groups_out_of_range(group):
    with pytest.raises(InputError, match=r"expected groups in 0 \.\. 2\. Received: grouping="):
        validate_grouping([0] * 20 + [group], 3)


def test_rejects_too_few_groups_for_the_fingers():
    with pytest.raises(InputError, match=r"Received: grouping="):
        named_grouping("per_finger", 3)


def test_rejects_unknown_name():
    with pytest.raises(
        InputError, match=r"Received: name='by_bone'\. Known groupings: one_group, per_finger"
    ):
        named_grouping("by_bone", 3)
