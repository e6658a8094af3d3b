import dataclasses

import numpy as np
import pytest

from tests.hands import make_sample, smooth_image
from tf_handgroups.convert.calibration import dataset_crops
from tf_handgroups.crop import crop_image, crop_matrix
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
