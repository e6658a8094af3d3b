"""Damages `.tflite` files in many ways, repeatably."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite

# Values at which sizes, offsets and numbers of things go wrong.
_EXTREMES = (0, 1, 2, 3, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFC, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Mutator:
    """Makes damaged copies of a model.

    Most damage goes where it matters: a few kilobytes of structure lie among megabytes of
    weights, in which a changed bit is only another weight.

    Args:
        content: A sound `.tflite` file.
        seed: Of everything random.
    """

    def __init__(self, content: bytes, seed: int):
        self.content = content
        self.random = np.random.default_rng(seed)
        self.structure = _structure(content)
        words = self.structure[self.structure % 4 == 0]
        words = words[words + 4 <= len(content)]
        values = np.array([self._word(position) for position in words], np.int64)
        # What looks like a forward offset into the file, and what looks like a size.
        offsets = (values > 4) & (values % 2 == 0) & (words + values < len(content))
        self.offsets, self.sizes = words[offsets], words[(values > 0) & (values < 1 << 16)]
        self.kinds: dict[str, Callable[[], bytes]] = {
            "bit flips": self.flip_bits,
            "truncation": self.truncate,
            "offset": self.overwrite_offset,
            "splice": self.splice,
            "size": self.overwrite_size,
            "field": self.change_field,
        }

    def mutations(self, count: int) -> Iterator[tuple[str, bytes]]:
        """Yields so many damaged files with the kind of damage, all kinds in turn."""
        names = list(self.kinds)
        done = 0
        while done < count:
            name = names[done % len(names)]
            damaged = self.kinds[name]()
            if damaged != self.content:
                done += 1
                yield name, damaged

    def flip_bits(self) -> bytes:
        """Flips 1 to 16 bits, three times out of four within the structure."""
        content = bytearray(self.content)
        for _ in range(self._number(1, 17)):
            content[self._position()] ^= 1 << self._number(0, 8)
        return bytes(content)

    def truncate(self) -> bytes:
        """Cuts the file anywhere, or only a little of its end."""
        if self._number(0, 2):
            return self.content[: self._number(0, len(self.content))]
        return self.content[: -self._number(1, 64)]

    def overwrite_offset(self) -> bytes:
        """Points one to three offsets somewhere else: extremes, near by, anywhere inside."""
        return self._overwrite(self.offsets)

    def overwrite_size(self) -> bytes:
        """Changes one to three sizes."""
        return self._overwrite(self.sizes)

    def splice(self) -> bytes:
        """Copies a block over another place, inserts it there, or removes it."""
        start = self._position()
        block = self.content[start : start + self._number(4, 2048)]
        target = self._position()
        removed = (len(block), 0, len(block))[choice := self._number(0, 3)]
        inserted = b"" if choice == 2 else block
        return self.content[:target] + inserted + self.content[target + removed :]

    def change_field(self) -> bytes:
        """Changes a number of a tensor, op or graph in a file that stays well-formed."""
        model = parse_tflite(self.content)
        graph = model.subgraphs[0]
        for _ in range(self._number(1, 4)):
            owner: Any = [self._one(graph.tensors), self._one(graph.operators)][self._number(0, 2)]
            options = getattr(owner, "builtinOptions", None)
            quantization = getattr(owner, "quantization", None)
            owner = self._one([part for part in (owner, options, quantization) if part])
            self._change(owner)
        try:
            return pack_tflite(model)
        except Exception:  # a number that its field cannot hold
            return self.content

    def _change(self, owner: Any) -> None:
        fields = {
            name: value
            for name, value in vars(owner).items()
            if isinstance(value, (int, float)) or (isinstance(value, np.ndarray) and value.size)
        }
        if not fields:
            return
        name = self._one(list(fields))
        value = fields[name]
        new = self._one([*(v for v in _EXTREMES if v < 1 << 31), -1, self._number(0, 4096)])
        if isinstance(value, np.ndarray):
            value = value.copy()
            value[self._number(0, value.size)] = np.array(new).astype(value.dtype)
            setattr(owner, name, value)
        else:
            setattr(owner, name, type(value)(new))

    def _overwrite(self, places: np.ndarray) -> bytes:
        content = bytearray(self.content)
        for _ in range(self._number(1, 4)):
            place = int(self._one(places))
            value = (
                self._one(_EXTREMES),
                self._word(place) + self._number(-16, 17),
                self._number(0, len(content)),
            )[self._number(0, 3)]
            content[place : place + 4] = (int(value) % (1 << 32)).to_bytes(4, "little")
        return bytes(content)

    def _word(self, position: int) -> int:
        return int.from_bytes(self.content[position : position + 4], "little")

    def _position(self) -> int:
        if self._number(0, 4):
            return int(self._one(self.structure))
        return self._number(0, len(self.content))

    def _number(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high))

    def _one(self, items: Any) -> Any:
        return items[self._number(0, len(items))]


def _structure(content: bytes) -> np.ndarray:
    """Positions of the bytes that are no weights."""
    whole = np.frombuffer(content, np.uint8)
    is_structure = np.ones(len(whole), bool)
    for buffer in parse_tflite(content).buffers:
        if buffer.data is not None and len(buffer.data) > 64:
            start = buffer.data.ctypes.data - whole.ctypes.data
            is_structure[start : start + len(buffer.data)] = False
    return np.flatnonzero(is_structure)
