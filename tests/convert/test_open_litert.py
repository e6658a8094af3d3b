"""Tests of opening a model without its contract."""

import pytest
from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite
from tf_handgroups.errors import InputError


def test_text_is_an_input_error():
    with pytest.raises(InputError, match=r"page: expected a LiteRT model"):
        open_signature(b"<html>not found</html>", "page")


def test_model_without_signature_is_an_input_error(float_model):
    model = parse_tflite(float_model)
    model.signatureDefs = []
    with pytest.raises(InputError, match=r"expected one signature\. Received: signatures=\[\]"):
        open_signature(pack_tflite(model))


def test_model_that_litert_cannot_prepare_is_an_input_error(float_model):
    model = parse_tflite(float_model)
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = b"FromElsewhere"
    with pytest.raises(InputError, match=r"LiteRT cannot load this model.*FromElsewhere"):
        open_signature(pack_tflite(model))
