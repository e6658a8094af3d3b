"""Building blocks of poses."""

import numpy as np
import pytest

from tf_handgroups.synth.hand_contact import Touch
from tf_handgroups.synth.pose_draft import (
    CANDIDATES,
    LIMITS_DEG,
    QUADRIGA,
    THUMBS,
    Draft,
    curled,
    extended,
    folded_fingers,
    half_bent,
    noise,
    pattern,
)


def mean(drawing, *arguments):
    """Mean bends of first, second, third bone over many drawings."""
    generator = np.random.default_rng(0)
    bends = np.array([drawing(generator, *arguments) for _ in range(60)])
    assert bends.shape[1:] == (CANDIDATES, 4, 3)
    return bends.mean(axis=(0, 1, 2))


def test_fingers_bend_as_they_are_called():
    assert (np.abs(mean(extended)) < 12).all()
    assert (mean(folded_fingers) > [65, 80, 50]).all()
    assert 40 < mean(half_bent).sum() < 150
    assert (mean(curled, 0.0, 0.1) < mean(curled, 0.6, 0.8)).all()


def test_last_joint_bends_less_than_the_second():
    bends = mean(curled, 0.3, 0.7)
    assert 0.5 < bends[2] / bends[1] < 0.85


def test_pattern_extends_the_named_fingers_and_pulls_neighbours_along():
    generator = np.random.default_rng(0)
    bends = np.array([pattern(generator, [True, False, False, True]) for _ in range(60)])
    second = bends[..., 1].mean(axis=(0, 1))
    assert second[0] < 20 and (second[1:3] > 60).all()
    assert second[0] < second[3] < 40  # the little finger is not free of the ring finger
    np.testing.assert_allclose(QUADRIGA.sum(axis=1), 1)


def test_draft_parts_fingers_and_keeps_bent_ones_together():
    generator = np.random.default_rng(0)
    straight, bent = (Draft(generator, np.full((CANDIDATES, 4, 3), bend)) for bend in (0.0, 90.0))
    gaps = []
    for draft in (straight, bent):
        draft.spread(1.0, 1.0)
        angles = draft.angles()
        gaps.append((angles[:, 4] - angles[:, 16]).mean())
    assert gaps[0] > 50
    assert gaps[1] < 0.4 * gaps[0]


def test_draft_packs_thumb_bends_and_touch():
    bends = np.arange(CANDIDATES * 12.0).reshape(CANDIDATES, 4, 3)
    draft = Draft(np.random.default_rng(0), bends)
    draft.touching("over", Touch(2))
    angles = draft.angles()
    assert draft.touch == Touch(2)
    np.testing.assert_array_equal(angles[:, [5, 6, 7, 17, 18, 19]], bends[:, [0, 3]].reshape(-1, 6))
    np.testing.assert_array_equal(angles[:, [0, 1, 2, 3, 20]], draft.thumb)
    assert draft.thumb[:, 1].mean() == pytest.approx(THUMBS["over"][0][1], abs=6)


def test_thumb_postures_are_within_limits():
    for centre, deviation in THUMBS.values():
        limits = LIMITS_DEG[[0, 1, 2, 3, 20]]
        assert (limits[:, 0] < centre).all() and (centre < limits[:, 1]).all()
        assert min(deviation) > 0


def test_noise_has_the_deviations_asked_for():
    generator = np.random.default_rng(0)
    found = np.array([noise(generator, 1.0, 5.0, 20.0) for _ in range(100)]).std(axis=(0, 1, 2))
    np.testing.assert_allclose(found, [1, 5, 20], rtol=0.1)
