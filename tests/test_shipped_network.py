"""The shipped model as a Keras network again."""

import dataclasses
import json
import shutil

import pytest

from benchmarks import shipped_network
from tf_handgroups.convert.bundle import read_golden
from tf_handgroups.convert.parity import compare_outputs
from tf_handgroups.convert.run import KerasRunner
from tf_handgroups.convert.sealed_model import read_verified
from tf_handgroups.errors import InputError
from tf_handgroups.model_file import hardened_metadata, load_model
from tf_handgroups.recipes import get_recipe


@pytest.fixture(scope="module")
def shipped():
    """Contract and content of the float16 file, and its golden vectors."""
    bundle = shipped_network.BUNDLE
    variant = json.loads((bundle / "bundle.json").read_text())["variants"]["float16"]
    return (*read_verified(bundle / variant["file"]), read_golden(bundle, variant["golden"]))


def test_equals_the_shipped_file(shipped, tmp_path):
    contract, _, golden = shipped
    path = tmp_path / "shipped.keras"
    assert shipped_network.main(["--out", str(path)]) == 0
    network = load_model(path)
    metadata = hardened_metadata(network)
    assert metadata["grouping"] == contract.values["grouping"]
    assert metadata["licence"] == contract.values["licence"] and metadata["recipe"] == "mobile"
    difference = compare_outputs(golden, KerasRunner(network)(golden["image"])).differences
    # The weights are the same; only the order of additions differs.
    assert difference["uv_px"]["max"] < 0.02 and difference["z_rel"]["max"] < 0.002


def test_another_recipe_does_not_fit(shipped):
    contract, content, _ = shipped
    wider = dataclasses.replace(get_recipe("mobile"), group_channels=40)
    with pytest.raises(InputError, match=r"file: expected the weights of another network in layer"):
        shipped_network.network_of(contract, content, wider, "file")


def test_needs_the_float16_variant(tmp_path, capsys):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    shutil.copy(shipped_network.BUNDLE / "bundle.json", bundle)
    description = json.loads((bundle / "bundle.json").read_text())
    del description["variants"]["float16"]
    (bundle / "bundle.json").write_text(json.dumps(description))
    arguments = ["--bundle", str(bundle), "--out", str(tmp_path / "shipped.keras")]
    assert shipped_network.main(arguments) == 2
    assert "expected a variant float16. Received: ['int8_mixed']" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [bundle]
