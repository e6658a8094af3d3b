"""Tiles show the pixels that the network gets, and mark joints where the labels are."""

import dataclasses

import keras
import numpy as np
import pytest

from tests.hands import labelled_batch, make_sample
from tf_handgroups.batch_sheet import batch_sheet, first_batch, title
from tf_handgroups.errors import InputError
from tf_handgroups.joints import FINGER_COLOURS_RGB
from tf_handgroups.pipeline import PipelineOptions, build_pipeline
from tf_handgroups.recipes import quicktest

RECIPE = dataclasses.replace(quicktest(), batch_size=3, seed=5)


def writable_batch(count):
    images, *labels = labelled_batch(count)
    return images.copy(), *({name: v.copy() for name, v in of.items()} for of in labels)


def without_hands(count):
    """A batch without anything to draw."""
    images, targets, weights = writable_batch(max(count, 2))
    targets["presence"][:] = 0
    take = slice(0, count)
    cut = [{name: value[take] for name, value in labels.items()} for labels in (targets, weights)]
    return images[take], *cut


def test_first_batch_is_that_of_training():
    sets = [[make_sample(seed=seed) for seed in range(4)], [make_sample(seed=7)]]
    images, targets, weights = first_batch(sets, RECIPE)
    keras.utils.set_random_seed(RECIPE.seed)
    options = PipelineOptions(
        RECIPE.input_size, 3, training=True, augmentation=RECIPE.augmentation, seed=RECIPE.seed
    )
    expected = next(iter(build_pipeline(sets, options).as_numpy_iterator()))
    np.testing.assert_array_equal(images, expected[0])
    for received, wanted in ((targets, expected[1]), (weights, expected[2])):
        for name in wanted:
            np.testing.assert_array_equal(received[name], wanted[name])
    other = first_batch(sets, dataclasses.replace(RECIPE, seed=6))
    assert not np.allclose(other[0], images)


def test_crops_are_enlarged_pixel_by_pixel():
    images, targets, weights = without_hands(3)
    sheet = batch_sheet(images, targets, weights, columns=2)
    # 64 pixels, four times; a gap of four.
    assert sheet.shape == (516, 516, 3) and sheet.dtype == np.uint8
    for index, (top, left) in enumerate([(0, 0), (0, 260), (260, 0)]):
        tile = sheet[top : top + 256, left : left + 256]
        expected = np.round(images[index] * 255).repeat(4, axis=0).repeat(4, axis=1)
        # Below the title.
        np.testing.assert_array_equal(tile[24:], expected[24:])
        assert (tile[:24] != expected[:24]).any()
    assert (sheet[260:, 260:] == 255).all() and (sheet[256:260] == 255).all()


def test_few_crops_make_a_small_sheet():
    assert batch_sheet(*without_hands(1)).shape == (256, 256, 3)


@pytest.mark.parametrize("counts", [True, False])
def test_joints_that_count_are_dots_and_others_rings(counts):
    images, targets, weights = writable_batch(2)
    images[:] = 0.5
    weights["uv_px"][:] = counts
    sheet = batch_sheet(images, targets, weights)
    thumb = np.array(FINGER_COLOURS_RGB["thumb"])

    def colour(u, v):
        return sheet[round(float(v)), round(float(u))].astype(int)

    u, v = (targets["uv_px"][0, 4] + 0.5) * 4 - 0.5
    is_thumb = np.abs(colour(u, v) - thumb).max() < 10
    assert is_thumb == counts
    around = [
        colour(u + 5.5 * np.cos(angle), v + 5.5 * np.sin(angle))
        for angle in np.linspace(0, 2 * np.pi, 32)
    ]
    ring = np.mean([np.abs(point - thumb).max() < 100 for point in around])
    assert (ring > 0.8) == (not counts)


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({}, {}, "right, 3D"),
        ({"handedness": "left"}, {}, "right, 3D"),
        ({"handedness": None}, {}, "side unknown, 3D"),
        ({"intrinsics_px": None}, {}, "right, 3D, no camera"),
        ({"xyz_camera_mm": None}, {}, "right, 2D"),
        ({"visible": np.zeros(21)}, {}, "right"),
        ({"presence": False}, {}, "no hand"),
        ({}, {"other_hand": 1.0}, "left, on purpose, 2D"),
    ],
)
def test_title(changes, options, expected):
    augmentation = dataclasses.replace(RECIPE.augmentation, **({"other_hand": 0.0} | options))
    recipe = dataclasses.replace(RECIPE, batch_size=1, augmentation=augmentation)
    _, targets, weights = first_batch([[make_sample(seed=0, **changes)]], recipe)
    one = [{name: value[0] for name, value in labels.items()} for labels in (targets, weights)]
    assert title(*one) == expected


def test_rejects_nothing_to_draw():
    with pytest.raises(InputError, match=r"Received: images=0, columns=8"):
        batch_sheet(np.zeros((0, 64, 64, 3)), {}, {})
    with pytest.raises(InputError, match=r"Received: images=2, columns=0"):
        batch_sheet(*without_hands(2), columns=0)


def test_joints_beyond_the_crop_are_not_drawn():
    """Joints without a label have no place; a bone to nowhere would mislead."""
    targets = {
        "uv_px": np.tile([[8.0, 8.0]], (1, 21, 1)),
        "presence": np.ones((1, 1)),
        "handedness": np.ones((1, 1)),
    }
    targets["uv_px"][0, 4] = [-300.0, -400.0]
    weights = {name: np.ones((1, 21)) for name in ("uv_px", "z_rel", "xyz_camera_mm")}
    weights |= {"handedness": np.ones(1)}
    weights["uv_px"][0, 4] = 0
    images = np.zeros((1, 16, 16, 3), np.float32)
    sheet = batch_sheet(images, targets, weights)
    # All is drawn at one place: towards the corner there is nothing but the title.
    factor = sheet.shape[0] / 16
    assert not sheet[int(3 * factor) : int(6 * factor), : int(6 * factor)].any()
    targets["uv_px"][0, 4] = [0.0, 4.0]
    assert batch_sheet(images, targets, weights)[int(3 * factor) : int(6 * factor)].any()
