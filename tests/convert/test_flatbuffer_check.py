"""Tests of the structure check, on files made to harm the reader."""

import pathlib
import struct

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert.flatbuffer_check import StructureError, check_structure
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite


def test_sound_files_pass(converted):
    shipped = pathlib.Path(__file__).parents[2] / "android_assets"
    paths = [*converted.glob("*.tflite"), *shipped.glob("*.tflite")]
    assert len(paths) >= 6
    for path in paths:
        check_structure(path.read_bytes())


@pytest.mark.parametrize("start", [0, 4, 8, 16, 28])
def test_every_overwritten_word_of_the_start_is_refused_or_harmless(float_model, start):
    """The root, its table and its fields: whatever is not refused can be read."""
    for value in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(float_model)):
        content = bytearray(float_model)
        content[start : start + 4] = struct.pack("<I", value)
        try:
            check_structure(bytes(content))
        except StructureError:
            continue
        schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytes(content), 0))


def position_of(content: bytes, find) -> int:
    """Position of the length of a vector or string, by an accessor of the schema."""
    table, field = find(schema.Model.GetRootAsModel(content, 0))
    offset = table._tab.Offset(4 + 2 * field)
    return table._tab.Vector(offset) - 4


@pytest.mark.parametrize(
    ("find", "what"),
    [
        (lambda model: (model, 2), r"Model\.2"),
        (lambda model: (model.Subgraphs(0), 0), r"SubGraph\.0"),
        (lambda model: (model.Subgraphs(0).Tensors(1), 0), r"Tensor\.0"),
        (lambda model: (model.Subgraphs(0).Tensors(1), 3), r"Tensor\.3"),
        (lambda model: (model.Subgraphs(0).Operators(1), 1), r"Operator\.1"),
        (lambda model: (model.Buffers(2), 0), r"Buffer\.0"),
        (lambda model: (model.SignatureDefs(0), 2), r"SignatureDef\.2"),
    ],
)
@pytest.mark.parametrize("length", [0x7FFFFFFF, 0xFFFFFFFF])
def test_huge_vectors_and_strings(float_model, find, what, length):
    content = bytearray(float_model)
    position = position_of(float_model, find)
    content[position : position + 4] = struct.pack("<I", length)
    with pytest.raises(StructureError, match=rf"^{what}, {length} entries at byte "):
        check_structure(bytes(content))


def repeated(count: int, build, field: str) -> bytes:
    """A model in which all entries of a vector are one and the same table."""
    builder = flatbuffers.Builder(1024)
    target = build(builder)
    builder.StartVector(4, count, 4)
    for _ in range(count):
        builder.PrependUOffsetTRelative(target)
    vector = builder.EndVector()
    schema.ModelStart(builder)
    getattr(schema, f"ModelAdd{field}")(builder, vector)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


def test_small_file_that_unfolds_to_gigabytes():
    """Twenty thousand names of 100 KB, which are one: 2 GB for whoever copies them."""

    def metadata(builder):
        name = builder.CreateString("x" * 100_000)
        schema.MetadataStart(builder)
        schema.MetadataAddName(builder, name)
        return schema.MetadataEnd(builder)

    content = repeated(20_000, metadata, "Metadata")
    assert len(content) < 200_000
    with pytest.raises(StructureError, match=r"Metadata\.0: overlapping parts, more than"):
        check_structure(content)


def test_tables_beyond_number():
    """Nested repetition multiplies; the walk has to end all the same."""

    def graph(builder):
        schema.TensorStart(builder)
        tensor = schema.TensorEnd(builder)
        builder.StartVector(4, 400, 4)
        for _ in range(400):
            builder.PrependUOffsetTRelative(tensor)
        tensors = builder.EndVector()
        schema.SubGraphStart(builder)
        schema.SubGraphAddTensors(builder, tensors)
        return schema.SubGraphEnd(builder)

    with pytest.raises(StructureError, match="overlapping parts"):
        check_structure(repeated(400, graph, "Subgraphs"))
    padded = repeated(400, graph, "Subgraphs") + bytes(3_000_000)
    with pytest.raises(StructureError, match="more than 100000 tables"):
        check_structure(padded)


def test_ops_that_name_others(float_model):
    """Options with strings, which the reader of the schema would copy unchecked."""
    for kind, number in (
        ("builtinOptionsType", schema.BuiltinOptions.VarHandleOptions),
        ("builtinOptions2Type", schema.BuiltinOptions2.StableHLOCompositeOptions),
    ):
        model = parse_tflite(float_model)
        setattr(model.subgraphs[0].operators[0], kind, number)
        with pytest.raises(StructureError, match="an op that refers to others by name"):
            check_structure(pack_tflite(model))


def test_field_outside_of_its_table(float_model):
    content = bytearray(float_model)
    root = struct.unpack_from("<I", content, 0)[0]
    vtable = root - struct.unpack_from("<i", content, root)[0]
    struct.pack_into("<H", content, vtable + 4 + 2 * 2, 0xFFF0)
    with pytest.raises(StructureError, match=r"^Model: a field outside of its \d+ bytes"):
        check_structure(bytes(content))
