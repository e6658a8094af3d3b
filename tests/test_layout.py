"""Rules of the house that a machine can check."""

import ast
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[1]
MAX_LINES = 400


def tracked(*patterns: str) -> list[pathlib.Path]:
    """Files under version control, and new ones that would be added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in done.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


PYTHON = tracked("*.py")
CORE = [path for path in PYTHON if path.is_relative_to(ROOT / "tf_handgroups")]
CONVERTER = [path for path in PYTHON if path.is_relative_to(ROOT / "convert")]
MODULES = [path for path in CORE + CONVERTER if path.name != "__init__.py"]


def name_of(path: pathlib.Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def dotted(path: pathlib.Path) -> str:
    """Name under which a module is imported."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[0] == "convert":
        parts = ["tf_handgroups", *parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(nodes) -> set[str]:
    """Names imported by the given statements, `from a import b` as `a` and `a.b`."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, "relative import"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_there_is_something_to_check():
    assert len(CORE) > 40 and len(CONVERTER) > 10 and ROOT / "convert" / "run.py" in MODULES


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_has_a_mirror_test(path):
    base = ROOT / "tf_handgroups" if path in CORE else ROOT
    relative = path.relative_to(base)
    mirror = ROOT / "tests" / relative.with_name(f"test_{path.name}")
    assert mirror.is_file(), f"expected {name_of(mirror)}"
    assert "def test_" in mirror.read_text() or "Case" in mirror.read_text()


@pytest.mark.parametrize("path", CORE + CONVERTER, ids=name_of)
def test_public_names_have_docstrings(path):
    tree = tree_of(path)
    assert path.name == "__init__.py" or ast.get_docstring(tree), "the module itself"
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    lacking = [
        node.name
        for node in tree.body
        if isinstance(node, kinds) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert not lacking


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_files_stay_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_core_does_not_import_the_converter(path):
    if name_of(path) in ("tf_handgroups/__init__.py", "tf_handgroups/cli.py"):
        return
    if path.is_relative_to(ROOT / "tf_handgroups" / "commands"):
        return
    # Anywhere in the module: importing late would only hide it.
    found = imports(ast.walk(tree_of(path)))
    assert not {name for name in found if name.startswith(("tf_handgroups.convert", "convert"))}


def test_nothing_imports_the_command_line():
    users = {
        name_of(path) for path in MODULES if "tf_handgroups.cli" in imports(ast.walk(tree_of(path)))
    }
    assert not users


def test_imports_form_no_circle():
    """With every import at the top of a module: there is an order to read them in."""
    known = {dotted(path): path for path in MODULES}
    needs = {name: imports(tree_of(path).body) & set(known) for name, path in known.items()}
    while ready := [name for name, needed in needs.items() if not needed & set(needs)]:
        for name in ready:
            del needs[name]
    assert not needs, f"circular: {sorted(needs)}"


@pytest.mark.parametrize(
    "path", [path for path in CORE if path.parent.name == "synth"], ids=name_of
)
def test_rendering_does_not_wait_for_tensorflow(path):
    """Many processes render; each would pay for the import."""
    found = imports(tree_of(path).body)
    assert not {name for name in found if name.split(".")[0] in ("tensorflow", "keras")}


def test_private_keras_has_one_importer():
    users = {
        name_of(path)
        for path in PYTHON
        if any(name.startswith("keras.src") for name in imports(ast.walk(tree_of(path))))
    }
    assert users == {"tests/layer_case.py"}


def test_no_assert_guards_an_input():
    """Assertions vanish under `python -O`."""
    users = [
        name_of(path)
        for path in CORE + CONVERTER
        if any(isinstance(node, ast.Assert) for node in ast.walk(tree_of(path)))
    ]
    assert not users


# In pieces, so that this file does not find itself.
PRIVATE_PATH = re.compile(r"(?<![\w.:/*}-])/(home|work|root|tmp|mnt|Users)" + r"/[\w.]")
REGISTRY = re.compile(
    "|".join(
        "".join(parts)
        for parts in (
            ("index", "-url"),
            ("python", r"hosted\.org"),
            ("arti", "factory"),
            ("regi", r"stry\.npm"),
            ("//[^/ ]*ne", "xus"),
            ("/simple", r"/[ \"\n]"),
        )
    ),
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    ("pattern", "bad", "good"),
    [
        (PRIVATE_PATH, "open('/home" + "/me/x')", "https://example.org/home/x"),
        (PRIVATE_PATH, "cd /tmp" + "/run", "images/tmp/x"),
        (REGISTRY, "pip --index" + "-url http://x", "pip install tf_handgroups"),
    ],
)
def test_patterns_find_what_they_should(pattern, bad, good):
    assert pattern.search(bad) and not pattern.search(good)


def test_no_file_names_somebodys_machine():
    hits = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if PRIVATE_PATH.search(line) or REGISTRY.search(line):
                hits.append(f"{name_of(path)}:{number}: {line.strip()[:100]}")
    assert not hits, "\n".join(hits)
