"""Folders of shards: complete shards are kept, other files are not touched."""

import contextlib
import json

import pytest

from tests.hands import make_sample
from tf_handgroups.datasets.shard_folder import check_numbers, shard_names, write_shard_folder
from tf_handgroups.datasets.shards import ShardDataset
from tf_handgroups.errors import InputError

SETTINGS = {"kind": "shards", "name": ("a", "b"), "count": 5, "shard_size": 2}
SAMPLE = make_sample(seed=0)


class Making:
    """Makes samples, and keeps in mind which were asked for."""

    def __init__(self, fails_at=None):
        self.asked, self.made, self.fails_at, self.closed = [], [], fails_at, False

    @contextlib.contextmanager
    def __call__(self, numbers):
        self.asked = list(numbers)
        try:
            yield self.samples()
        finally:
            self.closed = True

    def samples(self):
        for number in self.asked:
            if number == self.fails_at:
                raise KeyboardInterrupt
            self.made.append(number)
            yield make_sample(seed=number)


def write(folder, making, settings=SETTINGS, **options):
    return write_shard_folder(folder, settings, making, progress=False, **options)


def test_writes_shards_and_index(tmp_path):
    making = Making()
    info = write(tmp_path / "new" / "set", making)
    assert info["shards"] == shard_names(5, 2) and making.closed
    assert json.loads((tmp_path / "new" / "set" / "dataset.json").read_text()) == info
    names = [sample.sample_id for sample in ShardDataset(tmp_path / "new" / "set")]
    assert names == [f"hand{number}" for number in range(5)]


def test_continues_with_the_missing_shards(tmp_path):
    making = Making(fails_at=3)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, making)
    assert making.closed and not (tmp_path / "dataset.json").exists()
    assert [path.name for path in tmp_path.glob("*.tfrecord")] == shard_names(5, 2)[:1]
    assert not list(tmp_path.glob(".*.part.*"))
    again = Making()
    write(tmp_path, again)
    assert again.asked == again.made == [2, 3, 4]
    # Once more: nothing is left to do.
    third = Making()
    write(tmp_path, third)
    assert third.asked == [] and len(list(ShardDataset(tmp_path))) == 5


def test_a_lost_shard_is_written_again(tmp_path):
    write(tmp_path, Making())
    whole = (tmp_path / shard_names(5, 2)[1]).read_bytes()
    (tmp_path / shard_names(5, 2)[1]).unlink()
    making = Making()
    write(tmp_path, making)
    assert making.made == [2, 3] and (tmp_path / shard_names(5, 2)[1]).read_bytes() == whole


def test_the_index_alone_tells_the_set(tmp_path):
    """Hidden files are easily lost in a copy."""
    write(tmp_path, Making())
    (tmp_path / ".shards-settings.json").unlink()
    write(tmp_path, Making())
    with pytest.raises(InputError, match=r"count was 5, now 6"):
        write(tmp_path, Making(), SETTINGS | {"count": 6})


def test_replaces_another_set_only_if_told(tmp_path):
    write(tmp_path, Making())
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"name was \['a', 'b'\], now 'c'.*overwrite=False"):
        write(tmp_path, Making(), SETTINGS | {"name": "c"})
    write(tmp_path, Making(), SETTINGS | {"name": "c", "count": 2}, overwrite=True)
    assert [path.name for path in tmp_path.glob("*.tfrecord")] == shard_names(2, 2)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_rejects_files_and_foreign_folders(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files than this set \(no set of shards"):
        write(tmp_path, Making())
    with pytest.raises(InputError, match=r"notes\.txt: is a file"):
        write(tmp_path / "notes.txt", Making())


@pytest.mark.parametrize("value", [0, 11, True, 1.0, "3", None])
def test_checks_numbers(value):
    check_numbers("here", size=(10, 1, 10))
    with pytest.raises(InputError, match=f"here: .*from 1 to 10. Received: size={value!r}"):
        check_numbers("here", size=(value, 1, 10))
