"""Tests of the runners."""

import hashlib
import json

import keras
import numpy as np
import pytest

from tests.convert.conftest import SIZE
from tf_handgroups.convert.bundle import write_bundle
from tf_handgroups.convert.contract import Contract, read_contract, sha256_of
from tf_handgroups.convert.embedded_contract import embed_contract
from tf_handgroups.convert.run import (
    KerasRunner,
    LiteRTRunner,
    default_variant,
    load_runner,
)
from tf_handgroups.convert.sealed_model import seal_model
from tf_handgroups.errors import InputError
from tf_handgroups.models.hand_pose_model import HandPoseModel


def test_keras_litert_and_bundle_agree(keras_file, converted, crops, tmp_path):
    write_bundle(converted, tmp_path / "bundle", crops[:2], default="float32")
    reference = load_runner(keras_file)(crops)
    for path in (converted / "hand_float32.tflite", tmp_path / "bundle"):
        runner = load_runner(path)
        assert runner.input_size == SIZE
        received = runner(crops)
        for name, expected in reference.items():
            # The same numbers in another order of additions.
            np.testing.assert_allclose(received[name], expected, atol=1e-3)
            assert received[name].dtype == np.float32


def test_every_variant_returns_the_same_kind_of_thing(converted, stand_in, crops):
    expected = KerasRunner(stand_in)(crops)
    for path in sorted(converted.glob("*.tflite")):
        received = LiteRTRunner(path)(crops)
        assert list(received) == list(expected)
        for name, values in expected.items():
            assert (received[name].shape, received[name].dtype) == (values.shape, np.float32)
        distance = np.linalg.norm(received["uv_px"] - expected["uv_px"], axis=-1)
        assert distance.mean() < 1.0, path.name


@pytest.mark.parametrize("part", ["input", "outputs"])
def test_scales_must_be_those_of_the_contract(converted, tmp_path, part):
    path = tmp_path / "hand_int8.tflite"
    path.write_bytes((converted / path.name).read_bytes())
    values = json.loads((converted / "hand_int8.contract.json").read_text())
    tensor = values["input"] if part == "input" else values["outputs"]["heatmaps"]
    tensor["quantization"]["zero_point"] += 1
    seal_model(path, Contract(values))
    with pytest.raises(InputError, match=r"expected (in|out)put .*zero_point.* Received: .*scale"):
        LiteRTRunner(path)


def test_threads_and_identity(converted, crops):
    path = converted / "hand_int8_mixed.tflite"
    runner = LiteRTRunner(path, num_threads=2)
    assert runner.sha256 == sha256_of(path)
    assert runner.name == "hand_int8_mixed"
    one_thread = LiteRTRunner(path)(crops[:1])
    np.testing.assert_allclose(runner(crops[:1])["uv_px"], one_thread["uv_px"], atol=1e-3)


def test_keras_runner_batches(stand_in, crops):
    whole = KerasRunner(stand_in, batch_size=len(crops))(crops)
    parts = KerasRunner(stand_in, batch_size=5)(crops)
    for name, expected in whole.items():
        # The kernels block their sums by batch size.
        np.testing.assert_allclose(parts[name], expected, rtol=1e-4, atol=1e-4)


def test_keras_runner_takes_a_model_that_is_not_hardened():
    model = HandPoseModel(input_size=64, encoder="tiny", group_channels=8)
    outputs = KerasRunner(model)(np.zeros((2, 64, 64, 3)))
    assert {name: array.shape for name, array in outputs.items()} == {
        "uv_px": (2, 21, 2),
        "z_rel": (2, 21),
        "presence": (2, 1),
        "handedness": (2, 1),
    }


