"""Every example in a docstring does what it says."""

import doctest
import importlib
import pathlib
import pkgutil

import pytest

import tf_handgroups
import tf_handgroups.convert

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> list[str]:
    names = []
    for package in (tf_handgroups, tf_handgroups.convert):
        walked = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        names += [found.name for found in walked]
    return sorted({"tf_handgroups", "tf_handgroups.convert", *names})


def test_all_modules_are_found():
    root = pathlib.Path(__file__).parents[1]
    files = [*(root / "tf_handgroups").rglob("*.py"), *(root / "convert").rglob("*.py")]
    assert len(modules()) == len(files)


@pytest.mark.parametrize("name", modules())
def test_examples(name, tmp_path, monkeypatch):
    # Some examples write files; none into the checkout.
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    results = doctest.testmod(module, optionflags=FLAGS)
    assert results.failed == 0
