"""Tests of the biases that make up for rounded weights."""

import keras
import numpy as np

from tests.convert.conftest import SIZE
from tf_handgroups.convert.channel_ranges import channel_ranges
from tf_handgroups.convert.correct_biases import correct_biases, mean_error
from tf_handgroups.convert.export import to_litert
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.quantize import quantize


def rounded(kernel, axes):
    steps = np.abs(kernel).max(axis=axes, keepdims=True) / 127
    return np.round(kernel / steps) * steps


def test_mean_error_of_a_convolution_is_its_sum():
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=(5, 3, 3, 4))
    image = generator.random((7, 3, 3, 4))  # seven patches
    mean = image.mean(axis=(0, 1, 2))
    constant_image = np.broadcast_to(mean, (3, 3, 4))
    difference = rounded(kernel, (1, 2, 3)) - kernel
    expected = [float(np.sum(difference[k] * constant_image)) for k in range(5)]
    np.testing.assert_allclose(mean_error(kernel, mean, 0, 3), expected, atol=1e-12)


def test_mean_error_of_a_depthwise_convolution():
    generator = np.random.default_rng(1)
    kernel, mean = generator.normal(size=(1, 3, 3, 6)), generator.random(6)
    difference = rounded(kernel, (0, 1, 2)) - kernel
    expected = difference.sum(axis=(0, 1, 2)) * mean
    np.testing.assert_allclose(mean_error(kernel, mean, 3, 3), expected, atol=1e-12)


def edge_filter():
    """Large weights that cancel: what rounding costs most."""
    images = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.DepthwiseConv2D(3, name="edges")(images)
    model = keras.Model(images, {"x": x})
    kernel = np.random.default_rng(2).normal(size=(3, 3, 3, 1)) * 15
    kernel -= kernel.mean(axis=(0, 1), keepdims=True)
    model.get_layer("edges").set_weights([kernel, np.zeros(3)])
    return model, kernel[..., 0]


def test_a_bright_picture_no_longer_shifts_the_channels():
    model, kernel = edge_filter()
    content = to_litert(model, SIZE)
    bright = np.full((8, SIZE, SIZE, 3), 0.75, np.float32)
    ranges = channel_ranges(content, bright)
    corrected = correct_biases(content, ranges, lambda op, name: True)
    shift = open_signature(corrected)(image=bright[:1])["x"].mean(axis=(0, 1, 2))
    expected = -(rounded(kernel, (0, 1)) - kernel).sum(axis=(0, 1)) * 0.75
    assert np.abs(expected).max() > 0.02
    np.testing.assert_allclose(shift, expected, atol=1e-4)


def test_only_what_will_be_rounded_is_corrected(float_model, crops):
    ranges = channel_ranges(float_model, crops)
    untouched = correct_biases(float_model, ranges, lambda op, name: False)
    seen = []
    correct_biases(float_model, ranges, lambda op, name: bool(seen.append(op)))
    assert set(seen) >= {"CONV_2D", "DEPTHWISE_CONV_2D"}
    expected = open_signature(float_model)(image=crops[:1])
    for name, values in open_signature(untouched)(image=crops[:1]).items():
        np.testing.assert_array_equal(values, expected[name])


def test_the_quantized_file_is_corrected(stand_in, float_model, crops):
    # Channels that lie close to the float ones on average, though every single weight of the
    # mixed file is rounded.
    content = quantize(float_model, "int8_mixed", crops)
    infer, reference = open_signature(content), open_signature(float_model)
    found = np.mean([infer(image=crop[None])["z_rel"] for crop in crops], axis=0)
    expected = np.mean([reference(image=crop[None])["z_rel"] for crop in crops], axis=0)
    spread = np.std([reference(image=crop[None])["z_rel"] for crop in crops])
    assert np.abs(found - expected).mean() < 0.1 * spread
