"""Painted skin."""

import cv2
import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_layout import unrolled
from tf_handgroups.synth.hand_texture import (
    paint_hand,
    random_skin,
    skin_of_tone,
    typology_angle_deg,
)


def painted(seed):
    generator = np.random.default_rng(seed)
    return paint_hand(generator, "webxr", random_skin(generator))[..., :3]


def test_nails_are_on_the_back_only():
    """The map changes sharply around a nail; the same place of the palm does not."""
    x, y = unrolled().joints[12].astype(int)
    window = (slice(y - 4, y + 10), slice(x - 7, x + 8))
    contrast = []
    for seed in range(12):
        back, palm = painted(seed)
        contrast.append((np.ptp(back[window].mean(axis=2)), np.ptp(palm[window].mean(axis=2))))
    contrast = np.array(contrast)
    assert np.median(contrast[:, 0]) > 1.5 * np.median(contrast[:, 1])


def test_skin_covers_light_to_dark_evenly_and_is_never_blue():
    drawn = [random_skin(np.random.default_rng(seed)) for seed in range(300)]
    skins = np.array([(skin.back, skin.palm) for skin in drawn])
    luminance = skins[:, 0] @ [0.3, 0.6, 0.1]
    assert luminance.min() < 0.28 and luminance.max() > 0.66
    assert (skins[..., 0] > skins[..., 2]).all()
    assert np.corrcoef([skin.tone for skin in drawn], luminance)[0, 1] < -0.95
    thirds = np.histogram([skin.tone for skin in drawn], 3, (0, 1))[0]
    assert thirds.min() > 70
    # Palms of dark hands are clearly lighter than their backs.
    dark = luminance < 0.35
    assert (skins[dark, 1].mean(axis=1) > skins[dark, 0].mean(axis=1) + 0.05).all()


def test_skin_colours_are_those_of_the_typology_angle():
    """Converted back by OpenCV, tone 0 is very light (ITA above 55) and tone 1 dark."""

    def angle(tone):
        angles = []
        for seed in range(20):
            generator = np.random.default_rng(seed)
            back = skin_of_tone(generator, tone).back
            lab = cv2.cvtColor(back.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_RGB2Lab)[0, 0]
            angles.append(np.degrees(np.arctan2(lab[0] - 50, lab[2])))
        assert abs(np.median(angles) - typology_angle_deg(tone)) < 5
        return np.median(angles)

    assert angle(0.0) > 55
    assert 15 < angle(0.33) < 25  # 64 - 0.33 * 132 = 20.4
    assert angle(1.0) < -50


def test_skin_of_tone_is_the_drawn_skin_with_a_chosen_tone():
    for seed in range(5):
        drawn = random_skin(np.random.default_rng(seed))
        generator = np.random.default_rng(seed)
        chosen = skin_of_tone(generator, float(generator.uniform()))
        assert (chosen.tone, chosen.age) == (drawn.tone, drawn.age)
        np.testing.assert_array_equal(chosen.back, drawn.back)
        np.testing.assert_array_equal(chosen.palm, drawn.palm)


@pytest.mark.parametrize("tone", [-0.01, 1.5, float("nan")])
def test_rejects_tones(tone):
    with pytest.raises(InputError, match="Received: tone="):
        skin_of_tone(np.random.default_rng(0), tone)


def test_material_says_what_is_skin_and_where_nails_shine():
    generator = np.random.default_rng(3)
    back, palm = paint_hand(generator, "webxr", random_skin(generator))
    assert (back[..., 3] == 1).all() and (palm[..., 3] == 1).all()
    x, y = unrolled().joints[12].astype(int)
    assert back[y + 2, x, 4] > 0.05
    assert (palm[..., 4] == 0).all()


def test_painting_is_reproducible():
    one, two = (painted(7) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - painted(8)).mean() > 0.01
