"""Tests of the decoding of maps."""

import math

import numpy as np
import pytest

from tf_handgroups.convert.decode import COORDINATES, check_decoding, decode, dequantized
from tf_handgroups.errors import InputError

DECODING = {
    "kind": "heatmap_expectation",
    "heatmaps": "heatmaps",
    "depth_maps": "depth_maps",
    "stride_px": 4.0,
    "offset_px": 1.5,
    "joints": [*range(20, -1, -1)],
}
OUTPUTS = {name: {"shape": [1, 3, 5, 21]} for name in ("heatmaps", "depth_maps")}


def maps(seed=0):
    generator = np.random.default_rng(seed)
    return {name: generator.normal(size=(2, 3, 5, 21)) * 4 for name in ("heatmaps", "depth_maps")}


def test_joints_are_sums_over_cells():
    given = maps()
    received = decode(given, DECODING)
    for hand in range(2):
        for channel in range(21):
            logits = given["heatmaps"][hand, :, :, channel]
            total = sum(math.exp(logit) for logit in logits.flat)
            u = v = z = 0.0
            for row in range(3):
                for column in range(5):
                    weight = math.exp(logits[row, column]) / total
                    u += weight * (4.0 * column + 1.5)
                    v += weight * (4.0 * row + 1.5)
                    z += weight * given["depth_maps"][hand, row, column, channel]
            joint = DECODING["joints"][channel]
            np.testing.assert_allclose(received["uv_px"][hand, joint], (u, v), atol=1e-4)
            np.testing.assert_allclose(received["z_rel"][hand, joint], z, atol=1e-4)


def test_large_logits_stay_finite():
    given = maps()
    given["heatmaps"] = given["heatmaps"] * 1e4
    assert np.isfinite(decode(given, DECODING)["uv_px"]).all()


def test_other_outputs_pass_and_maps_do_not():
    received = decode(maps() | {"presence": np.ones((2, 1))}, DECODING)
    assert list(received) == ["uv_px", "z_rel", "presence"]
    assert received["uv_px"].dtype == received["z_rel"].dtype == np.float32


def test_coordinates_stay_as_they_are():
    given = {"uv_px": np.ones((1, 21, 2))}
    assert decode(given)["uv_px"] is given["uv_px"]
    assert decode(given, COORDINATES) == given


def test_integers_mean_multiples_of_the_scale():
    values = np.array([-128, 0, 127], np.int8)
    received = dequantized(values, {"scale": 0.25, "zero_point": -3})
    assert received.tolist() == [-31.25, 0.75, 32.5]
    assert dequantized(np.array([1.5]), None).dtype == np.float32


def test_rejects_unfitting_outputs():
    given = maps()
    for outputs in ({}, given | {"depth_maps": np.zeros((2, 3, 4, 21))}, {"heatmaps": 1}):
        with pytest.raises(InputError, match=r"depth maps of shape .* Received: shapes="):
            decode(outputs, DECODING)
    with pytest.raises(InputError, match="Received: kind='simcc'"):
        decode(given, DECODING | {"kind": "simcc"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "simcc"}, r"decoding\.kind to be .* Received: decoding\.kind='simcc'"),
        ({"stride_px": "4"}, r"decoding\.stride_px .* Received: decoding\.stride_px='4'"),
        ({"offset_px": True}, r"decoding\.offset_px .* Received: decoding\.offset_px=True"),
        ({"heatmaps": None}, r"decoding\.heatmaps .* Received: decoding\.heatmaps=None"),
        (
            {"joints": [0] * 21},
            r"decoding\.joints to hold every joint once\. Received: decoding\.joints=\[0",
        ),
        (
            {"joints": [[]] * 21},
            r"decoding\.joints to hold every joint once\. Received: decoding\.joints=\[\[\]",
        ),
        ({"depth_maps": "depths"}, r"outputs\.depths\.shape .* Received: shape=None"),
    ],
)
def test_contract_section_is_checked(change, message):
    check_decoding(DECODING, OUTPUTS, "here")
    with pytest.raises(InputError, match=r"here: expected field " + message):
        check_decoding(DECODING | change, OUTPUTS, "here")
    with pytest.raises(InputError, match=r"Received: decoding\.kind=None"):
        check_decoding([], OUTPUTS, "here")
    with pytest.raises(InputError, match=r"Received: shape=\[1, 3, 5, 20\]"):
        flat = OUTPUTS | {"heatmaps": {"shape": [1, 3, 5, 20]}}
        check_decoding(DECODING, flat, "here")
