"""The second hand stays second: it hides little and does not run into the first."""

import collections

import cv2
import numpy as np
import pytest
from scipy.spatial import KDTree

from tf_handgroups.camera import project
from tf_handgroups.synth.posed_skin import posed_skin
from tf_handgroups.synth.render import render_surfaces
from tf_handgroups.synth.scene import draw_scene, stream
from tf_handgroups.synth.second_hand import (
    ARRANGEMENTS,
    MAX_HIDDEN,
    count_hidden,
    random_arrangement,
    same_person,
)
from tf_handgroups.synth.settings import SynthSettings
from tf_handgroups.synth.surface import hand_surface

SIZE = 96


@pytest.fixture(scope="module")
def scenes():
    settings = SynthSettings(negatives=0, second_hand=1, held_object=0)
    drawn = [draw_scene(seed, SIZE, settings) for seed in range(60)]
    return [scene for scene in drawn if scene.second is not None]


def test_most_scenes_find_a_place(scenes):
    assert len(scenes) > 45
    assert len({scene.second.arrangement for scene in scenes}) >= 5


def test_the_other_hand_of_a_person_is_mirrored(scenes):
    for scene in scenes:
        own = same_person(scene.second.arrangement)
        assert np.linalg.det(scene.second.view.rotation) == pytest.approx(-1 if own else 1)
        assert (scene.second.hand.skin is scene.hand.skin) == own


def _silhouette(scene, hand, view):
    surface = hand_surface(stream(scene.seed, "paint"), hand, view)
    return render_surfaces([surface], view, scene.light, SIZE).alpha > 0.5


def test_rendered_second_hand_hides_few_joints(scenes):
    """Joints that are covered and behind, counted on the rendered and dressed hand."""
    for scene in scenes[:24]:
        xyz = scene.view.to_camera(scene.hand.joints_mm)
        u, v = np.round(project(xyz, scene.view.intrinsics_px)).astype(int).clip(0, SIZE - 1).T
        covered = _silhouette(scene, scene.second.hand, scene.second.view)[v, u]
        skin = posed_skin(scene.second.hand.shape, scene.second.hand.angles)
        points = scene.second.view.to_camera(skin.points_mm)
        flat = project(np.maximum(points, [-1e9, -1e9, 1.0]), scene.view.intrinsics_px)
        _, nearest = KDTree(flat).query(np.stack([u, v], axis=1), k=12)
        in_front = points[nearest, 2].min(axis=1) < xyz[:, 2]
        assert (covered & in_front).sum() <= MAX_HIDDEN, scene.seed


def test_hands_do_not_run_into_each_other(scenes):
    for scene in scenes[:30]:
        first = posed_skin(scene.hand.shape, scene.hand.angles)
        second = posed_skin(scene.second.hand.shape, scene.second.hand.angles)
        camera = scene.second.view.to_camera(second.points_mm)
        moved = (camera - scene.view.translation_mm) @ scene.view.rotation
        distance, nearest = KDTree(first.points_mm).query(moved)
        depth = -np.einsum("nc,nc->n", moved - first.points_mm[nearest], first.normals[nearest])
        assert np.percentile(np.where(distance < 25, depth, -1), 99) < 6.0, scene.seed


def test_the_second_hand_is_seen(scenes):
    for scene in scenes[:15]:
        assert cv2.countNonZero(
            _silhouette(scene, scene.second.hand, scene.second.view).astype(np.uint8)
        )


def test_count_hidden_needs_cover_and_depth():
    square = np.array([[0, 0], [0, 9], [9, 9], [9, 0.0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    joints = np.array([[2, 3], [7, 5], [12, 5.0]])
    for depth, expected in ((5.0, 2), (20.0, 0)):
        counted = count_hidden(joints, np.full(3, 10.0), square, np.full(4, depth), faces)
        assert counted == expected
    assert count_hidden(joints, np.full(3, 10.0), square, np.full(4, 5.0), faces[:, ::-1]) == 2


def test_arrangements_have_their_shares():
    generator = np.random.default_rng(0)
    drawn = collections.Counter(random_arrangement(generator) for _ in range(2000))
    for share, name in ARRANGEMENTS:
        assert drawn[name] / 2000 == pytest.approx(share, abs=0.04)
