"""Tests of the verification of a bundle."""

import hashlib
import pathlib

import numpy as np
import pytest

from tests.convert.bundles import edit_json, refresh_sums
from tf_handgroups.convert.bundle import read_bundle
from tf_handgroups.convert.bundle_check import check_bundle
from tf_handgroups.convert.bundle_readme import bundle_readme
from tf_handgroups.convert.contract import read_contract
from tf_handgroups.convert.tracking_rule import TrackingRule
from tf_handgroups.errors import GateError, InputError

SHIPPED = pathlib.Path(__file__).parents[2] / "android_assets"


def spoil_golden(bundle: pathlib.Path, name: str) -> None:
    """Changes the last number but one of a golden file, and the sums with it."""
    path = bundle / f"{name}.golden.bin"
    content = bytearray(path.read_bytes())
    content[-8:-4] = np.float32(99).tobytes()
    path.write_bytes(content)
    refresh_sums(bundle)


def test_wrong_golden_outputs_without_logits_are_found(paper_bundle):
    spoil_golden(paper_bundle, "paper_float16")
    with pytest.raises(GateError, match=r"Received: z_rel\.max="):
        check_bundle(paper_bundle)


def test_golden_file_without_an_output_is_found(bundle):
    def forget(values):
        values["variants"]["float32"]["golden"]["arrays"].pop()

    edit_json(bundle / "bundle.json", forget)
    refresh_sums(bundle)
    with pytest.raises(InputError, match=r"the outputs uv_px, z_rel, presence of both models"):
        check_bundle(bundle)


FILES = [
    "hand_float32.tflite",
    "hand_float32.contract.json",
    "hand_float32.golden.bin",
    "golden_steps.json",
    "golden_steps.bin",
    "README.md",
    "LICENSE",
    "bundle.json",
]


@pytest.mark.parametrize("name", FILES)
def test_changed_files_are_found(bundle, name):
    content = (bundle / name).read_bytes()
    (bundle / name).write_bytes(content + b" ")
    with pytest.raises(
        InputError, match=rf"{name}: expected SHA-256 .*Received: sha256=[0-9a-f]+\."
    ):
        check_bundle(bundle)


@pytest.mark.parametrize("name", FILES)
def test_missing_files_are_found(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: .*Received: .*[Nn]o such file"):
        check_bundle(bundle)


@pytest.mark.parametrize("name", ["notes.txt", ".DS_Store", "hand_copy.tflite", "models/"])
def test_files_that_nobody_listed_are_found(bundle, name):
    if name.endswith("/"):
        (bundle / name).mkdir()
    else:
        (bundle / name).write_text("")
    with pytest.raises(InputError, match=rf"only the files .* Received: {name.rstrip('/')}\. Move"):
        check_bundle(bundle)


def test_file_that_only_the_checksums_list_is_found(bundle):
    (bundle / "extra.tflite").write_bytes(b"")
    with open(bundle / "SHA256SUMS", "a") as file:
        file.write(f"{hashlib.sha256(b'').hexdigest()}  extra.tflite\n")
    with pytest.raises(InputError, match=r"Received: extra\.tflite\. Move"):
        check_bundle(bundle)


def test_source_code_beside_the_models_is_nobody_s_business(bundle):
    (bundle / "kotlin").mkdir()
    (bundle / "kotlin" / "Hand.kt").write_text("class Hand")
    assert check_bundle(bundle)["default"] == "int8_mixed"


def test_contract_of_another_model_is_found_in_spite_of_right_sums(bundle):
    edit_json(bundle / "hand_float32.contract.json", lambda v: v["crop"].update(margin=2.0))
    refresh_sums(bundle)
    with pytest.raises(InputError, match=r"different fields=\['crop\.margin'\]"):
        check_bundle(bundle)


def test_changed_golden_steps_are_found_in_spite_of_right_sums(bundle):
    def turn(steps):
        next(c for c in steps["cases"] if c["name"] == "side left")["expected"]["side"] = "right"

    edit_json(bundle / "golden_steps.json", turn)
    refresh_sums(bundle)
    with pytest.raises(GateError, match=r"golden_steps\.json: case 'side left'"):
        check_bundle(bundle)


def test_bundle_of_an_earlier_version_says_how_to_bring_it_up_to_date(bundle):
    edit_json(bundle / "bundle.json", lambda values: values.pop("golden_steps"))
    refresh_sums(bundle)
    with pytest.raises(
        InputError, match=r"field golden_steps is missing.*bundle --converted .*over"
    ):
        check_bundle(bundle)


def test_shipped_bundle_is_sound_and_of_this_version():
    report = check_bundle(SHIPPED)
    assert report["variants"]["int8_mixed"]["parity"]["crops"] == 4
    bundle = read_bundle(SHIPPED)
    contracts = {
        name: read_contract(SHIPPED / entry["contract"])
        for name, entry in bundle["variants"].items()
    }
    advice = (
        "tf-handgroups bundle --converted android_assets --out android_assets --overwrite, and "
        "--set NAME=VALUE for every default of tracking that has changed"
    )
    for contract in contracts.values():
        assert contract.tracking == TrackingRule.default(contract.values["outputs"]), advice
    text = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert text == bundle_readme(bundle, contracts), advice


def test_file_missing_in_the_checksums_is_found(bundle):
    (bundle / "SHA256SUMS").unlink()
    with pytest.raises(InputError, match="in SHA256SUMS None"):
        check_bundle(bundle)


def test_wrong_golden_outputs_are_found(bundle):
    spoil_golden(bundle, "hand_float32")
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
