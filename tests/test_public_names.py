import subprocess
import sys

import tf_handgroups as hg


def test_every_public_name_is_reachable():
    for name in hg.__all__:
        assert callable(getattr(hg, name)), name


def test_names_are_not_hidden_by_modules_imported_before():
    """A function and a module of the same name would fight for one attribute."""
    code = (
        "import importlib, pkgutil, tf_handgroups as hg\n"
        "for module in pkgutil.iter_modules(hg.__path__):\n"
        "    importlib.import_module(f'tf_handgroups.{module.name}')\n"
        "hidden = [name for name in hg.__all__ if not callable(getattr(hg, name))]\n"
        "assert not hidden, hidden\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]


def test_unknown_name():
    try:
        hg.nothing  # noqa: B018
    except AttributeError as error:
        assert "'nothing'" in str(error)
    else:
        raise AssertionError("expected AttributeError")


def test_import_alone_does_not_load_tensorflow():
    code = "import sys, tf_handgroups.cli; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
