"""Tests of the memory of a run, in a process of its own."""

import pathlib

import pytest

from tf_handgroups.convert import peak_memory as module
from tf_handgroups.convert.machine_peak import reference_model
from tf_handgroups.convert.peak_memory import peak_memory_mb
from tf_handgroups.errors import InputError


@pytest.mark.skipif(not module.STATUS_FILE.is_file(), reason="there is no /proc on this system")
def test_a_model_needs_at_least_its_tensors(tmp_path):
    path = tmp_path / "reference.tflite"
    path.write_bytes(reference_model("float32"))
    found = peak_memory_mb(path)
    # File, packed weights, input and output; a process of Python and TensorFlow has hundreds.
    needed = (2 * 512 * 512 + 2 * 32 * 32 * 512) * 4 / 1e6
    assert found is not None and 0.9 * needed < found < 12 * needed


def test_a_model_that_does_not_run_is_an_input_error(tmp_path):
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"no model at all")
    if not module.STATUS_FILE.is_file():
        pytest.skip("there is no /proc on this system")
    with pytest.raises(InputError, match=r"broken\.tflite: .* Received: exit code 1"):
        peak_memory_mb(path)


def test_other_systems_do_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "STATUS_FILE", pathlib.Path(tmp_path / "absent"))
    assert peak_memory_mb(tmp_path / "any.tflite") is None
