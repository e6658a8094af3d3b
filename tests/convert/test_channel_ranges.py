"""Tests of the ranges that calibration measures."""

import keras
import numpy as np
import pytest

from tests.convert.conftest import SIZE
from tf_handgroups.convert.channel_ranges import (
    ChannelRange,
    activations,
    channel_ranges,
    limits,
    quantizer_ranges,
    spread_image_range,
)
from tf_handgroups.convert.export import to_litert
from tf_handgroups.convert.tflite_file import parse_tflite


def named(ranges, part):
    (name,) = [name for name in ranges if part in name]
    return ranges[name]


@pytest.fixture(scope="module")
def ranges(float_model, crops):
    return channel_ranges(float_model, crops)


def test_ranges_are_those_of_keras(stand_in, ranges, crops):
    values = np.asarray(
        keras.Model(stand_in.input, stand_in.get_layer("depth_maps").output)(crops), np.float64
    )
    found = named(ranges, "depth_maps")
    np.testing.assert_allclose(found.low, values.min(axis=(0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(found.high, values.max(axis=(0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(found.mean, values.mean(axis=(0, 1, 2)), atol=1e-4)


def test_every_activation_has_a_range_and_no_constant(float_model, ranges):
    model = parse_tflite(float_model)
    tensors = model.subgraphs[0].tensors
    assert {tensors[index].name.decode() for index in activations(model)} == set(ranges)
    constants = [t for t in tensors if model.buffers[t.buffer].data is not None]
    assert constants and not {t.name.decode() for t in constants} & set(ranges)


def test_the_order_of_the_crops_does_not_matter(float_model, ranges, crops):
    for name, found in channel_ranges(float_model, crops[::-1]).items():
        np.testing.assert_array_equal(found.low, ranges[name].low)
        np.testing.assert_array_equal(found.high, ranges[name].high)


def test_the_quantizer_gets_one_range_per_tensor(float_model, ranges):
    given = quantizer_ranges(float_model, ranges)
    assert set(given) == set(ranges)
    one = named(given, "depth_maps")
    assert one["min"].shape == one["max"].shape == (1, 1, 1, 1)
    assert one["min"].item() == np.float32(named(ranges, "depth_maps").low.min())
    tensor = parse_tflite(float_model).subgraphs[0].tensors[0]
    assert limits(tensor, -1.0, 2.0)["max"].item() == 2.0


def test_the_image_range_follows_its_normalisation():
    images = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Rescaling(255 / 128, offset=-127 / 128, name="normalise")(images)
    # Without padding the converter would fold the normalisation into the kernel.
    x = keras.layers.Conv2D(2, 3, padding="same", name="stem")(x)
    given = spread_image_range(to_litert(keras.Model(images, {"x": x}), SIZE))
    ends = sorted((float(r["min"].item()), float(r["max"].item())) for r in given.values())
    assert ends == [(-127 / 128, 1.0), (0.0, 1.0), (0.0, 255 / 128)]


def test_scaled():
    found = ChannelRange(np.array([-1.0]), np.array([2.0]), np.array([0.5])).scaled(2.0)
    assert (found.low.item(), found.high.item(), found.mean.item()) == (-2.0, 4.0, 1.0)
