"""Quantization recipes by name, on top of AI Edge Quantizer.

| recipe | weights | activations | needs crops |
|---|---|---|---|
| `float32` | float32 | float32 | no |
| `float16` | float16, half the size | float32 | no |
| `dynamic_int8` | convolutions int8 | int8 per inference | no |
| `int8_mixed` | convolutions int8 | int8; first blocks and soft-argmax tail float32 | yes |
| `int16x8` | convolutions int8 | int16; soft-argmax tail float32 | yes |
| `int8` | int8 | int8, bytes in, maps out, no float anywhere | yes |

docs/convert.md says what each costs, and what was tried beside them.
"""

import contextlib
import dataclasses
import io
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import algorithm_manager, qtyping, quantizer

from tf_handgroups.convert.bias_range import lift_dead_channels
from tf_handgroups.convert.byte_input import check_input_type, take_bytes
from tf_handgroups.convert.channel_ranges import (
    channel_ranges,
    quantizer_ranges,
    spread_image_range,
)
from tf_handgroups.convert.correct_biases import correct_biases
from tf_handgroups.convert.crops import check_crops
from tf_handgroups.convert.map_outputs import map_limits
from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import GateError, InputError

_Op = qtyping.TFLOperationName

# Layers of the soft-argmax: softmax, expectation and weighted depth. Eight bits there
# move the joints by pixels (a softmax over 1024 cells spans 256 steps of 1/256).
_TAIL = "tail_"
# The first blocks of the pretrained encoder: their few, wide steps cost more than all the
# rest together (docs/convert.md), and they are a tenth of the multiplications.
_FIRST_BLOCKS = "encoder_stem|encoder_block0[0-2]_"
_MIXED_SCOPE = rf"^(?!.*({_TAIL}|{_FIRST_BLOCKS})).*"

_CONVOLUTIONS = (_Op.CONV_2D, _Op.DEPTHWISE_CONV_2D, _Op.CONV_2D_TRANSPOSE)
# Cheap ops between convolutions: int8 spares a conversion to float and back.
_CONNECTING = (
    _Op.ADD,
    _Op.MUL,
    _Op.CONCATENATION,
    _Op.RESIZE_BILINEAR,
    _Op.RESHAPE,
    _Op.MAX_POOL_2D,
    _Op.AVERAGE_POOL_2D,
    _Op.PAD,
    _Op.RELU,
)

# Those of them that have kernels for int16 as well.
_IN_SIXTEEN_BITS = (_Op.ADD, _Op.MUL, _Op.CONCATENATION, _Op.RESIZE_BILINEAR)
# What else an integer file holds: nothing of it may stay in float.
_ENDS = (_Op.FULLY_CONNECTED, _Op.MEAN, _Op.OUTPUT)

MINIMUM_CALIBRATION_CROPS = 8


def _float16(target: quantizer.Quantizer) -> None:
    config = qtyping.OpQuantizationConfig(
        weight_tensor_config=qtyping.TensorQuantizationConfig(
            num_bits=16, dtype=qtyping.TensorDataType.FLOAT
        ),
        compute_precision=qtyping.ComputePrecision.FLOAT,
        explicit_dequantize=True,
    )
    for op in (*_CONVOLUTIONS, _Op.FULLY_CONNECTED):
        target.update_quantization_recipe(
            ".*", op, config, algorithm_manager.AlgorithmName.FLOAT_CASTING
        )


def _dynamic_int8(target: quantizer.Quantizer) -> None:
    # Not depthwise: XNNPACK lacks that kernel, so the graph would fall apart, and the
    # depthwise kernels hold a few per cent of the weights.
    target.add_dynamic_config(".*", _Op.CONV_2D, 8)


@dataclasses.dataclass(frozen=True)
class QuantizationRecipe:
    """A named way to quantize.

    Args:
        name: Also the end of the file name.
        summary: One line for tables.
        configure: Writes a recipe without calibration into an AI Edge `Quantizer`;
            `None` for none.
        integer_ops: Ops that compute in integers between calibrated ranges, weights in int8.
        scope: Pattern of the names of those among them that do.
        activation_bits: 8 or 16.
        integer_only: Whether the file takes bytes, computes in integers and returns maps
            (see `map_outputs`) in integers.
    """

    name: str
    summary: str
    configure: Callable[[quantizer.Quantizer], None] | None = None
    integer_ops: tuple[Any, ...] = ()
    scope: str = ".*"
    activation_bits: int = 8
    integer_only: bool = False

    @property
    def needs_calibration(self) -> bool:
        """Whether crops must be run to find the activations' ranges."""
        return bool(self.integer_ops)

    def quantizes(self, op: str, name: str) -> bool:
        """Whether an op, with this name of its output, computes in integers."""
        known = {str(known.value) for known in self.integer_ops}
        return op in known and re.match(self.scope, name) is not None


