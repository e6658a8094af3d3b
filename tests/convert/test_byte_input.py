"""Tests of files that take bytes."""

import numpy as np
import pytest

from tests.convert.conftest import SIZE
from tf_handgroups.convert.byte_input import check_input_type, from_bytes, take_bytes, to_bytes
from tf_handgroups.convert.check_ops import check_ops, list_ops
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.quantize import quantize
from tf_handgroups.errors import InputError


def test_a_float_graph_dequantizes_first(float_model, crops):
    content = take_bytes(float_model)
    assert list_ops(content)["DEQUANTIZE"] == 1
    assert check_ops(content).partitions == 1
    infer, reference = open_signature(content), open_signature(float_model)
    for crop in crops[:3]:
        expected = reference(image=crop[None])
        for name, values in infer(image=to_bytes(crop)[None]).items():
            np.testing.assert_allclose(values, expected[name], atol=1e-3)


def test_an_integer_graph_only_shifts(float_model, crops):
    content = quantize(float_model, "int8_mixed", crops)
    assert list_ops(content)["QUANTIZE"] >= 1
    assert list_ops(take_bytes(content)) == list_ops(content)
    infer, reference = open_signature(take_bytes(content)), open_signature(content)
    for crop in crops[:3]:
        expected = reference(image=crop[None])
        for name, values in infer(image=to_bytes(crop)[None]).items():
            # To the bit: byte - 128 is what quantizing byte / 255 gives.
            np.testing.assert_array_equal(values, expected[name])


def test_shape_and_signature_stay(float_model):
    (image,) = open_signature(take_bytes(float_model)).get_input_details().values()
    assert (image["shape"].tolist(), image["dtype"]) == ([1, SIZE, SIZE, 3], np.uint8)


def test_bytes_and_floats_are_inverse():
    pixels = np.arange(256).astype(np.uint8)
    np.testing.assert_array_equal(to_bytes(from_bytes(pixels)), pixels)
    assert from_bytes(pixels).dtype == np.float32


def test_rejects_a_file_that_takes_bytes_already(float_model):
    with pytest.raises(InputError, match=r"one float32 input\. Received: inputs of types \[3\]"):
        take_bytes(take_bytes(float_model))


def test_rejects_an_unknown_type():
    with pytest.raises(InputError, match="Received: input_type='float16'"):
        check_input_type("float16")
