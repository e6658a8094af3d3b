"""The data card tells the truth about the scenes."""

import dataclasses
import json

import numpy as np
import pytest

from tf_handgroups.image_file import read_image
from tf_handgroups.synth.data_card import (
    CARD_MD,
    CARD_PNG,
    data_card_text,
    scene_facts,
    write_data_card,
)
from tf_handgroups.synth.hand_mesh import rotation
from tf_handgroups.synth.scene import SYNTH_VERSION, draw_scene
from tf_handgroups.synth.settings import SynthSettings

SETTINGS = SynthSettings(negatives=0)


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(seed, 64, SETTINGS) for seed in range(60)]


def turned(scene, *turns):
    """The scene with the hand 500 mm before the camera, turned by known angles."""
    matrix = np.eye(3)
    for axis, degrees in turns:
        matrix = rotation(axis, np.radians(degrees)) @ matrix
    place = np.array([0, 0, 500.0]) - matrix @ scene.hand.joints_mm[9]
    view = dataclasses.replace(scene.view, rotation=matrix, translation_mm=place)
    return dataclasses.replace(scene, view=view)


def test_facing_tells_back_from_palm(scenes):
    back, palm = turned(scenes[0]), turned(scenes[0], (1, 180))
    facts = scene_facts([back, palm])
    np.testing.assert_allclose(facts.facing_deg, [180, 0], atol=1e-4)
    # The middle knuckle's label lies 3 mm behind the axis that is 500 mm away.
    shift = 3.0 * np.prod([scenes[0].hand.shape.palm[2], scenes[0].hand.shape.scale])
    np.testing.assert_allclose(facts.distance_mm, [500 - shift, 500 + shift])


def test_roll_and_tilt_are_measured_against_upright(scenes):
    base = scene_facts([turned(scenes[0])])
    rolled = scene_facts([turned(scenes[0], (2, 30))])
    assert rolled.roll_deg[0] - base.roll_deg[0] == pytest.approx(30, abs=1e-6)
    away = scene_facts([turned(scenes[0], (0, 20))])
    assert abs(away.tilt_deg[0] - base.tilt_deg[0]) == pytest.approx(20, abs=1.0)


def test_shares_count_scenes():
    settings = SynthSettings(negatives=0.5, sleeve=1.0, ring=0.0)
    scenes = [draw_scene(seed, 64, settings) for seed in range(100)]
    facts = scene_facts(scenes)
    shown = [scene for scene in scenes if scene.presence]
    assert facts.things["no hand"] == 1 - len(shown) / 100
    assert facts.things["left hand"] == sum(scene.mirrored for scene in shown) / 100
    assert (facts.things["sleeve"], facts.things["ring"]) == (1.0, 0.0)
    assert facts.families == [scene.hand.family for scene in shown]


def test_facts_of_each_hand_are_in_the_order_of_the_scenes():
    settings = SynthSettings(negatives=0.3, sleeve=0.5, glove=0.3, held_object=0.5)
    scenes = [draw_scene(seed, 64, settings) for seed in range(40)]
    facts = scene_facts(iter(scenes))
    shown = [scene for scene in scenes if scene.presence]
    assert 0 < len(shown) < facts.num_scenes == 40
    assert facts.views == [scene.view.kind for scene in shown]
    assert facts.sides == ["left" if scene.mirrored else "right" for scene in shown]
    assert facts.meshes == [scene.hand.shape.mesh for scene in shown]
    gloved = [scene.hand.wear.glove is not None for scene in shown]
    assert facts.has["glove"].tolist() == gloved and 0 < sum(gloved) < len(gloved)
    assert facts.has["held thing"].tolist() == [scene.held is not None for scene in shown]
    assert facts.things["glove"] == sum(gloved) / len(shown)
    makehuman = sum(scene.hand.shape.mesh == "makehuman" for scene in shown)
    assert facts.things["MakeHuman mesh"] == makehuman / len(shown)


def test_set_without_a_hand_has_a_card():
    empty = scene_facts([draw_scene(0, 64, SynthSettings(negatives=1))])
    assert len(empty.families) == 0 and empty.things["no hand"] == 1


def test_writes_both_files_and_replaces_older_ones(scenes, tmp_path):
    description = {
        "count": 60,
        "image_size": 64,
        "seed": 0,
        "version": SYNTH_VERSION,
        "settings": SETTINGS.as_dict(),
    }
    for _ in range(2):
        facts = write_data_card(tmp_path, scenes, description)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([CARD_MD, CARD_PNG])
    text = (tmp_path / CARD_MD).read_text()
    assert text == data_card_text(facts, description)
    assert "60 pictures of 64 px, seed 0" in text and "negatives=0" in text
    assert json.dumps(facts.families[0])[1:-1] in text
    picture = read_image(tmp_path / CARD_PNG)
    assert picture.shape[1] > 1000 and picture.std() > 10
