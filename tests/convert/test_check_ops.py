"""Tests of the op report and its gates."""

import pathlib

import keras
import numpy as np
import pytest

from tests.convert.conftest import PAPER_RECIPES, SIZE, build_stand_in
from tests.convert.test_export import NeedsFlex
from tf_handgroups.convert.check_ops import OpReport, check_ops, list_ops
from tf_handgroups.convert.export import export_float32
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.quantize import RECIPES, quantize
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite
from tf_handgroups.errors import GateError, InputError


def export_freely(model, path: pathlib.Path, batch) -> bytes:
    """Keras' export as it comes: Flex ops allowed, batch as given."""
    signature = keras.InputSpec(shape=(batch, SIZE, SIZE, 3), dtype="float32", name="image")
    model.export(path, format="litert", verbose=False, input_signature=[signature])
    return path.read_bytes()


def test_counts_ops_of_the_stand_in(float_model):
    ops = list_ops(float_model)
    assert ops["CONV_2D"] == 5
    assert ops["DEPTHWISE_CONV_2D"] == 1
    assert ops["SOFTMAX"] == 1
    assert list(ops.values()) == sorted(ops.values(), reverse=True)


def test_one_partition_takes_every_op(float_model):
    report = check_ops(float_model)
    assert report.num_ops == sum(report.ops.values())
    assert report.partitions == 1
    assert report.delegated_ops == report.num_ops
    assert report.as_dict()["delegated_share"] == 1.0


def test_delegated_share_of_an_undelegated_op(tmp_path):
    # Nearest up-sampling becomes TILE, which XNNPACK does not take.
    images = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Conv2D(4, 3, padding="same")(images)
    x = keras.layers.UpSampling2D(2, interpolation="nearest")(x)
    model = keras.Model(images, keras.layers.Conv2D(4, 3, padding="same")(x))
    report = check_ops(export_freely(model, tmp_path / "up.tflite", 1))
    assert report.ops["TILE"] > 0
    assert report.partitions is not None and report.partitions > 1
    assert report.delegated_ops == report.num_ops - report.ops["TILE"]


def test_paper_network_is_one_partition(paper_converted):
    for recipe in PAPER_RECIPES:
        report = check_ops((paper_converted / f"paper_{recipe}.tflite").read_bytes())
        # Up-sampling: transposed convolutions in the three branches, repeated cells in the
        # hourglass.
        assert report.ops["TRANSPOSE_CONV"] == 6 and "TILE" not in report.ops
        assert report.partitions == 1
        assert report.delegated_ops == report.num_ops - (recipe == "int8")


def test_every_variant_is_one_partition(converted):
    for recipe in set(RECIPES) - {"int16x8"}:  # XNNPACK knows no int16
        report = check_ops((converted / f"hand_{recipe}.tflite").read_bytes())
        assert report.partitions == 1
        # Bytes become int8 by a shift that XNNPACK leaves to LiteRT, in front of all else.
        assert report.delegated_ops == report.num_ops - (recipe == "int8")


def test_constants_behind_the_flatbuffer_are_read(float_model):
    # AI Edge Quantizer stores them there; packed again the file must still hold them.
    content = quantize(float_model, "float16")
    model = parse_tflite(content)
    assert all(buffer.offset == 0 for buffer in model.buffers)
    assert list_ops(pack_tflite(model)) == list_ops(content)
    crop = np.full((1, SIZE, SIZE, 3), 0.3, np.float32)
    expected = open_signature(content)(image=crop)
    for name, values in open_signature(pack_tflite(model))(image=crop).items():
        np.testing.assert_array_equal(values, expected[name])
    model.buffers[-1].data, model.buffers[-1].offset, model.buffers[-1].size = None, 10**6, 4
    with pytest.raises(InputError, match=r"cut: .* a constant of 4 bytes at byte 1000000"):
        parse_tflite(pack_tflite(model), "cut")


def test_unknown_delegation_is_reported_as_unknown():
    assert OpReport({"ADD": 1}, 1, None, None).as_dict()["delegated_share"] is None


def test_flex_op_is_detected(tmp_path):
    images = keras.Input((SIZE, SIZE, 3), name="image")
    model = keras.Model(images, NeedsFlex(name="odd")(images))
    content = export_freely(model, tmp_path / "flex.tflite", 1)
    assert "CUSTOM:FlexMatrixInverse" in list_ops(content)
    with pytest.raises(GateError, match=r"odd\.tflite.*FlexMatrixInverse'\] in layers=\[.*odd"):
        check_ops(content, "odd.tflite")


def test_dynamic_shape_is_detected(tmp_path):
    images = keras.Input((SIZE, SIZE, 3), name="image")
    model = keras.Model(images, keras.layers.Conv2D(4, 3)(images))
    content = export_freely(model, tmp_path / "dynamic.tflite", None)
    with pytest.raises(GateError, match=r"Received: tensor='.*image.*' of shape \(-1, "):
        check_ops(content)


def test_random_op_is_detected():
    # A builtin op of LiteRT, so the exporter lets it pass.
    with pytest.raises(GateError, match=r"RANDOM_STANDARD_NORMAL'\] in layers=\[.*forgotten_sel"):
        check_ops(export_float32(build_stand_in(noise=True)))
