import os
import re

from tf_handgroups.cli import main


def test_synth_renders_and_draws_a_contact_sheet(capsys, tmp_path):
    out, preview = tmp_path / "renders", tmp_path / "sheet.png"
    arguments = ["synth", "--count", "2", "--out", out, "--image-size", "64", "--workers", "1"]
    arguments += ["--preview", preview]
    assert main([os.fspath(argument) for argument in arguments]) == 0
    assert "2 images in" in re.sub(r"\s+", " ", capsys.readouterr().out)
    assert preview.is_file() and os.listdir(out)


def test_synth_refuses_no_images(fails):
    assert "Received: count=0" in fails("synth", "--count", "0")
