import json
import os
import re

import pytest

from tests.hands import make_sample
from tf_handgroups.cli import main
from tf_handgroups.datasets.write_handjson import write_handjson


@pytest.fixture
def hands(tmp_path):
    write_handjson([make_sample(seed=seed) for seed in range(3)], tmp_path / "hands")
    return tmp_path / "hands"


@pytest.fixture
def broken(hands):
    (hands / "images" / "000001.png").unlink()
    return hands


def run(*arguments):
    return main(["check-data", *map(os.fspath, arguments), "--workers", "1"])


def test_prints_a_table_and_writes_nothing(hands, capsys, tmp_path):
    assert run(f"handjson:{hands}") == 0
    text = capsys.readouterr().out
    assert "128x96 (3)" in text and "reference bone" in text and "Report" not in text
    assert os.listdir(tmp_path) == ["hands"]


def test_writes_the_report_also_of_broken_data(broken, capsys, tmp_path):
    out = tmp_path / "report"
    assert run(f"handjson:{broken}", "--out", out) == 2
    captured = capsys.readouterr()
    assert "Broken: 1 of 3 samples" in captured.out and "000001.png" in captured.out
    assert "error:" in captured.err and "--allow-broken 1" in re.sub(r"\s+", " ", captured.err)
    assert sorted(os.listdir(out)) == ["contact_sheet.png", "report.json", "table.txt"]
    assert (out / "table.txt").read_text() in captured.out


def test_some_broken_samples_may_be_fine(broken, capsys):
    assert run(f"handjson:{broken}", "--allow-broken", "1") == 0
    assert "error" not in capsys.readouterr().err


def test_json_is_all_that_goes_to_standard_output(broken, capsys, tmp_path):
    assert run(f"handjson:{broken}", "--json", "--out", tmp_path / "report") == 2
    report = json.loads(capsys.readouterr().out)
    assert report["num_broken"] == 1 and report["broken"][0]["index"] == 1
    assert report == json.loads((tmp_path / "report" / "report.json").read_text())


def test_reads_synthetic_sets(capsys, tmp_path):
    folder = os.fspath(tmp_path / "renders")
    arguments = ["synth", "--count", "2", "--out", folder, "--image-size", "64", "--workers", "1"]
    assert main(arguments) == 0
    assert run(f"synth:{folder}") == 0
    assert "64x64 (2)" in capsys.readouterr().out


def test_refuses_to_replace_before_it_reads(hands, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("tf_handgroups.data_check.check_data", lambda *_: 1 / 0)
    out = tmp_path / "report"
    out.mkdir()
    (out / "mine").write_text("")
    assert run(f"handjson:{hands}", "--out", out) == 2
    assert run(f"handjson:{hands}", "--out", out / "mine") == 2
    assert "already exists" in capsys.readouterr().err and os.listdir(out) == ["mine"]


def test_replaces_when_told(hands, tmp_path):
    out = tmp_path / "report"
    out.mkdir()
    (out / "old").write_text("")
    assert run(f"handjson:{hands}", "--out", out, "--overwrite") == 0
    assert "old" not in os.listdir(out)


def test_an_interruption_leaves_nothing(hands, monkeypatch, tmp_path):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("tf_handgroups.data_check.check_samples", interrupt)
    assert run(f"handjson:{hands}", "--out", tmp_path / "report") == 1
    assert os.listdir(tmp_path) == ["hands"]


def test_unusable_arguments(fails, hands):
    assert "kind='photos'" in fails("check-data", "photos:x")
    assert "KIND:PATH" in fails("check-data", "--allow-broken", "1")
    fails("check-data", f"handjson:{hands}", "--allow-broken", "-1")
    fails("check-data", f"handjson:{hands}", "--workers", "0")
