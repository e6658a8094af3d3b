"""Tests of the bundle folder."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from tests.convert.conftest import PAPER_RECIPES
from tf_handgroups.convert.bundle import check_bundle, find_variants, read_golden, write_bundle
from tf_handgroups.convert.contract import sha256_of
from tf_handgroups.convert.export import OUTPUT_SHAPES
from tf_handgroups.convert.quantize import RECIPES
from tf_handgroups.convert.run import LiteRTRunner, default_variant
from tf_handgroups.errors import GateError, InputError


@pytest.fixture
def bundle(converted, crops, tmp_path) -> pathlib.Path:
    write_bundle(converted, tmp_path / "bundle", crops[:2], ["float32", "int8_mixed"])
    return tmp_path / "bundle"


def edit_json(path: pathlib.Path, change) -> None:
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def refresh_sums(folder: pathlib.Path) -> None:
    """What a forger would do: list the new hashes."""
    files = {p.name: sha256_of(p) for p in sorted(folder.iterdir()) if p.name != "SHA256SUMS"}
    listed = {name: digest for name, digest in files.items() if name != "bundle.json"}
    edit_json(folder / "bundle.json", lambda values: values.update(files=listed))
    files["bundle.json"] = sha256_of(folder / "bundle.json")
    text = "".join(f"{digest}  {name}\n" for name, digest in files.items())
    (folder / "SHA256SUMS").write_text(text)


def test_bundle_is_complete_and_correct(bundle):
    names = {path.name for path in bundle.iterdir()}
    models = [f"hand_{recipe}" for recipe in ("float32", "int8_mixed")]
    endings = (".tflite", ".contract.json", ".golden.bin")
    expected = {f"{model}{ending}" for model in models for ending in endings}
    expected |= {"golden_steps.json", "golden_steps.bin"}
    assert names == expected | {"LICENSE", "bundle.json", "SHA256SUMS"}
    report = check_bundle(bundle)
    assert report["default"] == "int8_mixed"
    assert report["variants"]["float32"]["parity"]["uv_px"]["max"] < 1e-3
    assert check_bundle(bundle, run=False)["variants"]["float32"]["parity"] is None
    assert "Apache-2.0" in (bundle / "LICENSE").read_text()
    assert default_variant(bundle).name == "hand_int8_mixed.tflite"


def test_bundle_is_byte_reproducible(bundle, converted, crops, tmp_path):
    write_bundle(converted, tmp_path / "again", crops[:2], ["float32", "int8_mixed"])
    for path in bundle.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


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


@pytest.fixture
def paper_bundle(paper_converted, crops, tmp_path) -> pathlib.Path:
    write_bundle(paper_converted, tmp_path / "paper", crops[:2])
    return tmp_path / "paper"


def test_bundle_without_logits(paper_bundle):
    bundle = json.loads((paper_bundle / "bundle.json").read_text())
    assert set(bundle["golden_tolerance"]) == {"uv_px", "z_rel"}
    report = check_bundle(paper_bundle)
    assert list(report["variants"]) == PAPER_RECIPES
    for name, entry in bundle["variants"].items():
        golden = read_golden(paper_bundle, entry["golden"])
        assert list(golden) == ["image", "uv_px", "z_rel"]
        assert set(report["variants"][name]["parity"]["units"]) == {"uv_px", "z_rel"}


def test_wrong_golden_outputs_without_logits_are_found(paper_bundle):
    path = paper_bundle / "paper_float16.golden.bin"
    content = bytearray(path.read_bytes())
    content[-8:-4] = np.float32(99).tobytes()
    path.write_bytes(content)
    refresh_sums(paper_bundle)
    with pytest.raises(GateError, match=r"Received: z_rel\.max="):
        check_bundle(paper_bundle)


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


def test_golden_file_without_an_output_is_found(bundle):
    def forget(values):
        values["variants"]["float32"]["golden"]["arrays"].pop()

    edit_json(bundle / "bundle.json", forget)
    refresh_sums(bundle)
    with pytest.raises(InputError, match=r"the outputs uv_px, z_rel, presence of both models"):
        check_bundle(bundle)


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


@pytest.mark.parametrize(
    "name", ["hand_float32.tflite", "hand_float32.contract.json", "LICENSE", "bundle.json"]
)
def test_changed_and_missing_files_are_found(bundle, name):
    content = (bundle / name).read_bytes()
    (bundle / name).write_bytes(content + b" ")
    with pytest.raises(InputError, match="Received: sha256="):
        check_bundle(bundle)
    (bundle / name).unlink()
    with pytest.raises(InputError, match=r"Received: .*[Nn]o such file"):
        check_bundle(bundle)


def test_file_missing_in_the_checksums_is_found(bundle):
    (bundle / "SHA256SUMS").unlink()
    with pytest.raises(InputError, match="in SHA256SUMS None"):
        check_bundle(bundle)


def test_wrong_golden_outputs_are_found(bundle):
    path = bundle / "hand_float32.golden.bin"
    content = bytearray(path.read_bytes())
    content[-8:-4] = np.float32(99).tobytes()
    path.write_bytes(content)
    refresh_sums(bundle)
    with pytest.raises(GateError, match=r"Received: (presence|handedness)\.max="):
        check_bundle(bundle)


def test_short_golden_file_is_found(bundle):
    path = bundle / "hand_float32.golden.bin"
    path.write_bytes(path.read_bytes()[:-1])
    refresh_sums(bundle)
    with pytest.raises(InputError, match="expected array handedness"):
        check_bundle(bundle)


def test_swapped_variants_are_found(bundle):
    def swap(values):
        variants = values["variants"]
        variants["float32"], variants["int8_mixed"] = variants["int8_mixed"], variants["float32"]

    edit_json(bundle / "bundle.json", swap)
    refresh_sums(bundle)
    with pytest.raises(InputError, match="Received: recipe="):
        check_bundle(bundle)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.update(schema="other"), "Received: schema='other'"),
        (lambda v: v.pop("variants"), "field variants is missing"),
        (lambda v: v.update(default="int4"), "Received: default='int4'"),
    ],
)
def test_rejects_wrong_descriptions(bundle, change, message):
    edit_json(bundle / "bundle.json", change)
    with pytest.raises(InputError, match=message):
        check_bundle(bundle)


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
