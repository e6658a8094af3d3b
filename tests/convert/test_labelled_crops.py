"""Tests of crops that carry their labels."""

import dataclasses

import numpy as np
import pytest

from tests.hands import make_sample
from tf_handgroups.camera import project
from tf_handgroups.convert.calibration import dataset_crops
from tf_handgroups.convert.labelled_crops import LabelledCrops, labelled_crops
from tf_handgroups.errors import InputError


@pytest.fixture
def hands():
    return [make_sample(seed=seed) for seed in range(6)]


def test_pixels_are_those_of_the_bare_crops(hands):
    crops = labelled_crops(hands, 32, 4, seed=3)
    np.testing.assert_array_equal(crops.pixels, dataset_crops(hands, 32, 4, seed=3))
    assert len(crops) == 4 and set(crops.sample_ids) <= {hand.sample_id for hand in hands}


def test_labels_stay_with_their_crop(hands):
    crops = labelled_crops(hands, 32, 4, seed=3)
    by_id = {hand.sample_id: hand for hand in hands}
    for row, name in enumerate(crops.sample_ids):
        hand = by_id[name]
        np.testing.assert_allclose(crops.xyz_camera_mm[row], hand.xyz_camera_mm)
        # The crop is a similarity: from pixel centre to pixel centre, scaled by size / side.
        scale = 32 / (1.5 * max(hand.box_px[2:]))
        centre = hand.box_px[:2] + hand.box_px[2:] / 2
        expected = (hand.uv_px - centre) * scale + 31 / 2
        if hand.handedness == "left":
            expected[:, 0] = 31 - expected[:, 0]
        np.testing.assert_allclose(crops.uv_px[row], expected, atol=1e-4)


def test_way_back_ends_where_the_camera_sees_the_joints(hands):
    crops = labelled_crops(hands, 32, 6)
    seen = project(crops.xyz_camera_mm, crops.intrinsics_px)
    np.testing.assert_allclose(crops.to_image(crops.uv_px), seen, atol=1e-3)


def test_unknown_is_not_a_number(hands):
    hands[2] = dataclasses.replace(
        hands[2], xyz_camera_mm=None, intrinsics_px=None, visible=np.arange(21) > 4
    )
    crops = labelled_crops(hands, 32, 6)
    row = crops.sample_ids.index(hands[2].sample_id)
    assert np.isnan(crops.xyz_camera_mm[row]).all() and np.isnan(crops.intrinsics_px[row]).all()
    assert np.isnan(crops.uv_px[row, :, 0]).tolist() == [True] * 5 + [False] * 16
    assert np.isfinite(np.delete(crops.xyz_camera_mm, row, 0)).all()


def test_a_part_keeps_rows_together(hands):
    crops = labelled_crops(hands, 32, 6)
    part = crops[4:]
    assert part.sample_ids == crops.sample_ids[4:]
    np.testing.assert_array_equal(part.uv_px, crops.uv_px[4:])


def test_rejects_fields_of_different_lengths(hands):
    crops = labelled_crops(hands, 32, 3)
    with pytest.raises(InputError, match=r"Received: lengths=\{'pixels': 3, .*'sample_ids': 2"):
        dataclasses.replace(crops, sample_ids=crops.sample_ids[:2])
    assert isinstance(crops, LabelledCrops)


@pytest.mark.parametrize("count", [0, 7])
def test_rejects_count(hands, count):
    with pytest.raises(InputError, match=r"between 1 and 6 samples\. Received: count="):
        labelled_crops(hands, 32, count)
    hands[0] = dataclasses.replace(hands[0], presence=False)
    with pytest.raises(InputError, match=r"6 images with a hand\. Received: 5 among 6"):
        labelled_crops(hands, 32, 6)
