"""The network without its soft-argmax: heatmaps and depth maps come out, a runner decodes.

Eight bits break a softmax over a thousand cells, and a device that computes in integers
only has nothing else. What lies before it survives in eight bits: logits and depths. So
the integer variant ends there, and the last step, a few thousand multiplications, is done
in float by whoever runs the file (`decode`).
"""

from typing import Any

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tf_handgroups.convert.channel_ranges import limits
from tf_handgroups.convert.check_ops import op_name
from tf_handgroups.convert.export import INPUT_NAME, MAP_OUTPUTS, check_exportable, to_litert
from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import InputError

# Logits this far below a map's peak weigh less than 1024 * e^-16 = 0.01 % all together.
USEFUL_LOGITS = 16.0
# Depths count where the heatmap has at least this share of its peak.
_USEFUL_SHARE = 1e-3

_RULE = (
    "value = (integer - zero_point) * scale, with scale and zero_point of that output. "
    "p = softmax over all cells of a heatmap channel; u = sum p * (column * stride_px + "
    "offset_px), v = sum p * (row * stride_px + offset_px), z_rel = sum p * depth map. Channel "
    "c is joint joints[c]. Inverse temperatures are already part of the logits."
)


def with_map_outputs(model: Any) -> keras.Model:
    """Returns the hardened network with maps instead of coordinates, sharing its weights.

    Args:
        model: Result of `harden`.

    Returns:
        Model `image -> heatmaps, depth_maps (batch, rows, columns, 21)` and the logits
        that `model` has.

    Raises:
        InputError: If the model does not end in the heads of a hardened network.
    """
    check_exportable(model)
    outputs = {
        "heatmaps": _tail(model, "tail_cells").input,
        "depth_maps": _tail(model, "tail_depth_cells").input,
    }
    outputs |= {name: model.output[name] for name in model.output if name not in ("uv_px", "z_rel")}
    return keras.Model(model.input, outputs, name="handpose_maps")


def export_maps(model: Any) -> bytes:
    """Converts a hardened network that ends at its maps to a float32 LiteRT file.

    Args:
        model: Result of `harden`.

    Raises:
        InputError: As `with_map_outputs` and `export_float32`.
    """
    return to_litert(with_map_outputs(model), check_exportable(model))


def decoding_of(model: Any) -> dict[str, Any]:
    """Returns the section `decoding` of the contract for the maps of a hardened network.

    Args:
        model: Result of `harden`.

    Raises:
        InputError: As `with_map_outputs`.

    Example:

    >>> from tf_handgroups.hardening import harden
    >>> from tf_handgroups.models.hand_pose_model import HandPoseModel
    >>> decoding = decoding_of(harden(HandPoseModel(64, "tiny", group_channels=8)))
    >>> decoding["kind"], decoding["stride_px"], decoding["offset_px"]
    ('heatmap_expectation', 4.0, 1.5)
    """
    # The network's own constants, so that both ends cannot disagree.
    grid = _tail(model, "tail_expectation").get_weights()[0]
    joints = list(range(grid_joints := int(_tail(model, "tail_cells").input.shape[-1])))
    if "tail_uv_order" in {layer.name for layer in model.layers}:
        order = _tail(model, "tail_uv_order").get_weights()[0]
        joints = [int(joint) for joint in np.argmax(order, axis=1)]
    if sorted(joints) != list(range(grid_joints)):
        raise InputError(
            "decoding_of: expected every joint in exactly one channel. "
            f"Received: joints={joints}. Harden the model again."
        )
    return {
        "kind": "heatmap_expectation",
        "heatmaps": "heatmaps",
        "depth_maps": "depth_maps",
        "layout": "batch, rows, columns, joints",
        "stride_px": float(grid[1, 0] - grid[0, 0]),
        "offset_px": float(grid[0, 0]),
        "joints": joints,
        "inverse_temperature": "folded into the heatmaps",
        "rule": _RULE,
    }


def useful_ranges(heatmaps: np.ndarray, depth_maps: np.ndarray) -> dict[str, tuple[float, float]]:
    """Returns the ranges of the maps outside of which nothing changes a joint.

    The narrower a range, the finer the 256 steps of an int8 tensor; what lies outside
    saturates. Cells far below their map's peak have no weight in the expectation, whatever
    their exact logit, and depths are read only where the heatmap has weight.

    Args:
        heatmaps: `(N, rows, columns, joints)` logits of calibration crops.
        depth_maps: `(N, rows, columns, joints)`, reference-bone lengths.

    Returns:
        Smallest and largest useful value of `heatmaps` and `depth_maps`.

    Example:

    >>> maps = np.array([-90.0, -3.0, 5.0, 20.0]).reshape(1, 4, 1, 1)
    >>> depth = np.array([9.0, 9.0, 9.0, 0.5]).reshape(1, 4, 1, 1)
    >>> useful_ranges(maps, depth)
    {'heatmaps': (4.0, 20.0), 'depth_maps': (0.5, 0.5)}
    """
    peaks = heatmaps.max(axis=(1, 2), keepdims=True)
    lowest = max(heatmaps.min(), peaks.min() - USEFUL_LOGITS)
    depths = depth_maps[heatmaps >= peaks + np.log(_USEFUL_SHARE)]
    return {
        "heatmaps": (float(lowest), float(heatmaps.max())),
        "depth_maps": (float(depths.min()), float(depths.max())),
    }


def map_limits(content: bytes, crops: np.ndarray) -> dict[str, Any]:
    """Returns the useful ranges of the maps of a float model, as the quantizer takes them.

    The maps of the single groups get the range of the whole, so that putting them side by
    side needs no other scale.

    Args:
        content: Content of the file of `export_maps`.
        crops: `(N, S, S, 3)` in [0, 1].

    Raises:
        InputError: If the file does not return maps.
    """
    model = parse_tflite(content)
    names = {entry.name.decode(): entry.tensorIndex for entry in model.signatureDefs[0].outputs}
    if not set(MAP_OUTPUTS) <= set(names):
        raise InputError(
            f"map_limits: expected a model with the outputs {', '.join(MAP_OUTPUTS)}. "
            f"Received: outputs={sorted(names)}. Export it with export_maps."
        )
    interpreter = Interpreter(model_content=bytes(content), num_threads=1)
    infer = interpreter.get_signature_runner()
    results = [infer(**{INPUT_NAME: crop[None]}) for crop in crops]
    maps = [np.concatenate([result[name] for result in results]) for name in MAP_OUTPUTS]
    found = {}
    graph = model.subgraphs[0]
    for name, (low, high) in useful_ranges(*maps).items():
        tensors = {int(names[name])}
        for operator in graph.operators:
            joins = op_name(model, operator) == "CONCATENATION"
            if joins and int(operator.outputs[0]) == names[name]:
                tensors |= {int(index) for index in operator.inputs}
        for index in tensors:
            tensor = graph.tensors[index]
            found[tensor.name.decode()] = limits(tensor, low, high)
    return found


def _tail(model: Any, name: str) -> Any:
    layers = {layer.name: layer for layer in model.layers}
    if name not in layers:
        raise InputError(
            f"map_outputs: expected a hardened network with the layer {name}. "
            f"Received: layers={sorted(n for n in layers if n.startswith('tail_'))}. "
            "Harden the trained model with this version."
        )
    return layers[name]
