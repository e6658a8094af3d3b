import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.joints import (
    BONES,
    FINGER_COLOURS_RGB,
    FINGERS,
    JOINT_NAMES,
    JOINT_ORDERS,
    NUM_JOINTS,
    PARENTS,
    REFERENCE_BONE,
    ROOT_JOINT,
    finger_of,
    to_canonical,
)

# source = canonical[INVERSE], as the data sets' own documentation lists their joints.
INVERSE_ORDERS = {
    "canonical": list(range(21)),
    "rhd": [0, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17],
    "stb": [0, 17, 18, 19, 20, 13, 14, 15, 16, 9, 10, 11, 12, 5, 6, 7, 8, 1, 2, 3, 4],
    "interhand": [4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17, 0],
    "ho3d": [0, 5, 6, 7, 9, 10, 11, 17, 18, 19, 13, 14, 15, 1, 2, 3, 4, 8, 12, 16, 20],
}


def test_names():
    assert NUM_JOINTS == len(JOINT_NAMES) == len(set(JOINT_NAMES)) == 21
    assert JOINT_NAMES[:6] == (
        "wrist",
        "thumb_cmc",
        "thumb_mcp",
        "thumb_ip",
        "thumb_tip",
        "index_mcp",
    )
    assert JOINT_NAMES[9:11] == ("middle_mcp", "middle_pip")
    tips = [JOINT_NAMES[joint] for joint in (4, 8, 12, 16, 20)]
    assert tips == [f"{finger}_tip" for finger in ("thumb", "index", "middle", "ring", "little")]


def test_root_and_reference_bone():
    assert JOINT_NAMES[ROOT_JOINT] == "middle_mcp"
    assert REFERENCE_BONE == (ROOT_JOINT, ROOT_JOINT + 1) and REFERENCE_BONE in BONES


def test_bones_form_a_tree():
    assert len(BONES) == len(set(BONES)) == 20
    reached = {0}
    while new := {child for parent, child in BONES if parent in reached} - reached:
        reached |= new
    assert reached == set(range(21))
    assert all(PARENTS[child] == parent for parent, child in BONES)


def test_bones_stay_in_their_finger():
    for parent, child in BONES:
        assert finger_of(child) == (child - 1) // 4
        if parent:
            assert finger_of(parent) == finger_of(child) and child == parent + 1
            assert JOINT_NAMES[child].startswith(FINGERS[finger_of(child)])
    assert finger_of(0) == -1


@pytest.mark.parametrize("order", JOINT_ORDERS)
def test_orders_are_permutations_with_the_documented_inverse(order):
    permutation = np.array(JOINT_ORDERS[order])
    assert sorted(permutation) == list(range(21))
    assert np.argsort(permutation).tolist() == INVERSE_ORDERS[order]


def test_stb_and_rhd_agree_through_the_published_conversion():
    """hand3d's table STB -> RHD, then RHD -> canonical, is STB -> canonical."""
    stb_to_rhd = np.array([0, *range(20, 0, -1)])
    assert tuple(stb_to_rhd[list(JOINT_ORDERS["rhd"])]) == JOINT_ORDERS["stb"]


@pytest.mark.parametrize(
    ("order", "wrist", "thumb_tip", "little_tip"),
    [
        ("canonical", 0, 4, 20),
        ("rhd", 0, 1, 17),
        ("stb", 0, 20, 4),
        ("interhand", 20, 0, 16),
        ("ho3d", 0, 16, 20),
    ],
)
def test_landmarks_of_every_order(order, wrist, thumb_tip, little_tip):
    assert [JOINT_ORDERS[order][joint] for joint in (0, 4, 20)] == [wrist, thumb_tip, little_tip]


def test_to_canonical_keeps_trailing_axes():
    joints = np.random.default_rng(0).normal(size=(21, 3))
    moved = to_canonical(joints, "interhand")
    np.testing.assert_array_equal(moved[0], joints[20])
    np.testing.assert_array_equal(moved[INVERSE_ORDERS["interhand"]], joints)


def test_colours_are_distinct():
    assert tuple(FINGER_COLOURS_RGB) == FINGERS
    assert len(set(FINGER_COLOURS_RGB.values())) == 5


def test_rejects_unknown_order():
    with pytest.raises(InputError, match=r"Received: order='mano'\. Known orders: canonical, rhd"):
        to_canonical(np.zeros(21), "mano")


@pytest.mark.parametrize("shape", [(), (20, 3), (42, 2), (3, 21)])
def test_rejects_shape(shape):
    with pytest.raises(InputError, match="Received: shape="):
        to_canonical(np.zeros(shape), "rhd")
