"""Tests of the reference convolution: its numbers, its op and its delegation."""

import numpy as np
import pytest

from tf_handgroups.convert.check_ops import check_ops
from tf_handgroups.convert.graph_cost import graph_cost
from tf_handgroups.convert.machine_peak import REFERENCE_MACS, MachinePeak, reference_model
from tf_handgroups.convert.open_litert import open_signature


@pytest.fixture(params=["float32", "int8"])
def dtype(request):
    return request.param


def test_it_is_one_convolution_in_xnnpack(dtype):
    report = check_ops(reference_model(dtype))
    assert report.ops == {"CONV_2D": 1} and report.partitions == 1
    cost = graph_cost(reference_model(dtype))
    assert cost.total == REFERENCE_MACS
    assert cost.int_macs == (REFERENCE_MACS if dtype == "int8" else 0)


def test_it_computes_a_matrix_product(dtype):
    content = reference_model(dtype)
    infer = open_signature(content)
    shape = tuple(infer.get_input_details()["image"]["shape"])
    rng = np.random.default_rng(1)
    integers = rng.integers(-128, 128, shape)
    channels = shape[-1]
    weights = np.random.default_rng(0).integers(-127, 128, (channels, channels))
    product = integers.reshape(-1, channels) @ weights.T
    if dtype == "int8":
        found = infer(image=integers.astype(np.int8))["product"].reshape(-1, channels)
        # Scales: 1/128 of both inputs, 1 of the output.
        np.testing.assert_array_equal(found, np.clip(np.rint(product / 128**2), -128, 127))
        assert len(np.unique(found)) > 3
    else:
        found = infer(image=integers.astype(np.float32) / 128)["product"].reshape(-1, channels)
        np.testing.assert_allclose(found, product / 128**2, atol=1e-4)


def test_time_at_the_peak_adds_up():
    peak = MachinePeak(float32=2.0, int8=8.0)
    assert peak.seconds(4e9, 0) == 2.0
    assert peak.seconds(4e9, 4e9) == 2.5
