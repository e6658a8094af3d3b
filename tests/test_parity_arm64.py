"""The shipped models on ARM64 kernels, and the script that runs them there."""

import json
import os
import pathlib
import sys

import numpy as np
import pytest

from benchmarks import arm64_sysroot, debian_packages, parity_arm64
from tf_handgroups.convert.parity import ParityReport
from tf_handgroups.errors import InputError

ROOT = pathlib.Path(__file__).parents[1]
SYSROOT = ROOT / ".arm64"
BUNDLE = ROOT / "android_assets"


@pytest.fixture
def sysroot() -> pathlib.Path:
    if reason := arm64_sysroot.missing(SYSROOT):
        if os.environ.get("HANDGROUPS_REQUIRE_ARM64"):
            pytest.fail(reason)
        pytest.skip(reason)
    return SYSROOT


def test_arm64_equals_x86(sysroot, capfd):
    assert parity_arm64.main(["--sysroot", str(sysroot), "--bundle", str(BUNDLE)]) == 0
    printed = capfd.readouterr().out
    for recipe in json.loads((BUNDLE / "bundle.json").read_text())["variants"]:
        assert f"| {recipe}, golden |" in printed and f"| {recipe}, x86 |" in printed


@pytest.fixture
def native(monkeypatch):
    """This machine's own Python in place of the emulated one: what it returns is known."""

    def command(folder, script, *arguments):
        return [sys.executable, str(script), *arguments]

    monkeypatch.setattr(parity_arm64, "command", command)


def test_recorded_calls_are_repeated_and_their_results_used(native):
    reports = parity_arm64.compare_bundle(BUNDLE, SYSROOT)
    bundle = json.loads((BUNDLE / "bundle.json").read_text())
    assert list(reports) == list(bundle["variants"])
    for others in reports.values():
        assert others["x86"].num_crops == 4
        # The same kernels on the same crops.
        assert {value["max"] for value in others["x86"].differences.values()} == {0.0}
        assert set(others["golden"].differences) == set(bundle["golden_tolerance"])


def test_results_of_another_model_are_found(native, monkeypatch):
    """The outputs that are compared come from the other process."""
    honest = parity_arm64.run_emulated

    def moved(sysroot, calls):
        results = honest(sysroot, calls)
        first = next(iter(results.values()))
        first[2] = {name: values + np.float32(0.02) for name, values in first[2].items()}
        return results

    monkeypatch.setattr(parity_arm64, "run_emulated", moved)
    reports = parity_arm64.compare_bundle(BUNDLE, SYSROOT)
    first, second = reports.values()
    assert first["x86"].value("uv_px.max") == pytest.approx(0.02 * 2**0.5, rel=1e-3)
    assert second["x86"].value("uv_px.max") == 0


def test_failure_of_the_emulated_process(native, tmp_path):
    with pytest.raises(InputError, match=r"(?s)exit code 1, .*absent\.tflite"):
        parity_arm64.run_emulated(SYSROOT, {tmp_path / "absent.tflite": []})


def report(uv_px: float, z_rel: float = 0.0) -> dict[str, ParityReport]:
    statistics = {"uv_px": {"max": uv_px}, "z_rel": {"max": z_rel}}
    return {"x86": ParityReport(4, statistics)}


def test_limits_depend_on_the_recipe():
    tolerance = {"uv_px": 0.25, "z_rel": 0.02}
    reports = {"float32": report(0.01), "int8_mixed": report(0.011), "dynamic_int8": report(0.2)}
    assert parity_arm64.exceeded(reports, tolerance) == [
        "int8_mixed against x86: uv_px 0.011 > 0.01 crop px"
    ]
    reports = {"dynamic_int8": report(0.3, 0.03), "float16": report(np.inf)}
    assert parity_arm64.exceeded(reports, tolerance) == [
        "dynamic_int8 against x86: uv_px 0.3 > 0.25 crop px",
        "dynamic_int8 against x86: z_rel 0.03 > 0.02 bone lengths",
        "float16 against x86: uv_px inf > 0.01 crop px",
    ]
    assert "| float16, x86 | inf | 0.0e+00 | none | none |" in parity_arm64.table(reports)


def test_exit_codes(monkeypatch, tmp_path, capsys):
    arguments = ["--sysroot", str(tmp_path), "--bundle", str(BUNDLE)]
    assert parity_arm64.main(arguments) == 2
    assert "no ARM64 system. Run make parity-arm64" in capsys.readouterr().err
    described = json.dumps(arm64_sysroot.versions())
    (tmp_path / "sysroot.json").write_text(described)
    monkeypatch.setattr(parity_arm64, "compare_bundle", lambda *_: {"float16": report(1.0)})
    assert parity_arm64.main(arguments) == 3
    assert "float16 against x86: uv_px 1 > 0.01" in capsys.readouterr().err
    monkeypatch.setattr(parity_arm64, "compare_bundle", lambda *_: {"float16": report(1e-4)})
    assert parity_arm64.main(arguments) == 0
    # Nothing to do: it is there already.
    assert parity_arm64.main([*arguments, "--build"]) == 0


def test_another_version_of_the_runtime_is_built_again(tmp_path):
    (tmp_path / "sysroot.json").write_text(json.dumps({"ai-edge-litert": "1.0"}))
    assert "has {'ai-edge-litert': '1.0'}" in (arm64_sysroot.missing(tmp_path) or "")
    (tmp_path / "sysroot.json").write_text("{")
    assert "no ARM64 system" in (arm64_sysroot.missing(tmp_path) or "")


def test_other_machines_are_told_what_lacks(monkeypatch, tmp_path, capsys):
    arguments = ["--build", "--sysroot", str(tmp_path / "new")]
    with monkeypatch.context() as patch:
        patch.setattr(arm64_sysroot.platform, "machine", lambda: "aarch64")
        assert parity_arm64.main(arguments) == 2
        assert "Received: machine='aarch64'" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(arm64_sysroot.platform, "machine", lambda: "x86_64")
        patch.setattr(arm64_sysroot.shutil, "which", lambda name: None)
        assert parity_arm64.main(arguments) == 2
        assert "Received: missing=['apt-get', 'dpkg']" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_failed_download_is_told_and_leaves_nothing(monkeypatch, tmp_path, capsys):
    def refuse(downloads):
        debian_packages.run([sys.executable, "-c", "import sys; sys.exit('no archive')"])

    monkeypatch.setattr(arm64_sysroot, "check_machine", lambda: None)
    monkeypatch.setattr(arm64_sysroot, "_download_packages", refuse)
    assert parity_arm64.main(["--build", "--sysroot", str(tmp_path / "new")]) == 2
    assert "failed. Received: exit code 1, no archive" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_system_without_python_is_told(tmp_path):
    with pytest.raises(InputError, match=r"expected a Python 3 in it\. Received: none"):
        arm64_sysroot.command(tmp_path, tmp_path / "script.py")
