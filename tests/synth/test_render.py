"""Whole pictures: determinism, exact labels, mirroring, negatives."""

import dataclasses
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tf_handgroups.camera import project
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.synth import render
from tf_handgroups.synth.render import (
    draw_occluder,
    render_sample,
    render_scene,
    sample_of_scene,
)
from tf_handgroups.synth.scene import draw_scene, stream, with_tone
from tf_handgroups.synth.settings import SynthSettings


@pytest.fixture(scope="module")
def samples():
    return [render_sample(seed, 96) for seed in range(80)]


@pytest.fixture(scope="module")
def hands(samples):
    return [sample for sample in samples if sample.presence]


def test_same_seed_same_bytes_even_in_another_process():
    code = (
        "import sys; from tf_handgroups.synth.render import render_sample as r;"
        "sys.stdout.write(r(12, 96).image.hex()); assert 'tensorflow' not in sys.modules"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    sample = render_sample(12, 96)
    assert sample.image.hex() == other.stdout
    assert sample.image != render_sample(13, 96).image


def test_labels_project_exactly(hands):
    for sample in hands:
        uv = project(sample.xyz_camera_mm, sample.intrinsics_px)
        np.testing.assert_allclose(uv, sample.uv_px, atol=1e-3)
        np.testing.assert_allclose(sample.box_px, box_around(sample.uv_px), atol=1e-4)
        inside = ((sample.uv_px > -0.5) & (sample.uv_px < 95.5)).all(axis=1)
        np.testing.assert_array_equal(sample.visible, inside)


def test_pictures_have_the_announced_size(samples):
    for sample in samples[:10]:
        assert read_image(sample.image).shape == (96, 96, 3)
        assert sample.image_size == (96, 96)


def test_handedness_agrees_with_the_joints(hands):
    """In the camera frame the palm's normal has opposite signs for left and right."""
    sides = set()
    for sample in hands:
        xyz = sample.xyz_camera_mm
        side_to_side, up = xyz[17] - xyz[5], xyz[9] - xyz[0]
        palm = np.cross(side_to_side, -up)
        bent = xyz[[8, 12, 16, 20]].mean(axis=0) - xyz[[5, 9, 13, 17]].mean(axis=0)
        curl = np.linalg.norm(bent) / np.linalg.norm(up)
        sides.add(sample.handedness)
        if curl < 0.6:  # fists: the tips are certainly on the palm's side
            assert (palm @ bent > 0) == (sample.handedness == "right"), sample.sample_id
    assert sides == {"left", "right"}


def test_left_hand_is_the_mirrored_right_hand(monkeypatch):
    """The same draw with and without mirroring: picture and labels are flipped."""

    def encode(generator, image):
        encoded.append(image)
        return keep(generator, image)

    seed = next(s for s in range(50) if render_sample(s, 64).handedness == "left")
    left = render_sample(seed, 64)
    encoded = []
    keep = render.encode_jpeg
    monkeypatch.setattr(render, "encode_jpeg", encode)
    render_sample(seed, 64)
    scene, generator = draw_scene(seed, 64), stream(seed, "picture")
    image = render._compose(generator, scene, render_scene(scene))
    image = render.random_camera_look(generator, image, good=scene.everyday)
    np.testing.assert_array_equal(encoded[0], image[:, ::-1])
    right = project(scene.view.to_camera(scene.hand.labels_mm), scene.view.intrinsics_px)
    np.testing.assert_allclose(left.uv_px[:, 0], 63 - right[:, 0], atol=1e-4)
    np.testing.assert_allclose(left.uv_px[:, 1], right[:, 1], atol=1e-4)


def test_joints_lie_on_the_rendered_hand():
    """Joints are inside the flesh, so from any side they project onto the hand."""
    covered = []
    for seed in range(25):
        scene = draw_scene(seed, 128, SynthSettings(negatives=0, held_object=0, second_hand=0))
        xyz = scene.view.to_camera(scene.hand.labels_mm)
        uv = np.round(project(xyz, scene.view.intrinsics_px)).astype(int)
        inside = ((uv >= 0) & (uv < 128)).all(axis=1)
        u, v = uv[inside].T
        # Tips lie 1 mm inside: half a pixel, as much as rounding moves them.
        covered.append(cv2.dilate(render_scene(scene).alpha, np.ones((3, 3)))[v, u])
    assert np.concatenate(covered).min() > 0.9


def test_edges_are_soft_and_colour_is_premultiplied():
    hand = render_scene(draw_scene(3, 96, SynthSettings(negatives=0)))
    partial = (hand.alpha > 0.05) & (hand.alpha < 0.95)
    assert partial.sum() > 50
    assert not hand.colour[hand.alpha == 0].any()
    assert (hand.colour.max(axis=2) <= 255 * hand.alpha + 1e-2).all()


def test_negatives(samples):
    negatives = [sample for sample in samples if not sample.presence]
    assert 1 <= len(negatives) <= 12
    for sample in negatives:
        assert sample.handedness is None and sample.xyz_camera_mm is None
        assert not sample.uv_px.any() and not sample.visible.any()
        x, y, width, height = sample.box_px
        assert x > 0 and y > 0 and x + width < 96 and y + height < 96


def test_bone_lengths_are_human(hands):
    lengths = np.array([np.linalg.norm(s.xyz_camera_mm[9] - s.xyz_camera_mm[10]) for s in hands])
    assert 25 < lengths.min() and lengths.max() < 65


@pytest.mark.parametrize("seed", [-1, 1.5, "3", True, None])
def test_rejects_seeds(seed):
    with pytest.raises(InputError, match="Received: seed="):
        render_sample(seed)


@pytest.mark.parametrize("size", [31, 1025, 64.0, None, True])
def test_rejects_sizes(size):
    with pytest.raises(InputError, match="Received: image_size="):
        render_sample(0, size)


def test_other_settings_keep_pose_and_view():
    plain = SynthSettings(negatives=0, sleeve=0, ring=0)
    dressed = SynthSettings(negatives=0, sleeve=1, ring=1)
    one, two = (render_sample(5, 64, settings) for settings in (plain, dressed))
    np.testing.assert_array_equal(one.xyz_camera_mm, two.xyz_camera_mm)
    assert one.image != two.image


@pytest.mark.parametrize(("share", "presence"), [(0.0, True), (1.0, False)])
def test_share_of_negatives(share, presence):
    settings = SynthSettings(negatives=share)
    assert {render_sample(seed, 32, settings).presence for seed in range(12)} == {presence}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_shares_of_everything_keep_bytes_and_labels_exact(share):
    """The same labels with nothing and with everything; the same bytes every time."""
    names = ("held_object", "second_hand", "occluder", "photo_background", "sleeve", "watch")
    settings = SynthSettings(negatives=0, **dict.fromkeys(names, share))
    for seed in range(4):
        one, two = (render_sample(seed, 64, settings) for _ in range(2))
        plain = render_sample(seed, 64, SynthSettings(negatives=0))
        assert one.image == two.image and one.presence
        np.testing.assert_array_equal(one.uv_px, plain.uv_px)
        np.testing.assert_array_equal(one.xyz_camera_mm, plain.xyz_camera_mm)
        uv = project(one.xyz_camera_mm, one.intrinsics_px)
        np.testing.assert_allclose(uv, one.uv_px, atol=1e-3)


def test_a_given_scene_is_the_sample_of_its_seed():
    scene = draw_scene(7, 64)
    sample, same = sample_of_scene(scene), render_sample(7, 64)
    assert (sample.sample_id, sample.image) == (same.sample_id, same.image)
    # The skin that was drawn, drawn again.
    toned = with_tone(scene, scene.hand.skin.tone)
    assert sample_of_scene(toned).image == sample.image


def test_another_tone_changes_pixels_of_skin_alone():
    """Pose, labels, background, cast shadows and camera stay; so do cloth and things."""
    settings = SynthSettings(negatives=0, glove=0, second_hand=0, occluder=1)
    for seed in range(6):
        scene = draw_scene(seed, 96, settings)
        pair = [with_tone(scene, tone) for tone in (0.1, 0.9)]
        layers = [render_scene(one) for one in pair]
        np.testing.assert_array_equal(layers[0].alpha, layers[1].alpha)
        light, dark = (
            render._compose(stream(seed, "picture"), one, layer)
            for one, layer in zip(pair, layers, strict=True)
        )
        np.testing.assert_array_equal(*(picture[layers[0].alpha == 0] for picture in (light, dark)))
        inside = layers[0].alpha == 1
        assert light[inside].mean() > dark[inside].mean() + 5
        one, other = (sample_of_scene(one) for one in pair)
        assert one.image != other.image
        for name in ("uv_px", "visible", "box_px", "xyz_camera_mm", "intrinsics_px"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_covered_hand_has_no_tone():
    """With a closed glove and a sleeve no skin is left to change."""
    scenes = (draw_scene(seed, 96, SynthSettings(negatives=0, glove=1)) for seed in range(40))
    scene = next(scene for scene in scenes if scene.hand.wear.glove == "leather")
    wear = dataclasses.replace(scene.hand.wear, fingerless=False, sleeve_mm=0.0, glove_mm=20.0)
    scene = dataclasses.replace(scene, hand=dataclasses.replace(scene.hand, wear=wear))
    light, dark = (render_scene(with_tone(scene, tone)).colour for tone in (0.1, 0.9))
    np.testing.assert_allclose(light, dark, atol=1.0)


def test_occluders_are_those_of_the_picture():
    never, always = (SynthSettings(negatives=0, occluder=share) for share in (0, 1))
    found = 0
    for seed in range(4):
        assert draw_occluder(draw_scene(seed, 64, never)) is None
        scene = draw_scene(seed, 64, always)
        occluder = draw_occluder(scene)
        if occluder is None:
            continue
        found += 1
        layer = render_scene(scene)
        free, hidden = (
            render._compose(stream(seed, "picture"), one, layer)
            for one in (dataclasses.replace(scene, settings=never), scene)
        )
        same = occluder[:, :, 3] == 0
        np.testing.assert_array_equal(free[same], hidden[same])
        assert np.abs(free - hidden).max() > 10
    assert found > 1


def test_a_held_thing_is_drawn_and_may_hide_the_hand():
    settings = SynthSettings(negatives=0, second_hand=0, held_object=1)
    scenes = [s for s in (draw_scene(seed, 64, settings) for seed in range(12)) if s.held]
    changes = []
    for scene in scenes:
        empty = render_scene(dataclasses.replace(scene, held=None))
        full = render_scene(scene)
        changes.append(np.abs(full.colour - empty.colour).max())
        assert (full.alpha >= empty.alpha - 1e-4).all()
    # Of some only the hand's back is seen.
    assert np.mean(np.array(changes) > 20) > 0.5
