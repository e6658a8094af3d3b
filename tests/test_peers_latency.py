"""Times are those of the files and in the same rounds; how long they are is not tested."""

import numpy as np
import pytest

from benchmarks import peers_latency
from tests.peers_case import SHIPPED


def test_a_file_of_ours_is_run():
    run = peers_latency.prepared(SHIPPED.read_bytes(), 1)
    run()


def test_ratios_are_within_rounds(monkeypatch):
    prepared = []

    def fake_prepared(content, num_threads):
        prepared.append((content, num_threads))
        return content

    def fake_timed(runs, rounds, warm_up):
        assert list(runs) == ["a", "b"] and rounds == 3
        return {"a": np.array([1.0, 2.0, 4.0]), "b": np.array([2.0, 8.0, 4.0])}

    monkeypatch.setattr(peers_latency, "prepared", fake_prepared)
    monkeypatch.setattr(peers_latency, "timed", fake_timed)
    found = peers_latency.latency({"a": b"1", "b": b"2"}, "a", (1, 2), 3)
    assert prepared == [(b"1", 1), (b"2", 1), (b"1", 2), (b"2", 2)]
    assert [(row["network"], row["threads"]) for row in found["rows"]] == [
        ("a", 1),
        ("b", 1),
        ("a", 2),
        ("b", 2),
    ]
    first, second = found["rows"][:2]
    assert first["ratio"] == [1, 1, 1] and first["ms"][0] == 2000
    # Of 2, 4 and 1; not 8 over 2.
    assert second["ratio"] == pytest.approx([2, 1.2, 3.6])
    assert "cores busy" in found["other_programs"]
