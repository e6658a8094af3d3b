"""Places for things: outside of the flesh, between the fingers that hold them."""

import numpy as np
import pytest

from tf_handgroups.synth.grip import ball_grip, flat_grip, palm_grip, pinch_grip, rod_grip
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.pose_prior import random_pose
from tf_handgroups.synth.posed_skin import posed_skin

UP = np.array([0, -1.0, 0])


def _grips(find, family, up=UP):
    """Found grips with the skin they were found on."""
    found = []
    for seed in range(16):
        generator = np.random.default_rng(seed)
        skin = posed_skin(HandShape(), random_pose(generator, HandShape(), family)).every(3)
        grip = find(generator, skin, up)
        if grip is not None:
            found.append((grip, skin))
    return found


@pytest.mark.parametrize(
    ("find", "family"), [(rod_grip, "grasp"), (ball_grip, "claw"), (flat_grip, "c_shape")]
)
def test_found_where_the_family_grasps(find, family):
    found = _grips(find, family)
    assert len(found) > 5
    for grip, _ in found:
        np.testing.assert_allclose(grip.turn.T @ grip.turn, np.eye(3), atol=1e-9)
        assert np.linalg.det(grip.turn) == pytest.approx(1)


def test_a_rod_is_as_wide_as_the_room():
    for grip, skin in _grips(rod_grip, "grasp"):
        x, y, z = ((skin.points_mm - grip.origin_mm) @ grip.turn).T
        across = np.hypot(x, y)[(z > grip.low_mm) & (z < grip.high_mm)]
        assert across.min() == pytest.approx(grip.radius_mm, abs=1.5)
        assert grip.low_mm < 0 < grip.high_mm


def test_a_ball_is_as_wide_as_the_room():
    for grip, skin in _grips(ball_grip, "claw"):
        distance = np.linalg.norm(skin.points_mm - grip.origin_mm, axis=1)
        assert distance.min() == pytest.approx(grip.radius_mm, abs=1.0)


def test_a_pinch_is_between_the_thumb_and_a_finger():
    found = _grips(pinch_grip, "pinch")
    assert found
    for grip, skin in found:
        distance = np.linalg.norm(skin.points_mm - grip.origin_mm, axis=1)
        thumb = distance[skin.bones == 3].min()
        finger = distance[(skin.bones > 4) & (skin.bones < 16)].min()
        assert max(thumb, finger) < 8


def test_spread_fingers_enclose_nothing_thin():
    assert len(_grips(pinch_grip, "spread")) <= 2


def test_things_lie_only_on_palms_that_look_up():
    assert len(_grips(palm_grip, "flat", np.array([0, 0, 1.0]))) > 10
    assert not _grips(palm_grip, "flat", np.array([0, 0, -1.0]))
    assert not _grips(palm_grip, "fist", np.array([0, 0, 1.0]))
