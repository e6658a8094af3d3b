"""From what a file returns to joints: the one place where Python does it.

Most variants return coordinates. The integer variant returns maps; its contract says in
`decoding` how they become coordinates, so that every runner, in whatever language, does
the same.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS
from tf_handgroups.layers.spatial_soft_argmax import pixel_grid

COORDINATES: Mapping[str, Any] = {"kind": "coordinates"}
KINDS = ("coordinates", "heatmap_expectation")


_FIELDS = {
    "heatmaps": str,
    "depth_maps": str,
    "stride_px": (int, float),
    "offset_px": (int, float),
    "joints": list,
}


def check_decoding(decoding: Any, outputs: Mapping[str, Any], where: str) -> None:
    """Checks the section `decoding` of a contract against its outputs.

    Args:
        decoding: The section.
        outputs: The section `outputs`.
        where: Name of the file for messages.

    Raises:
        InputError: If the kind is unknown, a field is missing or of a wrong type, the
            joints are not all of them once, or the outputs do not fit.

    Example:

    >>> check_decoding({"kind": "coordinates"}, {}, "hand.contract.json")
    """
    kind = decoding.get("kind") if isinstance(decoding, Mapping) else None
    if kind not in KINDS:
        raise InputError(
            f"{where}: expected field decoding.kind to be {' or '.join(KINDS)}. "
            f"Received: decoding.kind={kind!r}. Convert the model with this version."
        )
    if kind == "coordinates":
        return
    for name, kinds in _FIELDS.items():
        value = decoding.get(name)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise InputError(
                f"{where}: expected field decoding.{name} as tf-handgroups convert writes it. "
                f"Received: decoding.{name}={value!r}. Use the file that it wrote."
            )
    joints = decoding["joints"]
    if sorted(map(str, joints)) != sorted(map(str, range(NUM_JOINTS))):
        raise InputError(
            f"{where}: expected field decoding.joints to hold every joint once. "
            f"Received: decoding.joints={joints}. Convert the model again."
        )
    for name in (decoding["heatmaps"], decoding["depth_maps"]):
        shape = outputs[name].get("shape") if isinstance(outputs.get(name), Mapping) else None
        if not isinstance(shape, list) or len(shape) != 4 or shape[3] != NUM_JOINTS:
            raise InputError(
                f"{where}: expected field outputs.{name}.shape to be [1, rows, columns, "
                f"{NUM_JOINTS}]. Received: shape={shape}. Convert the model again."
            )


def dequantized(values: np.ndarray, quantization: Mapping[str, Any] | None) -> np.ndarray:
    """Returns the float32 meaning of an output.

    Args:
        values: What the runtime returned, float or integer.
        quantization: `scale` and `zero_point` of an integer tensor, else `None`.

    Example:

    >>> dequantized(np.array([-128, 127], np.int8), {"scale": 0.5, "zero_point": -128}).tolist()
    [0.0, 127.5]
    """
    if quantization is None:
        return np.asarray(values, np.float32)
    whole = np.asarray(values, np.int32) - int(quantization["zero_point"])
    return (whole * np.float64(quantization["scale"])).astype(np.float32)


def decode(
    outputs: Mapping[str, np.ndarray], decoding: Mapping[str, Any] = COORDINATES
) -> dict[str, np.ndarray]:
    """Turns the dequantized outputs of a file into coordinates.

    Args:
        outputs: Output name -> float array `(N, ...)`.
        decoding: The section of the contract.

    Returns:
        `uv_px (N, 21, 2)` in crop pixels, `z_rel (N, 21)` and the other outputs.

    Raises:
        InputError: If the kind is unknown, or an output is missing or misshapen.

    Example:

    >>> maps = np.full((1, 2, 3, 21), -50.0)
    >>> maps[0, 1, 2] = 50.0
    >>> decoding = {"kind": "heatmap_expectation", "heatmaps": "h", "depth_maps": "d",
    ...     "stride_px": 4.0, "offset_px": 1.5, "joints": list(range(21))}
    >>> joints = decode({"h": maps, "d": np.ones((1, 2, 3, 21))}, decoding)
    >>> joints["uv_px"][0, 0].tolist(), joints["z_rel"][0, 0].item()
    ([9.5, 5.5], 1.0)
    """
    kind = decoding.get("kind")
    if kind not in KINDS:
        raise InputError(
            f"decode: expected a decoding of kind {' or '.join(KINDS)}. Received: kind={kind!r}. "
            "Update tf_handgroups, or convert the model with this version."
        )
    if kind == "coordinates":
        return dict(outputs)
    joints = [int(joint) for joint in decoding["joints"]]
    maps = [outputs.get(decoding[name]) for name in ("heatmaps", "depth_maps")]
    shapes = [None if values is None else np.shape(values) for values in maps]
    if shapes[0] != shapes[1] or shapes[0] is None or shapes[0][3:] != (len(joints),):
        raise InputError(
            "decode: expected heatmaps and depth maps of shape (N, rows, columns, "
            f"{len(joints)}). Received: shapes={shapes}. Convert the model again."
        )
    count, rows, columns, channels = shapes[0]
    logits, depth = (np.asarray(values, np.float32).reshape(count, -1, channels) for values in maps)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    grid = pixel_grid(rows, columns, decoding["stride_px"], decoding["offset_px"])
    uv_px = np.empty((count, channels, 2), np.float32)
    z_rel = np.empty((count, channels), np.float32)
    uv_px[:, joints] = np.swapaxes(weights, 1, 2) @ grid
    z_rel[:, joints] = np.sum(weights * depth, axis=1)
    used = (decoding["heatmaps"], decoding["depth_maps"])
    others = {name: values for name, values in outputs.items() if name not in used}
    return {"uv_px": uv_px, "z_rel": z_rel} | others
