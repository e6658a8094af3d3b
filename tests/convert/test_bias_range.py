"""Tests of the repair of nearly dead channels before int8 quantization."""

import keras
import numpy as np
import pytest
from ai_edge_quantizer import qtyping, quantizer

from tests.convert.conftest import SIZE, build_stand_in
from tf_handgroups.convert.bias_range import lift_dead_channels, lift_kernel
from tf_handgroups.convert.export import export_float32, to_litert
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.parity import compare
from tf_handgroups.convert.quantize import quantize


def build(factor: float) -> keras.Model:
    """Two channels of each first convolution are almost constants that later layers read."""
    keras.utils.set_random_seed(1)
    model = build_stand_in()
    for name, value in (("stem", 0.1), ("depthwise", 0.1), ("stage", -0.1)):
        kernel, bias = model.get_layer(name).get_weights()
        if name == "depthwise":
            kernel[:, :, :2] *= factor
        else:
            kernel[..., :2] *= factor
        bias[:2] = value
        model.get_layer(name).set_weights([kernel, bias])
    return model


@pytest.fixture(scope="module")
def model_with_dead_channels() -> keras.Model:
    return build(factor=1e-12)


def test_dead_channels_keep_their_constant(model_with_dead_channels, crops):
    errors = []
    for model in (build(factor=1e-3), model_with_dead_channels):  # the first fits anyway
        content = quantize(export_float32(model), "int8_mixed", crops)
        errors.append(compare(model, content, crops).value("uv_px.mean"))
    assert errors[1] < 1.2 * errors[0]  # pixels; without the repair 19 instead of 0.6


def test_the_quantizer_still_needs_this(model_with_dead_channels, crops):
    # Without the repair the biases wrap round. If this fails, the repair can go.
    content = export_float32(model_with_dead_channels)
    target = quantizer.Quantizer(bytearray(content))
    for op in (qtyping.TFLOperationName.CONV_2D, qtyping.TFLOperationName.DEPTHWISE_CONV_2D):
        target.add_static_config(".*", op, 8, 8)
    samples = [{"image": crop[None]} for crop in crops]
    with pytest.warns() as caught:
        ranges = target.calibrate({"serving_default": samples}, num_threads=1)
        result = target.quantize(ranges, enable_progress_report=False, enable_progress_bar=False)
    assert any("invalid value encountered in cast" in str(warning.message) for warning in caught)
    assert result.quantized_model is not None
    report = compare(model_with_dead_channels, bytes(result.quantized_model), crops)
    assert report.value("uv_px.mean") > 3.0


def test_the_repair_does_not_change_the_float_model(model_with_dead_channels, crops):
    content = export_float32(model_with_dead_channels)
    ranges = _ranges(content, crops)
    lifted, count = lift_dead_channels(content, ranges)
    assert count == 6
    # The ranges are those of the crops only roughly, hence more than rounding.
    assert compare(model_with_dead_channels, lifted, crops).value("uv_px.max") < 0.1
    assert lift_dead_channels(lifted, ranges) == (lifted, 0)


def test_transposed_convolutions_are_lifted_too():
    keras.utils.set_random_seed(1)
    images = keras.Input((SIZE, SIZE, 3), name="image")
    half = keras.layers.Conv2D(4, 3, strides=2, padding="same")(images)
    up = keras.layers.Conv2DTranspose(4, 4, strides=2, padding="same", name="up")
    model = keras.Model(images, up(half))
    kernel, _ = up.get_weights()
    kernel[:, :, 2] *= 1e-12
    up.set_weights([kernel, np.full(4, 0.1)])
    content = to_litert(model, SIZE)
    lifted, count = lift_dead_channels(content, _ranges(content, np.zeros((1, SIZE, SIZE, 3))))
    assert count == 1
    crop = np.full((1, SIZE, SIZE, 3), 0.3, np.float32)
    (expected,), (received,) = (
        open_signature(file)(image=crop).values() for file in (content, lifted)
    )
    np.testing.assert_allclose(received, expected, atol=1e-4)


def test_a_sound_model_stays_as_it_is(float_model, crops):
    assert lift_dead_channels(float_model, _ranges(float_model, crops)) == (float_model, 0)
    assert lift_dead_channels(float_model, {}) == (float_model, 0)


def _ranges(content: bytes, crops: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    from tf_handgroups.convert.tflite_file import parse_tflite

    names = [tensor.name.decode() for tensor in parse_tflite(content).subgraphs[0].tensors]
    assert crops.shape[1] == SIZE
    return {name: {"min": np.zeros(1), "max": np.ones(1)} for name in names}


@pytest.mark.parametrize(("axis", "shape"), [(0, (3, 2, 2, 4)), (3, (1, 2, 2, 3))])
def test_lifted_weight_brings_the_bias_into_range(axis, shape):
    kernel = np.full(shape, 0.5)
    np.moveaxis(kernel, axis, 0)[1] = -1e-20
    bias = np.array([1.0, -3.0, 0.0])
    lifted, count = lift_kernel(kernel, bias, input_scale=0.1, axis=axis)
    assert count == 1
    changed = lifted != kernel
    assert changed.sum() == 1 and lifted[changed] < 0
    steps = 3.0 / (0.1 * np.abs(lifted[changed]) / 127)
    np.testing.assert_allclose(steps, 2.0**29)
    # At most 255 input steps, so the change is below 0.01 % of the bias.
    assert np.abs(lifted[changed]) * 0.1 * 255 < 1e-4 * 3.0


def test_constant_input_is_left_alone():
    kernel = np.zeros((1, 1, 1, 1))
    lifted, count = lift_kernel(kernel, np.ones(1), input_scale=0.0, axis=0)
    assert count == 0 and lifted is kernel
