"""Bundles and contracts that the Kotlin library must not take."""

import hashlib
import json
import os
import pathlib
from typing import Any

import pytest

BUNDLE = pathlib.Path(__file__).parents[2] / "android_assets"
DEFAULT = json.loads((BUNDLE / "bundle.json").read_text())["default"]
ENTRY = json.loads((BUNDLE / "bundle.json").read_text())["variants"][DEFAULT]
CONTRACT = json.loads((BUNDLE / ENTRY["contract"]).read_text())
CONTRACT["decoding"] = {"kind": "coordinates"}


def copied(folder: pathlib.Path) -> pathlib.Path:
    """A bundle whose files may be replaced, but not written into."""
    folder.mkdir()
    for file in BUNDLE.iterdir():
        if file.is_file():
            os.link(file, folder / file.name)
    return folder


def replace(folder: pathlib.Path, name: str, content: bytes | str, sums: bool = False) -> None:
    """Replaces a file, and with `sums` whatever the bundle says about its content."""
    file = folder / name
    before = file.read_bytes()
    file.unlink()
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    if sums:
        digests = [hashlib.sha256(data).hexdigest() for data in (before, file.read_bytes())]
        if name != "bundle.json":
            text = (folder / "bundle.json").read_text().replace(*digests)
            replace(folder, "bundle.json", text, sums=True)
        text = (folder / "SHA256SUMS").read_text().replace(*digests)
        replace(folder, "SHA256SUMS", text)


