"""The shipped model as a Keras network again, so that its conversion can be repeated.

The repository holds the LiteRT files only. The one with float16 weights has all of them, by
the names of the layers, and its contract says which network they belong to:

    python -m benchmarks.shipped_network --out shipped.keras

The result is the hardened network, for `tf-handgroups convert --model shipped.keras`. It
cannot be trained on: hardening is final.
"""

import argparse
import json
import pathlib
import re
import sys
from typing import Any

import keras
import numpy as np

from tf_handgroups.convert.check_ops import op_name
from tf_handgroups.convert.contract import Contract
from tf_handgroups.convert.run import BUNDLE_FILE
from tf_handgroups.convert.sealed_model import read_verified
from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import InputError
from tf_handgroups.model_file import attach_metadata, save_model
from tf_handgroups.models.hand_pose_model import HEATMAP_STRIDE, HandPoseModel, build_hardened
from tf_handgroups.models.heads import constant_kernels
from tf_handgroups.recipes import get_recipe
from tf_handgroups.recipes.recipe import Recipe

BUNDLE = pathlib.Path("android_assets")
# The kernels of LiteRT have the output channels first, those of Keras last; of a
# depthwise one both have them last, behind an axis of one that Keras has at the end.
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_NUMBERS = {0: np.float32, 1: np.float16}


def shipped_network(bundle: pathlib.Path = BUNDLE) -> keras.Model:
    """Builds the hardened network of a bundle from its float16 file.

    Args:
        bundle: Folder with a variant `float16` of a network of recipe `mobile`.

    Raises:
        InputError: If there is no such variant, or its weights do not fit.
    """
    description = json.loads((bundle / BUNDLE_FILE).read_text(encoding="utf-8"))
    if "float16" not in description["variants"]:
        raise InputError(
            f"{bundle}: expected a variant float16. Received: {sorted(description['variants'])}."
        )
    path = bundle / description["variants"]["float16"]["file"]
    contract, content = read_verified(path)
    return network_of(contract, content, get_recipe("mobile"), str(path))


def network_of(contract: Contract, content: bytes, recipe: Recipe, where: str) -> keras.Model:
    """Builds the hardened network of a float16 or float32 file.

    Args:
        contract: Of the file.
        content: Of the file.
        recipe: With which the network was trained.
        where: Name of the file for messages.

    Raises:
        InputError: If the weights of a layer are missing, or there are others.
    """
    grouping = np.array(contract.values["grouping"])
    joints = {int(g): np.flatnonzero(grouping == g).tolist() for g in np.unique(grouping)}
    arguments = {**recipe.model_arguments, "input_size": contract.input_size}
    model = HandPoseModel(**arguments | {"pretrained": False})
    network = build_hardened(model.config, joints)
    constants = constant_kernels(
        contract.input_size // HEATMAP_STRIDE,
        HEATMAP_STRIDE,
        model.architecture.grid_offset_px,
        joints,
    )
    found = _weights(parse_tflite(content, where))
    for layer in network.layers:
        if layer.name in constants:
            layer.set_weights([constants[layer.name]])
        elif layer.weights:
            values = found.pop(layer.name, [])
            if [value.size for value in values] != [int(np.prod(w.shape)) for w in layer.weights]:
                raise _misfit(where, layer.name)
            shapes = [tuple(weight.shape) for weight in layer.weights]
            layer.set_weights([v.reshape(s) for v, s in zip(values, shapes, strict=True)])
    if found:
        raise _misfit(where, next(iter(found)))
    provenance = {name: contract.values[name] for name in ("training_data", "licence")}
    attach_metadata(
        network,
        provenance
        | {
            "recipe": recipe.name,
            "grouping": grouping.tolist(),
            "input_size": contract.input_size,
            "outputs": list(network.output),
        },
    )
    return network


def _misfit(where: str, layer: str) -> InputError:
    return InputError(
        f"{where}: expected the weights of another network in layer {layer}. Use the recipe "
        "with which the model was trained."
    )


def _weights(model: Any) -> dict[str, list[np.ndarray]]:
    """Returns kernel and bias by layer, in the layout of Keras."""
    graph = model.subgraphs[0]
    stored = {
        operator.outputs[0]: operator.inputs[0]
        for operator in graph.operators
        if op_name(model, operator) == "DEQUANTIZE"
    }

    def values_of(number: int) -> np.ndarray:
        tensor = graph.tensors[stored.get(number, number)]
        data = bytes(model.buffers[tensor.buffer].data)
        values = np.frombuffer(data, _NUMBERS[tensor.type])
        return values.astype(np.float32).reshape(tensor.shape)

    found = {}
    for operator in graph.operators:
        if op_name(model, operator) not in (*_CONVOLUTIONS, "FULLY_CONNECTED"):
            continue
        name = re.search(r"handpose_hardened_\d+/(\w+?)_\d+/", _name(graph, operator.inputs[1]))
        if name is None or name[1].startswith("tail_"):
            continue
        kernel, bias = (values_of(number) for number in operator.inputs[1:3])
        convolution = op_name(model, operator) in _CONVOLUTIONS
        kernel = kernel.transpose(1, 2, 3, 0) if convolution else kernel.T
        found[name[1]] = [kernel, bias]
    return found


def _name(graph: Any, tensor: int) -> str:
    return graph.tensors[tensor].name.decode()


def main(argv: list[str] | None = None) -> int:
    """Writes the network as a `.keras` file."""
    parser = argparse.ArgumentParser(description="The shipped model as a Keras file")
    parser.add_argument("--bundle", type=pathlib.Path, default=BUNDLE)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    options = parser.parse_args(argv)
    try:
        save_model(shipped_network(options.bundle), options.out, options.overwrite)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{options.out}: {options.bundle}'s network, float16 weights")
    return 0


if __name__ == "__main__":
    sys.exit(main())
