"""Tests of the bundle folder."""

import json
import os
import pathlib
import shutil

import numpy as np
import pytest

from tests.convert.bundles import refresh_sums, without_new_sections
from tests.convert.conftest import PAPER_RECIPES
from tf_handgroups.convert.bundle import find_variants, read_golden, write_bundle
from tf_handgroups.convert.bundle_check import check_bundle
from tf_handgroups.convert.contract import Contract, contract_path, read_contract
from tf_handgroups.convert.export import OUTPUT_SHAPES
from tf_handgroups.convert.one_euro import OneEuroSettings
from tf_handgroups.convert.quantize import RECIPES
from tf_handgroups.convert.run import LiteRTRunner, default_variant
from tf_handgroups.convert.sealed_model import seal_model
from tf_handgroups.errors import GateError, InputError


def test_bundle_is_complete_and_correct(bundle):
    names = {path.name for path in bundle.iterdir()}
    models = [f"hand_{recipe}" for recipe in ("float32", "int8_mixed")]
    endings = (".tflite", ".contract.json", ".golden.bin")
    expected = {f"{model}{ending}" for model in models for ending in endings}
    expected |= {"golden_steps.json", "golden_steps.bin"}
    assert names == expected | {"LICENSE", "README.md", "bundle.json", "SHA256SUMS"}
    report = check_bundle(bundle)
    assert report["default"] == "int8_mixed"
    assert report["variants"]["float32"]["parity"]["uv_px"]["max"] < 1e-3
    assert check_bundle(bundle, run=False)["variants"]["float32"]["parity"] is None
    assert "Apache-2.0" in (bundle / "LICENSE").read_text()
    assert default_variant(bundle).name == "hand_int8_mixed.tflite"


def same_files(one: pathlib.Path, other: pathlib.Path) -> bool:
    contents = [{p.name: p.read_bytes() for p in folder.iterdir()} for folder in (one, other)]
    return contents[0] == contents[1]


def test_bundle_is_byte_reproducible(bundle, converted, crops, tmp_path, monkeypatch):
    """Elsewhere, from files of another age, over something else."""
    elsewhere = tmp_path / "else" / "where"
    elsewhere.mkdir(parents=True)
    shutil.copytree(converted, elsewhere / "source")
    for path in (elsewhere / "source").iterdir():
        os.utime(path, (10**9, 10**9))
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    write_bundle("source", "again", crops[2:3], ["float16"])
    write_bundle("source", "again", crops[:2], ["float32", "int8_mixed"], overwrite=True)
    assert same_files(bundle, elsewhere / "again")


def test_bundle_of_a_bundle_is_the_same(bundle, tmp_path):
    golden = read_golden(bundle, json.loads((bundle / "bundle.json").read_text())["variants"][
        "float32"]["golden"])  # fmt: skip
    write_bundle(bundle, tmp_path / "again", golden["image"])
    assert same_files(bundle, tmp_path / "again")
    write_bundle(bundle, bundle, golden["image"], overwrite=True)
    assert same_files(bundle, tmp_path / "again")


