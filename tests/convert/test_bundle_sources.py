import pathlib

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.hands import make_sample
from tf_handgroups.convert.bundle import read_bundle, read_golden
from tf_handgroups.convert.bundle_sources import golden_crops, read_licence
from tf_handgroups.convert.calibration import dataset_crops
from tf_handgroups.convert.contract import make_contract
from tf_handgroups.convert.sealed_model import seal_model
from tf_handgroups.convert.tflite_file import pack_tflite
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.errors import InputError

SHIPPED = pathlib.Path(__file__).parents[2] / "android_assets"


@pytest.fixture
def converted(tmp_path):
    """A converted model as far as hash and contracts go; it is not run here."""
    folder = tmp_path / "converted"
    folder.mkdir()
    model = folder / "hand_float32.tflite"
    parts = {"subgraphs": [schema.SubGraphT()], "operatorCodes": [schema.OperatorCodeT()]}
    model.write_bytes(pack_tflite(schema.ModelT(version=3, buffers=[schema.BufferT()], **parts)))
    metadata = {"grouping": [0] * 21, "input_size": 64, "training_data": "none", "licence": "CC0"}
    seal_model(model, make_contract(model, metadata, "float32", parity={}))
    return folder


@pytest.fixture
def hands(tmp_path):
    write_handjson([make_sample(seed=seed) for seed in range(6)], tmp_path / "hands")
    return f"handjson:{tmp_path / 'hands'}"


def test_crops_have_the_size_of_the_contract(converted, hands, tmp_path):
    crops = golden_crops(converted, hands, seed=3)
    assert crops.shape == (4, 64, 64, 3)
    expected = dataset_crops(HandJsonDataset(tmp_path / "hands"), 64, 4, seed=3)
    np.testing.assert_array_equal(crops, expected)
    assert not np.array_equal(crops, golden_crops(converted, hands, seed=4))


def test_crops_of_a_bundle_are_kept():
    crops = golden_crops(SHIPPED, None)
    entry = read_bundle(SHIPPED)["variants"]["float16"]["golden"]
    np.testing.assert_array_equal(crops, read_golden(SHIPPED, entry)["image"])


def test_only_a_bundle_has_crops_of_its_own(converted):
    with pytest.raises(InputError, match=r"--data KIND:PATH.*Received: .*bundle\.json"):
        golden_crops(converted, None)


def test_rejects_folder_without_models(tmp_path, hands):
    with pytest.raises(InputError, match=r"folder of converted models .*Received: none"):
        golden_crops(tmp_path, hands)


def test_rejects_changed_model(converted, hands):
    model = converted / "hand_float32.tflite"
    model.write_bytes(model.read_bytes()[:-1] + b"?")
    with pytest.raises(InputError, match=r"expected SHA-256 .*Received: sha256="):
        golden_crops(converted, hands)


def test_rejects_too_few_hands(converted, tmp_path):
    write_handjson([make_sample(seed=seed) for seed in range(3)], tmp_path / "few")
    with pytest.raises(InputError, match="Received: count=4"):
        golden_crops(converted, f"handjson:{tmp_path / 'few'}")


def test_rejects_unknown_data(converted):
    with pytest.raises(InputError, match="Received: kind='photos'"):
        golden_crops(converted, "photos:here")


def test_licence_text(tmp_path):
    path = tmp_path / "LICENSE"
    path.write_text("Licence für alle, Version 2.0\n", encoding="utf-8")
    assert read_licence(path, tmp_path) == "Licence für alle, Version 2.0\n"
    # That of a bundle is kept; a folder of `convert` has none.
    assert read_licence(None, tmp_path) == "Licence für alle, Version 2.0\n"
    assert read_licence(None, tmp_path / "converted") is None


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00binary"])
def test_rejects_unreadable_licence(tmp_path, content):
    if content is not None:
        (tmp_path / "LICENSE").write_bytes(content)
    with pytest.raises(InputError, match=r"LICENSE: expected a licence text\. Received: "):
        read_licence(tmp_path / "LICENSE", tmp_path / "converted")
