"""The Android layer and the sample app: their types fit the APIs that they use."""

import pathlib
import re
import xml.etree.ElementTree

import pytest

from tests.kotlin import toolchain
from tests.kotlin.conftest import DRIVER, LIBRARY, PROJECT
from tf_handgroups.errors import InputError

STUBS = pathlib.Path(__file__).parent / "stubs"
LAYER = LIBRARY / "android"
SAMPLE = PROJECT / "sample" / "src" / "main"
CORE = sorted(LIBRARY.glob("*.kt"))
SHIPPED = sorted(PROJECT.rglob("*.kt"))

# What the core may use of Java: all of it is in Android 6, the oldest that LiteRT supports.
JAVA_OF_THE_CORE = {
    "java.io.File",
    "java.io.IOException",
    "java.io.InputStream",
    "java.nio.ByteBuffer",
    "java.nio.ByteOrder",
    "java.nio.charset.CharacterCodingException",
    "java.nio.charset.CodingErrorAction",
    "java.security.MessageDigest",
}
ANDROID = "{http://schemas.android.com/apk/res/android}"


def code_of(path: pathlib.Path) -> str:
    """A file without its comments and texts."""
    comments_and_texts = re.compile(r"/\*.*?\*/|//[^\n]*|\"[^\"\n]*\"|'.'", re.DOTALL)
    return comments_and_texts.sub("", path.read_text())


# What an example may take for granted.
_GIVEN = """
internal fun example(
    context: android.content.Context,
    bitmap: android.graphics.Bitmap,
    analysis: androidx.camera.core.ImageAnalysis,
    timeS: Double,
) {
"""


def example_file(example: str) -> str:
    """An example of a document as a Kotlin file: imports first, the rest in a function."""
    lines = [line.strip() for line in example.splitlines()]
    imports = [line for line in lines if line.startswith("import ")]
    body = [line for line in lines if not line.startswith("import ")]
    quiet = '@file:Suppress("UNUSED_EXPRESSION", "UNUSED_VARIABLE")'
    return "\n".join([quiet, *imports, _GIVEN, *body, "}", ""])


def test_layer_sample_and_documented_examples_compile(core, tmp_path):
    root = PROJECT.parents[1]
    examples = [
        example
        for document in ("docs/android.md", "android_assets/README.md")
        for example in re.findall(
            r"^ *```kotlin\n(.*?)^ *```$", (root / document).read_text(), re.DOTALL | re.MULTILINE
        )
    ]
    assert len(examples) == 3
    for number, example in enumerate(examples):
        (tmp_path / f"Example{number}.kt").write_text(
            example_file(example).replace("fun example(", f"fun example{number}(")
        )
    # The layer is one module with the core, as in the Android build.
    options = [f"-Xfriend-paths={core}"]
    sources = [LAYER, SAMPLE / "kotlin", STUBS, *sorted(tmp_path.glob("*.kt"))]
    classes = toolchain.compiled("android", sources, [core], options)
    made = {path.stem for path in classes.rglob("*.class")}
    assert {"HandGroups", "LiteRtRunner", "HandAnalyzer", "MainActivity", "OverlayView"} <= made


def test_wrong_use_of_an_api_is_found(core, tmp_path):
    """The test above can fail."""
    wrong = tmp_path / "Wrong.kt"
    wrong.write_text(
        "package dev.handgroups.android\n"
        "internal fun wrong(hand: dev.handgroups.Hand): Int = hand.uvPx[0].u\n"
    )
    with pytest.raises(InputError, match=r"Wrong\.kt:2:54: error: return type mismatch"):
        toolchain.compiled("wrong", [wrong], [core])


def test_core_knows_no_android():
    assert len(CORE) > 15
    platform = re.compile(r"\b((?:java|android|androidx|com)\.[\w.]+)")
    for path in CORE:
        used = set(platform.findall(code_of(path)))
        used -= {"java.lang.Double.MIN_NORMAL"}
        assert used <= JAVA_OF_THE_CORE, f"{path.name}: {sorted(used - JAVA_OF_THE_CORE)}"


