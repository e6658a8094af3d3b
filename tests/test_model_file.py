import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import tf_handgroups as hg
from tests.hands import make_like_trained, smooth_image, tiny_model
from tf_handgroups.errors import InputError
from tf_handgroups.hardening import harden
from tf_handgroups.model_file import (
    METADATA_FILE,
    attach_metadata,
    hardened_metadata,
    load_model,
    save_model,
)
from tf_handgroups.models.hand_pose_model import HandPoseModel

PROVENANCE = {"recipe": "mine", "training_data": "synth: 8 hands, über", "licence": "CC0-1.0"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A trained and a hardened model, in memory and as files."""
    folder = tmp_path_factory.mktemp("models")
    trained = make_like_trained(tiny_model(provenance=PROVENANCE))
    hardened = harden(trained)
    save_model(trained, folder / "trained.keras")
    save_model(hardened, folder / "hardened.keras")
    return folder, trained, hardened


@pytest.fixture
def small():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])


def images():
    return (smooth_image(64, 64)[None] / 255).astype("float32")


def test_hardened_file_keeps_outputs_and_metadata(files):
    folder, _, hardened = files
    again = load_model(folder / "hardened.keras")
    assert hardened_metadata(again) == hardened_metadata(hardened)
    metadata = hardened_metadata(again)
    assert {name: metadata[name] for name in PROVENANCE} == PROVENANCE
    for name, value in hardened(images()).items():
        np.testing.assert_array_equal(again(images())[name], value)
    assert os.listdir(folder).count("hardened.keras") == 1


def test_hardened_file_of_a_loaded_model_keeps_its_metadata(files, tmp_path):
    folder, _, hardened = files
    save_model(load_model(folder / "hardened.keras"), tmp_path / "copy.keras")
    with zipfile.ZipFile(tmp_path / "copy.keras") as archive:
        assert archive.namelist().count(METADATA_FILE) == 1
    assert hardened_metadata(load_model(tmp_path / "copy.keras")) == hardened_metadata(hardened)


def test_trained_file_gives_a_trainable_model(files):
    folder, trained, _ = files
    again = load_model(folder / "trained.keras")
    assert isinstance(again, HandPoseModel)
    assert again.get_config() == trained.get_config()
    for before, after in zip(trained.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    with pytest.raises(InputError, match=r"expected a hardened model.*Received: a model without"):
        hardened_metadata(again)


def test_fresh_process_reads_both_and_plain_keras_the_hardened_one(files, tmp_path):
    """The first model is read before the package is imported at all."""
    folder, trained, hardened = files
    np.save(tmp_path / "images.npy", images())
    code = """
import sys
import keras, numpy as np
folder, here = sys.argv[1:]
images = np.load(here + "/images.npy")
plain = keras.saving.load_model(folder + "/hardened.keras")(images)
assert not [name for name in sys.modules if name.startswith("tf_handgroups")]
import tf_handgroups
trained = tf_handgroups.load_model(folder + "/trained.keras")(images)
np.savez(here + "/plain.npz", **plain)
np.savez(here + "/trained.npz", **trained)
"""
    subprocess.run(
        [sys.executable, "-c", code, os.fspath(folder), os.fspath(tmp_path)],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    for file, model in (("plain", hardened), ("trained", trained)):
        received = np.load(tmp_path / f"{file}.npz")
        expected = model(images())
        assert set(received) == set(expected)
        for name, value in expected.items():
            np.testing.assert_array_equal(received[name], value, err_msg=name)


def test_metadata_is_a_copy(small):
    attach_metadata(small, {"grouping": [0] * 21})
    hardened_metadata(small)["grouping"].clear()
    assert hardened_metadata(small) == {"grouping": [0] * 21}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_rejects_truncated_file(files, tmp_path, share):
    content = (files[0] / "hardened.keras").read_bytes()
    broken = tmp_path / "broken.keras"
    broken.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(
        InputError, match=r"broken\.keras: expected .*Received: a file that Keras cannot read"
    ):
        load_model(broken)


@pytest.mark.parametrize("content", ["{}", "This is a text.\n" * 1000])
def test_rejects_text(tmp_path, content):
    (tmp_path / "text.keras").write_text(content)
    with pytest.raises(InputError, match="Received: a file that Keras cannot read"):
        load_model(tmp_path / "text.keras")


def test_rejects_damaged_metadata(files, tmp_path):
    broken = tmp_path / "broken.keras"
    with (
        zipfile.ZipFile(files[0] / "hardened.keras") as source,
        zipfile.ZipFile(broken, "w") as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, b'{"grouping": [0, 1' if name == METADATA_FILE else content)
    with pytest.raises(InputError, match="Received: a file that Keras cannot read"):
        load_model(broken)


@pytest.mark.parametrize("name", ["missing.keras", ""])
def test_rejects_missing_file_and_folder(tmp_path, name):
    with pytest.raises(InputError, match=r"expected a \.keras file\. Received: no such file"):
        load_model(tmp_path / name)


def test_rejects_a_file_with_code(tmp_path):
    """Keras' safe mode: a file from elsewhere must not run Python when it is loaded."""
    inputs = keras.Input((2,))
    outputs = keras.layers.Lambda(lambda x: x + 1, output_shape=(2,))(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "code.keras")
    with pytest.raises(InputError, match=r"cannot read .*[Ll]ambda"):
        load_model(tmp_path / "code.keras")


def test_metadata_cannot_smuggle_code(tmp_path, small):
    """The file beside the configuration is JSON, read as such."""
    attach_metadata(small, {"grouping": "__import__('os')"})
    save_model(small, tmp_path / "small.keras")
    with zipfile.ZipFile(tmp_path / "small.keras") as archive:
        assert json.loads(archive.read(METADATA_FILE)) == {"grouping": "__import__('os')"}
    assert hardened_metadata(load_model(tmp_path / "small.keras"))["grouping"].startswith("__")


@pytest.mark.parametrize("name", ["model.h5", "model", "model.keras.zip"])
def test_rejects_other_suffixes(tmp_path, small, name):
    with pytest.raises(InputError, match=r"expected a file name ending in \.keras"):
        save_model(small, tmp_path / name)
    assert not os.listdir(tmp_path)


def test_replaces_a_file_only_if_allowed(tmp_path, small):
    target = tmp_path / "model.keras"
    target.write_text("old")
    with pytest.raises(InputError, match="Received: overwrite=False"):
        save_model(small, target)
    assert target.read_text() == "old"
    save_model(small, target, overwrite=True)
    assert os.listdir(tmp_path) == ["model.keras"]
    np.testing.assert_array_equal(load_model(target).get_weights()[0], small.get_weights()[0])


def test_package_offers_the_same_functions():
    assert hg.load_model is load_model and hg.save_model is save_model
