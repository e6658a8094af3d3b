"""Random access to TFRecord files, against TensorFlow's own writer and reader."""

import numpy as np
import pytest
import tensorflow as tf

from tf_handgroups.datasets import record_file
from tf_handgroups.datasets.record_file import RecordFile, checksum, frame
from tf_handgroups.errors import InputError

CONTENTS = [b"", b"one", bytes(range(256)) * 7, b"\0" * 100]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for content in CONTENTS:
            writer.write(content)
    return path


def test_reads_what_tensorflow_writes(file):
    records = RecordFile(file)
    assert len(records) == 4
    assert [records[index] for index in (3, 1, 0, 2, -1)] == [
        CONTENTS[index] for index in (3, 1, 0, 2, 3)
    ]
    with pytest.raises(IndexError):
        records[4]


def test_frames_are_those_of_tensorflow(file):
    assert b"".join(map(frame, CONTENTS)) == file.read_bytes()


def test_checksum_is_castagnoli():
    # The check value of CRC-32C for these nine digits, masked as TFRecord does.
    crc = 0xE3069283
    assert checksum(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def test_empty_file_has_no_records(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    assert len(RecordFile(tmp_path / "a")) == 0


def test_every_changed_byte_is_noticed(tmp_path):
    whole = frame(b"first") + frame(b"second")
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x10
        (tmp_path / "a").write_bytes(changed)
        with pytest.raises(InputError, match=r"record [01] is truncated or damaged"):
            records = RecordFile(tmp_path / "a")
            assert [records[0], records[1]] == [b"first", b"second"]


def test_records_behind_a_damaged_one_are_read(file):
    content = bytearray(file.read_bytes())
    content[content.index(b"one")] ^= 1
    file.write_bytes(content)
    records = RecordFile(file)
    with pytest.raises(InputError, match=r"a\.tfrecord: record 1 is truncated or damaged"):
        records[1]
    assert records[2] == CONTENTS[2]


def test_every_cut_leaves_the_records_before_it(tmp_path):
    whole = frame(b"first") + frame(b"second")
    for length in set(range(1, len(whole))) - {len(frame(b"first"))}:
        (tmp_path / "a").write_bytes(whole[:length])
        records = RecordFile(tmp_path / "a")
        complete = int(length > len(frame(b"first")))
        assert len(records) == complete and not records.is_whole
        assert [records[index] for index in range(complete)] == [b"first"] * complete
        # Also from the end: which record was the last is unknown.
        for index, number in ((complete, complete), (7, 7), (-1, complete)):
            with pytest.raises(InputError, match=rf"a: record {number} is truncated or damaged"):
                records[index]


def test_a_damaged_header_leaves_the_records_before_it(file):
    content = bytearray(file.read_bytes())
    content[content.index(b"one") - 12] ^= 1
    file.write_bytes(content)
    records = RecordFile(file, remedy="Copy it again.")
    assert len(records) == 1 and not records.is_whole and records[0] == CONTENTS[0]
    with pytest.raises(InputError, match=r"record 3 is truncated or damaged\. Copy it again\."):
        records[3]


def test_whole_files_say_so(file):
    assert RecordFile(file).is_whole


def test_the_file_is_scanned_once(file, monkeypatch):
    records = RecordFile(file)
    checked = []
    monkeypatch.setattr(
        record_file, "checksum", lambda content: checked.append(content) or checksum(content)
    )
    assert records[2] == CONTENTS[2] and checked == [CONTENTS[2]]


def test_rejects_other_files(tmp_path):
    (tmp_path / "a").write_bytes(np.random.default_rng(0).bytes(1000))
    with pytest.raises(InputError, match="record 0 is truncated or damaged"):
        RecordFile(tmp_path / "a")[0]
    with pytest.raises(InputError, match=r"absent: expected a readable .*Received: No such file"):
        RecordFile(tmp_path / "absent")


def test_rejects_files_that_vanish(file):
    records = RecordFile(file)
    file.unlink()
    with pytest.raises(InputError, match=r"expected a readable .*Received: No such file"):
        records[0]
