"""Quantization recipes by name, on top of AI Edge Quantizer.

| recipe | weights | activations | needs crops |
|---|---|---|---|
| `float32` | float32 | float32 | no |
| `float16` | float16, half the size | float32 | no |
| `dynamic_int8` | convolutions int8 | int8 per inference | no |
| `int8_mixed` | convolutions int8 | int8, soft-argmax tail float32 | yes |
"""

import contextlib
import dataclasses
import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from ai_edge_quantizer import algorithm_manager, qtyping, quantizer

from tf_handgroups.convert.bias_range import lift_dead_channels
from tf_handgroups.convert.crops import check_crops
from tf_handgroups.convert.export import INPUT_NAME, SIGNATURE
from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import InputError

_Op = qtyping.TFLOperationName

# Layers of the soft-argmax: softmax, expectation and weighted depth. Eight bits there
# move the joints by pixels (a softmax over 1024 cells spans 256 steps of 1/256).
TAIL_SCOPE = "tail_"
# The first blocks of the pretrained encoder: the channels of one tensor differ so much
# in range there that one scale serves none. Measured on the first trained model, 200
# renders: mean difference 0.70 px with them in int8, 0.37 px without; they are a tenth
# of the multiplications.
FIRST_BLOCKS_SCOPE = "encoder_stem|encoder_block0[0-2]_"
_QUANTIZED = rf"^(?!.*({TAIL_SCOPE}|{FIRST_BLOCKS_SCOPE})).*"

_CONVOLUTIONS = (_Op.CONV_2D, _Op.DEPTHWISE_CONV_2D)
# Cheap ops between convolutions: int8 spares a conversion to float and back.
_CONNECTING = (
    _Op.ADD,
    _Op.MUL,
    _Op.CONCATENATION,
    _Op.RESIZE_BILINEAR,
    _Op.RESIZE_NEAREST_NEIGHBOR,
    _Op.MAX_POOL_2D,
    _Op.AVERAGE_POOL_2D,
    _Op.PAD,
    _Op.RELU,
)

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


def _int8_mixed(target: quantizer.Quantizer) -> None:
    for op in (*_CONVOLUTIONS, *_CONNECTING):
        target.add_static_config(_QUANTIZED, op, 8, 8)


@dataclasses.dataclass(frozen=True)
class QuantizationRecipe:
    """A named way to quantize.

    Args:
        name: Also the end of the file name.
        summary: One line for tables.
        needs_calibration: Whether crops must be run to find the activations' ranges.
        configure: Writes the recipe into an AI Edge `Quantizer`; `None` keeps float32.
    """

    name: str
    summary: str
    needs_calibration: bool
    configure: Callable[[quantizer.Quantizer], None] | None


RECIPES = {
    recipe.name: recipe
    for recipe in (
        QuantizationRecipe("float32", "everything float32", False, None),
        QuantizationRecipe("float16", "weights float16, computes in float32", False, _float16),
        QuantizationRecipe(
            "dynamic_int8",
            "1x1 and 3x3 convolutions int8, ranges per inference",
            False,
            _dynamic_int8,
        ),
        QuantizationRecipe(
            "int8_mixed",
            "convolutions int8; first blocks and soft-argmax tail float32",
            True,
            _int8_mixed,
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


def quantize(float_model: bytes, recipe: str, calibration_crops: np.ndarray | None = None) -> bytes:
    """Applies a recipe to a float32 LiteRT model.

    Args:
        float_model: Content of the file of `export_float32`.
        recipe: A key of `RECIPES`.
        calibration_crops: `(N, S, S, 3)` in [0, 1], typical of what the model will see,
            with and without hands; 64 or more are advised. Only recipes with
            `needs_calibration` read them.

    Returns:
        Content of the quantized `.tflite` file. Input and outputs stay float32.

    Raises:
        InputError: If the recipe is unknown, the model is no LiteRT model, or too few
            or unusable crops are given.
    """
    chosen = recipe_named(recipe)
    model = parse_tflite(float_model, "quantize: float_model")
    if chosen.configure is None:
        return bytes(float_model)
    target = quantizer.Quantizer(bytearray(float_model))
    chosen.configure(target)
    ranges = None
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
        ranges = _calibrate(target, crops, image.name.decode())
        lifted, _ = lift_dead_channels(float_model, ranges)
        target = quantizer.Quantizer(bytearray(lifted))
        chosen.configure(target)
    with _quiet():
        result = target.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    if result.quantized_model is None:
        raise InputError(f"quantize: recipe {recipe} produced no model. Update ai-edge-quantizer.")
    return bytes(result.quantized_model)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides what the quantizer says on every run and nobody can act upon."""
    # Its progress bars on stderr cannot be switched off everywhere; warnings would share
    # their fate, so they are kept and given again afterwards.
    with warnings.catch_warnings(record=True) as caught:
        # Reading intermediate tensors is what calibration is.
        warnings.filterwarnings("ignore", message=".*experimental_preserve_all_tensors")
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def _calibrate(target: quantizer.Quantizer, crops: np.ndarray, image_name: str) -> dict[str, Any]:
    """Returns the smallest and largest value of every tensor over all crops.

    Crops are calibrated one by one and merged here, because the quantizer's own moving
    average cuts off rare peaks: on a trained network the largest error fell from 1.9 to
    0.9 crop pixels.
    """
    ranges: dict[str, Any] = {}
    with _quiet():
        for crop in crops:
            found = target.calibrate({SIGNATURE: [{INPUT_NAME: crop[None]}]}, num_threads=1)
            for name, new in found.items():
                old = ranges.setdefault(name, new)
                if new:
                    old["min"] = np.minimum(old["min"], new["min"])
                    old["max"] = np.maximum(old["max"], new["max"])
    # An 8-bit image then passes without rounding: scale 1/255, zero point -128. Where the
    # first layer computes in float32 the image has no range.
    if image := ranges.get(image_name):
        image["min"] = np.zeros_like(image["min"])
        image["max"] = np.ones_like(image["max"])
    return ranges
