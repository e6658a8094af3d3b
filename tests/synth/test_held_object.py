"""Held things touch the skin and swallow no joint."""

import numpy as np
import pytest

from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.held_object import PRESS_MM, random_held, random_thing
from tf_handgroups.synth.pose_prior import random_pose
from tf_handgroups.synth.posed_skin import posed_skin

UP = np.array([0, -1.0, 0])
FAMILIES = ("grasp", "pinch", "tripod", "key", "fist", "hook", "c_shape", "relaxed")


@pytest.fixture(scope="module")
def held():
    """Things with the skin of the hand that holds them."""
    found = []
    for seed in range(64):
        generator = np.random.default_rng(seed)
        shape = HandShape(scale=generator.uniform(0.7, 1.1))
        angles = random_pose(generator, shape, FAMILIES[seed % len(FAMILIES)])
        skin = posed_skin(shape, angles)
        thing = random_held(generator, skin, UP)
        if thing is not None:
            found.append((thing, skin))
    return found


def test_most_grips_hold_many_kinds(held):
    assert len(held) > 40
    assert len({thing.kind for thing, _ in held}) > 12


def test_things_touch_the_skin_and_are_not_buried(held):
    touching = 0
    for thing, skin in held:
        height = thing.height_mm(skin.points_mm)
        # Every sixth point of the skin was asked.
        assert height.min() > -PRESS_MM - 1.5, thing.kind
        touching += height.min() < 3.0
    assert touching > 0.95 * len(held)


def test_no_joint_is_inside(held):
    for thing, skin in held:
        assert thing.height_mm(skin.joints_mm).min() > 0.0, thing.kind


def test_same_seed_same_thing():
    angles = random_pose(np.random.default_rng(1), HandShape(), "grasp")
    skin = posed_skin(HandShape(), angles)
    one, two = (random_held(np.random.default_rng(5), skin, UP) for _ in range(2))
    assert one is not None and two is not None and one.kind == two.kind
    np.testing.assert_array_equal(one.vertices_mm, two.vertices_mm)


def test_nothing_lies_on_a_palm_that_looks_down():
    flat = np.zeros(25)
    flat[4:20] = 0.02
    skin = posed_skin(HandShape(), flat)
    kinds = {}
    for name, up in (("up", [0, 0, 1.0]), ("down", [0, 0, -1.0])):
        draws = [random_held(np.random.default_rng(seed), skin, np.array(up)) for seed in range(25)]
        kinds[name] = {thing.kind for thing in draws if thing is not None}
    assert kinds["up"] & {"phone", "coin", "ball"}
    assert not kinds["down"] & {"phone", "coin"}


def test_loose_things_are_of_many_kinds_and_sizes():
    things = [random_thing(np.random.default_rng(seed)) for seed in range(60)]
    assert len({thing.kind for thing in things}) > 12
    extents = [np.ptp(thing.vertices_mm, axis=0).max() for thing in things]
    assert min(extents) < 60 and 120 < max(extents) < 450
