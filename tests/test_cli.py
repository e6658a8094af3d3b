"""The command line as a user or a script meets it: help, usage errors, exit codes."""

import os
import re

import pytest
import typer.main

from tf_handgroups.cli import app, main
from tf_handgroups.errors import GateError, InputError

COMMANDS = sorted(typer.main.get_command(app).commands)


def test_there_are_the_documented_commands():
    documented = "demo synth train evaluate plot-pck predict convert bundle benchmark"
    assert set(documented.split()) <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_and_shows_an_example(command, capsys):
    assert main([command, "--help"]) == 0
    text = re.sub(r"[\s│]+", " ", capsys.readouterr().out)
    assert f"Example: tf-handgroups {command} " in text
    # The example uses options that exist.
    example = typer.main.get_command(app).commands[command].help.split("Example:")[1]
    for option in re.findall(r"--[a-z-]+", example):
        assert option in text


def test_help_of_the_whole(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    places = [text.index(f" {command} ") for command in typer.main.get_command(app).commands]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "arguments",
    [
        ["dance"],
        ["predict"],
        ["predict", "--model", "m.keras"],
        ["synth", "--count", "many", "--out", "x"],
        ["train", "--no-such-option"],
        ["benchmark", "a.tflite", "--rounds", "1"],
        ["train", "--data", "a:b", "--val", "a:b", "--out", "x", "--strategy", "horovod"],
    ],
    ids=" ".join,
)
def test_usage_errors(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert not captured.out and "Traceback" not in captured.err and len(captured.err) > 20
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (InputError("bad [file] name"), 2, "error: bad [file] name"),
        (GateError("too lossy"), 3, "error: too lossy"),
        (OSError("no space left"), 1, "error: no space left"),
        (RuntimeError(), 1, "error: RuntimeError"),
        (KeyboardInterrupt(), 1, "Interrupted."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_become_exit_codes(error, code, text, capsys, monkeypatch):
    def raise_it(*arguments, **options):
        raise error

    monkeypatch.delenv("HANDGROUPS_DEBUG", raising=False)
    monkeypatch.setattr("tf_handgroups.convert.bundle_check.check_bundle", raise_it)
    assert main(["bundle", "--check", "assets"]) == code
    assert capsys.readouterr().err.strip() == text


def test_debugging_shows_the_traceback(monkeypatch):
    def raise_it(*arguments, **options):
        raise ZeroDivisionError("deep inside")

    monkeypatch.setenv("HANDGROUPS_DEBUG", "1")
    monkeypatch.setattr("tf_handgroups.convert.bundle_check.check_bundle", raise_it)
    with pytest.raises(ZeroDivisionError, match="deep inside"):
        main(["bundle", "--check", "assets"])
