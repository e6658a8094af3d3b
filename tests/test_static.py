"""What linter and type checker say: nothing."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tomllib

import pytest

pytestmark = pytest.mark.early

ROOT = pathlib.Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]


def run(*command, cwd=ROOT):
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, capture_output=True, text=True, check=False
    )


def modules(folder: pathlib.Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> pathlib.Path:
    """The package as pyproject.toml lays it out: `convert` lies inside `tf_handgroups`."""
    layout = SETTINGS["setuptools"]
    target = tmp_path_factory.mktemp("installed")
    for package in layout["packages"]:
        folder = ROOT / layout["package-dir"].get(package, package.replace(".", "/"))
        (target / package.replace(".", "/")).mkdir()
        for pattern in ("*.py", *layout["package-data"].get(package, ())):
            for path in folder.glob(pattern):
                shutil.copy(path, target / package.replace(".", "/"))
    return target


def test_ruff():
    done = run("-m", "ruff", "check", "--output-format", "concise", ".")
    assert done.returncode == 0, done.stdout


def test_every_module_and_asset_is_installed(installed):
    package = installed / "tf_handgroups"
    expected = modules(ROOT / "tf_handgroups")
    expected |= {f"convert/{name}" for name in modules(ROOT / "convert")}
    assert modules(package) == expected
    assert (package / "py.typed").is_file()
    assets = {path.name for path in (ROOT / "tf_handgroups" / "assets").glob("*.npz")}
    assert {path.name for path in (package / "assets").glob("*.npz")} == assets != set()


def test_pyright(installed):
    stubs = os.fspath(ROOT / SETTINGS["pyright"]["stubPath"])
    settings = SETTINGS["pyright"] | {"stubPath": stubs, "include": ["tf_handgroups"]}
    (installed / "pyrightconfig.json").write_text(json.dumps(settings))
    done = run("-m", "pyright", "--pythonpath", sys.executable, "--outputjson", cwd=installed)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] > 60
    found = [
        f"{pathlib.Path(item['file']).relative_to(installed)}:"
        f"{item['range']['start']['line'] + 1}: {item['message']}"
        for item in report["generalDiagnostics"]
    ]
    assert not found, "\n".join(found)