RECIPES = {
    recipe.name: recipe
    for recipe in (
        QuantizationRecipe("float32", "everything float32"),
        QuantizationRecipe("float16", "weights float16, computes in float32", _float16),
        QuantizationRecipe(
            "dynamic_int8", "1x1 and 3x3 convolutions int8, ranges per inference", _dynamic_int8
        ),
        QuantizationRecipe(
            "int8_mixed",
            "convolutions int8; first blocks and soft-argmax tail float32",
            integer_ops=(*_CONVOLUTIONS, *_CONNECTING),
            scope=_MIXED_SCOPE,
        ),
        QuantizationRecipe(
            "int16x8",
            "weights int8, activations int16; soft-argmax tail float32",
            integer_ops=(*_CONVOLUTIONS, *_IN_SIXTEEN_BITS),
            scope=rf"^(?!.*{_TAIL}).*",
            activation_bits=16,
        ),
        QuantizationRecipe(
            "int8",
            "bytes in, integers throughout, maps out",
            integer_ops=(*_CONVOLUTIONS, *_CONNECTING, *_ENDS),
            integer_only=True,
        ),
    )
}


def recipe_named(name: str) -> QuantizationRecipe:
    """Returns a recipe.

    Raises:
        InputError: If there is no recipe of this name.

    Example:

    >>> recipe_named("int8_mixed").needs_calibration
    True
    """
    if name not in RECIPES:
        raise InputError(
            f"quantize: unknown recipe. Received: recipe={name!r}. "
            f"Known recipes: {', '.join(RECIPES)}."
        )
    return RECIPES[name]


def quantize(
    float_model: bytes,
    recipe: str,
    calibration_crops: np.ndarray | None = None,
    input_type: str = "float32",
) -> bytes:
    """Applies a recipe to a float32 LiteRT model.

    Args:
        float_model: Content of the file of `export_float32`; for a recipe with
            `integer_only` that of `export_maps`.
        recipe: A key of `RECIPES`.
        calibration_crops: `(N, S, S, 3)` in [0, 1], typical of what the model will see,
            with and without hands; 64 or more are advised. Only recipes with
            `needs_calibration` read them.
        input_type: `"float32"`, or `"uint8"` for a file that takes the bytes of a picture;
            one with `integer_only` always does.

    Returns:
        Content of the quantized `.tflite` file. Outputs stay float32 unless the recipe has
        `integer_only`.

    Raises:
        InputError: If the recipe or the input type is unknown, the model is no LiteRT
            model, or too few or unusable crops are given.
        GateError: If an integer-only file would hold a float.
    """
    chosen = recipe_named(recipe)
    check_input_type(input_type)
    model = parse_tflite(float_model, "quantize: float_model")
    content = bytes(float_model)
    if chosen.needs_calibration:
        graph = model.subgraphs[0]
        image = graph.tensors[graph.inputs[0]]
        if calibration_crops is None or len(calibration_crops) < MINIMUM_CALIBRATION_CROPS:
            count = 0 if calibration_crops is None else len(calibration_crops)
            raise InputError(
                f"quantize: recipe {recipe} needs at least {MINIMUM_CALIBRATION_CROPS} "
                f"calibration crops, better 64. Received: crops={count}."
            )
        crops = check_crops(calibration_crops, int(image.shape[1]), "calibration_crops")
        content = _calibrated(content, chosen, crops)
    elif chosen.configure is not None:
        target = quantizer.Quantizer(bytearray(content))
        chosen.configure(target)
        content = _apply(target, None, recipe)
    if chosen.integer_only or input_type == "uint8":
        content = take_bytes(content)
    if chosen.integer_only:
        check_integer_only(content, f"quantize: recipe {recipe}")
    return content


def check_integer_only(content: bytes, where: str = "model") -> None:
    """Checks that no tensor of a file holds floats.

    Raises:
        InputError: If the content is not a LiteRT model.
        GateError: If there is one; the message names it.
    """
    floats = [
        tensor.name.decode()
        for tensor in parse_tflite(content, where).subgraphs[0].tensors
        if tensor.type in (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16)
    ]
    if floats:
        raise GateError(
            f"{where}: expected integers throughout. Received: {len(floats)} float tensors, "
            f"the first are {floats[:3]}. Replace the layers that the quantizer left in float."
        )


def _calibrated(content: bytes, recipe: QuantizationRecipe, crops: np.ndarray) -> bytes:
    ranges = channel_ranges(content, crops)
    content = correct_biases(content, ranges, recipe.quantizes)
    limits = quantizer_ranges(content, ranges) | spread_image_range(content)
    if recipe.integer_only:
        limits |= map_limits(content, crops)
    content, _ = lift_dead_channels(content, limits)
    target = quantizer.Quantizer(bytearray(content))
    for op in recipe.integer_ops:
        target.add_static_config(recipe.scope, op, recipe.activation_bits, 8)
    return _apply(target, limits, recipe.name)


def _apply(target: quantizer.Quantizer, limits: dict[str, Any] | None, recipe: str) -> bytes:
    with _quiet():
        result = target.quantize(limits, enable_progress_bar=False, enable_progress_report=False)
    if result.quantized_model is None:
        raise InputError(f"quantize: recipe {recipe} produced no model. Update ai-edge-quantizer.")
    return bytes(result.quantized_model)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides what the quantizer says on every run and nobody can act upon."""
    # Its progress bars on stderr cannot be switched off everywhere; warnings would share
    # their fate, so they are kept and given again afterwards.
    with warnings.catch_warnings(record=True) as caught:
        # It looks for empty ranges in an interpreter that keeps all tensors.
        warnings.filterwarnings("ignore", message=".*experimental_preserve_all_tensors")
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
