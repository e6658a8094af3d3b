"""The examples of README.md, MODEL_CARD.md and docs/ are valid."""

import pathlib
import re

import pytest
import typer.main

from tf_handgroups.cli import app

ROOT = pathlib.Path(__file__).parents[1]


def blocks(name: str, language: str) -> list[str]:
    fenced = re.findall(
        r"^```(\w*)\n(.*?)^```$", (ROOT / name).read_text(), flags=re.DOTALL | re.MULTILINE
    )
    return [text for found, text in fenced if found == language]


def command_lines() -> list[list[str]]:
    lines = []
    for name in ("README.md", "MODEL_CARD.md", "docs/paper.md", "docs/data.md", "docs/grouping.md"):
        for block in blocks(name, ""):
            joined = block.replace("\\\n", " ")
            lines += [line.split() for line in joined.splitlines() if "tf-handgroups " in line[:14]]
    return lines


@pytest.mark.parametrize(
    "code", [*blocks("README.md", "python"), *blocks("docs/paper.md", "python")]
)
def test_python_example_runs(code, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    exec(compile(code, "README.md", "exec"), {})
    assert "21, 2)" in capsys.readouterr().out


def test_there_are_commands():
    assert len(command_lines()) >= 10


@pytest.mark.parametrize("words", command_lines(), ids=" ".join)
def test_command_and_its_options_exist(words):
    commands = typer.main.get_command(app).commands
    assert words[1] in commands
    known = {option for parameter in commands[words[1]].params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize(
    "name", ["README.md", "MODEL_CARD.md", "CONTRIBUTING.md", "docs/paper.md", "docs/data.md"]
)
def test_linked_files_exist(name):
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text())
    assert all(((ROOT / name).parent / link).exists() for link in links), links
