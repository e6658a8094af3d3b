"""Contact sheets."""

import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.synth.contact_sheet import contact_sheet
from tf_handgroups.synth.scene import render_sample


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