def test_contracts_of_earlier_versions_are_completed(bundle, converted, crops, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(converted, old)
    for name in ("hand_float32", "hand_int8_mixed"):
        without_new_sections(old / f"{name}.tflite")
        assert "tracking" not in read_contract(old / f"{name}.contract.json").values
    write_bundle(old, tmp_path / "again", crops[:2], ["float32", "int8_mixed"])
    check_bundle(tmp_path / "again")
    # The files that carry the contract are written anew; what they compute is not.
    for path in bundle.glob("*.golden.bin"):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    for path in bundle.glob("*.contract.json"):
        assert (
            read_contract(path).tracking == read_contract(tmp_path / "again" / path.name).tracking
        )


def test_numbers_for_tracking_can_be_changed(converted, crops, tmp_path):
    numbers = {"beta": 2.5, "presence_threshold": 0.75}
    write_bundle(converted, tmp_path / "b", crops[:1], ["float32", "float16"], tracking=numbers)
    check_bundle(tmp_path / "b")
    for path in (tmp_path / "b").glob("*.contract.json"):
        rule = read_contract(path).tracking
        assert (rule.filter.beta, rule.presence_threshold) == (2.5, 0.75)
        assert rule.filter.min_cutoff_hz == OneEuroSettings().min_cutoff_hz
    steps = json.loads((tmp_path / "b" / "golden_steps.json").read_text())
    smoothing = next(case for case in steps["cases"] if case["step"] == "filter")
    assert smoothing["inputs"]["settings"]["beta"] == 2.5
    # They stay when the bundle is made again.
    write_bundle(tmp_path / "b", tmp_path / "b", crops[:1], tracking={"beta": 3}, overwrite=True)
    rule = read_contract(tmp_path / "b" / "hand_float32.contract.json").tracking
    assert (rule.filter.beta, rule.presence_threshold) == (3, 0.75)


def test_source_code_beside_the_models_is_kept_and_nothing_else(bundle, converted, crops):
    (bundle / "kotlin" / "library").mkdir(parents=True)
    (bundle / "kotlin" / "library" / "Hand.kt").write_text("class Hand")
    (bundle / "notes").mkdir()
    write_bundle(converted, bundle, crops[:1], ["float32"], overwrite=True)
    assert (bundle / "kotlin" / "library" / "Hand.kt").read_text() == "class Hand"
    assert not (bundle / "notes").exists() and not list(bundle.glob("*int8_mixed*"))
    assert "kotlin" not in json.dumps(json.loads((bundle / "bundle.json").read_text())["files"])
    check_bundle(bundle)


def test_golden_file_holds_8_bit_crops_and_their_outputs(bundle, crops):
    entry = json.loads((bundle / "bundle.json").read_text())["variants"]["float32"]["golden"]
    golden = read_golden(bundle, entry)
    np.testing.assert_array_equal(golden["image"], crops[:2])  # they were 8-bit images
    outputs = LiteRTRunner(bundle / "hand_float32.tflite")(crops[:2])
    for name, expected in outputs.items():
        np.testing.assert_allclose(golden[name], expected, atol=1e-4)
    # Read without the package, by the description alone.
    uv = next(array for array in entry["arrays"] if array["name"] == "uv_px")
    raw = (bundle / entry["file"]).read_bytes()[uv["offset"] :]
    first = np.frombuffer(raw, "<f4", 2)
    np.testing.assert_array_equal(first, golden["uv_px"][0, 0])


def test_bundle_without_logits(paper_bundle):
    bundle = json.loads((paper_bundle / "bundle.json").read_text())
    assert set(bundle["golden_tolerance"]) == {"uv_px", "z_rel"}
    report = check_bundle(paper_bundle)
    assert list(report["variants"]) == PAPER_RECIPES
    for name, entry in bundle["variants"].items():
        golden = read_golden(paper_bundle, entry["golden"])
        assert list(golden) == ["image", "uv_px", "z_rel"]
        assert set(report["variants"][name]["parity"]["units"]) == {"uv_px", "z_rel"}


@pytest.mark.parametrize(
    "names", [("hand_float32", "paper_int8_mixed"), ("paper_float32", "hand_int8_mixed")]
)
def test_networks_with_and_without_logits_share_a_bundle(
    converted, paper_converted, crops, tmp_path, names
):
    """Whichever comes last, each is checked on all of its own outputs."""
    (tmp_path / "both").mkdir()
    for name in names:
        for ending in (".tflite", ".contract.json"):
            folder = converted if name.startswith("hand") else paper_converted
            shutil.copy(folder / f"{name}{ending}", tmp_path / "both")
    write_bundle(tmp_path / "both", tmp_path / "bundle", crops[:2])
    variants = check_bundle(tmp_path / "bundle")["variants"].values()
    assert sorted(len(variant["parity"]["units"]) for variant in variants) == [2, 4]
    path = next((tmp_path / "bundle").glob("hand_*.golden.bin"))
    content = bytearray(path.read_bytes())
    content[-4:] = np.float32(99).tobytes()
    path.write_bytes(content)
    refresh_sums(tmp_path / "bundle")
    with pytest.raises(GateError, match=r"Received: handedness\.max="):
        check_bundle(tmp_path / "bundle")


def test_takes_all_variants_and_a_given_licence(converted, crops, tmp_path):
    written = write_bundle(
        converted, tmp_path / "all", crops[:1], default="float16", licence_text="MIT"
    )
    assert list(written["variants"]) == list(RECIPES)
    assert written["default"] == "float16"
    assert (tmp_path / "all" / "LICENSE").read_text() == "MIT\n"
    with pytest.raises(InputError, match="already exists"):
        write_bundle(converted, tmp_path / "all", crops[:1])
    write_bundle(converted, tmp_path / "all", crops[:1], ["float32"], overwrite=True)
    assert check_bundle(tmp_path / "all")["default"] == "float32"


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [((), "int8_mixed"), (("int8_mixed",), "float32"), (("int8_mixed", "float32"), "int8_mixed")],
)
def test_default_is_a_variant_inside_its_gate(converted, crops, tmp_path, accepted, expected):
    source = tmp_path / "source"
    shutil.copytree(converted, source)
    for name in accepted:
        path = source / f"hand_{name}.tflite"
        values = dict(read_contract(contract_path(path)).values)
        values["parity"] = {**values["parity"], "gate": "loss accepted"}
        seal_model(path, Contract(values), overwrite=True)
    written = write_bundle(source, tmp_path / "b", crops[:1], ["float32", "int8_mixed"])
    assert written["default"] == expected


