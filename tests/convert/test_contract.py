"""Tests of the contract file."""

import json

import pytest

from tests.convert.conftest import METADATA, SIZE
from tf_handgroups.convert.contract import (
    SCHEMA,
    completed_contract,
    make_contract,
    parse_contract,
    read_contract,
    sha256_of,
    write_contract,
)
from tf_handgroups.convert.export import OUTPUT_SHAPES
from tf_handgroups.convert.tracking_rule import TrackingRule
from tf_handgroups.crop import CROP_RULE
from tf_handgroups.errors import InputError
from tf_handgroups.joints import JOINT_NAMES


@pytest.fixture
def values(converted) -> dict:
    return json.loads((converted / "hand_float32.contract.json").read_text())


def test_contract_says_all_that_a_runner_needs(values, converted):
    path = converted / "hand_float32.tflite"
    assert values["schema"] == SCHEMA
    assert values["model"]["file"] == path.name
    assert values["model"]["sha256"] == sha256_of(path)
    assert values["model"]["bytes"] == path.stat().st_size
    assert values["input"]["shape"] == [1, SIZE, SIZE, 3]
    assert values["crop"] == CROP_RULE | {"size_px": SIZE}
    assert values["joints"]["names"] == list(JOINT_NAMES)
    assert values["outputs"]["uv_px"]["shape"] == [1, 21, 2]
    assert values["outputs"]["z_rel"]["units"] == "reference-bone lengths"
    assert values["grouping"] == METADATA["grouping"]
    assert values["handedness"]["mirrored_before"] == "left"
    assert values["parity"]["uv_px"]["max"] < 0.01
    assert values["licence"] == "Apache-2.0"
    assert values["tracking"] == TrackingRule().to_json()


def test_write_and_read_back(values, tmp_path):
    contract = parse_contract(values, "here")
    write_contract(contract, tmp_path / "a.contract.json")
    assert read_contract(tmp_path / "a.contract.json").values == values
    first = (tmp_path / "a.contract.json").read_bytes()
    with pytest.raises(InputError, match="already exists"):
        write_contract(contract, tmp_path / "a.contract.json")
    write_contract(contract, tmp_path / "a.contract.json", overwrite=True)
    assert (tmp_path / "a.contract.json").read_bytes() == first


def test_the_model_may_bring_its_own_crop_rule(converted):
    metadata = METADATA | {"crop": {**CROP_RULE, "margin": 2.0}}
    contract = make_contract(converted / "hand_float32.tflite", metadata, "float32", {})
    assert contract.values["crop"]["margin"] == 2.0
    assert (contract.input_size, contract.recipe) == (SIZE, "float32")


@pytest.mark.parametrize("logits", [[], ["presence"]])
def test_network_that_cannot_tell_hands_apart_says_so(converted, tmp_path, logits):
    outputs = ["uv_px", "z_rel", *logits]
    metadata = METADATA | {"outputs": ["group_maps", *reversed(outputs)]}
    contract = make_contract(converted / "hand_float32.tflite", metadata, "float32", {})
    assert list(contract.values["outputs"]) == outputs
    handedness = contract.values["handedness"]
    assert set(handedness) == {"canonical", "mirrored_before", "rule"}
    assert (handedness["canonical"], handedness["mirrored_before"]) == ("right", "left")
    assert handedness["rule"].endswith("the handedness must be known.")
    assert "logit" not in handedness["rule"]
    write_contract(contract, tmp_path / "a.contract.json")
    assert read_contract(tmp_path / "a.contract.json").values == contract.values


@pytest.mark.parametrize(("logits", "threshold"), [([], None), (["presence"], 0.5)])
def test_tracking_ends_by_presence_where_the_network_knows_it(converted, logits, threshold):
    metadata = METADATA | {"outputs": ["uv_px", "z_rel", *logits]}
    contract = make_contract(converted / "hand_float32.tflite", metadata, "float32", {})
    assert contract.tracking == TrackingRule(threshold)
    assert ("presence_threshold" in contract.values["tracking"]) == bool(logits)


