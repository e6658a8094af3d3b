"""The command: three files of one run, and what it refuses."""

import numpy as np
import pytest

from benchmarks import error_breakdown
from tests.breakdown_case import stand_in
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image

FILES = ["breakdown.md", "breakdown.png", "failures.jpg"]


@pytest.fixture
def asked(monkeypatch):
    """Names of the models that were opened; all are the stand-in."""
    names = []
    monkeypatch.setattr(
        error_breakdown, "Predictor", lambda model: names.append(model) or stand_in()
    )
    return names


def test_writes_the_files_of_a_run(asked, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    arguments = ["--count", "20", "--paired", "2", "--out", str(out)]
    assert error_breakdown.main(["--model", "folder/mine.tflite", *arguments]) == 0
    assert sorted(path.name for path in out.iterdir()) == FILES
    text = (out / "breakdown.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == text + "\n"
    command = "python -m benchmarks.error_breakdown --model mine.tflite --count 20 --paired 2"
    assert f"Made by `{command}`." in text and "# Errors of stand_in" in text
    assert "20 renders" in text and "below 0.5, the contract's threshold" in text
    assert read_image(out / "breakdown.png").std() > 10
    assert read_image(out / "failures.jpg").shape[1] >= 452 * 3
    assert error_breakdown.main(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert error_breakdown.main([*arguments, "--overwrite"]) == 0
    assert asked == ["folder/mine.tflite", "android_assets", "android_assets"]
    # The same pictures give the same numbers.
    again = (out / "breakdown.md").read_text(encoding="utf-8")
    assert again == text.replace("mine.tflite", "android_assets")


def test_network_without_heads_is_measured(tmp_path):
    told = []
    text = error_breakdown.break_down(
        stand_in(heads=False), 3, 2, tmp_path, "command", lambda *numbers: told.append(numbers)
    )
    assert "cannot tell whether there is a hand" in text and "nan" not in text
    assert told == [(number, 13) for number in range(1, 14)]
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--count", "0"], "Received: count=0"),
        (["--paired", "1"], "Received: paired=1"),
    ],
)
def test_unfit_numbers(asked, tmp_path, capsys, arguments, message):
    out = tmp_path / "out"
    assert error_breakdown.main([*arguments, "--out", str(out)]) == 2
    assert message in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize("arguments", [[], ["--count", "many", "--out", "x"], ["--out"]])
def test_unfit_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        error_breakdown.main(arguments)
    assert raised.value.code == 2 and "usage" in capsys.readouterr().err


def test_missing_model(tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["--model", str(tmp_path / "none.tflite"), "--out", str(out)]
    assert error_breakdown.main(arguments) == 2
    assert "none.tflite" in capsys.readouterr().err and not out.exists()


def test_all_pictures_without_a_hand(tmp_path, monkeypatch):
    settings = error_breakdown.SynthSettings(negatives=1)
    monkeypatch.setattr(error_breakdown, "SynthSettings", lambda: settings)
    with pytest.raises(InputError, match="Received: 2 without"):
        error_breakdown.break_down(stand_in(), 2, 2, tmp_path, "command")
    assert np.all([not path.exists() for path in map(tmp_path.joinpath, FILES)])
