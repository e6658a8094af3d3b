"""A contact sheet of a synthetic set, a row for each pose family."""

import itertools
import os

import numpy as np

from tf_handgroups.contact_sheet import contact_sheet
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.datasets.shards import ShardDataset
from tf_handgroups.synth.pose_prior import FAMILIES
from tf_handgroups.synth.scene import draw_scene
from tf_handgroups.synth.settings import SynthSettings

COLUMNS = 8
# Of a larger set only the beginning is searched for pictures of each family.
_MOST_SAMPLES = 3000
_NO_HAND = "no hand"


def preview_sheet(
    folder: str | os.PathLike, settings: SynthSettings, tile_px: int = 160
) -> np.ndarray:
    """Draws up to 8 pictures of each pose family, and of those without a hand.

    Half of the pictures of a row carry their skeletons.

    Args:
        folder: Of a set that `write_synthetic_shards` wrote.
        settings: With which it was written.
        tile_px: Side of a tile in pixels.

    Returns:
        `(rows * tile_px, 8 * tile_px, 3)` uint8 RGB.

    Raises:
        InputError: If the folder holds no such set.

    Example:
    >>> import tempfile
    >>> from tf_handgroups.synth.write_shards import write_synthetic_shards
    >>> folder = tempfile.mkdtemp()
    >>> _ = write_synthetic_shards(2, 1, folder, image_size=64, num_workers=1, progress=False)
    >>> preview_sheet(folder, SynthSettings(), tile_px=64).shape[1:]
    (512, 3)
    """
    rows: dict[str, list[HandSample]] = {name: [] for _, name in FAMILIES} | {_NO_HAND: []}
    for sample in itertools.islice(ShardDataset(folder), _MOST_SAMPLES):
        seed = int(sample.sample_id.rpartition("/")[2])
        row = rows[draw_scene(seed, settings=settings).hand.family if sample.presence else _NO_HAND]
        if len(row) < COLUMNS:
            row.append(sample)
    sheets = []
    for name, samples in rows.items():
        if samples:
            sheet = np.zeros((tile_px, COLUMNS * tile_px, 3), np.uint8)
            for first, draw_joints in ((0, False), (COLUMNS // 2, True)):
                half = samples[first : first + COLUMNS // 2]
                if half:
                    tiles = contact_sheet(half, COLUMNS, draw_joints, tile_px, [name] * len(half))
                    sheet[:, first * tile_px : first * tile_px + tiles.shape[1]] = tiles
            sheets.append(sheet)
    return np.concatenate(sheets)
