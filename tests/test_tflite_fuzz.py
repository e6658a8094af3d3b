"""Damaged `.tflite` files, as `benchmarks/tflite_fuzz.py` makes them, fewer of them."""

import collections

import pytest

from benchmarks import tflite_fuzz
from benchmarks.tflite_fuzz import Child, Findings, fuzz, is_sound, main, table
from benchmarks.tflite_mutations import Mutator
from tests.convert.conftest import (  # noqa: F401  fixtures
    converted,
    crops,
    keras_file,
    stand_in,
)
from tf_handgroups.convert.trial import frame
from tf_handgroups.errors import InputError

COUNT = 72


@pytest.fixture(scope="module")
def small(converted):  # noqa: F811
    return converted / "hand_float32.tflite"


def test_no_damaged_file_passes_or_crashes(small):
    child = Child()
    found = fuzz(small, COUNT, seed=1, child=child)
    assert is_sound(found)
    assert {row.files for row in found.values()} == {COUNT // 6} and len(found) == 6
    total = collections.Counter()
    for row in found.values():
        total.update(vars(row))
    assert total["refused_by_hash"] == total["files"] == COUNT == len(child.stages)
    steps = ("structure", "runtime", "crashed", "too_long", "ran")
    assert sum(total[step] for step in steps) == COUNT
    assert total["loaded"] + total["contract_refused"] == total["ran"]
    # Truncated files never get far, and some damage harms nobody.
    assert found["truncation"].structure == COUNT // 6
    assert total["structure"] > COUNT // 4 and total["ran"] > 0
    assert child.process is None


def test_damage_depends_on_the_seed_alone(small):
    content = small.read_bytes()
    first, again, other = (list(Mutator(content, seed).mutations(24)) for seed in (1, 1, 2))
    assert first == again and first != other
    assert all(damaged != content for _, damaged in first)
    assert len({damaged for _, damaged in first}) > 20


def test_a_child_that_dies_is_replaced(small, monkeypatch):
    content, child = small.read_bytes(), Child()
    with tflite_fuzz.trying_in(child):
        child.try_model(content, "a")
        process = child.process
        assert process is not None
        process.kill()
        with pytest.raises(InputError, match="a: SIGKILL"):
            child.try_model(content, "a")
        child.try_model(content, "a")
        monkeypatch.setattr(tflite_fuzz, "_FILES_PER_CHILD", 1)
        child.try_model(content, "a")
        # It waits for bytes that never come.
        child.wait_seconds = 0.2
        monkeypatch.setattr(tflite_fuzz, "frame", lambda content: b"9" + frame(content))
        with pytest.raises(InputError, match="a: did not end"):
            child.try_model(content, "a")
    assert child.stages == ["ran", "crashed", "ran", "ran", "too long"]
    assert child.signals == {"SIGKILL": 1}


def test_failures_are_not_overlooked(small, monkeypatch, capsys):
    row = Findings(files=3, refused_by_hash=3)
    assert is_sound({"size": row})
    assert not is_sound({"size": Findings(files=3, refused_by_hash=2)})
    assert not is_sound({"size": Findings(files=3, refused_by_hash=3, failed_here=1)})
    assert "| all | 6 | 6 |" in table({"size": row, "splice": row})

    class Broken:
        def __init__(self, path, trust):
            with tflite_fuzz.contextlib.suppress(InputError):
                tflite_fuzz.sealed_model.try_in_child(path.read_bytes(), "a")
            raise KeyError("unforeseen")

    monkeypatch.setattr(tflite_fuzz, "LiteRTRunner", Broken)
    assert main(["--model", str(small), "--count", "6"]) == 1
    captured = capsys.readouterr()
    assert "KeyError: 'unforeseen'" in captured.err
    assert "hand_float32.tflite, seed 0" in captured.out and "| bit flips | 1 | 1 |" in captured.out
