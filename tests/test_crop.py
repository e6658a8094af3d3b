import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hands import smooth_image
from tests.properties import EXAMPLES, angles_rad, boxes, cameras, depths_mm, hands_px
from tf_handgroups.camera import project
from tf_handgroups.crop import (
    CROP_MARGIN,
    CROP_RULE,
    crop_image,
    crop_matrix,
    invert,
    transform_points,
)
from tf_handgroups.errors import InputError


def box_of_window(centre_u, centre_v, side):
    """The box whose crop window has this side in image pixels."""
    half = side / CROP_MARGIN / 2
    return centre_u - half, centre_v - half, 2 * half, 2 * half


def brute_force(image, matrix, size):
    """One pixel at a time, with the border as a ring of zeros."""
    (a, b, c), (d, e, f) = np.asarray(matrix, np.float64)
    crop = np.zeros((size, size, 3))

    def at(row, column):
        if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
            return image[row, column] / 255.0
        return np.zeros(3)

    for row in range(size):
        for column in range(size):
            # Cramer's rule for the image position of this crop pixel.
            right, down = column - c, row - f
            u = (right * e - b * down) / (a * e - b * d)
            v = (a * down - d * right) / (a * e - b * d)
            left, top = math.floor(u), math.floor(v)
            for y, weight_y in ((top, 1 - (v - top)), (top + 1, v - top)):
                for x, weight_x in ((left, 1 - (u - left)), (left + 1, u - left)):
                    crop[row, column] += weight_y * weight_x * at(y, x)
    return crop


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("rotation_rad", [0.0, 0.7, -2.5])
def test_inverse_of_the_matrix_is_the_identity(rotation_rad, mirror):
    matrix = crop_matrix((12, -7, 30, 44), 128, 1.3, rotation_rad, mirror)
    points = np.random.default_rng(0).uniform(-100, 300, (5, 21, 2))
    there = transform_points(matrix, points)
    np.testing.assert_allclose(transform_points(invert(matrix), there), points, atol=1e-9)
    np.testing.assert_allclose(invert(invert(matrix)), matrix, atol=1e-12)


def test_window_is_the_margin_times_the_longer_side():
    matrix = crop_matrix((10, 20, 40, 20), size=100)
    # The window has 60 pixels around (30, 30); its edges are the outer edges of crop pixels.
    corners = transform_points(matrix, [(0, 0), (60, 60), (30, 30)])
    np.testing.assert_allclose(corners, [(-0.5, -0.5), (99.5, 99.5), (49.5, 49.5)], atol=1e-9)


def test_rotation_turns_the_content_clockwise():
    turned = crop_matrix((0, 0, 10, 10), 60, rotation_rad=math.pi / 2)
    # What was right of the centre is now below it.
    np.testing.assert_allclose(transform_points(turned, (6, 5)), (29.5, 29.5 + 4), atol=1e-9)
    image = smooth_image(41, 41)
    box = box_of_window(20, 20, 41)
    quarter = crop_image(image, crop_matrix(box, 41, rotation_rad=math.pi / 2), 41)
    np.testing.assert_allclose(quarter, np.rot90(image, -1) / 255, atol=1e-5)


@pytest.mark.parametrize("rotation_rad", [0.0, 0.4])
def test_mirrored_crop_is_the_crop_flipped(rotation_rad):
    image = smooth_image(50, 70)
    plain = crop_matrix((20, 10, 25, 30), 32, rotation_rad=rotation_rad)
    mirrored = crop_matrix((20, 10, 25, 30), 32, rotation_rad=rotation_rad, mirror=True)
    points = transform_points(plain, [(25.0, 30.0), (40.0, 12.0)])
    np.testing.assert_allclose(
        transform_points(mirrored, [(25.0, 30.0), (40.0, 12.0)]),
        np.stack([31 - points[:, 0], points[:, 1]], -1),
        atol=1e-9,
    )
    np.testing.assert_allclose(
        crop_image(image, mirrored, 32), crop_image(image, plain, 32)[:, ::-1], atol=1e-6
    )


def test_integers_are_pixel_centres():
    """A window of as many pixels as the crop copies pixels, without any shift."""
    image = smooth_image(30, 40)
    # Columns 8..23, rows 5..20: their centre lies at (15.5, 12.5).
    crop = crop_image(image, crop_matrix(box_of_window(15.5, 12.5, 16), 16), 16)
    np.testing.assert_allclose(crop, image[5:21, 8:24] / 255, atol=1e-6)
    assert crop.dtype == np.float32


@pytest.mark.parametrize("rotation_rad", [0.0, 0.3, -2.0])
@pytest.mark.parametrize("mirror", [False, True])
def test_bilinear_equals_brute_force(rotation_rad, mirror):
    image = np.random.default_rng(1).integers(0, 256, (23, 31, 3), np.uint8)
    # Enlarged, and partly outside the image.
    matrix = crop_matrix((20, 14, 12, 9), 20, rotation_rad=rotation_rad, mirror=mirror)
    expected = brute_force(image, matrix, 20)
    assert (expected == 0).any() and (expected > 0).any()
    np.testing.assert_allclose(crop_image(image, matrix, 20), expected, atol=2e-6)


def test_border_is_black():
    white = np.full((20, 20, 3), 255, np.uint8)
    crop = crop_image(white, crop_matrix(box_of_window(0 - 0.5, 9.5, 20), 20), 20)
    np.testing.assert_allclose(crop[:, 10:], 1.0, atol=1e-6)
    np.testing.assert_array_equal(crop[:, :10], 0.0)
    # Half way out of the image the interpolation has half of the border.
    shifted = crop_image(white, crop_matrix(box_of_window(0.0, 9.5, 20), 20), 20)
    np.testing.assert_allclose(shifted[10, 9:11, 0], [0.5, 1.0], atol=1e-6)
    assert not crop_image(white, crop_matrix((500, 500, 10, 10), 20), 20).any()