def test_network_of_the_paper_has_no_logits(paper_network, paper_converted, crops):
    # Before hardening: maps for the losses are dropped, there is nothing else to drop.
    expected = KerasRunner(paper_network)(crops)
    assert {name: array.shape for name, array in expected.items()} == {
        "uv_px": (len(crops), 21, 2),
        "z_rel": (len(crops), 21),
    }
    # Its joints follow the crop; otherwise agreement would mean nothing.
    assert np.median(expected["uv_px"].std(axis=0)) > 0.2
    received = load_runner(paper_converted / "paper_float32.tflite")(crops)
    assert list(received) == ["uv_px", "z_rel"]
    # Folding the batch norms of a hundred layers rounds once more in each.
    np.testing.assert_allclose(received["uv_px"], expected["uv_px"], atol=1e-3)
    np.testing.assert_allclose(received["z_rel"], expected["z_rel"], atol=1e-4)


@pytest.mark.parametrize("name", ["uv_px", "z_rel"])
def test_joints_and_depths_are_not_optional(stand_in, name):
    outputs = {key: value for key, value in stand_in.output.items() if key != name}
    with pytest.raises(InputError, match=r"the outputs uv_px, z_rel\. Received: .*outputs=\["):
        KerasRunner(keras.Model(stand_in.input, outputs))


def test_contract_may_not_promise_more_than_the_model_has(paper_converted, tmp_path):
    path = tmp_path / "paper_float16.tflite"
    path.write_bytes((paper_converted / path.name).read_bytes())
    values = json.loads((paper_converted / "paper_float16.contract.json").read_text())
    values["outputs"]["presence"] = {"shape": [1, 1], "dtype": "float32"}
    values["tracking"]["presence_threshold"] = 0.5
    seal_model(path, Contract(values))
    with pytest.raises(InputError, match=r"expected output presence .* Received: None"):
        LiteRTRunner(path)


def test_crops_are_checked(converted, stand_in):
    for runner in (LiteRTRunner(converted / "hand_float32.tflite"), KerasRunner(stand_in)):
        with pytest.raises(InputError, match="Received: shape="):
            runner(np.zeros((1, SIZE, SIZE + 1, 3)))
        with pytest.raises(InputError, match="Received: range="):
            runner(np.full((1, SIZE, SIZE, 3), 255.0))


def test_truncated_model_is_an_input_error(edited_contract):
    path = edited_contract(lambda values: None)
    content = path.read_bytes()[:2000]
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"hand_float32\.tflite: .*truncated"):
        load_runner(path)


