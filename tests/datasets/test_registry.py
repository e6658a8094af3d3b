import json
import pathlib
import subprocess
import sys

import pytest

from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.datasets.registry import KINDS, open_dataset
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.datasets.shards import ShardDataset, ShardWriter
from tf_handgroups.errors import InputError


@pytest.fixture
def handjson(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    hand = {"file": "a.png", "width": 64, "height": 64, "uv_px": [[i, i] for i in range(21)]}
    (tmp_path / "annotations.json").write_text(json.dumps({"hands": [hand]}))
    return tmp_path


@pytest.fixture
def shards(tmp_path, handjson):
    folder = tmp_path / "shards"
    folder.mkdir()
    with ShardWriter(folder / "a.tfrecord") as writer:
        for sample in open_dataset(f"handjson:{handjson}"):
            writer.write(sample)
    (folder / "dataset.json").write_text('{"count": 1}')
    return folder


def test_opens_handjson(handjson):
    dataset = open_dataset(f"handjson:{handjson}")
    assert isinstance(dataset, HandJsonDataset)
    assert (dataset.kind, dataset.path, len(dataset)) == ("handjson", pathlib.Path(handjson), 1)


def test_opens_shards(shards):
    dataset = open_dataset(f"synth:{shards}")
    assert isinstance(dataset, ShardDataset)
    # Its index does not say that it is rendered.
    assert dataset.kind == "shards" and len(dataset) == 1
    assert [type(sample) for sample in dataset] == [HandSample]


def test_every_kind_has_a_reader(tmp_path):
    """An empty folder is no data set of any kind, and every reader says so."""
    for kind in KINDS:
        with pytest.raises(InputError, match="expected"):
            open_dataset(f"{kind}:{tmp_path}")


@pytest.mark.parametrize("kind", ["shards", "synth"])
def test_every_kind_may_have_a_weight(handjson, shards, kind):
    assert open_dataset(f"{kind}:{shards}").weight == 1.0
    assert open_dataset(f"{kind}:{shards}?weight=2.5").weight == 2.5
    dataset = open_dataset(f"handjson:{handjson}?weight=1e-3")
    # It says how often samples are drawn, not how the set is read.
    assert dataset.weight == 0.001 and "weight" not in dataset.options


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "much"])
def test_rejects_weights(handjson, weight):
    with pytest.raises(InputError, match=rf"greater than 0 .*Received: weight='{weight}' in name="):
        open_dataset(f"handjson:{handjson}?weight={weight}")


@pytest.mark.parametrize("query", ["weight", "weight=", "weight=1&weight=2", "heavy=1"])
def test_rejects_options(handjson, query):
    with pytest.raises(InputError, match=r"Received: '.*' in name=.*Known options: weight\."):
        open_dataset(f"handjson:{handjson}?{query}")


def test_path_may_contain_a_colon(handjson):
    odd = handjson.rename(handjson.with_name("a:b"))
    assert len(open_dataset(f"handjson:{odd}")) == 1


@pytest.mark.parametrize("name", ["handjson", "", "handjson:", "/some/folder"])
def test_rejects_names(name):
    with pytest.raises(InputError, match=r"Received: name=.*Known kinds: handjson, "):
        open_dataset(name)


def test_rejects_kind(tmp_path):
    with pytest.raises(InputError, match=r"Received: kind='coco'.*Known kinds: handjson, "):
        open_dataset(f"coco:{tmp_path}")


def test_rejects_missing_path(tmp_path):
    with pytest.raises(InputError, match="expected an existing path after handjson:"):
        open_dataset(f"handjson:{tmp_path / 'absent'}")


def test_readers_load_with_their_first_use(handjson):
    code = (
        "import sys; from tf_handgroups.datasets.registry import open_dataset;"
        f"open_dataset('handjson:{handjson}');"
        "print('tf_handgroups.datasets.shards' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
