"""Random proportions of hands."""

import numpy as np
import pytest

from tf_handgroups.synth.hand_mesh import pose_hand
from tf_handgroups.synth.hand_shape import HandShape, random_shape
from tf_handgroups.synth.hand_template import MESHES


def test_default_shape_is_the_template():
    shape = HandShape()
    assert shape.mesh == "webxr" and shape.scale == 1.0
    assert (shape.bone_length == 1).all() and len(shape.morphs) == 0


@pytest.mark.parametrize("mesh", MESHES)
def test_random_shapes_fit_their_mesh_and_differ(mesh):
    generator = np.random.default_rng(4)
    shapes = [random_shape(generator, mesh) for _ in range(50)]
    lengths = []
    for shape in shapes:
        assert shape.mesh == mesh
        joints, _, _ = pose_hand(np.zeros(25), shape)
        lengths.append(np.linalg.norm(joints[12] - joints[0]))
    assert 100 < min(lengths) and max(lengths) < 230
    assert np.std(lengths) > 8


def test_bones_of_one_finger_differ_between_people():
    generator = np.random.default_rng(5)
    joints = [pose_hand(np.zeros(25), random_shape(generator))[0] for _ in range(80)]
    bones = np.linalg.norm(np.diff(np.array(joints)[:, 9:13], axis=1), axis=2)
    assert (bones[:, 1] / bones[:, 0]).std() > 0.02
    assert (bones[:, 2] / bones[:, 0]).std() > 0.02


def test_only_makehuman_has_morphs_and_they_stay_linear():
    generator = np.random.default_rng(6)
    morphs = np.array([random_shape(generator, "makehuman").morphs for _ in range(60)])
    assert (np.abs(morphs) <= 1).all() and (morphs.std(axis=0) > 0.2).all()
    assert len(random_shape(generator, "webxr").morphs) == 0


@pytest.mark.parametrize("mesh", MESHES)
def test_same_seed_gives_the_same_shape(mesh):
    first, second = (random_shape(np.random.default_rng(7), mesh) for _ in range(2))
    np.testing.assert_array_equal(first.bone_length, second.bone_length)
    np.testing.assert_array_equal(first.morphs, second.morphs)
    assert first.scale == second.scale
