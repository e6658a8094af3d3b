"""Tests of a model with its contract inside and beside it."""

import json
import shutil

import numpy as np
import pytest

from tf_handgroups.convert import sealed_model
from tf_handgroups.convert.contract import contract_path, read_contract, sha256_of
from tf_handgroups.convert.embedded_contract import embedded_contract
from tf_handgroups.convert.run import LiteRTRunner
from tf_handgroups.convert.sealed_model import read_trusted, read_verified, seal_model
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite
from tf_handgroups.errors import InputError


@pytest.fixture
def pair(converted, tmp_path):
    """Copy of a model with its contract, to be spoilt."""
    source = converted / "hand_float32.tflite"
    for path in (source, contract_path(source)):
        shutil.copy(path, tmp_path)
    return tmp_path / source.name


@pytest.fixture
def no_trial(monkeypatch):
    """Sound files need no child process; the trial has its own tests."""
    tried = []
    monkeypatch.setattr(sealed_model, "try_in_child", lambda *arguments: tried.append(arguments))
    return tried


def test_seals_a_file_of_an_earlier_version(pair, float_model, crops):
    """One that has its contract only beside it."""
    contract = read_contract(contract_path(pair))
    expected = LiteRTRunner(pair)(crops)
    pair.write_bytes(float_model)
    values = json.loads(contract_path(pair).read_text())
    values["model"] |= {"sha256": sha256_of(pair), "bytes": len(float_model)}
    contract_path(pair).write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"expected one contract inside .* entries=0"):
        read_verified(pair)
    with pytest.raises(InputError, match="already exists"):
        seal_model(pair, read_contract(contract_path(pair)))
    sealed = seal_model(pair, read_contract(contract_path(pair)), overwrite=True)
    assert sealed == contract == read_verified(pair)[0]
    assert sealed.sha256 == sha256_of(pair)
    for name, array in LiteRTRunner(pair)(crops).items():
        np.testing.assert_array_equal(array, expected[name])


def test_rejects_another_model_than_the_contract_says(converted, tmp_path):
    source = converted / "hand_float32.tflite"
    model = tmp_path / source.name
    with pytest.raises(InputError, match=r"expected a .tflite file. Received: no such file"):
        read_verified(model)
    content = bytearray(source.read_bytes())
    shutil.copy(contract_path(source), contract_path(model))
    model.write_bytes(content[:-100])
    with pytest.raises(InputError, match=r"Received: bytes=.*--trust"):
        read_verified(model)
    content[len(content) // 2] ^= 1  # same size, one bit differs
    model.write_bytes(content)
    with pytest.raises(InputError, match=r"Received: sha256=.*--trust"):
        read_verified(model)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (lambda v: v["crop"].update(margin=2.0), r"\['crop\.margin'\]"),
        (lambda v: v["model"].update(file="other.tflite"), r"\['model\.file'\]"),
        (lambda v: v.update(licence="MIT"), r"\['licence'\]"),
        (lambda v: v.update(note="new"), r"\['note'\]"),
        (lambda v: v.pop("training_recipe"), r"\['training_recipe'\]"),
        (
            lambda v: (v["grouping"].reverse(), v["parity"]["uv_px"].update(max=0.0)),
            r"\['grouping', 'parity\.uv_px\.max'\]",
        ),
    ],
)
def test_contract_beside_may_not_say_something_else(pair, change, fields):
    values = json.loads(contract_path(pair).read_text())
    change(values)
    contract_path(pair).write_text(json.dumps(values))
    with pytest.raises(InputError, match=f"inside the file as .*different fields={fields}"):
        read_verified(pair)


def test_trusted_contract_is_the_one_inside(pair, no_trial):
    expected, content = read_verified(pair)
    values = json.loads(contract_path(pair).read_text())
    values["licence"] = "something else"
    contract_path(pair).write_text(json.dumps(values))
    assert read_trusted(pair) == (expected, content)
    contract_path(pair).unlink()
    assert read_trusted(pair) == (expected, content)
    assert no_trial == [(content, str(pair))] * 2


def test_trusted_file_may_have_another_hash(pair, no_trial):
    model = parse_tflite(pair.read_bytes())
    kernel = max((b for b in model.buffers if b.data is not None), key=lambda b: len(b.data))
    kernel.data = kernel.data.copy()
    kernel.data[3] ^= 1
    pair.write_bytes(pack_tflite(model))
    with pytest.raises(InputError, match="Received: sha256="):
        read_verified(pair)
    contract, _ = read_trusted(pair)
    assert contract.sha256 == sha256_of(pair)
    assert contract.values["model"]["bytes"] == pair.stat().st_size


def test_trusted_file_needs_a_contract_inside(pair, float_model, no_trial, tmp_path):
    pair.write_bytes(float_model)
    with pytest.raises(InputError, match=r"hand_float32\.tflite: expected one contract inside"):
        read_trusted(pair)
    with pytest.raises(InputError, match="Received: no such file"):
        read_trusted(tmp_path / "absent.tflite")


def test_contract_inside_is_checked_as_any_other(pair, no_trial):
    model = parse_tflite(pair.read_bytes())
    values = embedded_contract(pair.read_bytes(), "a") | {"grouping": [0, 1]}
    text = json.dumps(values).encode()
    model.buffers[model.metadata[-1].buffer].data = np.frombuffer(text, np.uint8)
    pair.write_bytes(pack_tflite(model))
    with pytest.raises(InputError, match=r"contract inside the file: expected field grouping"):
        read_trusted(pair)