@pytest.mark.parametrize("keep", [20, 2000, -8])
def test_truncated_model_with_matching_hash_is_an_input_error(converted, tmp_path, keep):
    # Even if somebody wrote a contract for the damaged file.
    import hashlib

    content = (converted / "hand_float32.tflite").read_bytes()[:keep]
    values = json.loads((converted / "hand_float32.contract.json").read_text())
    values["model"] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (tmp_path / "cut.tflite").write_bytes(content)
    (tmp_path / "cut.contract.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"cut\.tflite: expected a .*LiteRT model"):
        load_runner(tmp_path / "cut.tflite")


def test_text_file_is_an_input_error(tmp_path):
    (tmp_path / "page.tflite").write_text("<html>not found</html>")
    with pytest.raises(InputError, match="expected the contract of the model beside it"):
        load_runner(tmp_path / "page.tflite")
    (tmp_path / "page.keras").write_text("text")
    with pytest.raises(InputError, match=r"page\.keras: expected a \.keras file"):
        load_runner(tmp_path / "page.keras")


def test_contract_of_another_model_is_an_input_error(edited_contract):
    def change(values):
        values["outputs"]["presence"]["dtype"] = "int8"

    path = edited_contract(change)
    seal_model(path, read_contract(path.with_suffix(".contract.json")), overwrite=True)
    with pytest.raises(InputError, match=r"expected output presence .*Received: "):
        LiteRTRunner(path)


def test_wrong_hash_is_an_input_error(edited_contract):
    path = edited_contract(lambda values: values["model"].update(sha256="0" * 64))
    with pytest.raises(InputError, match="Received: sha256="):
        LiteRTRunner(path)


def test_a_lone_file_needs_trust(converted, crops, tmp_path):
    source = converted / "hand_int8_mixed.tflite"
    path = tmp_path / "renamed.tflite"
    path.write_bytes(source.read_bytes())
    with pytest.raises(InputError, match=r"renamed\.contract\.json: .*--trust takes it"):
        load_runner(path)
    runner, expected = load_runner(path, trust=True), load_runner(source)
    assert isinstance(runner, LiteRTRunner) and isinstance(expected, LiteRTRunner)
    assert runner.contract == expected.contract
    assert runner.sha256 == sha256_of(path)
    for name, values in expected(crops).items():
        np.testing.assert_array_equal(runner(crops)[name], values)


def test_a_bundle_may_be_trusted(converted, crops, tmp_path):
    write_bundle(converted, tmp_path / "bundle", crops[:1], ["float32"])
    (tmp_path / "bundle" / "hand_float32.contract.json").unlink()
    with pytest.raises(InputError, match="expected the contract of the model beside it"):
        load_runner(tmp_path / "bundle")
    assert load_runner(tmp_path / "bundle", trust=True).input_size == SIZE


def test_trust_does_not_concern_keras_files(keras_file):
    with pytest.raises(InputError, match=r"or a bundle folder\. Received: trust=True"):
        load_runner(keras_file, trust=True)


def test_trusted_file_has_to_fit_the_contract_inside_it(converted, tmp_path):
    contract = read_contract(converted / "hand_float32.contract.json")
    size = SIZE * 2
    values = json.loads(json.dumps(contract.values))
    values["input"]["shape"], values["crop"]["size_px"] = [1, size, size, 3], size
    path = tmp_path / "hand.tflite"
    content = (converted / "hand_float32.tflite").read_bytes()
    path.write_bytes(embed_contract(content, Contract(values)))
    with pytest.raises(InputError, match=r"expected input image .*128.* Received: .*64"):
        load_runner(path, trust=True)


def test_other_paths_are_input_errors(tmp_path):
    with pytest.raises(InputError, match="Received: no such file"):
        load_runner(tmp_path / "no.keras")
    with pytest.raises(InputError, match="Received: no such file"):
        load_runner(tmp_path / "no.tflite")
    (tmp_path / "hand.onnx").write_bytes(b"")
    with pytest.raises(InputError, match=r"Received: suffix='\.onnx'"):
        load_runner(tmp_path / "hand.onnx")
    with pytest.raises(InputError, match=r"bundle\.json: expected the description of a bundle"):
        load_runner(tmp_path)
    (tmp_path / "bundle.json").write_text('{"default": "float32", "variants": {}}')
    with pytest.raises(InputError, match=r"FileNotFoundError: .*SHA256SUMS"):
        default_variant(tmp_path)
    (tmp_path / "SHA256SUMS").write_text("")
    with pytest.raises(InputError, match="KeyError"):
        default_variant(tmp_path)


def described(folder, **changes) -> None:
    """Writes the description of a bundle, and its sum as if it had been made so."""
    entry = {"file": "hand.tflite"} | changes
    text = json.dumps({"default": "float32", "variants": {"float32": entry}})
    (folder / "bundle.json").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  LICENSE\n{digest}  bundle.json\n")


def test_changed_description_of_a_bundle_is_refused(tmp_path):
    described(tmp_path)
    assert default_variant(tmp_path) == tmp_path / "hand.tflite"
    changed = (tmp_path / "bundle.json").read_text().replace("hand.tflite", "mine.tflite")
    (tmp_path / "bundle.json").write_text(changed)
    with pytest.raises(InputError, match=r"expected the SHA-256 .* Received: sha256="):
        default_variant(tmp_path)


def test_files_outside_the_bundle_are_refused(tmp_path):
    for file in ("../hand.tflite", "/hand.tflite", "sub/hand.tflite"):
        described(tmp_path, file=file)
        with pytest.raises(InputError, match="expected a default file in this folder"):
            default_variant(tmp_path)


def test_other_keras_models_are_input_errors(tmp_path):
    images = keras.Input((8, 8, 3))
    model = keras.Model(images, keras.layers.Flatten()(images), name="other")
    with pytest.raises(InputError, match=r"other: .* Received: input="):
        KerasRunner(model)
    model.save(tmp_path / "other.keras")
    with pytest.raises(InputError, match=r"other: .* Received: input="):
        load_runner(tmp_path / "other.keras")
