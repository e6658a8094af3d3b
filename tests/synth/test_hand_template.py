"""The embedded hand meshes: topology, joints, frames, morphs."""

import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_mesh import pose_hand, rest_angles, skin_vertices
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.hand_template import FOREARM_BONE, MESHES, Triangles, load_template

meshes = pytest.mark.parametrize("mesh", MESHES)


def _winding(points, vertices, faces):
    """How often the surface goes round each point (van Oosterom and Strackee)."""
    turns = []
    for point in points:
        a, b, c = np.moveaxis(vertices[faces].astype(float) - point, 1, 0)
        la, lb, lc = (np.linalg.norm(side, axis=1) for side in (a, b, c))
        volume = (a * np.cross(b, c)).sum(axis=1)
        rest = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        turns.append(np.arctan2(volume, rest).sum() / (2 * np.pi))
    return np.array(turns)


@meshes
def test_right_hand_in_the_hand_frame(mesh):
    joints = load_template(mesh).joints_mm
    np.testing.assert_allclose(joints[9], 0, atol=1e-6)
    assert joints[12, 1] < joints[9, 1] < joints[0, 1]  # fingers up
    assert joints[5, 0] < joints[17, 0]  # back seen, index on the left: a right hand
    assert joints[4, 0] < joints[1, 0] < joints[0, 0]  # thumb on the index finger's side
    assert joints[4, 2] > joints[9, 2]  # the thumb rests on the palm's side


