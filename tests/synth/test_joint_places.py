import numpy as np
import pytest

from tf_handgroups.synth.hand_mesh import pose_hand
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.hand_template import MESHES, load_template
from tf_handgroups.synth.joint_places import annotated_joints

PALM = [0, 1, 5, 9, 13, 17]
FINGERS = [joint for joint in range(21) if joint not in PALM]


def test_only_the_palm_moves_and_not_far():
    joints = np.random.default_rng(0).normal(0, 50, (3, 21, 3))
    moved = annotated_joints(joints, HandShape())
    np.testing.assert_array_equal(moved[:, FINGERS], joints[:, FINGERS])
    distance = np.linalg.norm(moved - joints, axis=-1)[:, PALM]
    assert (distance > 1).all() and (distance < 6).all()


def test_shifts_grow_with_the_palm():
    zeros = np.zeros((21, 3))
    small = annotated_joints(zeros, HandShape())
    large = annotated_joints(zeros, HandShape(scale=1.25, palm=(1.2, 1.0, 0.8)))
    np.testing.assert_allclose(large, small * 1.25 * np.array([1.2, 1.0, 0.8]))


@pytest.mark.parametrize("mesh", MESHES)
def test_annotated_joints_stay_inside_the_skin(mesh):
    shape = HandShape(mesh=mesh)
    joints = annotated_joints(pose_hand(np.zeros(25), shape)[0], shape)
    template = load_template(mesh)
    for joint in PALM:
        nearest = np.argmin(np.linalg.norm(template.vertices_mm - joints[joint], axis=1))
        outward = template.normals[nearest]
        assert (joints[joint] - template.vertices_mm[nearest]) @ outward < 0, joint
