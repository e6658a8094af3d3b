"""Painted skin."""

import numpy as np

from tf_handgroups.synth.hand_template import load_template
from tf_handgroups.synth.hand_texture import paint_hand, random_skin, smooth_noise, unrolled


def painted(seed):
    generator = np.random.default_rng(seed)
    return paint_hand(generator, "webxr", random_skin(generator))[..., :3]


def test_every_hand_vertex_lies_on_the_map():
    layout = unrolled()
    height, width = painted(0).shape[1:3]
    hand = load_template().bone_weights[16] == 0
    texels = layout.texels[hand]
    assert (texels >= 0).all() and (texels <= [width - 1, height - 1]).all()
    assert (layout.joints >= 0).all() and (layout.joints <= [width, height]).all()


def test_back_and_palm_are_told_apart():
    template, layout = load_template(), unrolled()
    dorsal = template.normals[:, 2] < -0.8
    palmar = template.normals[:, 2] > 0.8
    fingers = template.bone_weights[4:16].sum(axis=0) > 0.9
    assert layout.back[dorsal & fingers].mean() > 0.95
    assert layout.back[palmar & fingers].mean() < 0.05


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


def test_skin_covers_light_to_dark_and_is_never_blue():
    drawn = [random_skin(np.random.default_rng(seed)) for seed in range(300)]
    skins = np.array([(skin.back, skin.palm) for skin in drawn])
    luminance = skins[:, 0] @ [0.3, 0.6, 0.1]
    assert luminance.min() < 0.25 and luminance.max() > 0.75
    assert (skins[..., 0] > skins[..., 2]).all()
    # Palms of dark hands are clearly lighter than their backs.
    dark = luminance < 0.35
    assert (skins[dark, 1].mean(axis=1) > skins[dark, 0].mean(axis=1)).all()


def test_noise_has_about_unit_deviation_and_scale():
    generator = np.random.default_rng(0)
    coarse = smooth_noise(generator, 96, 64, 4)
    fine = smooth_noise(generator, 96, 64, 40)
    assert coarse.shape == (64, 96, 1)
    assert 0.4 < fine.std() < 1.2
    assert np.abs(np.diff(coarse, axis=1)).mean() < 0.3 * np.abs(np.diff(fine, axis=1)).mean()


def test_painting_is_reproducible():
    one, two = (painted(7) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - painted(8)).mean() > 0.01