@meshes
def test_closed_but_for_the_elbow_and_faces_look_outward(mesh):
    template = load_template(mesh)
    edges = template.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    directed = set(map(tuple, edges.tolist()))
    assert len(directed) == len(edges)  # no edge is used twice in one direction
    border = [a for a, b in directed if (b, a) not in directed]
    assert border
    assert template.vertices_mm[border, 1].min() > 300  # all at the elbow's end
    corners = template.vertices_mm[template.faces].astype(float)
    volume = np.einsum("fc,fc->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume > 0


@meshes
def test_no_degenerate_face_and_no_lone_vertex(mesh):
    template = load_template(mesh)
    corners = template.vertices_mm[template.faces].astype(float)
    areas = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    assert areas.min() > 1e-4
    assert len(np.unique(template.faces)) == len(template.vertices_mm) <= 7500


@meshes
def test_joints_lie_inside(mesh):
    template = load_template(mesh)
    turns = _winding(template.joints_mm, template.vertices_mm, template.faces)
    assert (turns > 0.9).all() and (turns < 1.1).all()


@meshes
def test_weights_are_shares(mesh):
    template = load_template(mesh)
    np.testing.assert_allclose(template.bone_weights.sum(axis=0), 1, atol=1e-5)
    assert template.bone_weights.min() >= 0
    beyond = template.vertices_mm[:, 1] > template.wrist_pivot_mm[1] + 40
    assert (template.bone_weights[FOREARM_BONE, beyond] == 1).all()


@meshes
def test_frames_are_rotations_that_look_along_the_bones(mesh):
    template = load_template(mesh)
    turned = np.einsum("jab,jac->jbc", template.rotations, template.rotations)
    np.testing.assert_allclose(turned, np.tile(np.eye(3), (21, 1, 1)), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(template.rotations), 1, atol=1e-5)
    np.testing.assert_allclose(template.rotations[0], [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=1e-5)
    for finger in range(5):
        for joint in range(1 + 4 * finger, 4 + 4 * finger):
            bone = template.joints_mm[joint + 1] - template.joints_mm[joint]
            cosine = -template.rotations[joint][:, 2] @ bone / np.linalg.norm(bone)
            assert cosine > np.cos(np.radians(15)), (finger, joint)


def test_both_meshes_mean_the_same_by_an_angle():
    first, second = (np.degrees(rest_angles(mesh)) for mesh in MESHES)
    # The turn of a bending axis about its finger; a swapped or mirrored axis is far off.
    np.testing.assert_allclose(first[:, 0, 2], second[:, 0, 2], atol=12)
    assert (np.abs(np.degrees([rest_angles(mesh)[1:, 1:] for mesh in MESHES])) < 20).all()


@meshes
def test_straight_and_bent_fingers(mesh):
    straight, _, _ = pose_hand(np.zeros(25), HandShape(mesh=mesh))
    bent_angles = np.zeros(25)
    bent_angles[[5, 9, 13, 17]] = np.radians(90)
    bent, _, _ = pose_hand(bent_angles, HandShape(mesh=mesh))
    for finger in range(1, 5):
        mcp, tip = 1 + 4 * finger, 4 + 4 * finger
        forward = straight[tip] - straight[mcp]
        assert -forward[1] > 0.96 * np.linalg.norm(forward)
        palmward = bent[tip] - bent[mcp]
        assert palmward[2] > 0.96 * np.linalg.norm(palmward)


@meshes
def test_rest_lengths_survive_the_zero_pose(mesh):
    template = load_template(mesh)
    joints, _, _ = pose_hand(np.zeros(25), HandShape(mesh=mesh))
    for joint in range(1, 21):
        parent = joint - 1 if joint % 4 != 1 else 0
        expected = np.linalg.norm(template.joints_mm[joint] - template.joints_mm[parent])
        found = np.linalg.norm(joints[joint] - joints[parent])
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_nails_lie_on_the_backs_of_the_finger_ends():
    assert not load_template("webxr").nail.any()
    template = load_template("makehuman")
    on_nail = template.nail > 0.99
    owner = np.argmax(template.bone_weights[:, on_nail], axis=0)
    assert sorted(set(owner.tolist())) == [3, 6, 9, 12, 15]  # the last bone of each finger
    for finger in range(5):
        last = 3 + 4 * finger
        own = template.vertices_mm[on_nail][owner == 3 + 3 * finger] - template.joints_mm[last]
        local = own @ template.rotations[last]
        assert (local[:, 1] > 0).all()  # dorsal
        assert (local[:, 2] < 0).all()  # beyond the last joint


def _morphed(name, amount):
    template = load_template("makehuman")
    morphs = np.zeros(len(template.morph_names))
    morphs[template.morph_names.index(name)] = amount
    shape = HandShape(mesh="makehuman", morphs=morphs)
    joints, linear, offset = pose_hand(np.zeros(25), shape)
    return joints, skin_vertices(shape, linear, offset)


@pytest.mark.parametrize("amount", [-1.0, 1.0])
def test_length_morph_lengthens_every_finger(amount):
    plain, _ = _morphed("finger_length", 0.0)
    moved, _ = _morphed("finger_length", amount)
    for finger in range(5):
        first, tip = 2 if finger == 0 else 1 + 4 * finger, 4 + 4 * finger
        before = np.linalg.norm(plain[tip] - plain[first])
        after = np.linalg.norm(moved[tip] - moved[first])
        assert 0.04 < amount * (after / before - 1) < 0.25, finger
    np.testing.assert_allclose(moved[[0, 5, 9, 13, 17]], plain[[0, 5, 9, 13, 17]], atol=1e-3)


@pytest.mark.parametrize("amount", [-1.0, 1.0])
def test_distance_morph_moves_fingers_apart(amount):
    plain, _ = _morphed("finger_distance", 0.0)
    moved, _ = _morphed("finger_distance", amount)
    width = [joints[17, 0] - joints[5, 0] for joints in (plain, moved)]
    assert 1 < amount * (width[1] - width[0]) < 8


@pytest.mark.parametrize(
    ("name", "bone", "low", "high"),
    [("finger_diameter", 8, 0.02, 0.3), ("wrist_girth", FOREARM_BONE, 0.02, 0.3)],
)
@pytest.mark.parametrize("amount", [-1.0, 1.0])
def test_girth_morphs_thicken_what_they_name(name, bone, low, high, amount):
    template = load_template("makehuman")
    near = template.bone_weights[bone] > 0.5
    if bone == FOREARM_BONE:
        near &= template.vertices_mm[:, 1] < template.wrist_pivot_mm[1] + 15
    girths = []
    for vertices in (_morphed(name, 0.0)[1], _morphed(name, amount)[1]):
        across = vertices[near][:, [0, 2]]
        girths.append(np.linalg.norm(across - across.mean(axis=0), axis=1).mean())
    assert low < amount * (girths[1] / girths[0] - 1) < high


@pytest.mark.parametrize("bad", [np.zeros(3), np.full(4, 1.5), np.full(4, np.nan)])
def test_rejects_morphs_that_do_not_fit(bad):
    with pytest.raises(InputError, match="Received: morphs="):
        pose_hand(np.zeros(25), HandShape(mesh="makehuman", morphs=bad))


def test_rejects_morphs_of_a_mesh_without():
    with pytest.raises(InputError, match="it has none"):
        pose_hand(np.zeros(25), HandShape(mesh="webxr", morphs=np.zeros(4)))


def test_rejects_an_unknown_mesh():
    with pytest.raises(InputError, match="Received: mesh='foot'"):
        load_template("foot")


def test_normals_of_a_sphere_point_outward():
    octahedron = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1.0]])
    faces = np.array(
        [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]
    )
    normals = Triangles(faces, 6).normals(octahedron)
    np.testing.assert_allclose(normals, octahedron, atol=1e-6)


@meshes
def test_normals_of_the_mirrored_hand_are_mirrored(mesh):
    template = load_template(mesh)
    mirror = np.array([-1, 1, 1], np.float32)
    found = template.mirrored.normals(template.vertices_mm * mirror)
    np.testing.assert_allclose(found, template.normals * mirror, atol=1e-4)


@meshes
def test_normals_are_the_sums_over_the_faces_of_a_vertex(mesh):
    template = load_template(mesh)
    a, b, c = (template.vertices_mm[template.faces[:, corner]] for corner in range(3))
    across = np.cross(b - a, c - a)
    for vertex in (0, 100, 2000):
        summed = across[(template.faces == vertex).any(axis=1)].sum(axis=0)
        expected = summed / np.linalg.norm(summed)
        np.testing.assert_allclose(template.normals[vertex], expected, atol=1e-4)
