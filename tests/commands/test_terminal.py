import io
import json

from rich.console import Console

from tf_handgroups.commands.terminal import console, errors, print_json, progress, say


def test_json_is_one_line_whatever_the_width(capsys):
    value = {"name": "[bold]x" * 60, "numbers": [1.5, None]}
    print_json(value)
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1 and json.loads(captured.out) == value


def test_messages_do_not_mix_with_results(capsys):
    console.print("result")
    errors.print("message")
    assert capsys.readouterr() == ("result\n", "message\n")


def test_progress_shows_share_and_goes_away(capsys, monkeypatch):
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr("tf_handgroups.commands.terminal.errors", screen)
    with progress("measuring") as show:
        show(3, 4)
    text = screen.file.getvalue()
    assert "measuring" in text and "75%" in text
    # The last control codes erase the line.
    assert text.endswith("\x1b[1A\x1b[2K")
    assert capsys.readouterr() == ("", "")


def test_paths_are_printed_as_they_are(capsys):
    path = "runs/[bold]x/" * 20
    say(f"Report: {path}")
    assert capsys.readouterr().out == f"Report: {path}\n"
