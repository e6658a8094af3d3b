"""The same hands in several tones: what changes between their pictures, and the statistics."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks import error_breakdown_tones as module
from benchmarks.error_breakdown_tones import InTones, look_at_tones, tone_rows
from tests.breakdown_case import stand_in
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.image_file import read_image
from tf_handgroups.synth.render import sample_of_scene

ERRORS = np.array([[0.1, 0.2, 0.1], [0.2, 0.5, 0.2], [0.3, 0.5, 0.3]])
PRESENCES = np.array([[0.9, 0.8, 0.2], [0.8, 0.5, 0.1], [0.7, 0.4, 0.9]])


def test_statistics_of_known_answers():
    light, middle, dark = tone_rows(InTones((0.1, 0.5, 0.9), ERRORS, PRESENCES), 0.5)
    assert (light.tone, light.error_difference, light.presence_difference) == (0.1, None, None)
    assert light.error_box.mean == pytest.approx(0.2)
    # Hand by hand 0.1, 0.3 and 0.2.
    difference = middle.error_difference
    assert difference.mean == pytest.approx(0.2)
    half = stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(3)
    assert (difference.low, difference.high) == pytest.approx((0.2 - half, 0.2 + half))
    assert dark.error_difference.mean == dark.error_difference.half_width == 0
    assert middle.presence_difference.mean == pytest.approx((-0.1 - 0.3 - 0.3) / 3)
    # At the threshold a hand is found.
    assert [row.missed.part for row in (light, middle, dark)] == [0, 1, 2]


def test_network_that_cannot_tell_has_no_presence():
    rows = tone_rows(InTones((0.1, 0.5, 0.9), ERRORS, PRESENCES * np.nan), None)
    for row in rows:
        assert row.presence is row.presence_difference is row.missed is None
    assert rows[1].error_difference is not None


@pytest.fixture(scope="module")
def pictures_and_answers():
    """What a network was shown, and what came of it."""
    seen = []

    class Watched(Predictor):
        def predict(self, image, boxes, handedness=None):
            seen.append((image, np.array(boxes[0]), handedness))
            return super().predict(image, boxes, handedness)

    told = []
    found = look_at_tones(Watched(stand_in().runner), 3, (0.1, 0.5, 0.9), told.append)
    return seen, found, told


def test_only_the_tone_differs_between_the_pictures_of_a_scene(pictures_and_answers):
    seen, found, _ = pictures_and_answers
    assert len(seen) == 9 and found.errors_box.shape == found.presences.shape == (3, 3)
    for start in (0, 3, 6):
        images, boxes, sides = zip(*seen[start : start + 3], strict=True)
        assert sides[0] in (["left"], ["right"]) and sides[0] == sides[1] == sides[2]
        np.testing.assert_array_equal(boxes[0], boxes[1])
        np.testing.assert_array_equal(boxes[0], boxes[2])
        assert images[0].mean() > images[1].mean() > images[2].mean()
        assert (np.abs(images[0].astype(float) - images[2]).max(axis=2) < 8).mean() > 0.3
    # This network says the same of every picture, and the labels are the same.
    np.testing.assert_array_equal(found.errors_box, found.errors_box[:, :1].repeat(3, axis=1))
    assert (np.diff(found.presences, axis=1) < 0).all()


def test_pictures_are_those_of_other_seeds_and_the_default_settings(pictures_and_answers):
    seen, _, told = pictures_and_answers
    assert told == list(range(1, 10))
    scene = next(module.scenes_of(1, module.FIRST_SEED, module.SETTINGS))
    toned = sample_of_scene(module.with_tone(scene, 0.5))
    np.testing.assert_array_equal(seen[1][0], read_image(toned.image))
    scenes = list(module.scenes_of(30, module.FIRST_SEED, module.SETTINGS))
    assert all(scene.presence and scene.hand.wear.glove is None for scene in scenes)


def test_network_without_heads():
    found = look_at_tones(stand_in(heads=False), 2, (0.1, 0.9))
    assert np.isnan(found.presences).all() and np.isfinite(found.errors_box).all()