@pytest.mark.parametrize("path", [*SHIPPED, *sorted(DRIVER.glob("*.kt"))], ids=lambda p: p.name)
def test_files_are_short_and_narrow(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 400
    assert not [line for line in lines if len(line) > 100 or line != line.rstrip()]


# A number that the contract holds, retyped: the margin, the joints, the root, ratios, cutoffs.
RETYPED = re.compile(r"(?<![\w.])(1\.5|8\.0|0\.05|1000(\.0)?|0\.25|0\.4932|21|20|9|10)(?![\w.])")


@pytest.mark.parametrize("path", [*CORE, *sorted(LAYER.glob("*.kt"))], ids=lambda p: p.name)
def test_no_constant_of_the_contract_is_retyped(path):
    assert not RETYPED.findall(code_of(path))


def test_pattern_finds_retyped_numbers():
    assert RETYPED.search("val margin = 1.5") and RETYPED.search("List(21) { it }")
    assert not RETYPED.search("x90 + 270 - 0.215")


@pytest.mark.parametrize("path", [*CORE, *sorted(LAYER.glob("*.kt"))], ids=lambda p: p.name)
def test_public_names_are_documented(path):
    """Each public declaration has KDoc; a property may be described in that of its class."""
    lines = path.read_text().splitlines()
    declaration = re.compile(r"\s*public (?:\w+ )*?(class|interface|object|fun|val|var)\b ?(.*)")
    lacking = []
    for number, line in enumerate(lines):
        found = declaration.match(line)
        if not found or found[2].startswith(("companion", "{")):
            continue
        before = number - 1
        while before >= 0 and lines[before].strip().startswith("@"):
            before -= 1
        documented = before >= 0 and lines[before].strip().endswith("*/")
        name = re.match(r"\w*", found[2])[0]
        described = re.search(rf"@property {name}\b", path.read_text()) if name else None
        if not (documented or described or "companion object" in line):
            lacking.append(line.strip())
    assert not lacking


def test_manifests_name_what_there_is():
    manifest = xml.etree.ElementTree.parse(SAMPLE / "AndroidManifest.xml").getroot()
    strings = {
        f"@string/{element.attrib['name']}"
        for element in xml.etree.ElementTree.parse(SAMPLE / "res/values/strings.xml").getroot()
    }
    application = manifest.find("application")
    assert application is not None
    assert application.attrib[f"{ANDROID}label"] in strings
    [activity] = application.findall("activity")
    name = activity.attrib[f"{ANDROID}name"].removeprefix(".")
    assert (SAMPLE / "kotlin/dev/handgroups/sample" / f"{name}.kt").is_file()
    permissions = [p.attrib[f"{ANDROID}name"] for p in manifest.findall("uses-permission")]
    assert permissions == ["android.permission.CAMERA"]
    file = PROJECT / "library" / "src" / "main" / "AndroidManifest.xml"
    library = xml.etree.ElementTree.parse(file).getroot()
    assert library.tag == "manifest" and not list(library)
    code = "".join(path.read_text() for path in SAMPLE.rglob("*.kt"))
    assert {f"@string/{name}" for name in re.findall(r"R\.string\.(\w+)", code)} <= strings


def test_versions_agree():
    """LiteRT is the one that the tests of the models ran with; documents name the same."""
    root = PROJECT.parents[1]
    [pinned] = re.findall(r"ai-edge-litert==(\S+)", (root / "constraints.txt").read_text())
    line = f"com.google.ai.edge.litert:litert:{pinned}"
    build = (PROJECT / "library/build.gradle.kts").read_text()
    assert line in build and line in (root / "docs/android.md").read_text()
    camera = set(re.findall(r"androidx\.camera:camera-\w+:([\d.]+)", build))
    sample = (PROJECT / "sample/build.gradle.kts").read_text()
    camera |= set(re.findall(r"androidx\.camera:camera-\w+:([\d.]+)", sample))
    assert len(camera) == 1
    plugins = (PROJECT / "build.gradle.kts").read_text()
    [language] = re.findall(r'kotlin\.android"\) version "(\d+\.\d+)', plugins)
    assert language == toolchain.LANGUAGE_VERSION