def changed_byte(folder: pathlib.Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    replace(folder, name, bytes(content))


def with_bundle(folder: pathlib.Path, change) -> None:
    bundle = json.loads((folder / "bundle.json").read_text())
    change(bundle)
    replace(folder, "bundle.json", json.dumps(bundle), sums=True)


def with_contract(folder: pathlib.Path, change) -> None:
    contract = json.loads((folder / ENTRY["contract"]).read_text())
    change(contract)
    replace(folder, ENTRY["contract"], json.dumps(contract), sums=True)


def without_line(folder: pathlib.Path, name: str) -> None:
    lines = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    kept = "".join(line for line in lines if not line.endswith(f"  {name}\n"))
    replace(folder, "SHA256SUMS", kept)


MODEL, OTHER = ENTRY["file"], "float16"

# What was done to the bundle, and what the message says about it.
TAMPERED = {
    "model byte": (
        lambda f: changed_byte(f, MODEL),
        [f"{MODEL}: expected SHA-256", "Received: sha256="],
    ),
    "model truncated": (
        lambda f: replace(f, MODEL, (f / MODEL).read_bytes()[:-1]),
        [f"{MODEL}: expected SHA-256"],
    ),
    "model and sums": (
        lambda f: replace(f, MODEL, (f / MODEL).read_bytes() + b"x", sums=True),
        [f"expected the contract of {MODEL} with SHA-256", "Received: file="],
    ),
    "contract byte": (
        lambda f: changed_byte(f, ENTRY["contract"]),
        [f"{ENTRY['contract']}: expected SHA-256"],
    ),
    "contract of the other variant": (
        lambda f: with_bundle(f, lambda b: b["variants"][DEFAULT].update(contract=MODEL)),
        ["expected JSON"],
    ),
    "contract schema": (
        lambda f: with_contract(f, lambda c: c.update(schema="tf_handgroups.contract/2")),
        ['expected field schema to be "tf_handgroups.contract/1"', "contract/2"],
    ),
    "contract recipe": (
        lambda f: with_contract(f, lambda c: c["quantization"].update(recipe="int8")),
        [f"expected the recipe {DEFAULT} of bundle.json. Received: recipe=int8"],
    ),
    "model missing": (
        lambda f: (f / MODEL).unlink(),
        [f"{MODEL}: expected this file in the bundle"],
    ),
    "contract missing": (
        lambda f: (f / ENTRY["contract"]).unlink(),
        [f"{ENTRY['contract']}: expected this file in the bundle"],
    ),
    "sums missing": (
        lambda f: (f / "SHA256SUMS").unlink(),
        ["SHA256SUMS: expected this file in the bundle"],
    ),
    "bundle missing": (
        lambda f: (f / "bundle.json").unlink(),
        ["bundle.json: expected this file in the bundle"],
    ),
    "bundle byte": (lambda f: changed_byte(f, "bundle.json"), ["bundle.json: expected SHA-256"]),
    "bundle schema": (
        lambda f: with_bundle(f, lambda b: b.update(schema="tf_handgroups.bundle/9")),
        ['bundle.json: expected field schema to be "tf_handgroups.bundle/1"', "bundle/9"],
    ),
    "bundle without default": (
        lambda f: with_bundle(f, lambda b: b.pop("default")),
        ["bundle.json: field default is missing. Received: fields=["],
    ),
    "bundle with an unknown default": (
        lambda f: with_bundle(f, lambda b: b.update(default="best")),
        ["expected field default to be among [", "Received: default=best"],
    ),
    "bundle that leads out of the folder": (
        lambda f: with_bundle(f, lambda b: b["variants"][DEFAULT].update(file="../model.tflite")),
        ["expected the name of a file in the bundle's folder. Received: file=../model.tflite"],
    ),
    "bundle of a list": (
        lambda f: replace(f, "bundle.json", "[]", sums=True),
        ["bundle.json: expected a JSON object. Received: []"],
    ),
    "bundle truncated": (
        lambda f: replace(f, "bundle.json", (f / "bundle.json").read_text()[:-40], sums=True),
        ["bundle.json: expected JSON. Received: its end at line"],
    ),
    "sums without the model": (
        lambda f: without_line(f, MODEL),
        [f"bundle.json: expected field files.{MODEL} to be null as in SHA256SUMS"],
    ),
    "sums without the bundle": (
        lambda f: without_line(f, "bundle.json"),
        ["SHA256SUMS: expected a line for bundle.json"],
    ),
    "sums of another kind": (
        lambda f: replace(f, "SHA256SUMS", "MD5 (bundle.json) = 0\n"),
        ["SHA256SUMS: expected lines of a SHA-256 and a file name. Received: MD5"],
    ),
    "sums that lead out of the folder": (
        lambda f: replace(f, "SHA256SUMS", f"{'0' * 64}  ../x\n" + (f / "SHA256SUMS").read_text()),
        ["SHA256SUMS: expected the name of a file in the bundle's folder"],
    ),
}


@pytest.fixture(scope="module")
def answers(ask, tmp_path_factory) -> dict[str, dict[str, Any]]:
    """By name: what is answered about each of these bundles."""
    folder = tmp_path_factory.mktemp("bundles")
    requests = {"honest": {"do": "bundle", "folder": str(BUNDLE), "all": 1}}
    for name, (tamper, _) in TAMPERED.items():
        tamper(copied(folder / name))
        requests[name] = {"do": "bundle", "folder": str(folder / name)}
    changed_byte(copied(folder / "golden"), "golden_steps.bin")
    requests["golden, all"] = {"do": "bundle", "folder": str(folder / "golden"), "all": 1}
    requests["golden steps"] = {"do": "steps", "folder": str(folder / "golden")}
    requests["golden"] = {"do": "bundle", "folder": str(folder / "golden")}
    other = copied(folder / "without other")
    for file in BUNDLE.glob(f"*{OTHER}*"):
        (other / file.name).unlink()
    requests["without other"] = {"do": "bundle", "folder": str(other)}
    requests["other"] = {"do": "bundle", "folder": str(other), "variant": OTHER}
    requests["unknown"] = {"do": "bundle", "folder": str(BUNDLE), "variant": "int4"}
    return dict(zip(requests, ask(list(requests.values())), strict=True))


def test_honest_bundle_is_taken(answers):
    assert answers["honest"]["result"]["default"] == DEFAULT


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered_bundle_is_refused(name, answers):
    assert answers[name].get("type") == "InputException", answers[name]
    for part in TAMPERED[name][1]:
        assert part in answers[name]["error"]


def test_golden_files_are_checked_on_demand(answers):
    assert "result" in answers["golden"]
    for name in ("golden, all", "golden steps"):
        assert answers[name]["error"].startswith("golden_steps.bin: expected SHA-256 ")


def test_variants_that_are_not_used_may_be_left_out(answers):
    assert "result" in answers["without other"]
    assert "expected this file in the bundle" in answers["other"]["error"]


def test_unknown_variant_names_the_known(answers):
    expected = "expected a variant among [float16, int8_mixed]. Received: variant=int4"
    assert expected in answers["unknown"]["error"]


REMOVED = object()
SIGNED = {"dtype": "int8", "quantization": {"scale": 1 / 255, "zero_point": -128}}

# Field of the contract, what it is changed to, and what the message says.
WRONG_FIELDS = [
    ("schema", REMOVED, "field schema is missing"),
    ("schema", "other/1", 'expected field schema to be "tf_handgroups.contract/1"'),
    ("schema", 1, "expected field schema to be text. Received: schema=1.0"),
    ("model", REMOVED, "field model is missing"),
    ("model.sha256", REMOVED, "field model.sha256 is missing"),
    ("model.bytes", 1.5, "expected field model.bytes to be a whole number"),
    ("model.bytes", 1e300, "expected field model.bytes to be a whole number"),
    ("model.file", "a/b", "expected the name of a file in the bundle's folder"),
    ("model.file", "..", "expected the name of a file in the bundle's folder"),
    ("input.shape", [1, 64, 64, 3], "field input.shape to be [1, 128, 128, 3] as crop.size_px"),
    ("input.dtype", "int8", "field input.quantization is missing"),
    ("input", CONTRACT["input"] | SIGNED, "expected field input.dtype to be float32 or uint8"),
    ("input.dtype", "float16", "expected field input.dtype to be float32, int8 or uint8"),
    ("input.range", [0, 255], "expected field input.range to be [0.0, 1.0]"),
    ("input.colour_order", "BGR", 'expected field input.colour_order to be "RGB"'),
    ("crop.margin", "1.5", "expected field crop.margin to be a number"),
    ("crop.margin", 0, "expected field crop.margin to be greater than 0"),
    ("crop.size_px", 0, "expected field crop.size_px to be within"),
    ("crop.size_px", 1000000, "expected field crop.size_px to be within"),
    ("crop.shape", "round", 'expected field crop.shape to be "square"'),
    ("crop.centre", "wrist", 'expected field crop.centre to be "box centre"'),
    ("crop.border", "reflect", 'expected field crop.border to be "constant"'),
    ("crop.border_value", 1, "expected field crop.border_value to be 0"),
    ("crop.interpolation", "cubic", 'expected field crop.interpolation to be "bilinear"'),
    ("joints.order", "rhd", 'expected field joints.order to be "canonical"'),
    ("joints.names", [], "expected field joints.names to name the joints"),
    ("joints.names", [1], "expected field joints.names to be texts"),
    ("joints.parents", [0] * 20, "expected field joints.parents to be one of the 21 joints"),
    ("joints.parents", [0] * 20 + [21], "expected field joints.parents to be one of the 21"),
    ("joints.parents", list(range(21)), "field joints.parents to be another joint for each but"),
    ("joints.root", 21, "expected field joints.root to be one of the joints"),
    ("joints.reference_bone", [9], "expected field joints.reference_bone to be two of the joints"),
    ("outputs", [], "expected field outputs to be an object"),
    ("outputs.uv_px", REMOVED, "expected field outputs.uv_px to be there"),
    ("outputs.uv_px.shape", [1, 21, 3], "expected field outputs.uv_px.shape to be [1, 21, 2]"),
    ("outputs.z_rel.shape", [1, 42], "expected field outputs.z_rel.shape to be [1, 21]"),
    ("outputs.presence.shape", [1], "expected field outputs.presence.shape to be [1, 1]"),
    ("outputs.handedness.shape", [2, 1], "expected field outputs.handedness.shape to begin with 1"),
    ("outputs.z_rel.dtype", "int8", "field outputs.z_rel.quantization is missing"),
    ("decoding.kind", "argmax", "expected field decoding.kind to be coordinates or heatmap_exp"),
    ("quantization.recipe", REMOVED, "field quantization.recipe is missing"),
    ("grouping", [0] * 20, "expected field grouping to be one group per joint"),
    ("grouping", [-1] * 21, "expected field grouping to be one group per joint"),
    ("grouping", [0.5] * 21, "expected field grouping to be whole numbers"),
    ("handedness.canonical", "both", "expected field handedness.canonical to be left or right"),
    ("handedness.mirrored_before", "right", "handedness.mirrored_before to be the other side"),
    ("handedness.positive_logit", "left", "handedness.positive_logit to be the side of canonical"),
    ("recovery", REMOVED, "field recovery is missing"),
    ("recovery.kind", "one_bone", 'expected field recovery.kind to be "all_bones"'),
    ("recovery.bone_ratios", [1.0] * 21, "field recovery.bone_ratios to be 20 numbers"),
    ("recovery.bone_weights", [0.0] * 20, "field recovery.bone_weights to be 20 numbers"),
    ("recovery.min_image_share", 0, "recovery.min_image_share to be greater than 0"),
    ("recovery.max_root_depth", -1, "recovery.max_root_depth to be greater than 0"),
    ("tracking.box.from", "detector", 'expected field tracking.box.from to be "landmarks"'),
    ("tracking.filter.kind", "kalman", 'expected field tracking.filter.kind to be "one_euro"'),
    ("tracking.filter.beta", -1, "expected field tracking.filter.beta to be at least 0"),
    ("tracking.filter.beta", REMOVED, "field tracking.filter.beta is missing"),
    ("tracking.filter.min_cutoff_hz", 0, "filter.min_cutoff_hz to be greater than 0"),
    ("tracking.filter.derivative_cutoff_hz", 0, "filter.derivative_cutoff_hz to be greater than 0"),
    ("tracking.presence_threshold", 1.5, "tracking.presence_threshold to be a probability"),
    ("tracking.presence_threshold", REMOVED, "field tracking.presence_threshold is missing"),
    ("licence", None, "expected field licence to be text. Received: licence=null"),
]

MAPS = {
    "kind": "heatmap_expectation",
    "heatmaps": "heatmaps",
    "depth_maps": "depth_maps",
    "stride_px": 4.0,
    "offset_px": 1.5,
    "joints": list(range(21)),
}
MAP = {"shape": [1, 8, 6, 21], "dtype": "int8", "quantization": {"scale": 0.1, "zero_point": -3}}
WRONG_MAPS = [
    ("decoding.joints", [0] * 21, "expected field decoding.joints to hold every joint once"),
    ("decoding.stride_px", REMOVED, "field decoding.stride_px is missing"),
    ("decoding.heatmaps", "maps", "decoding.heatmaps to name an output [1, rows, columns, joints]"),
    ("outputs.heatmaps.shape", [1, 48, 21], "decoding.heatmaps to name an output"),
    ("outputs.depth_maps.shape", [1, 6, 8, 21], "decoding.depth_maps to name an output [1, 8, 6"),
    ("outputs.heatmaps.dtype", "int16", "outputs.heatmaps.dtype to be float32, int8 or uint8"),
    ("outputs.heatmaps.quantization.scale", REMOVED, "heatmaps.quantization.scale is missing"),
]


def with_maps() -> dict[str, Any]:
    contract = json.loads(json.dumps(CONTRACT))
    contract["decoding"] = dict(MAPS)
    outputs = contract["outputs"]
    del outputs["uv_px"], outputs["z_rel"]
    outputs |= json.loads(json.dumps({"heatmaps": MAP, "depth_maps": MAP}))
    quantization = {"scale": 1 / 255, "zero_point": 0}
    contract["input"] |= {"dtype": "uint8", "range": [0, 255], "quantization": quantization}
    return contract


def changed(contract: dict, path: str, value: Any) -> dict[str, Any]:
    contract = json.loads(json.dumps(contract))
    *outer, name = path.split(".")
    section = contract
    for key in outer:
        section = section[key]
    if value is REMOVED:
        del section[name]
    else:
        section[name] = value
    return contract


@pytest.fixture(scope="module")
def contracts(ask, tmp_path_factory) -> list[dict[str, Any]]:
    """What is answered about each wrong contract, then each wrong one with maps, then good ones."""
    cases = [changed(CONTRACT, path, value) for path, value, _ in WRONG_FIELDS]
    cases += [changed(with_maps(), path, value) for path, value, _ in WRONG_MAPS]
    earlier = changed(changed(CONTRACT, "tracking", REMOVED), "decoding", REMOVED)
    cases += [with_maps(), earlier]
    folder = tmp_path_factory.mktemp("contracts")
    requests = []
    for index, case in enumerate(cases):
        file = folder / f"case{index}.contract.json"
        file.write_text(json.dumps(case))
        requests.append({"do": "contract", "file": str(file)})
    return ask(requests)


@pytest.mark.parametrize("index", range(len(WRONG_FIELDS) + len(WRONG_MAPS)))
def test_wrong_field_is_refused_by_name(index, contracts):
    answer = contracts[index]
    assert answer.get("type") == "InputException", answer
    _, _, message = [*WRONG_FIELDS, *WRONG_MAPS][index]
    assert message in answer["error"]
    assert answer["error"].startswith(f"case{index}.contract.json: ")
    assert "Received: " in answer["error"]
    assert answer["error"].endswith("Use the files that tf-handgroups bundle wrote.")


def test_contract_with_maps_is_understood(contracts):
    found = contracts[-2]["result"]
    assert found["input type"] == "UINT8" and found["stride_px"] == 4.0
    assert found["outputs"]["heatmaps"] == [1, 8, 6, 21]
    assert found["scales"] == {
        "presence": None,
        "handedness": None,
        "heatmaps": 0.1,
        "depth_maps": 0.1,
    }


def test_earlier_contract_without_tracking_is_read(contracts):
    assert contracts[-1]["result"]["beta"] is None
