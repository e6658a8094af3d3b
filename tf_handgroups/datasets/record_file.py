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


class RecordFile:
    """A TFRecord file without compression, as a sequence of its records.

    Args:
        path: The file.

    Raises:
        InputError: If the file cannot be read, or ends within a record; from reading a
            record, if its checksum is wrong.

    Example:

    >>> import tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.tfrecord"
    >>> _ = file.write_bytes(frame(b"one") + frame(b"two"))
    >>> records = RecordFile(file)
    >>> len(records), records[1]
    (2, b'two')
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self._places: list[tuple[int, int]] = []
        place = 0
        try:
            size = self.path.stat().st_size
            with self.path.open("rb") as stream:
                while place < size:
                    stream.seek(place)
                    head = stream.read(_HEAD.size)
                    if len(head) < _HEAD.size or checksum(head[:8]) != _HEAD.unpack(head)[1]:
                        raise self._damaged(len(self._places))
                    length = _HEAD.unpack(head)[0]
                    self._places.append((place + _HEAD.size, length))
                    place += _HEAD.size + length + _TAIL.size
        except OSError as error:
            raise InputError(
                f"{self.path}: expected a readable TFRecord file. Received: {error.strerror}."
            ) from error
        if place > size:
            raise self._damaged(len(self._places) - 1)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> bytes:
        place, length = self._places[index]
        with self.path.open("rb") as stream:
            stream.seek(place)
            content = stream.read(length)
            tail = stream.read(_TAIL.size)
        if len(tail) < _TAIL.size or checksum(content) != _TAIL.unpack(tail)[0]:
            raise self._damaged(index)
        return content

    def _damaged(self, index: int) -> InputError:
        return InputError(
            f"{self.path}: record {index} is truncated or corrupt. Delete the file and run "
            "again the command that wrote it."
        )


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
