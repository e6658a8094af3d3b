import numpy as np
import pytest

from benchmarks.rendered_sequence import HAND_SHARE, MOTIONS, SIZE_PX, Place, frames_of
from tf_handgroups.camera import relative_depth
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.synth.scene import draw_scene
from tf_handgroups.synth.settings import SynthSettings


@pytest.mark.parametrize(("name", "fastest"), [("still", 0), ("sway", 1.1), ("sweep", 6.0)])
def test_speeds_in_box_sides_per_second(name, fastest):
    times = np.linspace(0, 4, 4001)
    places = np.array([MOTIONS[name](time_s).right for time_s in times])
    np.testing.assert_allclose(np.abs(np.gradient(places, times)).max(), fastest, rtol=0.01)
    assert np.abs(places).max() <= 0.8 + 1e-9


def test_fingers_close_and_open_once_a_second():
    closed = [MOTIONS["fingers"](time_s).closed for time_s in (0, 0.25, 0.5, 1.0)]
    np.testing.assert_allclose(closed, [0, 0.35, 0.7, 0], atol=1e-9)


def test_hand_moves_as_far_as_the_motion_says_and_nothing_else_does():
    places = (Place(), Place(right=0.5))
    first, second = frames_of(lambda time_s: places[time_s > 0], seed=3, count=2)
    side_px = HAND_SHARE * SIZE_PX
    np.testing.assert_allclose(box_around(first.uv_px)[2:].max(), side_px, rtol=1e-5)
    shift = (second.uv_px - first.uv_px).mean(axis=0)
    # Nearer joints move a little more.
    np.testing.assert_allclose(shift, [0.5 * side_px, 0], rtol=0.1, atol=1e-9)
    assert second.time_s == 1 / 30 and first.z_rel[9] == 0
    # Background beside the hands: noise, but the same picture.
    corner = [frame.image[:60, :60].astype(float) for frame in (first, second)]
    assert 1 < np.abs(corner[0] - corner[1]).mean() < 10
    hand = [frame.image[150:240, 120:260].astype(float) for frame in (first, second)]
    assert np.abs(hand[0] - hand[1]).mean() > 2 * np.abs(corner[0] - corner[1]).mean()


def test_truth_is_what_renders_are_labelled_with():
    frame = next(frames_of(MOTIONS["still"], 3, 1))
    scene = draw_scene(3, SIZE_PX, SynthSettings(everyday=1, negatives=0))
    expected = relative_depth(scene.view.to_camera(scene.hand.labels_mm))
    np.testing.assert_allclose(frame.z_rel, expected, atol=1e-5)
    bending = relative_depth(scene.view.to_camera(scene.hand.joints_mm))
    assert np.abs(bending - expected).max() > 0.05


def test_same_seed_same_frames():
    one, two = (next(frames_of(MOTIONS["still"], 3, 1)) for _ in range(2))
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.uv_px, two.uv_px)
