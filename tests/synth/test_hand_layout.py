"""The flat layout of the hand."""

import numpy as np
import pytest

from tf_handgroups.synth.hand_layout import MAP_SIZE, smooth_noise, unrolled
from tf_handgroups.synth.hand_template import FOREARM_BONE, MESHES, load_template


@pytest.mark.parametrize("mesh", MESHES)
def test_every_hand_vertex_lies_on_the_map(mesh):
    layout = unrolled(mesh)
    width, height = MAP_SIZE
    hand = load_template(mesh).bone_weights[FOREARM_BONE] == 0
    texels = layout.texels[hand]
    assert (texels >= 0).all() and (texels <= [width - 1, height - 1]).all()
    assert (layout.joints >= 0).all() and (layout.joints <= [width, height]).all()


@pytest.mark.parametrize("mesh", MESHES)
def test_back_and_palm_are_told_apart(mesh):
    template, layout = load_template(mesh), unrolled(mesh)
    dorsal = template.normals[:, 2] < -0.8
    palmar = template.normals[:, 2] > 0.8
    fingers = template.bone_weights[4:16].sum(axis=0) > 0.9
    assert layout.back[dorsal & fingers].mean() > 0.95
    assert layout.back[palmar & fingers].mean() < 0.05


def test_noise_has_about_unit_deviation_and_scale():
    generator = np.random.default_rng(0)
    coarse = smooth_noise(generator, 96, 64, 4)
    fine = smooth_noise(generator, 96, 64, 40)
    assert coarse.shape == (64, 96, 1)
    assert 0.4 < fine.std() < 1.2
    assert np.abs(np.diff(coarse, axis=1)).mean() < 0.3 * np.abs(np.diff(fine, axis=1)).mean()
