"""What is decided before rendering: shares, independence of the streams, determinism."""

import dataclasses

import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_texture import random_skin
from tf_handgroups.synth.posed_skin import posed_skin
from tf_handgroups.synth.scene import STREAMS, draw_scene, stream, with_tone
from tf_handgroups.synth.settings import SynthSettings

NOTHING = SynthSettings(
    negatives=0, held_object=0, second_hand=0, occluder=0, sleeve=0, glove=0, ring=0, watch=0
)


def test_streams_are_independent():
    draws = {stream(seed, name).random() for seed in range(5) for name in STREAMS}
    assert len(draws) == 5 * len(STREAMS)


@pytest.mark.parametrize("field", ["held_object", "second_hand"])
def test_shares_of_zero_and_one(field):
    name = {"held_object": "held", "second_hand": "second"}[field]
    always = dataclasses.replace(NOTHING, **{field: 1.0})
    with_it = [getattr(draw_scene(seed, 96, always), name) is not None for seed in range(24)]
    without = [getattr(draw_scene(seed, 96, NOTHING), name) is not None for seed in range(24)]
    assert sum(with_it) > 12 and not any(without)


def test_negatives_of_zero_and_one():
    for share in (0.0, 1.0):
        scenes = [draw_scene(seed, 96, SynthSettings(negatives=share)) for seed in range(12)]
        assert all((scene.negative is not None) == bool(share) for scene in scenes)
        assert all(scene.presence != bool(share) for scene in scenes)
        if share:
            assert all(scene.held is None and scene.second is None for scene in scenes)


@pytest.mark.parametrize(
    "field", ["held_object", "second_hand", "occluder", "sleeve", "photo_background", "glove"]
)
def test_other_settings_keep_pose_view_and_light(field):
    full = dataclasses.replace(NOTHING, **{field: 1.0})
    for seed in range(4):
        one, two = draw_scene(seed, 96, NOTHING), draw_scene(seed, 96, full)
        np.testing.assert_array_equal(one.hand.joints_mm, two.hand.joints_mm)
        np.testing.assert_array_equal(one.view.rotation, two.view.rotation)
        np.testing.assert_array_equal(one.view.intrinsics_px, two.view.intrinsics_px)
        np.testing.assert_array_equal(one.light.direction, two.light.direction)


def test_a_second_hand_does_not_change_what_is_held():
    plain = dataclasses.replace(NOTHING, held_object=1.0)
    both = dataclasses.replace(plain, second_hand=1.0)
    for seed in range(6):
        one, two = draw_scene(seed, 96, plain).held, draw_scene(seed, 96, both).held
        assert (one is None) == (two is None)
        if one is not None and two is not None:
            np.testing.assert_array_equal(one.vertices_mm, two.vertices_mm)


def test_a_hand_is_posed_once_and_only_if_needed():
    hand = draw_scene(0, 96, NOTHING).hand
    assert "posed" not in vars(hand)
    assert hand.posed is hand.posed
    expected = posed_skin(hand.shape, hand.angles)
    np.testing.assert_array_equal(hand.posed.points_mm, expected.points_mm)
    np.testing.assert_array_equal(hand.joints_mm, expected.joints_mm)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_everyday_scenes(share):
    scenes = [
        draw_scene(seed, 96, dataclasses.replace(NOTHING, everyday=share)) for seed in range(40)
    ]
    assert all(scene.everyday == bool(share) for scene in scenes)
    kinds = {scene.view.kind for scene in scenes}
    assert ("fingers_first" not in kinds) == bool(share)
    rare = {"hook", "typing", "random", "tripod", "key", "horns", "gap", "cupped"}
    assert any(scene.hand.family in rare for scene in scenes) != bool(share)
    distances = [scene.view.to_camera(scene.hand.joints_mm)[:, 2].mean() for scene in scenes]
    assert (max(distances) < 950) == bool(share)


def test_with_tone_changes_the_skin_alone():
    settings = dataclasses.replace(NOTHING, held_object=1.0, sleeve=1.0)
    for seed in range(4):
        scene = draw_scene(seed, 96, settings)
        light, dark = with_tone(scene, 0.1), with_tone(scene, 0.9)
        assert (light.hand.skin.tone, dark.hand.skin.tone) == (0.1, 0.9)
        assert (light.hand.skin.back > dark.hand.skin.back).all()
        # Undertone and age are the person's.
        assert light.hand.skin.age == dark.hand.skin.age == scene.hand.skin.age
        for name in ("view", "light", "held", "second", "mirrored", "everyday", "settings"):
            assert getattr(dark, name) is getattr(scene, name)
        for name in ("shape", "angles", "wear", "family"):
            assert getattr(dark.hand, name) is getattr(scene.hand, name)


def test_the_drawn_tone_is_the_drawn_skin():
    scene = draw_scene(3, 96, NOTHING)
    again = with_tone(scene, scene.hand.skin.tone).hand.skin
    np.testing.assert_array_equal(again.back, scene.hand.skin.back)
    np.testing.assert_array_equal(again.palm, scene.hand.skin.palm)


def test_tone_of_the_second_hand_follows_only_of_the_same_person():
    settings = dataclasses.replace(NOTHING, second_hand=1.0)
    scenes = (draw_scene(seed, 96, settings) for seed in range(24))
    scene = next(one for one in scenes if one.second and one.second.hand.skin is one.hand.skin)
    assert scene.second is not None
    toned = with_tone(scene, 0.5)
    assert toned.second is not None and toned.second.hand.skin is toned.hand.skin
    assert toned.second.view is scene.second.view
    others = random_skin(np.random.default_rng(0))
    hand = dataclasses.replace(scene.second.hand, skin=others)
    second = dataclasses.replace(scene.second, hand=hand)
    toned = with_tone(dataclasses.replace(scene, second=second), 0.5)
    assert toned.second is second and toned.hand.skin.tone == 0.5


def test_rejects_tones():
    with pytest.raises(InputError, match=r"Received: tone=1\.5"):
        with_tone(draw_scene(1, 96, NOTHING), 1.5)
