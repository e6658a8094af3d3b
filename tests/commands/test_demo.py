"""What the demo does is tested in tests/convert/test_demo.py."""

import os
import re

from tf_handgroups.cli import main


def test_demo_passes_its_options_on(capsys, monkeypatch, tmp_path):
    calls = []

    def run_demo(out, **options):
        calls.append((out, options["seed"], options["overwrite"]))
        return out / "report.html"

    monkeypatch.setattr("tf_handgroups.convert.demo.run_demo", run_demo)
    assert main(["demo", "--out", os.fspath(tmp_path / "out"), "--seed", "3"]) == 0
    assert calls == [(tmp_path / "out", 3, False)]
    assert "report.html in a browser" in re.sub(r"\s+", " ", capsys.readouterr().out)
