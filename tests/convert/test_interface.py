"""Tests of what a file says about its inputs and outputs."""

import flatbuffers
import numpy as np
import pytest

from tests.convert.conftest import SIZE
from tf_handgroups.convert.interface import model_interface
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.quantize import quantize
from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import InputError


def test_float_files_have_no_scales(float_model):
    interface = model_interface(float_model)
    assert interface["inputs"] == {"image": {"shape": [1, SIZE, SIZE, 3], "dtype": "float32"}}
    assert interface["outputs"]["uv_px"] == {"shape": [1, 21, 2], "dtype": "float32"}


def test_integer_files_say_what_the_runtime_says(maps_model, crops):
    content = quantize(maps_model, "int8", crops)
    interface = model_interface(content)
    infer = open_signature(content)
    for kind, details in (
        ("inputs", infer.get_input_details()),
        ("outputs", infer.get_output_details()),
    ):
        assert set(interface[kind]) == set(details)
        for name, tensor in interface[kind].items():
            scale, zero_point = details[name]["quantization"]
            assert tensor["shape"] == details[name]["shape"].tolist()
            assert np.dtype(tensor["dtype"]) == details[name]["dtype"]
            assert np.float32(tensor["quantization"]["scale"]) == np.float32(scale)
            assert tensor["quantization"]["zero_point"] == zero_point
    assert interface["inputs"]["image"]["dtype"] == "uint8"
    assert interface["outputs"]["heatmaps"]["shape"] == [1, SIZE // 4, SIZE // 4, 21]


def test_rejects_a_file_without_signature(float_model):
    model = parse_tflite(float_model)
    model.signatureDefs = []
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(InputError, match=r"here: expected one signature\. Received: signatures=0"):
        model_interface(bytes(builder.Output()), "here")
