"""Tests of the float32 export."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.convert.conftest import SIZE
from tf_handgroups.convert.export import (
    OUTPUT_SHAPES,
    REQUIRED_OUTPUTS,
    check_exportable,
    export_float32,
    known_outputs,
)
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.run import run_signature
from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import InputError


def model_with(outputs=None, images=None, names=OUTPUT_SHAPES, **changed) -> keras.Model:
    images = keras.Input((SIZE, SIZE, 3)) if images is None else images
    flat = keras.layers.GlobalAveragePooling2D()(images)
    if outputs is None:
        outputs = {
            name: keras.layers.Reshape(shape)(keras.layers.Dense(int(np.prod(shape)))(flat))
            for name, shape in (OUTPUT_SHAPES | changed).items()
            if name in names
        }
    return keras.Model(images, outputs)


def test_float32_export_equals_keras(stand_in, float_model, crops):
    expected = stand_in(crops)
    received = run_signature(open_signature(float_model), crops)
    for name, shape in OUTPUT_SHAPES.items():
        assert received[name].shape == (len(crops), *shape)
        # Sums of some hundred float32 products in another order.
        np.testing.assert_allclose(received[name], expected[name], rtol=1e-4, atol=1e-4)


def test_batch_is_one_and_the_signature_is_named(float_model):
    signature = open_signature(float_model)
    details = signature.get_input_details()
    assert list(details) == ["image"]
    assert details["image"]["shape"].tolist() == [1, SIZE, SIZE, 3]
    assert set(signature.get_output_details()) == set(OUTPUT_SHAPES)
    assert parse_tflite(float_model).signatureDefs[0].signatureKey == b"serving_default"


def test_the_same_model_gives_the_same_bytes(stand_in, float_model):
    assert export_float32(stand_in) == float_model


@pytest.mark.parametrize("logits", [(), ("presence",), ("handedness",)])
def test_logits_of_the_whole_crop_are_optional(logits, crops):
    names = [*REQUIRED_OUTPUTS, *logits]
    model = model_with(names=names)
    assert check_exportable(model) == SIZE
    signature = open_signature(export_float32(model))
    assert set(signature.get_output_details()) == set(names)
    received = run_signature(signature, crops[:2])
    assert list(received) == names
    expected = model(crops[:2])
    for name in names:
        np.testing.assert_allclose(received[name], expected[name], rtol=1e-5, atol=1e-6)


def test_outputs_are_named_in_one_order():
    assert known_outputs(reversed(OUTPUT_SHAPES)) == list(OUTPUT_SHAPES)
    assert known_outputs({"handedness": 0, "backbone_maps": 0}) == ["handedness"]


@pytest.mark.parametrize(
    "images",
    [
        lambda: keras.Input((SIZE, SIZE, 1)),
        lambda: keras.Input((None, None, 3)),
        lambda: keras.Input((SIZE, 2 * SIZE, 3)),
    ],
)
def test_rejects_an_unsuitable_input(images):
    with pytest.raises(InputError, match="Received: inputs="):
        check_exportable(model_with(images=images()))


def test_rejects_what_is_no_model():
    with pytest.raises(InputError, match="Received: inputs=None"):
        check_exportable(object())


def test_rejects_missing_outputs_and_wrong_shapes():
    images = keras.Input((SIZE, SIZE, 3))
    with pytest.raises(InputError, match="Received: outputs="):
        check_exportable(model_with({"uv_px": images}, images))
    for name in REQUIRED_OUTPUTS:
        with pytest.raises(InputError, match=r"the outputs uv_px, z_rel and .*Received: outputs="):
            check_exportable(model_with(names=set(OUTPUT_SHAPES) - {name}))
    with pytest.raises(InputError, match=r"Received: outputs=.*'group_maps'"):
        check_exportable(model_with(names=[*OUTPUT_SHAPES, "group_maps"], group_maps=(21, 4)))
    with pytest.raises(InputError, match=r"output z_rel of shape .* Received: shape="):
        check_exportable(model_with(z_rel=(20,)))


def test_rejects_reduced_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    with pytest.raises(InputError, match="Received: layer="):
        check_exportable(model_with())


@keras.saving.register_keras_serializable(package="handgroups_tests")
class Unsupported(keras.layers.Layer):
    def call(self, inputs):
        return tf.raw_ops.Betainc(a=inputs, b=inputs, x=inputs)


@keras.saving.register_keras_serializable(package="handgroups_tests")
class NeedsFlex(keras.layers.Layer):
    def call(self, inputs):
        return inputs * tf.reduce_sum(tf.linalg.inv(inputs[:, :3, :3, 0] + tf.eye(3)))


@keras.saving.register_keras_serializable(package="handgroups_tests")
class ForgottenNoise(keras.layers.Layer):
    def call(self, inputs):
        return inputs + keras.random.normal(keras.ops.shape(inputs), seed=1)


@pytest.mark.parametrize(
    ("layer", "op"),
    [
        (Unsupported, "Betainc"),
        (NeedsFlex, "MatrixInverse"),
        (ForgottenNoise, "StatelessRandomNormalV2"),
    ],
)
def test_names_op_and_layer_that_litert_does_not_have(layer, op):
    images = keras.Input((SIZE, SIZE, 3))
    model = model_with(images=images)
    outputs = model(layer(name="odd_layer")(images))
    with pytest.raises(InputError, match=f"Received: ops='[^']*{op}[^']*' in layers=.*odd_layer"):
        export_float32(keras.Model(images, outputs))
