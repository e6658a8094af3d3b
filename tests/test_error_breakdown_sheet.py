"""Hands and pictures without a hand on one sheet."""

import dataclasses

import numpy as np
import pytest

from benchmarks.error_breakdown_hands import Seeming
from benchmarks.error_breakdown_sheet import failures_sheet
from tests.hands import encode_png, make_sample
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation_report import WorstCase, cases_image


@pytest.fixture
def cases():
    sample = make_sample()
    return [WorstCase(sample, sample.uv_px + 5, 0.1)] * 12


def grey(value):
    sample = make_sample()
    height, width = sample.image_size[::-1]
    picture = np.full((height, width, 3), value, np.uint8)
    return dataclasses.replace(sample, image=encode_png(picture), presence=False)


def test_pictures_without_a_hand_lie_below_the_hands(cases):
    seeming = [Seeming(grey(40 * number), 0.9 - number / 10) for number in range(1, 7)]
    sheet, hands = failures_sheet(cases, seeming), cases_image(cases)
    height, width = hands.shape[:2]
    # Both parts are equally wide, so nothing is left white.
    assert sheet.shape == (height + 226, width, 3) and width == 6 * 226
    np.testing.assert_array_equal(sheet[:height], hands)
    for number in range(6):
        tile = sheet[height:, 226 * number : 226 * (number + 1)]
        assert np.median(tile) == 40 * (number + 1)


def test_fewer_are_padded_with_white(cases):
    sheet = failures_sheet(cases[:1], [Seeming(grey(60), 0.25)] * 4)
    hands = cases_image(cases[:1])
    assert sheet.shape[1] == 4 * 226
    assert (sheet[: len(hands), hands.shape[1] :] == 255).all()
    np.testing.assert_array_equal(failures_sheet(cases, []), cases_image(cases))


def test_captions_differ(cases):
    one, two = (failures_sheet(cases[:1], [Seeming(grey(60), value)]) for value in (0.25, 0.75))
    assert (one != two).any()


def test_a_hand_is_needed():
    with pytest.raises(InputError, match="Received: none"):
        failures_sheet([], [])
