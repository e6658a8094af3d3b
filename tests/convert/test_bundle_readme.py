"""Tests of the README of a bundle."""

import json
import os
import pathlib
import re
import subprocess

import pytest

from tf_handgroups.convert.bundle_readme import LITERT_FOR_ANDROID, bundle_readme
from tf_handgroups.convert.contract import Contract, read_contract

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def text(bundle) -> str:
    return (bundle / "README.md").read_text(encoding="utf-8")


def test_names_every_file_of_the_bundle_and_no_other(bundle, text):
    table = text.split("## Into an app")[0]
    named = set(re.findall(r"`([\w.]+\.\w+|LICENSE|SHA256SUMS)`", table))
    assert named == {path.name for path in bundle.iterdir()} - {"README.md"}
    assert "tests only" in table and "differs" not in table
    (row,) = [line for line in table.splitlines() if "the default |" in line]
    assert row.startswith("| `hand_int8_mixed.tflite` | network, variant `int8_mixed`, ")


def test_copied_commands_put_into_an_app_what_it_needs(bundle, text, tmp_path):
    """The block of step 1, run as it stands."""
    (block,) = re.findall(r"^   ```\n(   mkdir (?:.*\n)+?)   ```$", text, re.M)
    app = tmp_path / "My app"
    environment = {**os.environ, "APP": str(app)}
    subprocess.run(["sh", "-e", "-c", block], cwd=bundle, check=True, env=environment)
    assets = app / "app/src/main/assets/handgroups"
    copied = {path.name for path in assets.iterdir()}
    assert copied == {
        "bundle.json",
        "SHA256SUMS",
        "LICENSE",
        "hand_int8_mixed.tflite",
        "hand_int8_mixed.contract.json",
    }
    values = json.loads((assets / "bundle.json").read_text())
    assert values["variants"][values["default"]]["file"] in copied


def test_numbers_are_those_of_the_contract(bundle, text):
    values = read_contract(bundle / "hand_int8_mixed.contract.json").values
    assert f"{values['crop']['size_px']} x {values['crop']['size_px']} pixels, 1.5 times" in text
    assert f"| licence | {values['licence']} |" in text
    assert f"| trained on | {values['training_data']} |" in text
    size = (bundle / "hand_float32.tflite").stat().st_size / 1e6
    assert f"`float32`, {size:.1f} MB" in text
    assert f'implementation("com.google.ai.edge.litert:litert:{LITERT_FOR_ANDROID}")' in text


def test_variant_outside_its_gate_is_marked(bundle):
    description = json.loads((bundle / "bundle.json").read_text())
    contracts = {
        name: read_contract(bundle / entry["contract"])
        for name, entry in description["variants"].items()
    }
    values = contracts["float32"].values
    lossy = Contract({**values, "parity": {**values["parity"], "gate": "loss accepted"}})
    lines = bundle_readme(description, contracts | {"float32": lossy}).splitlines()
    marked = [line for line in lines if "differs from the trained network" in line]
    assert len(marked) == 1 and "hand_float32.tflite" in marked[0]


def test_text_of_strangers_stays_in_its_cell(bundle):
    description = json.loads((bundle / "bundle.json").read_text())
    contracts = {
        name: read_contract(bundle / entry["contract"])
        for name, entry in description["variants"].items()
    }
    values = contracts["int8_mixed"].values
    strange = Contract({**values, "training_data": "mine\n| yours | {0}"})
    text = bundle_readme(description, contracts | {"int8_mixed": strange})
    assert r"| trained on | mine \| yours \| {0} |" in text


def test_names_of_the_kotlin_library_exist(text):
    sources = [*ROOT.glob("android_assets/kotlin/library/**/*.kt")]
    if not sources:
        pytest.skip("the Kotlin library is not in this checkout")
    library = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    (usage,) = re.findall(r"```kotlin\n(.*?)```", text, re.S)
    names = set(re.findall(r"(?<=\.)[a-z]\w+(?= *\(| +//|$)", usage, re.M))
    assert {"fromAssets", "newTracker", "update", "uvPx", "toRgbImage"} <= names
    for name in sorted(names):
        assert re.search(rf"(fun|val) (\w+\.)?{name}\b", library), name
    for name in ("HandAnalyzer", "HandGroups", "checkGolden"):
        assert name in text and re.search(rf"(class|fun) {name}\b", library), name


def test_kotlin_module_asks_for_the_same_runtime():
    """One version in the documentation and in the Gradle files of the repository."""
    files = [*ROOT.glob("android_assets/**/*.kts"), *ROOT.glob("android_assets/**/*.toml")]
    texts = [path.read_text(encoding="utf-8") for path in [*files, ROOT / "README.md"]]
    versions = {
        version
        for text in texts
        for version in re.findall(r"com\.google\.ai\.edge\.litert:litert:([\w.]+)", text)
    }
    assert versions == {LITERT_FOR_ANDROID}
