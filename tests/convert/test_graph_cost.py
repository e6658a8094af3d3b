"""Tests of the counted multiply-accumulates, by formula and by brute force."""

import keras
import pytest

from tests.convert.conftest import SIZE, make_crops
from tf_handgroups.convert.graph_cost import count_macs, graph_cost
from tf_handgroups.convert.graph_ops import GraphOp, GraphTensor
from tf_handgroups.convert.quantize import quantize
from tf_handgroups.errors import InputError

HALF, QUARTER = SIZE // 2, SIZE // 4


def test_stand_in_by_hand(float_model):
    cost = graph_cost(float_model)
    assert cost.macs["CONV_2D"] == (
        HALF**2 * 16 * 27  # stem
        + QUARTER**2 * 24 * 9 * 16  # stage
        + QUARTER**2 * 24 * 9 * 24  # residual
        + QUARTER**2 * 2 * 21 * 24  # heatmaps, depth maps
    )
    assert cost.macs["DEPTHWISE_CONV_2D"] == HALF**2 * 16 * 9
    assert cost.macs["FULLY_CONNECTED"] >= 21 * QUARTER**2 * 3 + 2 * 24
    assert cost.int_macs == 0 and cost.total == cost.float_macs == sum(cost.macs.values())
    assert list(cost.macs) == ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]


def test_quantization_moves_the_count_and_does_not_change_it(float_model):
    full = graph_cost(float_model)
    half = graph_cost(quantize(float_model, "float16"))
    assert half == full
    mixed = graph_cost(quantize(float_model, "int8_mixed", make_crops(8, seed=1)))
    assert mixed.total == full.total
    assert mixed.int_macs == full.macs["CONV_2D"] + full.macs["DEPTHWISE_CONV_2D"]
    dynamic = graph_cost(quantize(float_model, "dynamic_int8"))
    assert dynamic.int_macs == full.macs["CONV_2D"]
    assert dynamic.as_dict()["total"] == full.total


def count(name, inputs, output, options=None):
    tensors = [GraphTensor("", shape, "FLOAT32", False) for shape in (*inputs, output)]
    return count_macs(GraphOp(name, tuple(tensors[:-1]), (tensors[-1],), options))


def brute_force_transposed(height, width, inputs, outputs, kernel):
    """Every input pixel is added into the output through the whole kernel."""
    macs = 0
    for _ in range(height * width):
        for _ in range(kernel * kernel):
            macs += inputs * outputs
    return macs


def test_transposed_convolution():
    found = count("TRANSPOSE_CONV", [(4,), (6, 3, 3, 5), (1, 4, 7, 5)], (1, 8, 14, 6))
    assert found == brute_force_transposed(4, 7, 5, 6, 3)


@pytest.mark.parametrize("adjoint", [False, True])
def test_matrix_product(adjoint):
    class Options:
        adjX = adjoint

    left = (2, 5, 3) if adjoint else (2, 3, 5)
    assert count("BATCH_MATMUL", [left, (2, 5, 7)], (2, 3, 7), Options()) == 2 * 3 * 5 * 7


def test_grouped_convolution_counts_its_own_channels_only():
    assert count("CONV_2D", [(1, 8, 8, 12), (12, 3, 3, 4)], (1, 8, 8, 12)) == 64 * 12 * 9 * 4


def test_agrees_with_the_multiplications_of_keras_layers(tmp_path):
    images = keras.Input((16, 16, 4))
    x = keras.layers.Conv2DTranspose(8, 4, strides=2, padding="same")(images)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, keras.layers.Dense(5)(x))
    signature = keras.InputSpec(shape=(1, 16, 16, 4), dtype="float32", name="image")
    model.export(tmp_path / "m.tflite", format="litert", verbose=False, input_signature=[signature])
    cost = graph_cost((tmp_path / "m.tflite").read_bytes())
    assert cost.macs == {"TRANSPOSE_CONV": 16 * 16 * 4 * 16 * 8, "FULLY_CONNECTED": 8 * 5}


def test_other_ops_count_nothing():
    assert count("ADD", [(1, 8), (1, 8)], (1, 8)) == 0


def test_rejects_what_is_no_model():
    with pytest.raises(InputError, match=r"expected a LiteRT model"):
        graph_cost(b"nothing of the kind")
