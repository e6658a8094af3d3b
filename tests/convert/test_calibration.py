import dataclasses

import cv2
import numpy as np
import pytest

from tests.hands import make_sample, smooth_image
from tf_handgroups.convert.calibration import calibration_crops, dataset_crops
from tf_handgroups.crop import crop_image, crop_matrix
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.errors import InputError


class Hands(list):
    """A data set that remembers how far it was read."""

    read = 0

    def __iter__(self):
        for self.read, sample in enumerate(super().__iter__(), 1):
            yield sample


@pytest.fixture
def hands():
    return Hands(make_sample(seed=seed) for seed in range(10))


def expected_crop(seed):
    sample = make_sample(seed=seed)
    crop = crop_image(smooth_image(96, 128, seed), crop_matrix(sample.box_px, 32), 32)
    return crop[:, ::-1] if sample.handedness == "left" else crop


def found(crops):
    """Which hands these are the crops of."""
    return [
        next(seed for seed in range(10) if np.allclose(crop, expected_crop(seed), atol=1e-5))
        for crop in crops
    ]


def test_all_hands_right_ones_as_they_are_left_ones_mirrored(hands):
    crops = dataset_crops(hands, 32, 10)
    assert crops.shape == (10, 32, 32, 3) and crops.dtype == np.float32
    assert crops.min() >= 0 and crops.max() <= 1
    assert sorted(found(crops)) == list(range(10))


def test_choice_is_random_without_repetition_and_follows_the_seed(hands):
    choices = [found(dataset_crops(hands, 32, 4, seed)) for seed in range(5)]
    assert all(len(set(choice)) == 4 for choice in choices)
    assert len({tuple(sorted(choice)) for choice in choices}) > 2
    assert found(dataset_crops(hands, 32, 4, seed=3)) == choices[3]


def test_images_without_a_hand_are_left_out(hands):
    samples = list(hands)
    samples[3] = dataclasses.replace(samples[3], presence=False)
    crops = dataset_crops(samples, 32, 9)
    assert sorted(found(crops)) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    with pytest.raises(InputError, match=r"expected 10 images with a hand\. Received: 9 among 10"):
        dataset_crops(samples, 32, 10)


@pytest.mark.parametrize("count", [0, -1, 11])
def test_rejects_count(hands, count):
    with pytest.raises(InputError, match=r"between 1 and 10 samples\. Received: count="):
        dataset_crops(hands, 32, count)


def test_any_data_set_calibrates(hands, tmp_path):
    write_handjson(list(hands), tmp_path / "hands")
    crops, origin = calibration_crops(f"handjson:{tmp_path / 'hands'}", 32, 6, seed=2)
    assert crops.shape == (6, 32, 32, 3)
    # The folders above are nobody's business; a contract travels far.
    assert origin == {"data": "handjson:hands", "seed": 2}


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for value in range(10, 15):
        picture = np.full((40, 80, 3), value * 10, np.uint8)
        cv2.imwrite(str(folder / f"{value}.png"), picture)
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_pictures_without_labels_are_shown_whole(pictures):
    crops, origin = calibration_crops(f"images:{pictures}", 32, 200, seed=1)
    assert crops.shape == (5, 32, 32, 3) and origin == {"data": "images:pictures", "seed": 1}
    # Twice as wide as high: the picture fills the middle half, the border is black.
    shades = crops[:, 16, 16, 0] * 255
    np.testing.assert_allclose(sorted(shades), [100, 110, 120, 130, 140], atol=0.5)
    assert np.abs(crops[:, [2, 29]]).max() == 0
    assert np.abs(crops[:, 16, [0, 31], 0] * 255 - shades[:, None]).max() < 40


def test_pictures_are_chosen_by_the_seed(pictures):
    choices = [calibration_crops(f"images:{pictures}", 8, 2, seed)[0] for seed in range(6)]
    assert all(len(choice) == 2 for choice in choices)
    assert len({choice.tobytes() for choice in choices}) > 2
    again, _ = calibration_crops(f"images:{pictures}", 8, 2, seed=4)
    np.testing.assert_array_equal(again, choices[4])


def test_rejects_what_is_no_folder_of_images(tmp_path):
    with pytest.raises(InputError, match=r"images:FOLDER .* Received: source='images:/nowhere'"):
        calibration_crops("images:/nowhere", 32, 2)
    with pytest.raises(InputError, match="Received: none"):
        calibration_crops(f"images:{tmp_path}", 32, 2)
