"""Pictures without a hand: many kinds, no hand in the middle, varied boxes."""

import collections

import numpy as np
import pytest

from tf_handgroups.camera import project
from tf_handgroups.synth.negatives import NEGATIVES
from tf_handgroups.synth.render import render_scene
from tf_handgroups.synth.scene import draw_scene
from tf_handgroups.synth.settings import SynthSettings

SIZE = 96


@pytest.fixture(scope="module")
def scenes():
    settings = SynthSettings(negatives=1)
    return [draw_scene(seed, SIZE, settings) for seed in range(120)]


def test_all_kinds_appear(scenes):
    kinds = collections.Counter(scene.negative.kind for scene in scenes)
    assert set(kinds) == {name for _, name in NEGATIVES}
    assert kinds["background"] < 70


def test_boxes_are_varied_and_inside(scenes):
    boxes = np.array([scene.negative.box_px for scene in scenes])
    assert (boxes[:, :2] > 0).all() and (boxes[:, :2] + boxes[:, 2:] < SIZE - 1).all()
    assert (boxes[:, 2:] > 0.1 * SIZE).all()
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    assert (middles.std(axis=0) > 0.08 * SIZE).all()
    assert (boxes[:, 2:].std(axis=0) > 0.1 * SIZE).all()
    assert np.ptp(np.log(boxes[:, 2] / boxes[:, 3])) > 1


def test_a_finger_tip_shows_one_finger_at_the_edge(scenes):
    for scene in scenes:
        if scene.negative.kind != "finger_tip":
            continue
        xyz = scene.negative.view.to_camera(scene.hand.joints_mm)
        uv = project(xyz, scene.negative.view.intrinsics_px)
        inside = np.flatnonzero(((uv > 0) & (uv < SIZE - 1)).all(axis=1))
        assert 1 <= len(inside) <= 3 and len({(joint - 1) // 4 for joint in inside}) == 1
        x, y, width, height = scene.negative.box_px
        tip = uv[inside.max()]
        assert not (x < tip[0] < x + width and y < tip[1] < y + height)


def test_things_are_seen_and_arms_leave_the_picture(scenes):
    seen = 0
    for scene in scenes:
        if scene.negative.things:
            alpha = render_scene(scene).alpha
            seen += alpha.max() > 0.5
            if scene.negative.kind == "arm":
                edge = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
                assert edge.max() > 0.5
    assert seen >= 0.95 * sum(bool(scene.negative.things) for scene in scenes)


def test_background_only_has_nothing_before_it(scenes):
    scene = next(scene for scene in scenes if scene.negative.kind == "background")
    assert not render_scene(scene).alpha.any()
