"""Tests of the contract inside the file."""

import json

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert.byte_input import to_bytes
from tf_handgroups.convert.check_ops import check_ops
from tf_handgroups.convert.contract import read_contract
from tf_handgroups.convert.embedded_contract import (
    ENTRY_NAME,
    embed_contract,
    embedded_contract,
    without_identity,
)
from tf_handgroups.convert.export import SIGNATURE
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.quantize import RECIPES, quantize
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite
from tf_handgroups.errors import InputError


@pytest.fixture(scope="module")
def contract(converted):
    return read_contract(converted / "hand_float32.contract.json")


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_same_numbers_before_and_after(float_model, maps_model, contract, crops, recipe):
    source = maps_model if RECIPES[recipe].integer_only else float_model
    content = quantize(source, recipe, crops)
    embedded = embed_contract(content, contract)
    assert embed_contract(content, contract) == embedded
    assert len(content) < len(embedded) < len(content) + 20_000
    before, after = open_signature(content), open_signature(embedded)
    if before.get_input_details()["image"]["dtype"] == np.uint8:
        crops = to_bytes(crops)
    for crop in crops:
        expected, received = before(image=crop[None]), after(image=crop[None])
        assert list(received) == list(expected)
        for name, values in expected.items():
            np.testing.assert_array_equal(received[name], values)
    assert check_ops(embedded) == check_ops(content)
    signature = parse_tflite(embedded).signatureDefs[0]
    assert signature.signatureKey == SIGNATURE.encode()


def test_same_content_as_beside(converted, contract):
    content = (converted / "hand_float32.tflite").read_bytes()
    inside = embedded_contract(content, "a")
    beside = json.loads((converted / "hand_float32.contract.json").read_text())
    assert set(beside["model"]) - set(inside["model"]) == {"sha256", "bytes"}
    del beside["model"]["sha256"], beside["model"]["bytes"]
    assert inside == beside == without_identity(contract.values)
    # Read without the package: by the name of the entry alone.
    model = schema.Model.GetRootAsModel(content, 0)
    entries = [model.Metadata(i) for i in range(model.MetadataLength())]
    entry = next(entry for entry in entries if entry.Name() == b"tf_handgroups.contract")
    data = model.Buffers(entry.Buffer()).DataAsNumpy()
    assert json.loads(bytes(data)) == beside


def test_other_metadata_stay(float_model, contract):
    before = {entry.name for entry in parse_tflite(float_model).metadata}
    after = {entry.name for entry in parse_tflite(embed_contract(float_model, contract)).metadata}
    assert before and after == before | {ENTRY_NAME.encode()}


def test_a_new_contract_takes_the_place_of_the_old(float_model, contract):
    once = embed_contract(float_model, contract)
    model = parse_tflite(once)
    model.metadata.append(model.metadata[-1])  # twice the same name
    with pytest.raises(InputError, match="Received: entries=2"):
        embedded_contract(pack_tflite(model), "a")
    assert embed_contract(pack_tflite(model), contract) == once


def test_file_without_contract(float_model):
    with pytest.raises(InputError, match=r"a\.tflite: expected one contract .* entries=0"):
        embedded_contract(float_model, "a.tflite")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "0 bytes"),
        (b" " * (1 << 21), "2097152 bytes"),
        (b"{not json", "Expecting property name"),
        (b"\xff\xfe", "can't decode"),
        (b"[" * 100_000, "recursion"),
        (b"[1]", "another kind of value"),
        (b'{"model": 7}', "another kind of value"),
    ],
)
def test_contract_that_is_none(float_model, contract, text, message):
    model = parse_tflite(embed_contract(float_model, contract))
    model.buffers[model.metadata[-1].buffer].data = np.frombuffer(text, np.uint8)
    with pytest.raises(InputError, match=rf"a: expected a JSON object .* Received: .*{message}"):
        embedded_contract(pack_tflite(model), "a")
