"""The Kotlin library computes what Python computes: golden steps and golden vectors."""

import json
import pathlib

import numpy as np
import pytest

from tests.kotlin.recording import RecordingRunner, write_recording
from tf_handgroups.convert.contract import read_contract
from tf_handgroups.convert.golden_file import read_arrays

BUNDLE = pathlib.Path(__file__).parents[2] / "android_assets"

# What is promised; the tolerances in a bundle may be tighter, not wider.
PROMISED = {
    "crop": 1e-4,
    "matrix": 1e-3,
    "uv_px": 1e-3,
    "z_rel": 1e-4,
    "presence": 1e-4,
    "xyz_relative": 1e-4,
    "xyz_camera_mm": 5e-3,  # 1e-4 of a bone of 45 mm, rounded
    "box_px": 1e-3,
}


@pytest.fixture(scope="module")
def steps() -> list[dict]:
    """The cases of the shipped bundle, arrays in place of their names."""
    entry = json.loads((BUNDLE / "bundle.json").read_text())["golden_steps"]
    arrays = read_arrays(BUNDLE, entry)
    cases = json.loads((BUNDLE / entry["cases"]).read_text())["cases"]
    for case in cases:
        for name, value in case["expected"].items():
            if isinstance(value, dict):
                case["expected"][name] = arrays[value["array"]]
    return cases


@pytest.fixture(scope="module")
def results(ask) -> dict[str, dict]:
    [answer] = ask([{"do": "steps", "folder": str(BUNDLE)}])
    return answer["result"]


def test_tolerances_are_those_promised():
    entry = json.loads((BUNDLE / "bundle.json").read_text())["golden_steps"]
    tolerance = json.loads((BUNDLE / entry["cases"]).read_text())["tolerance"]
    assert set(tolerance) == set(PROMISED)
    assert all(tolerance[name] <= limit for name, limit in PROMISED.items())


def test_every_case_was_run(steps, results):
    assert [case["name"] for case in steps] == list(results)
    assert {case["step"] for case in steps} == {"crop", "decode", "hand", "side", "box", "filter"}


@pytest.mark.parametrize("step", ["crop", "decode", "hand", "side", "box", "filter"])
def test_step_equals_python(step, steps, results):
    cases = [case for case in steps if case["step"] == step]
    assert len(cases) > 0
    for case in cases:
        found = results[case["name"]]
        assert set(found) == set(case["expected"])
        for name, expected in case["expected"].items():
            if isinstance(expected, str):
                assert found[name] == expected, case["name"]
            else:
                np.testing.assert_allclose(
                    np.ravel(found[name]),
                    np.ravel(expected),
                    rtol=0,
                    atol=PROMISED[name],
                    err_msg=f"{case['name']}: {name}",
                )


def test_contract_is_understood_as_python_does(ask):
    bundle = json.loads((BUNDLE / "bundle.json").read_text())
    for variant, entry in bundle["variants"].items():
        [answer] = ask([{"do": "bundle", "folder": str(BUNDLE), "variant": variant}])
        found = answer["result"]["contract"]
        contract = read_contract(BUNDLE / entry["contract"])
        values = contract.values
        assert answer["result"]["default"] == bundle["default"]
        assert answer["result"]["variants"] == list(bundle["variants"])
        joints, recovery, tracking = (values[n] for n in ("joints", "recovery", "tracking"))
        assert found == {
            "file": entry["file"],
            "signature": values["model"]["signature"],
            "input": values["input"]["shape"],
            "input type": values["input"]["dtype"].upper(),
            "size_px": contract.input_size,
            "margin": values["crop"]["margin"],
            "names": joints["names"],
            "bones": [[p, j] for j, p in enumerate(joints["parents"]) if j],
            "root": joints["root"],
            "reference_bone": joints["reference_bone"],
            "outputs": {name: output["shape"] for name, output in values["outputs"].items()},
            "scales": dict.fromkeys(values["outputs"]),
            "stride_px": None,
            "recipe": variant,
            "grouping": values["grouping"],
            "mirrored": "left",
            "bone_ratios": recovery["bone_ratios"],
            "bone_weights": recovery["bone_weights"],
            "presence_threshold": tracking["presence_threshold"],
            **{n: tracking["filter"][n] for n in tracking["filter"] if n not in ("kind", "scale")},
            "training_data": values["training_data"],
            "licence": values["licence"],
        }


@pytest.fixture
def golden_recording(tmp_path):
    """What LiteRT returns here for the golden crops of the default variant."""
    runner = RecordingRunner(BUNDLE)
    bundle = json.loads((BUNDLE / "bundle.json").read_text())
    golden = read_arrays(BUNDLE, bundle["variants"][bundle["default"]]["golden"])
    runner(golden["image"].astype(np.float32) / np.float32(255))

    def written(name: str, change=lambda outputs: outputs) -> dict:
        runner.calls = [(crop, change(outputs)) for crop, outputs in runner.calls]
        folder = tmp_path / name
        write_recording(folder, runner.calls, [])
        return {"do": "golden", "folder": str(BUNDLE), "recording": str(folder)}

    return written


def test_golden_vectors_pass_on_the_runtime_that_made_them(ask, golden_recording):
    [answer] = ask([golden_recording("honest")])
    result = answer["result"]
    bundle = json.loads((BUNDLE / "bundle.json").read_text())
    assert set(result["largest"]) == set(bundle["golden_tolerance"])
    # The same kernels, except that the bundle may have been made on another processor.
    assert all(result["largest"][name] <= 0.02 for name in result["largest"])
    assert result["calls"] == 4 and result["crop"] == 0


def test_golden_vectors_find_another_model(ask, golden_recording):
    def moved(outputs):
        return outputs | {"uv_px": outputs["uv_px"] + np.float32(0.3)}

    def broken(outputs):
        return outputs | {"z_rel": np.full_like(outputs["z_rel"], np.nan)}

    requests = [golden_recording("moved", moved), golden_recording("broken", broken)]
    moved_answer, broken_answer = ask(requests)
    assert moved_answer["type"] == "GateException"
    expected = "expected the golden outputs within 0.25. Received: uv_px differs by 0.3"
    assert expected in moved_answer["error"]
    assert broken_answer["type"] == "InputException"
    assert "expected output z_rel with 21 finite numbers" in broken_answer["error"]
