"""Tests of reading and writing the flatbuffer."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.run import run_signature
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite
from tf_handgroups.errors import InputError


@pytest.mark.parametrize("length", [0, 7, 8, 100, 5000, -1000, -1])
def test_truncated_file_is_an_input_error(float_model, length):
    with pytest.raises(InputError, match=r"cut\.tflite: expected .* Received: "):
        parse_tflite(float_model[:length], "cut.tflite")


def test_file_without_ops_is_an_input_error():
    empty = schema.ModelT()
    empty.version, empty.subgraphs, empty.operatorCodes = 3, [], []
    with pytest.raises(InputError, match="Received: none"):
        parse_tflite(pack_tflite(empty))


@pytest.mark.parametrize("recipe", ["float32", "float16", "dynamic_int8", "int8_mixed"])
def test_packing_changes_no_constant_and_no_result(converted, crops, recipe):
    """Also of the quantizer's files, whose constants lie behind the flatbuffer."""
    content = (converted / f"hand_{recipe}.tflite").read_bytes()
    model = parse_tflite(content)
    packed = pack_tflite(model)
    assert pack_tflite(parse_tflite(packed)) == packed
    expected = run_signature(open_signature(content), crops[:2])
    received = run_signature(open_signature(packed), crops[:2])
    for name, values in expected.items():
        np.testing.assert_array_equal(received[name], values)


def outside(content: bytes) -> bytes:
    """Moves all constants behind the flatbuffer, as AI Edge Quantizer does."""
    model = parse_tflite(content)
    constants = [b"" if b.data is None else bytes(b.data) for b in model.buffers]
    start = len(content)  # without constants the flatbuffer is shorter than that
    tail = b""
    for buffer, constant in zip(model.buffers, constants, strict=True):
        if constant:
            buffer.data, buffer.offset, buffer.size = None, start + len(tail), len(constant)
            tail += constant.ljust((len(constant) + 15) // 16 * 16, b"\0")
    return pack_tflite(model).ljust(start, b"\0") + tail


def test_constants_behind_the_flatbuffer_are_found(float_model, crops):
    content = outside(float_model)
    assert schema.Model.GetRootAsModel(content, 0).Buffers(2).Offset() > 1
    inside = pack_tflite(parse_tflite(content))
    assert schema.Model.GetRootAsModel(inside, 0).Buffers(2).Offset() == 0
    expected = run_signature(open_signature(float_model), crops[:1])
    for moved in (content, inside):
        received = run_signature(open_signature(moved), crops[:1])
        for name, values in expected.items():
            np.testing.assert_array_equal(received[name], values)
    with pytest.raises(InputError, match="a constant of "):
        parse_tflite(content[:-20])


def test_constants_are_aligned(float_model):
    content = pack_tflite(parse_tflite(float_model))
    start = np.frombuffer(content, np.uint8).ctypes.data
    for buffer in parse_tflite(content).buffers:
        if buffer.data is not None and len(buffer.data) >= 16:
            assert (buffer.data.ctypes.data - start) % 16 == 0


def set_(owner, name, value):
    setattr(owner, name, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, g: set_(g.tensors[3], "buffer", 9999), "buffer of a tensor: 9999 to 9999 of"),
        (lambda m, g: set_(g.operators[0], "opcodeIndex", 77), "code of an op: 77 to 77 of"),
        (lambda m, g: set_(g.operators[0], "inputs", [0, -2]), "input of an op: -2 to 0 of"),
        (lambda m, g: set_(g.operators[0], "outputs", [-1]), "output of an op: -1 to -1 of"),
        (lambda m, g: set_(g.operators[0], "intermediates", [999]), "intermediate of an op: 999"),
        (lambda m, g: set_(g, "inputs", [2**31 - 1]), "input of the graph: 2147483647"),
        (lambda m, g: set_(g, "outputs", [999]), "output of the graph: 999"),
        (lambda m, g: set_(m.signatureDefs[0], "subgraphIndex", 1), "graph of a signature: 1"),
        (
            lambda m, g: set_(m.signatureDefs[0].inputs[0], "tensorIndex", 999),
            "tensor of a signature: 999",
        ),
        (lambda m, g: set_(m.metadata[0], "buffer", 999), "buffer of metadata: 999"),
        (
            lambda m, g: set_(g.tensors[0], "shape", [1, -64, 64, 3]),
            "a tensor with a neg",
        ),
        (lambda m, g: set_(g.tensors[0], "externalBuffer", 1), "constants in other files"),
        (
            lambda m, g: set_(m, "externalBufferGroups", [schema.ExternalBufferGroupT()]),
            "constants in other files",
        ),
    ],
)
def test_references_that_lead_nowhere(float_model, change, message):
    model = parse_tflite(float_model)
    change(model, model.subgraphs[0])
    with pytest.raises(InputError, match=rf"a\.tflite: .*ValueError: {message}"):
        parse_tflite(pack_tflite(model), "a.tflite")
