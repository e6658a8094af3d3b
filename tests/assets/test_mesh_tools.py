"""Shared steps of the hand meshes' derivations."""

import numpy as np

from tf_handgroups.assets import mesh_tools


def _open_cube():
    """A cube without its lid: 8 vertices, 10 faces, counter-clockwise from outside."""
    corners = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
    quads = [(0, 2, 3, 1), (0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6)]
    faces = [face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))]
    return corners, np.array(faces)


def test_boundary_loop_runs_along_its_faces():
    _, faces = _open_cube()
    loop = mesh_tools.boundary_loop(faces).tolist()
    assert sorted(loop) == [4, 5, 6, 7]
    edges = {(f[k], f[(k + 1) % 3]) for f in faces.tolist() for k in range(3)}
    assert all(pair in edges for pair in zip(loop, loop[1:] + loop[:1], strict=True))


def test_ring_faces_keep_the_orientation():
    vertices, faces = _open_cube()
    loop = mesh_tools.boundary_loop(faces)
    ring = np.arange(len(loop)) + len(vertices)
    vertices = np.concatenate([vertices, vertices[loop] + [0, 0, 2]])
    faces = np.concatenate([faces, mesh_tools.ring_faces(loop, ring)])
    edges = [(f[k], f[(k + 1) % 3]) for f in faces.tolist() for k in range(3)]
    assert len(edges) == len(set(edges))
    normals = np.cross(
        vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]]
    )
    outwards = vertices[faces].mean(axis=1) - [0.5, 0.5, 1.5]
    assert ((normals * outwards).sum(axis=1) > 0).all()


def test_forearm_takes_over_across_the_wrist():
    weights = np.zeros((3, mesh_tools.NUM_BONES))
    weights[:, mesh_tools.PALM_BONE] = 1
    vertices = np.array([[0, 0, 0], [0, 37, 0], [0, 80, 0.0]])
    blended = mesh_tools.blend_forearm(vertices, weights, 10.0)
    np.testing.assert_allclose(blended[:, mesh_tools.FOREARM_BONE], [0, 0.5, 1])
    np.testing.assert_allclose(blended.sum(axis=1), 1)


def test_arm_grows_thicker_and_the_palm_stays():
    vertices = np.array([[10, -40, 5], [10, 12, 5], [10, 200, 5.0]])
    thick = mesh_tools.thicken_arm(vertices, vertices[:, 1], np.zeros(3), (1.2, 1.5))
    np.testing.assert_allclose(thick, [[10, -40, 5], [12, 12, 6], [15, 200, 7.5]])


def test_tips_lie_below_the_middle_of_the_ends():
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ring = np.stack([3 + 2 * np.cos(angle), np.full(8, 20.0), 1 + 2 * np.sin(angle)], axis=1)
    finger = np.concatenate([ring, ring - [0, 12, 0]])
    vertices = np.concatenate([finger + np.array([40 * number, 0, 0]) for number in range(5)])
    weights = np.zeros((80, mesh_tools.NUM_BONES))
    weights[np.arange(80), np.repeat([3, 6, 9, 12, 15], 16)] = 1
    joints = np.arange(63.0).reshape(21, 3)
    placed = mesh_tools.place_tips(vertices, weights, joints, np.tile([0, 1.0, 0], (5, 1)))
    expected = [[3 + 40 * number, 18.8, 1] for number in range(5)]
    np.testing.assert_allclose(placed[4::4], expected)
    others = np.arange(21) % 4 != 0
    np.testing.assert_array_equal(placed[others], joints[others])


def test_thumb_base_spreads_into_the_palm_only():
    # A strip of triangles: thumb base, palm, palm, then another finger.
    faces = np.array([[i, i + 1, i + 2] for i in range(6)])
    weights = np.zeros((8, mesh_tools.NUM_BONES))
    weights[:2, mesh_tools.THUMB_BONE] = 1
    weights[2:6, mesh_tools.PALM_BONE] = 1
    weights[6:, 4] = 1
    softened = mesh_tools.soften_thumb_base(faces, weights, 3)
    np.testing.assert_allclose(softened.sum(axis=1), 1)
    np.testing.assert_array_equal(softened[:, 4], weights[:, 4])
    thumb = softened[:6, mesh_tools.THUMB_BONE]
    assert 0 < thumb[5] < thumb[2] < thumb[0] < 1


def test_small_weights_are_dropped_and_the_rest_sums_to_one():
    weights = mesh_tools.drop_small_weights(np.array([[0.005, 0.495, 0.5]]))
    assert weights[0, 0] == 0
    np.testing.assert_allclose(weights.sum(), 1)


def test_loop_subdivision_of_an_octahedron():
    vertices = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1.0]])
    faces = np.array(
        [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]
    )
    weights = np.eye(6)
    points, new_faces, new_weights = mesh_tools.subdivide_loop(vertices, faces, weights)
    assert points.shape == (18, 3) and new_faces.shape == (32, 3)
    np.testing.assert_allclose(new_weights.sum(axis=1), 1)
    # Valence 4: beta = 5/8 - (3/8 + cos(90 degrees)/4)^2 = 31/64; neighbours cancel out.
    np.testing.assert_allclose(points[0], [1 - 31 / 64, 0, 0], atol=1e-12)
    # Edge: 3/8 of both ends plus 1/8 of the opposite corners, which cancel in z.
    edge = points[6:][np.argmax(points[6:] @ [1, 1, 0])]
    np.testing.assert_allclose(edge, [3 / 8, 3 / 8, 0], atol=1e-12)
