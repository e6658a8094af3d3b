"""The records of one TFRecord file in any order, each with its checksum tested.

TensorFlow reads these files from the front only, and nothing behind a damaged record.
A record is its length (8 bytes, little endian), a checksum of these 8 bytes (4 bytes),
the contents, and a checksum of the contents (4 bytes).
"""

import os
import pathlib
import struct

from tf_handgroups.errors import InputError

_HEAD = struct.Struct("<QI")
_TAIL = struct.Struct("<I")
# CRC-32C (Castagnoli), reflected.
_POLYNOMIAL = 0x82F63B78


_REMEDY = "Delete this file and run again the command that wrote it."


class RecordFile:
    """A TFRecord file without compression, as a sequence of its complete records.

    In a file that is cut off, or whose record headers are damaged, these are the records
    before that place; `is_whole` is False then.

    Args:
        path: The file.
        remedy: What messages advise to do about a damaged file.

    Raises:
        InputError: If the file cannot be read; from reading a record, also if its checksum
            is wrong, or if it lies behind the complete records of a file that is not whole.

    Example:

    >>> import tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.tfrecord"
    >>> _ = file.write_bytes(frame(b"one") + frame(b"two"))
    >>> records = RecordFile(file)
    >>> len(records), records[1], records.is_whole
    (2, b'two', True)
    """

    def __init__(self, path: str | os.PathLike, remedy: str = _REMEDY):
        self.path = pathlib.Path(path)
        self.remedy = remedy
        self._places: list[tuple[int, int]] = []
        place = 0
        try:
            size = self.path.stat().st_size
            with self.path.open("rb") as stream:
                while place < size:
                    stream.seek(place)
                    head = stream.read(_HEAD.size)
                    if len(head) < _HEAD.size or checksum(head[:8]) != _HEAD.unpack(head)[1]:
                        break
                    length = _HEAD.unpack(head)[0]
                    end = place + _HEAD.size + length + _TAIL.size
                    if end > size:
                        break
                    self._places.append((place + _HEAD.size, length))
                    place = end
        except OSError as error:
            raise self._unreadable(error) from error
        self.is_whole = place == size

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> bytes:
        if not self.is_whole and not 0 <= index < len(self):
            # How many there were, and so what the last one was, is unknown.
            raise damaged_record(self.path, max(index, len(self)), self.remedy)
        number = range(len(self))[index]
        place, length = self._places[number]
        try:
            with self.path.open("rb") as stream:
                stream.seek(place)
                content = stream.read(length)
                tail = stream.read(_TAIL.size)
        except OSError as error:
            raise self._unreadable(error) from error
        if len(tail) < _TAIL.size or checksum(content) != _TAIL.unpack(tail)[0]:
            raise damaged_record(self.path, number, self.remedy)
        return content

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(
            f"{self.path}: expected a readable TFRecord file. Received: {error.strerror}. "
            "Check the path and the permissions."
        )


def damaged_record(path: str | os.PathLike, number: int, remedy: str = _REMEDY) -> InputError:
    """Returns the error for a record that cannot be read.

    Example:

    >>> print(damaged_record("a.tfrecord", 3, "Copy it again."))
    a.tfrecord: record 3 is truncated or damaged. Copy it again.
    """
    return InputError(f"{os.fspath(path)}: record {number} is truncated or damaged. {remedy}")


def frame(content: bytes) -> bytes:
    """Returns the bytes of one record as it stands in a file.

    Example:

    >>> len(frame(b"one"))
    19
    """
    length = struct.pack("<Q", len(content))
    return b"".join((length, _TAIL.pack(checksum(length)), content, _TAIL.pack(checksum(content))))


def checksum(content: bytes) -> int:
    """Returns the masked CRC-32C that TFRecord files carry.

    Example:

    >>> hex(checksum(b""))
    '0xa282ead8'
    """
    crc = 0xFFFFFFFF
    for byte in content:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = [_table_entry(byte) for byte in range(256)]
