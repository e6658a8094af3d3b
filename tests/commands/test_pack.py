import os
import re

import numpy as np
import pytest

from tests.hands import make_sample
from tf_handgroups.cli import main
from tf_handgroups.datasets.registry import open_dataset
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.image_file import read_image


@pytest.fixture
def hands(tmp_path):
    write_handjson([make_sample(seed=seed) for seed in range(3)], tmp_path / "hands")
    return f"handjson:{tmp_path / 'hands'}"


def call(*arguments):
    return main([os.fspath(argument) for argument in arguments])


def test_packs_a_data_set(hands, capsys, tmp_path):
    out = tmp_path / "packed"
    arguments = ("pack", "--data", hands, "--out", out, "--max-side", "64", "--workers", "1")
    assert call(*arguments) == 0
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert f"3 hands in {out}. Use them as --data shards:{out}" in text
    packed = open_dataset(f"shards:{out}")
    assert [sample.image_size for sample in packed] == [(64, 48)] * 3
    assert call(*arguments) == 0
    assert call("pack", "--data", hands, "--out", out) == 2
    assert call("pack", "--data", hands, "--out", out, "--overwrite") == 0
    assert open_dataset(f"shards:{out}")[0].image_size == (128, 96)


def test_pack_refuses_what_it_cannot_use(fails, hands):
    assert "Received: max_side=8" in fails("pack", "--data", hands, "--max-side", "8")
    assert "expected an existing path" in fails("pack", "--data", "handjson:absent")


def test_shows_a_batch(hands, capsys, tmp_path):
    names = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for name, seed in zip(names, "334", strict=True):
        arguments = ["show-batch", "--data", hands, "--data", f"{hands}?weight=2", "--seed", seed]
        arguments += ["--recipe", "quicktest", "--set", "batch_size=4", "--out", name]
        assert call(*arguments) == 0
    assert f"Batch: {names[0]}" in capsys.readouterr().out
    first, again, other = (read_image(name) for name in names)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert call(*arguments) == 2
    assert call(*arguments, "--overwrite") == 0


def test_show_batch_refuses_what_it_cannot_use(fails, hands):
    assert "Known recipes" in fails("show-batch", "--data", hands, "--recipe", "none", out="a.png")
    assert "unknown image format" in fails("show-batch", "--data", hands, out="a.txt")
