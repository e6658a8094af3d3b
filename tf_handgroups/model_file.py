"""`.keras` files: saving, safe loading, and the metadata of hardened models.

A hardened model is an ordinary Keras file of standard layers that any Keras can
load; its grouping and provenance lie beside the configuration in the archive, as
`handgroups.json`.
"""

import json
import os
import pathlib
import zipfile

import keras

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.errors import InputError

METADATA_FILE = "handgroups.json"
_ATTRIBUTE = "handgroups_metadata"


def attach_metadata(model: keras.Model, metadata: dict) -> None:
    """Attaches metadata to a hardened model in memory.

    Example:

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> attach_metadata(model, {"grouping": [0] * 21})
    >>> sorted(hardened_metadata(model))
    ['grouping']
    """
    # As text, because Keras would wrap a dictionary for tracking.
    setattr(model, _ATTRIBUTE, json.dumps(metadata, indent=2))


def hardened_metadata(model: keras.Model) -> dict:
    """Returns the metadata of a hardened model.

    Returns:
        Dict with `grouping` (21 group indices), `input_size` (pixels), `outputs`,
        `recipe`, `training_data` and `licence`.

    Raises:
        InputError: If the model was not hardened.
    """
    text = getattr(model, _ATTRIBUTE, None)
    if text is None:
        raise InputError(
            f"{model.name}: expected a hardened model with metadata. Received: a model without. "
            "Harden it first with tf_handgroups.harden."
        )
    return json.loads(text)


def save_model(model: keras.Model, path: str | os.PathLike, overwrite: bool = False) -> None:
    """Saves a model as `.keras`, with the metadata of a hardened one.

    Args:
        model: A trained or hardened model.
        path: File name ending in `.keras`.
        overwrite: Whether an existing file may be replaced.

    Raises:
        InputError: If the file exists, or the name does not end in `.keras`.
    """
    if pathlib.Path(path).suffix != ".keras":
        raise InputError(f"{path}: expected a file name ending in .keras.")
    with replacing_file(path, overwrite) as temporary:
        model.save(temporary)
        text = getattr(model, _ATTRIBUTE, None)
        if text is not None:
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(METADATA_FILE, text)


def load_model(path: str | os.PathLike) -> keras.Model:
    """Loads a `.keras` file in Keras' safe mode: no code in the file is run.

    Raises:
        InputError: If the file is missing, truncated or no Keras model.

    Example:

    >>> load_model("missing.keras")
    Traceback (most recent call last):
        ...
    tf_handgroups.errors.InputError: missing.keras: expected a .keras file. Received: no such file.
    """
    # Registers the layers and the model under their saved names.
    import tf_handgroups.models.hand_pose_model  # noqa: F401

    file = pathlib.Path(path)
    if not file.is_file():
        raise InputError(f"{file}: expected a .keras file. Received: no such file.")
    try:
        model = keras.saving.load_model(file, safe_mode=True, compile=False)
        with zipfile.ZipFile(file) as archive:
            if METADATA_FILE in archive.namelist():
                attach_metadata(model, json.loads(archive.read(METADATA_FILE)))
    # Keras raises whatever the damaged part of a file happens to cause.
    except Exception as error:
        summary = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{file}: expected a .keras file. Received: a file that Keras cannot read "
            f"({summary}). It may be truncated; copy or train it again."
        ) from error
    return model
