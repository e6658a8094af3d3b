"""Tests of the pictures of what differs most."""

import numpy as np
import pytest

from tf_handgroups.convert.worst_crops import worst_crops
from tf_handgroups.errors import InputError

TILE = 288


@pytest.fixture
def outputs():
    """Three crops on which the variant is off by 1, 6 and 3 pixels."""
    columns, rows = np.meshgrid(np.linspace(10, 50, 7), np.linspace(15, 45, 3))
    uv_px = np.stack([columns, rows], -1).reshape(1, 21, 2).repeat(3, axis=0)
    moved = uv_px + np.array([1.0, 6.0, 3.0])[:, None, None] * [1, 0]
    return {"uv_px": uv_px}, {"uv_px": moved}


def pixels_of(count=3):
    """Grey crops, each with a level of its own."""
    levels = np.array([0.2, 0.4, 0.6])[:count]
    return np.broadcast_to(levels[:, None, None, None], (count, 64, 64, 3))


def level(tile):
    """The grey of a tile's empty part."""
    return round(float(np.median(tile)) / 255, 1)


def test_tiles_are_sorted_by_difference(outputs):
    sheet = worst_crops(pixels_of(), *outputs, columns=3)
    assert sheet.shape == (TILE, 3 * TILE, 3) and sheet.dtype == np.uint8
    tiles = np.split(sheet, 3, axis=1)
    assert [level(tile) for tile in tiles] == [0.4, 0.6, 0.2]


def test_only_the_worst_are_drawn_and_rows_are_filled_up(outputs):
    assert worst_crops(pixels_of(), *outputs, count=2, columns=3).shape == (TILE, 2 * TILE, 3)
    sheet = worst_crops(pixels_of(), *outputs, columns=2)
    assert sheet.shape == (2 * TILE, 2 * TILE, 3)
    assert (sheet[TILE:, TILE:] == 255).all()


def reddish(tile):
    """Red pixels, without the words at the lower edge."""
    red, green, blue = np.moveaxis(tile[: TILE - 30].astype(int), -1, 0)
    return np.count_nonzero((red > 200) & (green < 90) & (blue < 90))


def test_red_lines_join_what_moved(outputs):
    expected, received = outputs
    still = worst_crops(
        pixels_of(1), {"uv_px": expected["uv_px"][:1]}, expected | {"uv_px": expected["uv_px"][:1]}
    )
    moved = worst_crops(pixels_of(), expected, received, count=1)
    assert reddish(still) == 0
    assert reddish(moved) > 21 * 5


def test_a_joint_that_is_not_a_number_comes_first(outputs):
    expected, received = outputs
    received["uv_px"][0, 4] = np.nan
    sheet = worst_crops(pixels_of(), expected, received)
    assert level(sheet[:, :TILE]) == 0.2


def test_rejects_nothing_and_unequal_lengths(outputs):
    expected, received = outputs
    with pytest.raises(InputError, match=r"Received: lengths=\(2, 3, 3\)"):
        worst_crops(pixels_of(2), expected, received)
    with pytest.raises(InputError, match=r"Received: lengths=\(0, 0, 0\)"):
        empty = {"uv_px": np.zeros((0, 21, 2))}
        worst_crops(pixels_of(0), empty, empty)
