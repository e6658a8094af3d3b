"""A z-buffer in NumPy: triangles of a mesh to per-pixel interpolated attributes.

Triangles are grouped by the size of their bounding box; each group is tested
against its pixel grid at once. Fine meshes (a few pixels per triangle) are fast.
"""

import dataclasses

import numpy as np

# Powers of two.
_SIZES = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
_CELLS_AT_ONCE = 1 << 20


@dataclasses.dataclass(frozen=True, eq=False)
class Fragments:
    """The visible surface points of a rendered mesh, one per covered pixel.

    Args:
        rows: `(N,)` int, pixel rows.
        columns: `(N,)` int, pixel columns.
        faces: `(N,)` int, index of the visible face.
        barycentric: `(N, 3)` float32 weights of the face's corners.
    """

    rows: np.ndarray
    columns: np.ndarray
    faces: np.ndarray
    barycentric: np.ndarray

    def interpolate(self, mesh_faces: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Returns `(N, C)` float32 from per-vertex `values` `(V, C)`, each column in one piece."""
        channels = values.shape[1]
        parts = []
        for corners, share in zip(mesh_faces.T, self.barycentric.T, strict=True):
            part = np.take(values, np.take(corners, self.faces), axis=0)
            # Broadcasting over a short last axis is slow.
            part *= np.repeat(share, channels).reshape(part.shape)
            parts.append(part)
        parts[0] += parts[1]
        parts[0] += parts[2]
        return np.asfortranarray(parts[0])


def rasterize(
    points_px: np.ndarray,
    depth: np.ndarray,
    faces: np.ndarray,
    height: int,
    width: int,
    near: float = 0.0,
) -> Fragments:
    """Finds the nearest front-facing triangle of each pixel.

    Pixel (row, column) is sampled at its centre, the integer point (column, row).
    A triangle faces the camera when its corners run counter-clockwise seen from
    outside, so clockwise on screen with v down has negative area here.

    Args:
        points_px: `(V, 2)` projected vertices, u right, v down.
        depth: `(V,)` distances along the optical axis, the unit of `near`.
        faces: `(F, 3)` vertex indices.
        height: Image height in pixels.
        width: Image width in pixels.
        near: Triangles with a corner nearer than this are left out.

    Returns:
        `Fragments`, ordered by row and column.

    Example:
    >>> square = np.array([[0, 0], [0, 2], [2, 2], [2, 0]], float)
    >>> found = rasterize(square, np.ones(4), np.array([[0, 1, 2], [0, 2, 3]]), 4, 4)
    >>> len(found.rows)
    9
    """
    corners = np.ascontiguousarray(faces.T)
    x, y = (points_px[:, axis].astype(np.float32)[corners] for axis in (0, 1))
    z = depth.astype(np.float32)[corners]
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    low_x = np.maximum(np.ceil(x.min(axis=0)), 0)
    low_y = np.maximum(np.ceil(y.min(axis=0)), 0)
    high_x = np.minimum(np.floor(x.max(axis=0)), width - 1)
    high_y = np.minimum(np.floor(y.max(axis=0)), height - 1)
    kept = (area < -1e-6) & (low_x <= high_x) & (low_y <= high_y) & (z.min(axis=0) > near)
    kept = np.flatnonzero(kept)
    span = np.maximum(high_x - low_x, high_y - low_y)[kept] + 1
    parts = []
    smallest = 0
    for size in _SIZES:
        chosen = kept[(span > smallest) & (span <= size)]
        smallest = size
        at_once = max(1, _CELLS_AT_ONCE // (size * size))
        for start in range(0, len(chosen), at_once):
            group = chosen[start : start + at_once]
            parts.append(_scan(x, y, z, area, low_x, low_y, high_x, high_y, group, size, width))
    if not parts:
        empty = np.zeros(0, np.int64)
        return Fragments(empty, empty, empty, np.zeros((0, 3), np.float32))
    pixel, face, b1, b2, pixel_z = (np.concatenate(column) for column in zip(*parts, strict=True))
    # Far to near: of several writes to a pixel NumPy keeps the last one.
    farthest = pixel_z.max(initial=near)
    scale = np.float32(65535 / max(farthest - pixel_z.min(initial=farthest), 1e-6))
    key = ((farthest - pixel_z) * scale).astype(np.uint16)
    order = np.argsort(key, kind="stable")
    winner = np.full(height * width, -1, np.int64)
    winner[pixel[order]] = order
    covered = np.flatnonzero(winner >= 0)
    winner = winner[covered]
    b1, b2 = b1[winner], b2[winner]
    rows = covered // width
    return Fragments(
        rows=rows,
        columns=covered - rows * width,
        faces=face[winner],
        barycentric=np.stack([1 - b1 - b2, b1, b2]).T,
    )


def _scan(x, y, z, area, low_x, low_y, high_x, high_y, group, size, width):
    """Tests `group` of triangles against a size x size grid at their boxes' corners.

    Triangles are the last axis, because long rows are fast.
    """
    grid = np.arange(size, dtype=np.float32)[:, None]
    left, top = low_x[group], low_y[group]
    x, y, z, inverse = x[:, group], y[:, group], z[:, group], 1 / area[group]
    px, py = left + grid, top + grid
    # Barycentric weights are affine in the pixel: b = slope_x * x + slope_y * y + constant.
    slope1_x, slope1_y = (y[2] - y[0]) * inverse, (x[0] - x[2]) * inverse
    slope2_x, slope2_y = (y[0] - y[1]) * inverse, (x[1] - x[0]) * inverse
    dx, dy = px - x[0], py - y[0]
    b1 = slope1_x * dx + (slope1_y * dy)[:, None]
    b2 = slope2_x * dx + (slope2_y * dy)[:, None]
    slack = np.float32(1e-5)
    inside = np.minimum(b1, b2)
    inside = np.minimum(inside, 1 - b1 - b2, out=inside) >= -slack
    inside &= px <= high_x[group]
    inside &= (py <= high_y[group])[:, None]
    # One triangle after the other, so that neighbours at the same depth stay in order.
    found = np.flatnonzero(inside.reshape(size * size, -1).T)
    # Shifts are faster than divisions.
    bits = size.bit_length() - 1
    item, within = found >> (2 * bits), found & (size * size - 1)
    cell = within * len(group) + item
    row, column = within >> bits, within & (size - 1)
    b1, b2 = b1.ravel()[cell], b2.ravel()[cell]
    pixel_z = z[0][item] + b1 * (z[1] - z[0])[item] + b2 * (z[2] - z[0])[item]
    first = top.astype(np.int64) * width + left.astype(np.int64)
    return first[item] + (row * width + column), group[item], b1, b2, pixel_z
