"""Compares what other runners make of a bundle's golden steps."""

import json

import numpy as np

from tests.web.conftest import BUNDLE
from tf_handgroups.convert.golden_file import read_arrays


def check_steps(results) -> None:
    """Checks results, `[{"name", "results"}]`, against `golden_steps.json`."""
    entry = json.loads((BUNDLE / "bundle.json").read_text())["golden_steps"]
    steps = json.loads((BUNDLE / entry["cases"]).read_text())
    arrays = read_arrays(BUNDLE, entry)
    assert [case["name"] for case in steps["cases"]] == [result["name"] for result in results]
    assert {case["step"] for case in steps["cases"]} == {
        "crop", "decode", "hand", "side", "box", "filter",
    }  # fmt: skip
    for case, result in zip(steps["cases"], results, strict=True):
        for name, value in case["expected"].items():
            found = result["results"][name]
            where = f"{case['name']}: {name}"
            if isinstance(value, str):
                assert found == value, where
                continue
            expected = arrays[value["array"]] if isinstance(value, dict) else np.array(value)
            limit = steps["tolerance"][name]
            assert np.size(found) == expected.size, where
            found = np.reshape(found, expected.shape)
            np.testing.assert_allclose(found, expected, rtol=0, atol=limit, err_msg=where)