def test_older_contract_does_not_say_how_to_track(values):
    assert parse_contract(values, "here").tracking == TrackingRule()
    del values["tracking"]
    older = parse_contract(values, "here")
    with pytest.raises(InputError, match=r"section tracking\. Received: fields=.*bundle again"):
        _ = older.tracking


def test_older_contract_is_completed_and_nothing_else_changes(values):
    current = parse_contract(values, "here")
    older = dict(values)
    del older["tracking"], older["recovery"]
    completed = completed_contract(parse_contract(older, "here"))
    assert completed == current and list(completed.values) == list(values)
    # What a contract says stays.
    values["tracking"]["filter"]["beta"] = 2.5
    assert completed_contract(parse_contract(values, "here")).tracking.filter.beta == 2.5


@pytest.mark.parametrize("changed", [{}, {"outputs": ["handedness", "z_rel", "uv_px"]}])
def test_network_that_tells_hands_apart_says_how(converted, changed):
    metadata = METADATA | changed
    contract = make_contract(converted / "hand_float32.tflite", metadata, "float32", {})
    # Files of earlier versions do not list their outputs: they have all of them.
    expected = ["uv_px", "z_rel", "handedness"] if changed else list(OUTPUT_SHAPES)
    assert list(contract.values["outputs"]) == expected
    assert contract.values["handedness"]["positive_logit"] == "right"
    rule = contract.values["handedness"]["rule"]
    assert "larger handedness logit" in rule and "must be known" not in rule


@pytest.mark.parametrize("name", ["uv_px", "z_rel"])
def test_rejects_metadata_without_joints_or_depths(converted, name):
    metadata = METADATA | {"outputs": [key for key in OUTPUT_SHAPES if key != name]}
    with pytest.raises(InputError, match=rf"field outputs\.{name} is missing\. Received: fields="):
        make_contract(converted / "hand_float32.tflite", metadata, "float32", {})


def test_logits_may_be_missing_in_a_contract_but_not_halfway(values):
    del values["handedness"]["positive_logit"], values["outputs"]["presence"]
    with pytest.raises(InputError, match=r"field handedness\.positive_logit is missing"):
        parse_contract(values, "here")
    del values["outputs"]["handedness"]
    with pytest.raises(InputError, match=r"Received: tracking\.presence_threshold=0\.5"):
        parse_contract(values, "here")
    del values["tracking"]["presence_threshold"]
    assert list(parse_contract(values, "here").values["outputs"]) == ["uv_px", "z_rel"]


@pytest.mark.parametrize("name", ["grouping", "input_size", "training_data", "licence"])
def test_rejects_incomplete_metadata(converted, name):
    metadata = {key: value for key, value in METADATA.items() if key != name}
    with pytest.raises(InputError, match=f"with {name}. Received: metadata="):
        make_contract(converted / "hand_float32.tflite", metadata, "float32", {})


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema", "tf_handgroups.contract/99", "Received: schema='tf_handgroups.contract/99'"),
        ("model.sha256", None, "field model.sha256 to be of type str. Received: "),
        ("model.bytes", True, "field model.bytes to be of type int"),
        ("crop.size_px", "128", "field crop.size_px to be of type int"),
        ("crop.size_px", 96, r"field input.shape to be \[1, 96, 96, 3\]"),
        ("grouping", [0, 1], "field grouping with 21 entries. Received: entries=2"),
        ("joints.names", ["wrist"], "field joints.names with 21 entries"),
        ("outputs.uv_px.shape", [1, 42], "field outputs.uv_px.shape to be .* Received: shape="),
        ("outputs.presence.shape", [1], "field outputs.presence.shape to be .* Received: shape="),
        ("outputs.uv_px.dtype", 4, "field outputs.uv_px.dtype to be of type str"),
        ("outputs.handedness", 1, "field outputs.handedness to be of type dict"),
        ("handedness.positive_logit", 1, "field handedness.positive_logit to be of type str"),
        ("recovery.kind", "iqbal", "here: expected field recovery.kind to be .*='iqbal'"),
        ("tracking", [], r"here: expected field tracking to be a JSON object. Received: tracking="),
        ("tracking.filter.beta", -2, "here: section tracking: .* Received: beta=-2"),
    ],
)
def test_rejects_wrong_fields_by_name(values, path, value, message):
    *outer, last = path.split(".")
    target = values
    for name in outer:
        target = target[name]
    target[last] = value
    with pytest.raises(InputError, match=message):
        parse_contract(values, "here")


