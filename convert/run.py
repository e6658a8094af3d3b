"""Runners: the same call for a Keras model, a LiteRT model or a bundle folder."""

import hashlib
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from tf_handgroups.convert.byte_input import to_bytes
from tf_handgroups.convert.contract import Contract, sha256_of
from tf_handgroups.convert.crops import check_crops
from tf_handgroups.convert.decode import COORDINATES, decode, dequantized
from tf_handgroups.convert.export import INPUT_NAME, REQUIRED_OUTPUTS, known_outputs
from tf_handgroups.convert.interface import model_interface
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.sealed_model import read_trusted, read_verified
from tf_handgroups.errors import InputError
from tf_handgroups.model_file import load_model

BUNDLE_FILE = "bundle.json"
CHECKSUM_FILE = "SHA256SUMS"


class Runner(Protocol):
    """What every runner offers.

    Attributes:
        input_size: Side of the crop in pixels.
        sha256: Of the model file, `None` for a model that was never saved.
        name: Short name for tables and messages.
    """

    input_size: int
    sha256: str | None
    name: str

    def __call__(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        """Runs crops `(N, S, S, 3)` and returns one array `(N, ...)` per output."""
        ...


class LiteRTRunner:
    """Runs a `.tflite` file after checking it against its contract.

    Args:
        path: The `.tflite` file; `<model>.contract.json` lies beside it.
        num_threads: Threads of the CPU kernels.
        trust: See `open_model`.

    Call arguments:
        crops: `(N, S, S, 3)` float, RGB in [0, 1]; right hands, see `contract`.

    Returns:
        Dict of float32 arrays: `uv_px (N, 21, 2)` in crop pixels, `z_rel (N, 21)` in
        reference-bone lengths and, where the network has them, `presence (N, 1)` and
        `handedness (N, 1)` logits.

    Raises:
        InputError: If a file is missing, damaged or does not match the contract, or if
            the crops have another shape or range.
    """

    def __init__(self, path: str | os.PathLike, num_threads: int = 1, trust: bool = False):
        self.contract, self.infer = open_model(path, num_threads, trust)
        self.name = pathlib.Path(path).stem
        self.sha256: str | None = self.contract.sha256
        self.input_size = self.contract.input_size

    def __call__(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        crops = check_crops(crops, self.input_size, self.name)
        return run_signature(self.infer, crops, self.contract.decoding)


def open_model(
    path: str | os.PathLike, num_threads: int = 1, trust: bool = False
) -> tuple[Contract, Any]:
    """Opens a `.tflite` file that fits its contract; prefer `LiteRTRunner`.

    Args:
        path: The `.tflite` file.
        num_threads: Threads of the CPU kernels.
        trust: Whether the contract inside the file is enough: nothing has to lie beside
            it, and its hash may be any. LiteRT, which damaged files may crash, is then
            tried in a process of its own before it is used in this one.

    Returns:
        The contract, and the signature runner, called with `image=(1, S, S, 3)`.

    Raises:
        InputError: If a file is missing, damaged or does not match the contract.
    """
    path = pathlib.Path(path)
    contract, content = read_trusted(path) if trust else read_verified(path)
    infer = open_signature(content, str(path), num_threads)
    _check_signature(content, contract, path)
    return contract, infer


def run_signature(
    infer: Any, crops: np.ndarray, decoding: Mapping[str, Any] = COORDINATES
) -> dict[str, np.ndarray]:
    """Runs crops one by one through a signature runner, whatever the variant.

    Args:
        infer: As of `open_signature`.
        crops: `(N, S, S, 3)` float32 in [0, 1]; a file that takes bytes gets bytes.
        decoding: How outputs become coordinates, as in the contract.

    Returns:
        As `LiteRTRunner`.

    Raises:
        InputError: If the outputs do not fit the decoding.
    """
    if infer.get_input_details()[INPUT_NAME]["dtype"] == np.uint8:
        crops = to_bytes(crops)
    results = [infer(**{INPUT_NAME: crop[None]}) for crop in crops]
    scales = {}
    for name, details in infer.get_output_details().items():
        found = details["quantization_parameters"]
        scales[name] = (
            {"scale": found["scales"][0], "zero_point": found["zero_points"][0]}
            if len(found["scales"])
            else None
        )
    outputs = {
        name: np.concatenate([dequantized(result[name], scales[name]) for result in results])
        for name in results[0]
    }
    decoded = decode(outputs, decoding)
    return {name: decoded[name] for name in known_outputs(decoded)}


def _check_signature(content: bytes, contract: Contract, path: pathlib.Path) -> None:
    interface = model_interface(content, str(path))
    values = contract.values
    expected = {f"input {INPUT_NAME}": values["input"]}
    expected |= {f"output {name}": output for name, output in values["outputs"].items()}
    found = {f"input {name}": tensor for name, tensor in interface["inputs"].items()}
    found |= {f"output {name}": tensor for name, tensor in interface["outputs"].items()}
    fields = ("shape", "dtype", "quantization")
    for name, promised in expected.items():
        promise = {field: promised[field] for field in fields if field in promised}
        if found.get(name) != promise:
            raise InputError(
                f"{path}: expected {name} {promise} as its contract says. "
                f"Received: {found.get(name)}. Convert the model again."
            )


class KerasRunner:
    """Runs a Keras model, hardened or not, behind the same call as `LiteRTRunner`.

    Args:
        model: A `.keras` file, or a loaded model with input `(batch, S, S, 3)` and the
            outputs `uv_px`, `z_rel` and perhaps `presence` and `handedness` (others are
            dropped).
        batch_size: Crops per step.

    Call arguments, Returns: As for `LiteRTRunner`.

    Raises:
        InputError: If the file cannot be read or is no hand-pose network.
    """

    def __init__(self, model: str | os.PathLike | Any, batch_size: int = 16):
        self.sha256: str | None = None
        network: Any = model
        self.name = getattr(model, "name", "model")
        if isinstance(model, (str, os.PathLike)):
            path = pathlib.Path(model)
            self.name = path.stem
            network = load_model(path)
            self.sha256 = sha256_of(path)
        shape: tuple[int | None, ...] = tuple(getattr(network, "input_shape", None) or ())
        outputs = network.output if isinstance(getattr(network, "output", None), dict) else {}
        missing = [name for name in REQUIRED_OUTPUTS if name not in outputs]
        if len(shape) != 4 or shape[1] is None or shape[1] != shape[2] or missing:
            raise InputError(
                f"{self.name}: expected a hand-pose network with a square input and the outputs "
                f"{', '.join(REQUIRED_OUTPUTS)}. Received: input={shape}, "
                f"outputs={sorted(outputs)}. Use a model of tf-handgroups train."
            )
        self.model = network
        self.input_size = int(shape[1])
        self._batch_size = batch_size
        names = known_outputs(outputs)

        def poses(images):
            results = network(images, training=False)
            return {name: results[name] for name in names}

        # Not model.predict: it compiles with XLA, which is slow for these convolutions.
        self._infer: Any = tf.function(
            poses,
            input_signature=[tf.TensorSpec((None, *shape[1:]), tf.float32)],
            autograph=False,
        )

    def __call__(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        crops = check_crops(crops, self.input_size, self.name)
        results = []
        for start in range(0, len(crops), self._batch_size):
            outputs = self._infer(crops[start : start + self._batch_size])
            results.append({n: np.asarray(v, np.float32) for n, v in outputs.items()})
        return {name: np.concatenate([r[name] for r in results]) for name in results[0]}


def default_variant(folder: str | os.PathLike) -> pathlib.Path:
    """Returns the default `.tflite` file of a bundle folder.

    The file itself is checked against its contract when it is opened; `check_bundle` checks
    everything.

    Raises:
        InputError: If the folder is not a bundle, its description is not the one that
            `SHA256SUMS` lists, or names a file elsewhere.
    """
    folder = pathlib.Path(folder)
    path = folder / BUNDLE_FILE
    try:
        content = path.read_bytes()
        sums = (folder / CHECKSUM_FILE).read_text(encoding="utf-8")
        bundle = json.loads(content)
        name = pathlib.PurePath(bundle["variants"][bundle["default"]]["file"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected the description of a bundle (default, variants), and "
            f"{CHECKSUM_FILE} beside it. Received: {type(error).__name__}: {error}. "
            "Make the folder with tf-handgroups bundle."
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if f"{digest}  {BUNDLE_FILE}" not in sums.splitlines():
        raise InputError(
            f"{path}: expected the SHA-256 that {CHECKSUM_FILE} lists for it. "
            f"Received: sha256={digest}. Copy the whole bundle again."
        )
    if name.name != str(name):
        raise InputError(
            f"{path}: expected a default file in this folder. Received: file={str(name)!r}. "
            "Make the bundle again."
        )
    return folder / name


def load_runner(path: str | os.PathLike, num_threads: int = 1, trust: bool = False) -> Runner:
    """Opens whatever can predict hands.

    Args:
        path: A `.keras` file, a `.tflite` file with its contract, or a bundle folder, of
            which the default variant is used.
        num_threads: Threads for LiteRT.
        trust: Whether a `.tflite` file may come without its contract, see `open_model`.

    Returns:
        A runner: `runner(crops (N, S, S, 3) in [0, 1]) -> dict of arrays`.

    Raises:
        InputError: If the path is none of these, the model is unusable, or `trust` is set
            for a `.keras` file.

    Example:

    >>> load_runner("hand.onnx")
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: hand.onnx: expected a .keras file, a .tflite file or a \
bundle folder. Received: no such file. Check the path.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        return LiteRTRunner(default_variant(path), num_threads, trust)
    if path.suffix == ".tflite":
        return LiteRTRunner(path, num_threads, trust)
    if path.suffix == ".keras":
        if trust:
            raise InputError(
                f"{path}: expected a .tflite file or a bundle folder. Received: trust=True. "
                "Only these have a contract; leave out --trust."
            )
        return KerasRunner(path)
    received = f"suffix={path.suffix!r}" if path.exists() else "no such file"
    raise InputError(
        f"{path}: expected a .keras file, a .tflite file or a bundle folder. "
        f"Received: {received}. Check the path."
    )
