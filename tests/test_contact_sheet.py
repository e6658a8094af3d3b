"""Contact sheets."""

import numpy as np
import pytest

from tests.hands import make_sample
from tf_handgroups.contact_sheet import contact_sheet
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.synth.render import render_sample


def test_tiles_hold_the_pictures_in_order():
    samples = [render_sample(seed, 64) for seed in range(3)]
    sheet = contact_sheet(samples, 2, draw_joints=False, tile_px=64)
    assert sheet.shape == (128, 128, 3)
    np.testing.assert_array_equal(sheet[:64, 64:], read_image(samples[1].image))
    np.testing.assert_array_equal(sheet[64:, :64], read_image(samples[2].image))
    assert not sheet[64:, 64:].any()


def test_skeleton_is_drawn_at_the_scaled_joints():
    sample = render_sample(0, 64)
    plain = contact_sheet([sample], 1, draw_joints=False, tile_px=192).astype(int)
    drawn = contact_sheet([sample], 1, tile_px=192).astype(int)
    changed = np.abs(drawn - plain).max(axis=2) > 20
    u, v = np.round((sample.uv_px + 0.5) * 3 - 0.5).astype(int).T
    assert changed[v, u].mean() > 0.9
    assert changed.mean() < 0.3


@pytest.mark.parametrize("bad", [{"columns": 0}, {"columns": 1, "tile_px": 0}])
def test_rejects_bad_layouts(bad):
    with pytest.raises(InputError, match="Received: samples=1"):
        contact_sheet([render_sample(0, 32)], **bad)


def test_rejects_no_samples():
    with pytest.raises(InputError, match="Received: samples=0"):
        contact_sheet([], 1)


def test_captions_are_written_into_their_tiles():
    samples = [render_sample(seed, 64) for seed in range(2)]
    plain = contact_sheet(samples, 2, draw_joints=False, tile_px=128).astype(int)
    named = contact_sheet(samples, 2, False, 128, captions=["", "right"]).astype(int)
    changed = np.abs(named - plain).max(axis=2) > 0
    assert not changed[:, :128].any() and changed[100:, 128:].any()
    assert not changed[:90].any()


def test_window_around_the_box_shows_hand_and_box():
    """A box of 20 pixels in a window of twice its side, tile pixels four times as fine."""
    image = np.zeros((90, 120, 3), np.uint8)
    image[45, 62] = 200
    sample = make_sample(image, uv_px=np.full((21, 2), [62.0, 45.0]), box_px=(50, 40, 20, 20))
    sheet = contact_sheet([sample], 8, draw_joints=False, tile_px=160, box_margin=2.0)
    assert sheet.shape == (160, 160, 3)
    # crop = (image - centre) * 4 + (160 - 1) / 2, centre (60, 50).
    u, v = round((62 - 60) * 4 + 79.5), round((45 - 50) * 4 + 79.5)
    assert sheet[v, u].min() > 100
    left, right, top = (round(side * 4 + 79.5) for side in (-10, 10, -10))
    assert sheet[80, left].min() == sheet[80, right].min() == sheet[top, 80].min() == 255
    drawn = contact_sheet([sample], 1, tile_px=160, box_margin=2.0)
    # All joints lie in one pixel: the last one drawn shows.
    assert (drawn[v, u] != sheet[v, u]).any()
