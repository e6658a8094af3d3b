"""A training batch as a picture: every crop as the network sees it, with its labels."""

import cv2
import keras
import numpy as np

from tf_handgroups.draw_hand import draw_hand, draw_text, joint_colour
from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS
from tf_handgroups.pipeline import PipelineOptions, build_pipeline
from tf_handgroups.recipes.recipe import Recipe

# Tiles are enlarged to at least this side, by a whole factor that shows single pixels.
TILE_PX = 224
_GAP_PX = 4
# OpenCV takes coordinates in 1/16 pixel here, and overflows far outside the image.
_SHIFT = 4
_LIMIT_PX = 30_000


def first_batch(datasets: list, recipe: Recipe) -> tuple:
    """Returns the batch with which `train` would begin.

    Args:
        datasets: As of `datasets.registry.open_dataset`.
        recipe: Gives size of crops and batch, augmentation and seed.

    Returns:
        `(images, targets, weights)` as of `build_pipeline`, as arrays.

    Raises:
        InputError: If there is no sample.

    Example:

    >>> from tf_handgroups.recipes import override, quicktest
    >>> from tf_handgroups.synth.render import render_sample
    >>> images, targets, weights = first_batch([[render_sample(0, 64)]],
    ...     override(quicktest(), ["batch_size=2"]))
    >>> images.shape, targets["uv_px"].shape
    ((2, 64, 64, 3), (2, 21, 2))
    """
    keras.utils.set_random_seed(recipe.seed)
    options = PipelineOptions(
        crop_size=recipe.input_size,
        batch_size=recipe.batch_size,
        training=True,
        augmentation=recipe.augmentation,
        seed=recipe.seed,
    )
    return next(iter(build_pipeline(datasets, options).as_numpy_iterator()))


def batch_sheet(images, targets: dict, weights: dict, columns: int = 8) -> np.ndarray:
    """Lays the crops of a batch out in rows and draws their labels.

    Joints with a weight in the loss are dots, others in the crop rings. The title says whether the
    hand looks like a right one (all should, but for those shown mirrored on purpose,
    which teach handedness only) and what of it is known: `3D` with or without a camera,
    or `2D`.

    Args:
        images: `(batch, size, size, 3)` float in [0, 1].
        targets: Targets of `build_pipeline`.
        weights: Weights of `build_pipeline`.
        columns: Most tiles in a row.

    Returns:
        `(height, width, 3)` uint8 RGB.

    Raises:
        InputError: If there is no crop, or `columns` is not positive.

    Example:

    >>> from tf_handgroups.recipes import override, quicktest
    >>> from tf_handgroups.synth.render import render_sample
    >>> recipe = override(quicktest(), ["batch_size=3"])
    >>> batch_sheet(*first_batch([[render_sample(0, 64)]], recipe), columns=2).shape
    (516, 516, 3)
    """
    images = np.asarray(images)
    if not len(images) or columns < 1:
        raise InputError(
            "batch_sheet: expected at least one crop and one column. "
            f"Received: images={len(images)}, columns={columns!r}."
        )
    tiles = []
    for index, image in enumerate(images):
        of_one = ({name: np.asarray(value)[index] for name, value in labels.items()}
                  for labels in (targets, weights))  # fmt: skip
        tiles.append(_tile(image, *of_one))
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    step = tiles[0].shape[0] + _GAP_PX
    sheet = np.full((rows * step - _GAP_PX, columns * step - _GAP_PX, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet[row * step :, column * step :][: tile.shape[0], : tile.shape[1]] = tile
    return sheet


def _tile(image: np.ndarray, targets: dict, weights: dict) -> np.ndarray:
    factor = -(-TILE_PX // image.shape[0])
    tile = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    tile = np.ascontiguousarray(tile.repeat(factor, axis=0).repeat(factor, axis=1))
    if targets["presence"][0] > 0:
        # Integers are pixel centres: crop pixel 0 now covers `factor` pixels from -0.5 on.
        uv_px = (targets["uv_px"] + 0.5) * factor - 0.5
        counts = weights["uv_px"] > 0
        inside = ((uv_px > -0.5) & (uv_px < tile.shape[0] - 0.5)).all(axis=-1)
        # Beyond the crop lie joints that are cut off, and those without any label.
        tile = draw_hand(tile, np.where(inside[:, None], uv_px, np.nan), counts)
        _draw_rings(tile, uv_px, inside & ~counts)
    draw_text(tile, title(targets, weights), (4, 14))
    return tile


def title(targets: dict, weights: dict) -> str:
    """Returns what a tile says about one sample.

    Args:
        targets: Targets of one sample.
        weights: Weights of one sample.

    Example:

    >>> nothing = {"uv_px": np.zeros(21), "handedness": 0.0}
    >>> title({"presence": [0.0], "handedness": [1.0]}, nothing)
    'no hand'
    """
    if not targets["presence"][0] > 0:
        return "no hand"
    side = "right" if targets["handedness"][0] > 0 else "left, on purpose"
    if not weights["handedness"] > 0:
        side = "side unknown"
    if not np.any(weights["uv_px"]):
        return side
    if not np.any(weights["z_rel"]):
        return f"{side}, 2D"
    return f"{side}, 3D" if np.any(weights["xyz_camera_mm"]) else f"{side}, 3D, no camera"


def _draw_rings(tile: np.ndarray, uv_px: np.ndarray, which: np.ndarray) -> None:
    points = np.round(np.clip(uv_px, -_LIMIT_PX, _LIMIT_PX) * 2**_SHIFT).astype(int)
    radius = round(5.5 * 2**_SHIFT)
    for thickness in (3, 1):
        for joint in np.flatnonzero(which[:NUM_JOINTS]):
            colour = (0, 0, 0) if thickness == 3 else joint_colour(int(joint))
            centre = points[joint].tolist()
            cv2.circle(tile, centre, radius, colour, thickness, cv2.LINE_AA, _SHIFT)
