"""Checks the structure of a `.tflite` file before anybody follows its offsets.

A flatbuffer is a tree of tables that point to each other by offsets. In a hostile file
they lead outside, or all to the same place, so that a small file unfolds to gigabytes.
LiteRT follows them unchecked, and the Python reader of the schema copies whatever it
finds. Here every offset is checked, and what is found in total may not be larger than
the file could hold without overlaps.
"""

import struct
from collections.abc import Mapping
from typing import Any

from ai_edge_litert import schema_py_generated as schema

# Field number -> what it points to: "string", the size of a scalar of a vector, the name
# of a table, [name] for a vector of tables, or "union" (after the number of the field
# that holds its type). Scalars are left out: they lie in the table itself.
_TABLES: Mapping[str, Mapping[int, Any]] = {
    "Model": {
        1: ["OperatorCode"],
        2: ["SubGraph"],
        3: "string",
        4: ["Buffer"],
        5: 4,
        6: ["Metadata"],
        7: ["SignatureDef"],
        8: ["ExternalBufferGroup"],
        9: ["ExternalBuffer"],
    },
    "OperatorCode": {1: "string"},
    "SubGraph": {0: ["Tensor"], 1: 4, 2: 4, 3: ["Operator"], 4: "string"},
    "Buffer": {0: 1},
    "Metadata": {0: "string"},
    "SignatureDef": {0: ["TensorMap"], 1: ["TensorMap"], 2: "string"},
    "TensorMap": {0: "string"},
    "Tensor": {
        0: 4,
        3: "string",
        4: "QuantizationParameters",
        6: "SparsityParameters",
        7: 4,
        9: ["VariantSubType"],
    },
    "QuantizationParameters": {0: 4, 1: 4, 2: 4, 3: 8, 5: "Unknown"},
    "SparsityParameters": {0: 4, 1: 4, 2: ["DimensionMetadata"]},
    "DimensionMetadata": {3: "Unknown", 5: "Unknown"},
    "VariantSubType": {0: 4},
    "Operator": {1: 4, 2: 4, 4: "Options", 5: 1, 7: 1, 8: 4, 12: "Options"},
    # Options of ops hold scalars and vectors of scalars, which the reader of the schema
    # checks without copying. Only these hold strings; in others the fields are scalars.
    "Options": {},
    "Unknown": {},
    "ExternalBufferGroup": {0: "string"},
    "ExternalBuffer": {4: "string"},
}
_STRING_OPTIONS = frozenset({schema.BuiltinOptions.VarHandleOptions})
_STRING_OPTIONS_2 = frozenset(
    {
        schema.BuiltinOptions2.StablehloCustomCallOptions,
        schema.BuiltinOptions2.StableHLOCompositeOptions,
    }
)

# A hand network has about a thousand.
_MAX_TABLES = 100_000


class StructureError(ValueError):
    """An offset or size that leads outside of the file, or more than it can hold."""


def check_structure(content: bytes) -> None:
    """Checks all offsets and sizes of a `.tflite` file.

    Args:
        content: Content of the file, at least 8 bytes.

    Raises:
        StructureError: If one leads outside, or they overlap so that the content would
            unfold to more than the file holds.

    Example:

    >>> check_structure(bytes([255, 0, 0, 0]) + b"TFL3")
    Traceback (most recent call last):
    ...
    tf_handgroups.convert.flatbuffer_check.StructureError: Model at byte 255 of 8
    """
    walk = _Walk(content)
    walk.table("Model", walk.unsigned(0, "root"))


class _Walk:
    def __init__(self, content: bytes):
        self.content = content
        self.tables = 0
        self.bytes_found = 0

    def unsigned(self, position: int, what: str) -> int:
        """An offset or a length; offsets only lead forward."""
        self.inside(position, 4, what)
        return struct.unpack_from("<I", self.content, position)[0]

    def inside(self, position: int, size: int, what: str) -> None:
        if position < 0 or position + size > len(self.content):
            raise StructureError(f"{what} at byte {position} of {len(self.content)}")

    def count(self, size: int, what: str) -> None:
        self.bytes_found += size
        if self.bytes_found > 2 * len(self.content):
            raise StructureError(f"{what}: overlapping parts, more than the file can hold")

    def table(self, name: str, position: int) -> None:
        self.tables += 1
        if self.tables > _MAX_TABLES:
            raise StructureError(f"{name}: more than {_MAX_TABLES} tables")
        self.inside(position, 4, name)
        vtable = position - struct.unpack_from("<i", self.content, position)[0]
        self.inside(vtable, 4, f"{name} fields")
        fields_size, size = struct.unpack_from("<HH", self.content, vtable)
        self.inside(vtable, max(4, fields_size), f"{name} fields")
        self.inside(position, max(4, size), name)
        self.count(max(4, size), name)
        offsets = struct.unpack_from(f"<{max(0, fields_size - 4) // 2}H", self.content, vtable + 4)
        if max(offsets, default=0) >= max(4, size):
            raise StructureError(f"{name}: a field outside of its {size} bytes")
        if name == "Operator":
            self.refuse_string_options(position, offsets)
        for number, kind in _TABLES[name].items():
            if number < len(offsets) and offsets[number]:
                self.field(f"{name}.{number}", kind, position + offsets[number])

    def field(self, what: str, kind: Any, position: int) -> None:
        target = position + self.unsigned(position, what)
        if isinstance(kind, str) and kind != "string":
            self.table(kind, target)
            return
        length = self.unsigned(target, what)
        step = kind if isinstance(kind, int) else 1 if kind == "string" else 4
        self.inside(target + 4, length * step, f"{what}, {length} entries")
        self.count(4 + length * step, what)
        if isinstance(kind, list):
            for entry in range(target + 4, target + 4 + 4 * length, 4):
                self.table(kind[0], entry + self.unsigned(entry, what))

    def refuse_string_options(self, position: int, offsets: tuple[int, ...]) -> None:
        for number, refused in ((3, _STRING_OPTIONS), (11, _STRING_OPTIONS_2)):
            if number < len(offsets) and offsets[number]:
                self.inside(position + offsets[number], 1, "Operator")
                if self.content[position + offsets[number]] in refused:
                    raise StructureError("Operator: an op that refers to others by name")
