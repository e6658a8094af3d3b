import builtins
import os
import pathlib
import pickle
import zipfile

import keras
import numpy as np
import pytest

from tests.reference_state import reference_input, reference_state
from tf_handgroups.errors import InputError
from tf_handgroups.hardening import grouping_of
from tf_handgroups.joints import JOINT_ORDERS, to_canonical
from tf_handgroups.model_file import load_model
from tf_handgroups.reference_checkpoint import import_reference, read_checkpoint

torch = pytest.importorskip("torch", reason="the extra `torch` is not installed")

SALT = "handgroups:"
FIGURES = np.load(pathlib.Path(__file__).with_name("reference_figures.npz"))


def tensors(state) -> dict:
    return {name: torch.from_numpy(np.array(value)) for name, value in state.items()}


@pytest.fixture(scope="module")
def state():
    return reference_state(SALT)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, state):
    """As the authors' training saves it, with fields that nobody reads."""
    path = tmp_path_factory.mktemp("checkpoint") / "net.pth"
    content = {"model_state_dict": tensors(state), "Temperature": 0.25, "epoch": 7, "best": [1.5]}
    torch.save(content, path)
    return path


@pytest.fixture(scope="module")
def imported(tmp_path_factory, checkpoint):
    out = tmp_path_factory.mktemp("imported") / "model.keras"
    import_reference(checkpoint, out, licence="research only")
    return out


def test_reads_state_and_temperature(checkpoint, state):
    arrays, temperature = read_checkpoint(checkpoint)
    assert temperature == 0.25 and set(arrays) == set(state)
    for name, value in state.items():
        np.testing.assert_array_equal(arrays[name], value)


def test_other_forms_of_the_same(tmp_path, state):
    """Saved by several GPUs, in half precision, with a tensor as temperature, or without."""
    parallel = {f"module.{name}": value for name, value in tensors(state).items()}
    torch.save({"model_state_dict": parallel, "Temperature": torch.tensor(0.5)}, tmp_path / "a.pth")
    arrays, temperature = read_checkpoint(tmp_path / "a.pth")
    assert set(arrays) == set(state) and temperature == 0.5
    half = {"meta_S.weight": torch.full((21, 3), 0.5, dtype=torch.bfloat16)}
    torch.save({"model_state_dict": half}, tmp_path / "b.pth")
    arrays, temperature = read_checkpoint(tmp_path / "b.pth")
    assert arrays["meta_S.weight"].dtype == np.float32 and temperature is None


def test_imported_model_is_the_network_in_canonical_order(imported):
    model = load_model(imported)
    groups = FIGURES["handgroups_groups"][list(JOINT_ORDERS["rhd"])]
    assert grouping_of(model) == tuple(groups)
    assert float(model.selector.current_temperature) == 0.25
    provenance = model.config["provenance"]
    assert provenance["recipe"] == "paper" and provenance["licence"] == "research only"
    assert "net.pth" in provenance["training_data"] and "rhd" in provenance["training_data"]
    outputs = model(reference_input(SALT)[:1].transpose(0, 2, 3, 1))
    expected = to_canonical(FIGURES["handgroups_uv_hard"][0], "rhd")
    np.testing.assert_allclose(outputs["uv_px"][0], expected, rtol=0, atol=2e-3)


def test_order_of_the_checkpoint_can_be_kept(tmp_path, checkpoint):
    model = import_reference(checkpoint, tmp_path / "a.keras", joint_order="canonical")
    assert grouping_of(model) == tuple(FIGURES["handgroups_groups"])


def test_refuses_to_overwrite(imported, checkpoint):
    before = imported.read_bytes()
    with pytest.raises(InputError, match="--overwrite"):
        import_reference(checkpoint, imported)
    assert imported.read_bytes() == before


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_file_that_runs_code_is_refused(tmp_path):
    trap = tmp_path / "trap"
    content = {"model_state_dict": {"meta_S.weight": torch.ones(1)}, "epoch": Malicious(str(trap))}
    torch.save(content, tmp_path / "bad.pth")
    with pytest.raises(InputError, match=r"bad.pth: expected a PyTorch checkpoint of tensors"):
        read_checkpoint(tmp_path / "bad.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Malicious(str(trap))))
    with pytest.raises(InputError, match=r"plain.pth: expected a PyTorch checkpoint of tensors"):
        read_checkpoint(tmp_path / "plain.pth")
    assert not trap.exists()


def truncated(path, checkpoint):
    path.write_bytes(checkpoint.read_bytes()[:200_000])


def some_zip(path, _):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/b", "c")


@pytest.mark.parametrize(
    "write",
    [
        truncated,
        some_zip,
        lambda path, _: path.write_bytes(b""),
        lambda path, _: path.write_text("x"),
    ],
    ids=["truncated", "zip", "empty", "text"],
)
def test_damaged_files(tmp_path, checkpoint, write):
    write(tmp_path / "broken.pth", checkpoint)
    with pytest.raises(InputError, match=r"broken.pth: expected a PyTorch checkpoint of tensors"):
        import_reference(tmp_path / "broken.pth", tmp_path / "out.keras")
    assert not (tmp_path / "out.keras").exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"state_dict": {}}, r"expected a dictionary with 'model_state_dict'.*\['state_dict'\]"),
        ({"model_state_dict": {}}, "expected a dictionary with 'model_state_dict'"),
        ([1, 2], "expected a dictionary with 'model_state_dict'.*list"),
        ({"model_state_dict": {"a": 3}}, "expected tensors in .* Received: a=int"),
        (
            {"model_state_dict": {"a": torch.ones(2)}},
            "a.pth: load_reference_state: .*unexpected: a",
        ),
        (
            {"model_state_dict": {"a": torch.ones(2)}, "Temperature": -1.0},
            "expected a positive number as 'Temperature'. Received: -1.0",
        ),
        ({"model_state_dict": {"a": torch.ones(2)}, "Temperature": "hot"}, "Received: 'hot'"),
    ],
)
def test_wrong_content(tmp_path, content, expected):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(InputError, match=expected):
        import_reference(tmp_path / "a.pth", tmp_path / "out.keras")
    assert not (tmp_path / "out.keras").exists()


def test_missing_torch_says_what_to_install(monkeypatch, tmp_path, checkpoint):
    real = builtins.__import__

    def without_torch(name, *arguments, **keywords):
        if name == "torch":
            raise ImportError("No module named 'torch'")
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    with pytest.raises(InputError, match=r'pip install "tf_handgroups\[torch\]"'):
        import_reference(checkpoint, tmp_path / "out.keras")


def test_the_package_does_not_load_torch():
    """It is large, and nobody needs it for anything else."""
    import subprocess
    import sys

    code = "import sys, tf_handgroups.reference_checkpoint; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_keras_can_load_the_file_in_safe_mode(imported):
    assert keras.saving.load_model(imported, safe_mode=True).config["architecture"] == "paper"