@pytest.mark.parametrize("factor", [2, 3, 7])
def test_reduction_is_the_mean_of_blocks(factor):
    size = 8
    image = np.random.default_rng(2).integers(0, 256, (size * factor,) * 2 + (3,), np.uint8)
    middle = (size * factor - 1) / 2
    crop = crop_image(image, crop_matrix(box_of_window(middle, middle, size * factor), size), size)
    blocks = image.reshape(size, factor, size, factor, 3).mean((1, 3)) / 255
    np.testing.assert_allclose(crop, blocks, atol=1e-5)


def test_reduction_by_a_fraction_averages_blocks_of_its_floor():
    image = np.random.default_rng(3).integers(0, 256, (61, 83, 3), np.uint8)
    matrix = crop_matrix(box_of_window(40, 30, 50), 20)  # 2.5 image pixels per crop pixel
    halved = image[:60, :82].reshape(30, 2, 41, 2, 3).mean((1, 3))
    # Block (0, 0) is centred at image position (0.5, 0.5).
    to_blocks = np.array([[0.5, 0.0, -0.25], [0.0, 0.5, -0.25]])
    inverse = invert(matrix)
    block_matrix = invert(
        np.concatenate(
            [
                to_blocks[:, :2] @ inverse[:, :2],
                (to_blocks[:, :2] @ inverse[:, 2] + to_blocks[:, 2])[:, None],
            ],
            axis=1,
        )
    )
    np.testing.assert_allclose(
        crop_image(image, matrix, 20), brute_force(halved, block_matrix, 20), atol=2e-6
    )


def test_image_smaller_than_a_block():
    image = np.full((3, 200, 3), 255, np.uint8)
    crop = crop_image(image, crop_matrix(box_of_window(100, 1, 200), 20), 20)
    assert crop.shape == (20, 20, 3) and 0.1 < crop.max() <= 1.0


def test_rule_for_other_runners_states_what_the_code_does():
    assert CROP_RULE["margin"] == CROP_MARGIN == 1.5
    assert CROP_RULE["border_value"] == 0.0 and CROP_RULE["interpolation"] == "bilinear"


@pytest.mark.parametrize(
    "box", [(0, 0, 0, 5), (0, 0, 5, -1), (math.nan, 0, 5, 5), (0, math.inf, 5, 5)]
)
def test_rejects_box(box):
    with pytest.raises(InputError, match="Received: box_px="):
        crop_matrix(box, 64)


def test_white_stays_within_range():
    """Runners refuse values beyond 1, and interpolating white rounds to a hair more."""
    white = np.full((90, 90, 3), 255, np.uint8)
    crops = [
        crop_image(white, crop_matrix((20, 20, 30 + 0.37 * step, 30), 64), 64) for step in range(8)
    ]
    assert np.max(crops) == 1.0


SIZES = st.integers(16, 512)


@EXAMPLES
@given(boxes(), SIZES, angles_rad(), st.booleans(), hands_px())
def test_crop_and_back_is_the_identity(box, size, rotation_rad, mirror, points):
    matrix = crop_matrix(box, size, rotation_rad=rotation_rad, mirror=mirror)
    there = transform_points(matrix, points)
    np.testing.assert_allclose(transform_points(invert(matrix), there), points, atol=1e-8)
    np.testing.assert_allclose(
        transform_points(matrix, transform_points(invert(matrix), points)), points, atol=1e-6
    )


@EXAMPLES
@given(boxes(), SIZES, angles_rad(), hands_px())
def test_mirrored_twice_is_the_plain_crop(box, size, rotation_rad, points):
    plain, mirrored = (
        transform_points(crop_matrix(box, size, rotation_rad=rotation_rad, mirror=mirror), points)
        for mirror in (False, True)
    )
    np.testing.assert_allclose(mirrored[:, 1], plain[:, 1], atol=1e-6)
    np.testing.assert_allclose(size - 1 - mirrored[:, 0], plain[:, 0], atol=1e-6)


@EXAMPLES
@given(boxes(), SIZES, angles_rad(), hands_px())
def test_rotated_and_back_is_the_plain_crop(box, size, rotation_rad, points):
    plain, turned = (
        transform_points(crop_matrix(box, size, rotation_rad=angle), points)
        for angle in (0.0, rotation_rad)
    )
    # A box that fills a crop of the same size, so that the second crop only turns back.
    again = crop_matrix((-0.5, -0.5, size, size), size, margin=1.0, rotation_rad=-rotation_rad)
    np.testing.assert_allclose(transform_points(again, turned), plain, atol=1e-6)


@EXAMPLES
@given(hands_px(), depths_mm(), cameras(), boxes(), SIZES, angles_rad())
def test_camera_of_the_crop_projects_into_the_crop(uv_px, depth, camera, box, size, rotation_rad):
    rays = np.concatenate([uv_px, np.ones((21, 1))], axis=-1) @ np.linalg.inv(camera).T
    matrix = crop_matrix(box, size, rotation_rad=rotation_rad)
    homogeneous = rays * depth @ (np.concatenate([matrix, [[0, 0, 1]]]) @ camera).T
    expected = transform_points(matrix, project(rays * depth, camera))
    np.testing.assert_allclose(homogeneous[:, :2] / homogeneous[:, 2:], expected, atol=1e-6)
