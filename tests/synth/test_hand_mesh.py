"""The skinned hand: shape, posing, skinning."""

import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.joints import BONES
from tf_handgroups.synth import hand_mesh
from tf_handgroups.synth.hand_mesh import pose_hand, skin_vertices
from tf_handgroups.synth.hand_shape import HandShape, random_shape
from tf_handgroups.synth.hand_template import load_template
from tf_handgroups.synth.pose_prior import LIMITS_DEG


def random_angles(seed, count=()):
    generator = np.random.default_rng(seed)
    shape = (*((count,) if count else ()), 25)
    return np.radians(generator.uniform(LIMITS_DEG[:, 0], LIMITS_DEG[:, 1], shape))


def bone_lengths(joints):
    return np.array(
        [np.linalg.norm(joints[..., a, :] - joints[..., b, :], axis=-1) for a, b in BONES]
    )


def rest_pose():
    """The angles that reproduce the asset's rest pose."""
    rest = hand_mesh.rest_angles()
    angles = np.zeros(25)
    for finger in range(5):
        angles[4 * finger] = rest[finger, 0, 0]
        angles[4 * finger + 1 : 4 * finger + 4] = -rest[finger, :, 1]
    return angles


def test_rest_angles_reproduce_the_asset():
    joints, linear, offset = pose_hand(rest_pose())
    template = load_template()
    np.testing.assert_allclose(joints, template.joints_mm, atol=1e-3)
    np.testing.assert_allclose(
        skin_vertices(HandShape(), linear, offset), template.vertices_mm, atol=2e-3
    )


def test_posing_keeps_bone_lengths():
    lengths = bone_lengths(pose_hand(random_angles(0, 50))[0])
    # The asset's frames are float32, so they are orthonormal to about 1e-7 only.
    assert (np.ptp(lengths, axis=1) < 1e-5 * lengths.mean(axis=1)).all()


def test_batch_equals_single_poses():
    angles = random_angles(1, 3)
    batch = pose_hand(angles)
    for index in range(3):
        for one, many in zip(pose_hand(angles[index]), batch, strict=True):
            np.testing.assert_allclose(many[index], one, atol=1e-9)


def test_shape_scales_bones():
    plain = bone_lengths(pose_hand(np.zeros(25))[0])
    larger = bone_lengths(pose_hand(np.zeros(25), HandShape(scale=1.1))[0])
    np.testing.assert_allclose(larger, plain * 1.1, rtol=1e-9)
    length = np.ones((5, 3))
    length[1] = [1.2, 1.1, 0.9]
    longer = bone_lengths(pose_hand(np.zeros(25), HandShape(bone_length=length))[0])
    index_bones = [BONES.index(bone) for bone in ((5, 6), (6, 7), (7, 8))]
    # Joints lie a little off their bone's axis, which is not stretched.
    np.testing.assert_allclose(longer[index_bones], plain[index_bones] * length[1], rtol=0.02)
    others = np.setdiff1d(range(20), index_bones)
    np.testing.assert_allclose(longer[others], plain[others], rtol=1e-9)


@pytest.mark.parametrize("finger", range(1, 5))
def test_bending_moves_tips_to_the_palm(finger):
    straight, bent = np.zeros(25), np.zeros(25)
    bent[4 * finger + 1] = np.radians(90)
    before, after = pose_hand(straight)[0], pose_hand(bent)[0]
    tip, knuckle = 4 + 4 * finger, 1 + 4 * finger
    assert after[tip, 2] - after[knuckle, 2] > 50
    length = np.linalg.norm(before[tip] - before[knuckle])
    assert after[tip, 1] - after[knuckle, 1] > -0.2 * length


def test_sideways_is_positive_towards_the_thumb():
    spread = np.zeros(25)
    spread[4] = np.radians(20)
    assert pose_hand(spread)[0][8, 0] < pose_hand(np.zeros(25))[0][8, 0] - 20


def test_joints_stay_inside_their_flesh():
    """The mean of the skin around a joint stays near the joint in any pose."""
    template = load_template()
    near = [
        np.argsort(np.linalg.norm(template.vertices_mm - joint, axis=1))[:60]
        for joint in template.joints_mm
    ]
    for angles in random_angles(2, 20):
        joints, linear, offset = pose_hand(angles)
        vertices = skin_vertices(HandShape(), linear, offset)
        for joint in (2, 3, 6, 7, 10, 11, 14, 15, 18, 19):
            distance = np.linalg.norm(vertices[near[joint]].mean(axis=0) - joints[joint])
            assert distance < 9, joint


def test_knuckles_rise_outward_and_only_when_bent():
    straight, bent = rest_pose(), rest_pose()
    bent[5] = np.radians(80)
    _, linear, offset = pose_hand(straight)
    vertices = skin_vertices(HandShape(), linear, offset)
    flat = straight.copy()
    flat[np.arange(25) % 4 != 0] = 0
    normals = load_template().triangles.normals(vertices)
    np.testing.assert_array_equal(
        hand_mesh.raise_knuckles(vertices, normals, HandShape(), flat, 4.0), vertices
    )
    _, linear, offset = pose_hand(bent)
    vertices = skin_vertices(HandShape(), linear, offset)
    normals = load_template().triangles.normals(vertices)
    raised = hand_mesh.raise_knuckles(vertices, normals, HandShape(), bent, 4.0)
    moved = np.linalg.norm(raised - vertices, axis=1)
    assert 1.0 < moved.max() < 5.0
    top = load_template().vertices_mm[moved.argmax()]
    assert np.linalg.norm(top - load_template().joints_mm[5]) < 20
    assert top[2] < load_template().joints_mm[5][2]  # on the back


def test_random_shapes_are_human_and_reproducible():
    shapes = [random_shape(np.random.default_rng(seed)) for seed in range(200)]
    spans = [bone_lengths(pose_hand(np.zeros(25), shape)[0])[8:12].sum() for shape in shapes]
    assert 100 < min(spans) < 140  # a child's wrist to middle fingertip, mm
    assert 165 < max(spans) < 225
    again = random_shape(np.random.default_rng(3))
    assert again.scale == shapes[3].scale


@pytest.mark.parametrize("shape", [(24,), (3, 21), ()])
def test_rejects_other_numbers_of_angles(shape):
    with pytest.raises(InputError, match=r"Received: shape="):
        pose_hand(np.zeros(shape))
