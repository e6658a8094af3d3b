"""README.md of a bundle: what each file is, and where it goes in an Android app."""

import pathlib
from collections.abc import Mapping
from typing import Any

from tf_handgroups.convert.contract import Contract

README_FILE = "README.md"

# Looked up on 2026-11-28: in Google's Maven repository since 2026-10-06, and the version of
# the Python runtime that computes the golden outputs.
LITERT_FOR_ANDROID = "2.3.0"

_ASSETS = "app/src/main/assets/handgroups"

_TEXT = """\
# {name}

21 joints of a hand in 3D, for LiteRT. `tf-handgroups bundle` wrote these files and
`tf-handgroups bundle --check FOLDER` verifies them: hashes, contracts, and what the models
compute. Change none of them by hand; the runners refuse a file whose hash is another.

| file | what it is | in an Android app |
|---|---|---|
{table}

An app needs one variant: `{default}`, the default, or another one, named as `variant` when it is
opened. With its golden file beside it, `hands.checkGolden()` verifies what a device computes.

## Into an app

1. Copy, with `APP` as the folder of your Android project:

   ```
   mkdir -p "$APP/{assets}"
   cp bundle.json SHA256SUMS LICENSE {model} \\
       {contract} "$APP/{assets}"
   ```

2. Copy the Kotlin library, the folder `android_assets/kotlin/library` of tf_handgroups, to
   `$APP/handgroups`, and add it to `$APP/settings.gradle.kts`:

   ```
   include(":handgroups")
   ```

3. Add to `$APP/app/build.gradle.kts`:

   ```
   android {{
       androidResources {{ noCompress += "tflite" }}
   }}
   dependencies {{
       implementation(project(":handgroups"))
       implementation("com.google.ai.edge.litert:litert:{litert}")
   }}
   ```

4. Use it, with CameraX through `HandAnalyzer`, or with pictures:

   ```kotlin
{usage}
   ```

Crops, mirroring of left hands, joint order, units, 3D and smoothing are the library's work, with
the numbers of the contract. In another language, the contract says all of it in words, and
`golden_steps.json` has inputs and expected results of every step.

## The model

| | |
|---|---|
| input | crop of {size} x {size} pixels, {margin:g} times the longer side of the hand's box |
| outputs | {outputs} |
| trained on | {training_data} |
| licence | {licence} |
"""

_USAGE = """\
import dev.handgroups.android.HandGroups
import dev.handgroups.android.toRgbImage

val hands = HandGroups.fromAssets(context)  // not on the main thread; refuses changed files
val tracker = hands.newTracker()            // one per hand and video

val hand = tracker.update(bitmap.toRgbImage(), timeS)  // every frame, upright; null: no hand
hand?.uvPx         // 21 points in pixels of the picture
hand?.xyzRelative  // 21 points, in lengths of the bone from middle MCP to middle PIP
hand?.side         // left or right

hands.close()"""


def bundle_readme(bundle: Mapping[str, Any], contracts: Mapping[str, Contract]) -> str:
    """Returns the text; the same arguments give the same text.

    Args:
        bundle: `variants`, `default` and `golden_steps` as in `bundle.json`.
        contracts: Recipe name -> contract.
    """
    values = contracts[bundle["default"]].values
    entry = bundle["variants"][bundle["default"]]
    return _TEXT.format(
        name=pathlib.PurePath(entry["file"]).stem.removesuffix(f"_{bundle['default']}"),
        table="\n".join(_rows(bundle, contracts)),
        default=bundle["default"],
        assets=_ASSETS,
        model=entry["file"],
        contract=entry["contract"],
        litert=LITERT_FOR_ANDROID,
        usage="\n".join(f"   {line}".rstrip() for line in _USAGE.splitlines()),
        size=values["crop"]["size_px"],
        margin=values["crop"]["margin"],
        outputs=", ".join(f"`{name}` ({o['units']})" for name, o in values["outputs"].items()),
        training_data=_cell(values["training_data"]),
        licence=_cell(values["licence"]),
    )


def _cell(text: str) -> str:
    """Text that stays in its cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _rows(bundle: Mapping[str, Any], contracts: Mapping[str, Contract]) -> list[str]:
    rows = []
    for name, entry in bundle["variants"].items():
        values = contracts[name].values
        what = f"network, variant `{name}`, {values['model']['bytes'] / 1e6:.1f} MB"
        if name == bundle["default"]:
            what += ", the default"
        if values["parity"].get("gate", "passed") != "passed":
            what += ", **differs from the trained network by more than its gate**"
        rows += [
            (entry["file"], what, _ASSETS),
            (entry["contract"], "what a runner must know about it", _ASSETS),
            (entry["golden"]["file"], "test crops and their expected outputs", "tests only"),
        ]
    steps = bundle["golden_steps"]
    rows += [
        (
            f"{steps['cases']}, {steps['file']}",
            "expected results of every other step",
            "tests only",
        ),
        ("bundle.json", "which files belong to which variant", _ASSETS),
        ("SHA256SUMS", "hashes; `sha256sum -c SHA256SUMS` checks them as well", _ASSETS),
        ("LICENSE", "licence of the models", _ASSETS),
    ]
    return [
        "| {} | {} | {} |".format(
            ", ".join(f"`{file}`" for file in files.split(", ")),
            what,
            f"`{where}/`" if where == _ASSETS else where,
        )
        for files, what, where in rows
    ]
