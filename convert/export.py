"""Hardened Keras model -> float32 LiteRT file: static shapes, builtin ops, one signature."""

import pathlib
import re
import tempfile
from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

from tf_handgroups.errors import InputError

INPUT_NAME = "image"
SIGNATURE = "serving_default"

# Output name -> shape of one hand, without the batch axis. Not every network has the
# logits that concern the whole crop: that of the paper has none.
OUTPUT_SHAPES = {
    "uv_px": (21, 2),
    "z_rel": (21,),
    "presence": (1,),
    "handedness": (1,),
}
REQUIRED_OUTPUTS = ("uv_px", "z_rel")
# What integer variants return instead of these, see `map_outputs`.
MAP_OUTPUTS = ("heatmaps", "depth_maps")


def check_exportable(model: Any) -> int:
    """Checks that a model is a hardened hand-pose network and returns its input size.

    Args:
        model: Functional model `image (batch, S, S, 3) -> dict`, all of it in float32,
            with the outputs `uv_px` and `z_rel` and at most those of `OUTPUT_SHAPES`.

    Returns:
        `S`, the side of the crop in pixels.

    Raises:
        InputError: If input, outputs or the dtype of a layer differ.

    Example:

    >>> images = keras.Input((8, 8, 3))
    >>> check_exportable(keras.Model(images, {"uv_px": images}))
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: export: expected a model with the outputs uv_px, z_rel \
and at most presence, handedness. Received: outputs=['uv_px']. Convert the result of \
tf_handgroups.harden.
    """
    advice = "Convert the result of tf_handgroups.harden."
    inputs = getattr(model, "inputs", None)
    shapes = [tuple(tensor.shape) for tensor in inputs] if inputs else None
    if not shapes or len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] != 3:
        raise InputError(
            "export: expected a functional model with one input (batch, size, size, 3). "
            f"Received: inputs={shapes}. {advice}"
        )
    _, height, width, _ = shapes[0]
    if height is None or height != width:
        raise InputError(
            "export: expected a square input of known size, for example (batch, 128, 128, 3). "
            f"Received: inputs={shapes}. {advice}"
        )
    outputs = model.output if isinstance(model.output, dict) else {}
    if not set(REQUIRED_OUTPUTS) <= set(outputs) <= set(OUTPUT_SHAPES):
        raise InputError(
            "export: expected a model with the outputs uv_px, z_rel and at most presence, "
            f"handedness. Received: outputs={sorted(outputs)}. {advice}"
        )
    for name in known_outputs(outputs):
        shape = OUTPUT_SHAPES[name]
        if tuple(outputs[name].shape)[1:] != shape:
            raise InputError(
                f"export: expected output {name} of shape {(None, *shape)}. "
                f"Received: shape={tuple(outputs[name].shape)}."
            )
    for layer in model.layers:
        if getattr(layer, "compute_dtype", "float32") in ("float16", "bfloat16"):
            raise InputError(
                "export: expected every layer to compute in float32. "
                f"Received: layer={layer.name!r} with compute dtype {layer.compute_dtype}. "
                "Harden the model under the float32 dtype policy; reduced precision is the "
                "quantizer's business."
            )
    return int(height)


def known_outputs(names: Iterable[str]) -> list[str]:
    """Returns those of the names that are outputs of a hand-pose network, in a fixed order.

    Example:

    >>> known_outputs(["z_rel", "group_maps", "uv_px"])
    ['uv_px', 'z_rel']
    """
    found = set(names)
    return [name for name in OUTPUT_SHAPES if name in found]


def output_order(names: Iterable[str]) -> list[str]:
    """Returns the outputs of a file, coordinates or maps, in a fixed order.

    Example:

    >>> output_order(["handedness", "depth_maps", "heatmaps"])
    ['heatmaps', 'depth_maps', 'handedness']
    """
    found = set(names)
    return [name for name in (*MAP_OUTPUTS, *OUTPUT_SHAPES) if name in found]


def export_float32(model: Any) -> bytes:
    """Converts a hardened model to a float32 LiteRT model.

    The batch is fixed to 1, only builtin ops are allowed and the file has the signature
    `serving_default: image -> uv_px, z_rel, ...`. Keras' own exporter
    is used because it is one of two routes that were found to be correct: without
    `input_signature` it leaves dynamic shapes, and hand-made `tf.Module`s export
    variables as handles, which yields NaN without any error.

    Args:
        model: See `check_exportable`.

    Returns:
        The content of the `.tflite` file.

    Raises:
        InputError: If the model is not exportable; the message names the offending op
            and layer where the converter tells.
    """
    return to_litert(model, check_exportable(model))


def to_litert(model: Any, size: int) -> bytes:
    """Converts a Keras model with one square input; `export_float32` checks it first.

    Args:
        model: Functional model `image (batch, size, size, 3) -> dict`.
        size: Side of the crop in pixels.

    Raises:
        InputError: If the converter refuses the model; see `export_float32`.
    """
    signature = keras.InputSpec(shape=(1, size, size, 3), dtype="float32", name=INPUT_NAME)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.tflite"
        try:
            model.export(
                path,
                format="litert",
                verbose=False,
                input_signature=[signature],
                target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
            )
        except Exception as error:  # the converter's own error class is private
            raise InputError(_explain(error)) from error
        return path.read_bytes()


def _explain(error: Exception) -> str:
    text = str(error)
    ops = re.findall(r"^(?:Custom|Flex|TF Select) ops: (.+)$", text, re.MULTILINE)
    ops = ops or sorted(set(re.findall(r"'tf\.(\w+)' op", text)))
    if not ops:
        return f"export: the LiteRT converter failed ({type(error).__name__}): {text[:500]}"
    layers = sorted(set(re.findall(r'"[\w.]+/([\w.]+)/[\w./]+@__inference', text)))
    return (
        "export: expected only ops that LiteRT has built in. "
        f"Received: ops={', '.join(ops)!r} in layers={layers}. "
        "Replace the layer by standard Keras layers; a selector must be hardened first."
    )