def test_rejects_unknown_variants_and_defaults(converted, crops, tmp_path):
    for variants in (["int3"], []):
        with pytest.raises(InputError, match="Received: variants="):
            write_bundle(converted, tmp_path / "b", crops, variants)
    with pytest.raises(InputError, match="Received: default='float16'"):
        write_bundle(converted, tmp_path / "b", crops, ["float32"], default="float16")
    with pytest.raises(InputError, match=r"golden_crops: .* Received: shape="):
        write_bundle(converted, tmp_path / "b", crops[:, :8])
    assert not list(tmp_path.iterdir())


def test_rejects_a_source_without_models_or_with_two_of_a_kind(converted, tmp_path):
    with pytest.raises(InputError, match="Received: none"):
        find_variants(tmp_path)
    for name in ("hand_float32", "second"):
        shutil.copy(converted / "hand_float32.tflite", tmp_path / f"{name}.tflite")
        shutil.copy(converted / "hand_float32.contract.json", tmp_path / f"{name}.contract.json")
    with pytest.raises(InputError, match=r"one model per recipe. Received: float32="):
        find_variants(tmp_path)


def test_integer_variant_has_golden_joints_of_its_own_tolerance(converted, crops, tmp_path):
    bundle = write_bundle(converted, tmp_path / "bundle", crops[:2], ["int8"])
    assert (bundle["default"], set(bundle["golden_tolerance"])) == ("int8", set(OUTPUT_SHAPES))
    golden = bundle["variants"]["int8"]["golden"]
    assert [array["name"] for array in golden["arrays"]] == ["image", *OUTPUT_SHAPES]
    assert golden["tolerance"]["uv_px"] > bundle["golden_tolerance"]["uv_px"]
    report = check_bundle(tmp_path / "bundle")
    assert report["variants"]["int8"]["parity"]["uv_px"]["max"] < 1e-3
    # A golden joint that is a pixel off is found, although the file returns no joints.
    path = tmp_path / "bundle" / golden["file"]
    offset = golden["arrays"][1]["offset"]
    content = bytearray(path.read_bytes())
    joint = np.frombuffer(content, "<f4", 1, offset)[0] + np.float32(1)
    content[offset : offset + 4] = joint.tobytes()
    path.write_bytes(bytes(content))
    refresh_sums(tmp_path / "bundle")
    with pytest.raises(GateError, match=r"within 0\.5\. Received: uv_px\.max="):
        check_bundle(tmp_path / "bundle")
