"""Photographs behind the hands."""

import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.image_file import write_image
from tf_handgroups.synth.photographs import load_photographs, random_cutout


def test_packaged_photographs_are_small_varied_and_shared():
    photographs = load_photographs()
    assert photographs is load_photographs()
    assert len(photographs) == 129
    assert all(
        picture.dtype == np.uint8 and 190 <= max(picture.shape[:2]) <= 512
        for picture in photographs
    )
    means = np.array([picture.mean() for picture in photographs])
    assert means.std() > 15 and means.min() > 10
    with pytest.raises(ValueError, match="read-only"):
        photographs[0][0] = 0


def test_own_photographs_come_by_name_and_reduced(tmp_path):
    write_image(tmp_path / "b.png", np.full((40, 1024, 3), 200, np.uint8))
    write_image(tmp_path / "a.jpg", np.full((30, 50, 3), 100, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    first, second = load_photographs(tmp_path)
    assert first.shape == (30, 50, 3) and second.shape == (20, 512, 3)
    assert first.mean() == pytest.approx(100, abs=2) and second.mean() == 200


def test_unusable_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="Received: 0"):
        load_photographs(tmp_path)
    with pytest.raises(InputError, match="expected a folder"):
        load_photographs(tmp_path / "missing")
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8 cut short")
    with pytest.raises(InputError, match=r"a\.jpg"):
        load_photographs(tmp_path)


@pytest.mark.parametrize("shape", [(300, 500), (60, 40), (512, 512)])
def test_cutouts_stay_inside_unless_turned(shape):
    photograph = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    for seed in range(20):
        cutout = random_cutout(np.random.default_rng(seed), photograph, 48)
        assert cutout.shape == (48, 48, 3) and cutout.dtype == np.float32
        assert cutout.min() >= 0 and cutout.max() <= 255 and cutout.std() > 2


def test_cutouts_differ_in_place_and_colour():
    ramp = np.linspace(0, 255, 200).astype(np.uint8)
    photograph = np.stack([*np.meshgrid(ramp, ramp), np.full((200, 200), 90)], -1).astype(np.uint8)
    cutouts = np.array(
        [random_cutout(np.random.default_rng(seed), photograph, 32) for seed in range(40)]
    )
    assert cutouts.mean(axis=(1, 2, 3)).std() > 10
    slopes = (cutouts[:, :, -1] - cutouts[:, :, 0]).mean(axis=1)[:, 0]
    assert (slopes > 20).any() and (slopes < -20).any()


def test_grey_photographs_get_a_tint():
    photograph = np.full((64, 64, 3), 120, np.uint8)
    colours = [random_cutout(np.random.default_rng(s), photograph, 16)[8, 8] for s in range(20)]
    assert max(np.ptp(colour) for colour in colours) > 40