@pytest.mark.parametrize(
    "path",
    [
        "parity",
        "licence",
        "model.file",
        "input.range",
        "crop.margin",
        "outputs.uv_px",
        "outputs.z_rel",
        "handedness.rule",
        "handedness.positive_logit",
    ],
)
def test_rejects_missing_fields_by_name(values, path):
    *outer, last = path.split(".")
    del (values[outer[0]] if outer else values)[last]
    with pytest.raises(InputError, match=f"field {path} is missing. Received: fields="):
        parse_contract(values, "here")


def test_rejects_what_is_no_object():
    with pytest.raises(InputError, match="Received: type=list"):
        parse_contract([], "here")


def test_rejects_unreadable_files(tmp_path):
    with pytest.raises(InputError, match=r"no\.contract\.json.*Received: no such file"):
        read_contract(tmp_path / "no.contract.json")
    (tmp_path / "bad.contract.json").write_text("{not json")
    with pytest.raises(InputError, match=r"expected a JSON file. Received: "):
        read_contract(tmp_path / "bad.contract.json")


def test_integer_file_says_how_its_maps_become_joints(converted):
    contract = read_contract(converted / "hand_int8.contract.json")
    values = contract.values
    assert list(values["outputs"]) == ["heatmaps", "depth_maps", "presence", "handedness"]
    for output in values["outputs"].values():
        assert output["dtype"] == "int8" and set(output["quantization"]) == {"scale", "zero_point"}
        assert output["units"] and output["meaning"]
    assert values["outputs"]["heatmaps"]["shape"] == [1, SIZE // 4, SIZE // 4, 21]
    assert (values["input"]["dtype"], values["input"]["range"]) == ("uint8", [0, 255])
    assert contract.decoding["kind"] == "heatmap_expectation"
    assert values["handedness"]["positive_logit"] == "right"


def test_other_files_return_coordinates_and_so_do_older_contracts(converted):
    values = json.loads((converted / "hand_float16.contract.json").read_text())
    assert values["decoding"] == {"kind": "coordinates"}
    assert values["input"]["range"] == [0.0, 1.0] and "quantization" not in values["input"]
    del values["decoding"]
    assert parse_contract(values, "here").decoding == {"kind": "coordinates"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v["decoding"].pop("joints"), r"field decoding\.joints .*=None"),
        (lambda v: v["outputs"].pop("depth_maps"), r"outputs\.depth_maps\.shape .*shape=None"),
        (lambda v: v.update(decoding={"kind": "simcc"}), r"decoding\.kind='simcc'"),
        (lambda v: v.update(decoding="coordinates"), r"decoding\.kind=None"),
        (lambda v: v["outputs"]["presence"].update(shape=[1, 2]), r"outputs\.presence\.shape"),
    ],
)
def test_rejects_a_decoding_that_does_not_fit(converted, change, message):
    values = json.loads((converted / "hand_int8.contract.json").read_text())
    change(values)
    with pytest.raises(InputError, match=message):
        parse_contract(values, "here")


def test_rejects_maps_without_decoding(converted):
    values = json.loads((converted / "hand_int8.contract.json").read_text())
    del values["decoding"]
    with pytest.raises(InputError, match=r"field outputs\.uv_px is missing"):
        parse_contract(values, "here")
