"""The contact sheet of a synthetic set."""

import numpy as np
import pytest

from tf_handgroups.datasets.shards import ShardDataset
from tf_handgroups.errors import InputError
from tf_handgroups.synth.preview import COLUMNS, preview_sheet
from tf_handgroups.synth.scene import draw_scene
from tf_handgroups.synth.settings import SynthSettings
from tf_handgroups.synth.write_shards import write_synthetic_shards

SETTINGS = SynthSettings(negatives=0.3)


def test_one_row_for_each_family_that_occurs(tmp_path):
    write_synthetic_shards(
        16, 5, tmp_path / "set", image_size=32, settings=SETTINGS, num_workers=1, progress=False
    )
    names = {
        draw_scene(int(sample.sample_id[6:]), settings=SETTINGS).hand.family
        if sample.presence
        else "no hand"
        for sample in ShardDataset(tmp_path / "set")
    }
    sheet = preview_sheet(tmp_path / "set", SETTINGS, tile_px=48)
    assert sheet.shape == (48 * len(names), 48 * COLUMNS, 3)
    # Every row begins with a picture.
    assert all(np.ptp(sheet[48 * row : 48 * row + 48, :48]) > 30 for row in range(len(names)))


def test_refuses_a_folder_without_a_set(tmp_path):
    with pytest.raises(InputError, match=r"dataset\.json"):
        preview_sheet(tmp_path, SETTINGS)
