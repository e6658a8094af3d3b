"""The z-buffer against a pixel-by-pixel reference."""

import numpy as np
import pytest

from tf_handgroups.synth.rasterizer import rasterize


def reference(points, depth, faces, height, width, near=0.0):
    """Loops over pixels and triangles; returns nearest face or -1, and its depth."""
    found = np.full((height, width), -1)
    nearest = np.full((height, width), np.inf)
    for index, (a, b, c) in enumerate(faces):
        matrix = np.array([points[b] - points[a], points[c] - points[a]]).T
        if np.linalg.det(matrix) >= 0 or depth[[a, b, c]].min() <= near:
            continue
        for row in range(height):
            for column in range(width):
                s, t = np.linalg.solve(matrix, np.array([column, row]) - points[a])
                z = depth[a] + s * (depth[b] - depth[a]) + t * (depth[c] - depth[a])
                if s >= 0 and t >= 0 and s + t <= 1 and z < nearest[row, column]:
                    found[row, column], nearest[row, column] = index, z
    return found, nearest


def as_images(fragments, height, width, depth, faces):
    found, nearest = np.full((height, width), -1), np.full((height, width), np.inf)
    found[fragments.rows, fragments.columns] = fragments.faces
    z = fragments.interpolate(faces, depth[:, None].astype(np.float32))[:, 0]
    nearest[fragments.rows, fragments.columns] = z
    return found, nearest


@pytest.mark.parametrize("seed", range(4))
def test_equals_brute_force(seed):
    generator = np.random.default_rng(seed)
    height, width = 23, 31
    # From slivers to triangles larger than the image, partly outside.
    points = generator.uniform(-10, 40, (24, 2))
    depth = generator.uniform(100, 300, 24)
    faces = generator.permutation(24).reshape(8, 3)
    faces = np.concatenate([faces, faces[:, ::-1]])
    expected, expected_depth = reference(points, depth, faces, height, width)
    found, found_depth = as_images(
        rasterize(points, depth, faces, height, width), height, width, depth, faces
    )
    assert (expected >= 0).any()
    # Depth is ordered in 65536 steps; nothing here is that close.
    assert (found == expected).mean() > 0.998
    same = (found == expected) & (expected >= 0)
    np.testing.assert_allclose(found_depth[same], expected_depth[same], rtol=1e-4)


def test_sorts_by_depth_not_by_order():
    points = np.array([[0, 0], [0, 9], [9, 0]] * 2, float)
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    for depth, expected in (([1, 1, 1, 2, 2, 2], 0), ([2, 2, 2, 1, 1, 1], 1)):
        fragments = rasterize(points, np.array(depth, float), faces, 10, 10)
        assert set(fragments.faces) == {expected}


def test_hides_back_faces_and_near_ones():
    points = np.array([[0, 0], [0, 9], [9, 0]], float)
    face = np.array([[0, 1, 2]])
    assert len(rasterize(points, np.full(3, 5.0), face, 10, 10).rows) == 55
    assert len(rasterize(points, np.full(3, 5.0), face[:, ::-1], 10, 10).rows) == 0
    assert len(rasterize(points, np.full(3, 5.0), face, 10, 10, near=5.0).rows) == 0


def test_interpolates_attributes_linearly():
    points = np.array([[0, 0], [0, 20], [20, 0]], float)
    face = np.array([[0, 1, 2]])
    fragments = rasterize(points, np.ones(3), face, 24, 24)
    values = fragments.interpolate(face, points.astype(np.float32))
    np.testing.assert_allclose(values[:, 0], fragments.columns, atol=1e-4)
    np.testing.assert_allclose(values[:, 1], fragments.rows, atol=1e-4)


def test_large_triangles_are_cut_at_the_border():
    points = np.array([[-5000, -5000], [-5000, 9000], [9000, -5000]], float)
    fragments = rasterize(points, np.ones(3), np.array([[0, 1, 2]]), 70, 50)
    assert len(fragments.rows) == 70 * 50


def test_empty_scene():
    fragments = rasterize(np.zeros((3, 2)), np.ones(3), np.array([[0, 1, 2]]), 4, 4)
    assert fragments.barycentric.shape == (0, 3)
