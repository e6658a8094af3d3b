"""The authors' PyTorch checkpoint -> a `.keras` model of this package."""

import math
import os
import pathlib
from typing import Any

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.model_file import save_model
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.reference import build_reference_network, load_reference_state

STATE_KEY = "model_state_dict"
TEMPERATURE_KEY = "Temperature"
# `torch.nn.DataParallel` puts this before every name.
_PARALLEL_PREFIX = "module."


def read_checkpoint(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], float | None]:
    """Reads a checkpoint of the authors' training: `{"model_state_dict", "Temperature", ...}`.

    Only tensors and plain values are read (`weights_only=True`); a file that would run
    code is refused. Needs PyTorch, `pip install "tf_handgroups[torch]"`.

    Args:
        path: The `.pth` file.

    Returns:
        PyTorch name -> array, and the selector's temperature (`None` if not stored).

    Raises:
        InputError: If PyTorch is not installed, or the file is missing, damaged, unsafe or
            lacks the state dict, or the temperature is not positive.

    Example:

    >>> read_checkpoint("missing.pth")
    Traceback (most recent call last):
        ...
    tf_handgroups.errors.InputError: missing.pth: expected a PyTorch checkpoint. Received: no \
such file. Check the path.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise InputError(
            f"{path}: expected a PyTorch checkpoint. Received: no such file. Check the path."
        )
    content = _load(path)
    state = content.get(STATE_KEY) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state:
        found = sorted(map(str, content))[:10] if isinstance(content, dict) else type(content)
        raise InputError(
            f"{path}: expected a dictionary with {STATE_KEY!r}, as the authors' training saves it. "
            f"Received: {found}. A bare state dict goes through "
            "tf_handgroups.reference.load_reference_state."
        )
    arrays = {str(name): _array(path, name, value) for name, value in state.items()}
    if all(name.startswith(_PARALLEL_PREFIX) for name in arrays):
        arrays = {name.removeprefix(_PARALLEL_PREFIX): value for name, value in arrays.items()}
    return arrays, _temperature(path, content.get(TEMPERATURE_KEY))


def import_reference(
    path: str | os.PathLike,
    out: str | os.PathLike,
    joint_order: str = "rhd",
    licence: str = "not stated",
    overwrite: bool = False,
) -> HandPoseModel:
    """Turns the authors' checkpoint into a model that trains, hardens and converts.

    Args:
        path: The `.pth` file, see `read_checkpoint`.
        out: The `.keras` file to write.
        joint_order: Order of the joints in the checkpoint, a key of `joints.JOINT_ORDERS`.
            The authors' networks keep the order of RHD; the model has the canonical one.
        licence: Under which the weights may be used; travels with the model.
        overwrite: Whether an existing `out` may be replaced.

    Returns:
        The model that was written.

    Raises:
        InputError: If the checkpoint cannot be read or does not fit, or `out` exists.
    """
    state, temperature = read_checkpoint(path)
    model = build_reference_network(
        provenance={
            "recipe": "paper",
            "training_data": f"not stated; weights of {pathlib.Path(path).name}, joint order "
            f"{joint_order}, trained by others",
            "licence": licence,
        }
    )
    try:
        load_reference_state(model, state, joint_order)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if temperature is not None:
        model.selector.current_temperature.assign(temperature)
    save_model(model, out, overwrite)
    return model


def _load(path: pathlib.Path) -> Any:
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f"{path}: reading a PyTorch checkpoint needs PyTorch. Received: {error}. Install it "
            'with: pip install "tf_handgroups[torch]". It is needed for this import only.'
        ) from error
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    # PyTorch raises whatever the damaged part of a file happens to cause.
    except Exception as error:
        summary = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path}: expected a PyTorch checkpoint of tensors and plain values. Received: a file "
            f"that cannot be read without running code in it, or a damaged one ({summary}). "
            "Copy it again, or save it anew with tensors, numbers and texts only."
        ) from error


def _array(path: pathlib.Path, name: Any, value: Any) -> np.ndarray:
    try:
        # Half-precision tensors have no NumPy counterpart in all cases; ours is float32.
        value = value.detach()
        return (value.float() if value.is_floating_point() else value).numpy()
    except (AttributeError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{path}: expected tensors in {STATE_KEY!r}. Received: {name}={type(value).__name__}."
        ) from error


def _temperature(path: pathlib.Path, value: Any) -> float | None:
    if value is None:
        return None
    try:
        temperature = float(value)
    except (TypeError, ValueError, RuntimeError):
        temperature = math.nan
    if not 0 < temperature < math.inf:
        raise InputError(
            f"{path}: expected a positive number as {TEMPERATURE_KEY!r}. Received: {value!r}."
        )
    return temperature
