"""Tests of reading and changing the constants of a file."""

import keras
import numpy as np

from tests.convert.conftest import SIZE
from tf_handgroups.convert.check_ops import op_name
from tf_handgroups.convert.constants import constant, kernel_ops, store
from tf_handgroups.convert.export import to_litert
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite


def kernel_of(model, part):
    tensors = model.subgraphs[0].tensors
    for operator in kernel_ops(model):
        if part in tensors[operator.outputs[0]].name.decode():
            return int(operator.inputs[1])
    raise AssertionError(part)


def test_kernels_are_those_of_keras(stand_in, float_model):
    model = parse_tflite(float_model)
    kernel = constant(model, kernel_of(model, "residual"))
    expected = stand_in.get_layer("residual").get_weights()[0].transpose(3, 0, 1, 2)
    np.testing.assert_array_equal(kernel, expected)
    assert kernel.dtype == np.float64


def test_what_is_no_float_constant_is_none(float_model):
    model = parse_tflite(float_model)
    graph = model.subgraphs[0]
    assert constant(model, -1) is None
    assert constant(model, int(graph.inputs[0])) is None
    shapes = [op for op in graph.operators if op_name(model, op) == "RESHAPE"]
    assert constant(model, int(shapes[0].inputs[1])) is None  # integers


def test_a_stored_kernel_computes(float_model, crops):
    model = parse_tflite(float_model)
    index = kernel_of(model, "depth_maps")
    store(model, index, constant(model, index) * 0)
    (operator,) = [op for op in kernel_ops(model) if int(op.inputs[1]) == index]
    bias = constant(model, int(operator.inputs[2]))
    # The depth maps are constant now, and so is their mean, whatever its weights.
    received = open_signature(pack_tflite(model))(image=crops[:1])["z_rel"]
    np.testing.assert_allclose(received[0], bias, atol=1e-6)


def test_shared_constants_are_left_alone():
    images = keras.Input((SIZE, SIZE, 3), name="image")
    layer = keras.layers.Conv2D(3, 1, name="twice")
    model = keras.Model(images, {"x": layer(keras.layers.ReLU()(layer(images)))})
    model.get_layer("twice").set_weights([np.ones((1, 1, 3, 3)), np.ones(3)])
    parsed = parse_tflite(to_litert(model, SIZE))
    assert [op_name(parsed, op) for op in parsed.subgraphs[0].operators].count("CONV_2D") == 2
    assert kernel_ops(parsed) == []
