"""The command of the comparison with peers."""

import json

import pytest

from benchmarks import peers
from tests.hands import make_sample
from tests.peers_case import SHIPPED, our_network, small_results, their_network
from tf_handgroups.datasets.write_handjson import write_handjson


def test_results_have_every_part():
    results = small_results()
    assert results["data"] == {"real3d_dev": 2, "mmpose_samples": 1}
    # One row for each file, though ours answers under two names.
    assert [row["network"] for row in results["files"]] == ["ours", *peers.PEERS]
    assert results["files"][0]["bytes"] == SHIPPED.stat().st_size
    assert results["files"][0]["mmac"] == pytest.approx(368, rel=0.1)
    assert {row["network"] for row in results["presence"]} == set(
        ["ours", "ours, side found", *peers.PEERS]
    )
    assert json.loads(json.dumps(results)) == results


def test_numbers_are_rounded():
    assert peers.rounded({"a": [1 / 3, (2, "x")], "b": None}, 2) == {
        "a": [0.33, [2, "x"]],
        "b": None,
    }


@pytest.fixture
def real(tmp_path, monkeypatch):
    write_handjson([make_sample()], tmp_path / "real" / "real3d_dev")
    monkeypatch.setattr(peers, "mmpose_hands", lambda folder: [make_sample(seed=1)])
    return tmp_path / "real"


def test_main_writes_everything(real, tmp_path, monkeypatch, capsys):
    asked = {}

    def load_ours(paths):
        asked["ours"] = [str(path) for path in paths]
        return [our_network()]

    def load_peers(wheel):
        asked["peers"] = str(wheel)
        return [their_network(name) for name in peers.PEERS]

    def compare(networks, data, rounds, on_progress):
        asked["names"] = [network.name for network in networks]
        asked["data"] = {name: len(hands) for name, hands in data.items()}
        asked["rounds"] = rounds
        on_progress("something", 30.0)
        return small_results()

    for function in (load_ours, load_peers, compare):
        monkeypatch.setattr(peers, function.__name__, function)
    out = tmp_path / "out"
    arguments = ["--real", str(real), "--out", str(out), "--rounds", "7"]
    assert peers.main(arguments) == 0
    assert asked == {
        "ours": ["android_assets"],
        "peers": ".teacher",
        "names": ["ours", *peers.PEERS],
        "data": {"real3d_dev": 1, "mmpose_samples": 1},
        "rounds": 7,
    }
    assert sorted(path.name for path in out.iterdir()) == ["peers.json", "peers.md", "peers.png"]
    assert json.loads((out / "peers.json").read_text()) == small_results()
    printed = capsys.readouterr().out
    assert "something, 30 degrees" in printed
    assert printed.endswith((out / "peers.md").read_text(encoding="utf-8") + "\n")
    assert peers.main(arguments) == 2
    assert "overwrite" in capsys.readouterr().err
    assert peers.main([*arguments, "--overwrite", "--model", "a", "b", "--peers", "w"]) == 0
    assert (asked["ours"], asked["peers"]) == (["a", "b"], "w")


def test_missing_wheel_names_the_command_that_gets_it(real, tmp_path, capsys):
    arguments = ["--model", str(SHIPPED), "--real", str(real), "--out", str(tmp_path / "out")]
    assert peers.main([*arguments, "--peers", str(tmp_path / "none")]) == 2
    assert "`make teacher`" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_missing_photographs_are_an_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(peers, "load_peers", lambda wheel: [])
    arguments = ["--model", str(SHIPPED), "--real", str(tmp_path), "--out", str(tmp_path / "out")]
    assert peers.main(arguments) == 2
    assert "real3d_dev" in capsys.readouterr().err
