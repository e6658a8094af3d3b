"""The teacher: MediaPipe's palm detector and hand landmark model, read as data.

The two `.tflite` files are taken from the wheel `mediapipe==0.10.14` (Apache-2.0) or
from where it is unpacked; its code is neither imported nor run, because its
requirements contradict TensorFlow's. The LiteRT interpreter of this package runs them.
"""

import dataclasses
import hashlib
import importlib.metadata
import os
import pathlib
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS

DISTRIBUTION = "mediapipe"
VERSION = "0.10.14"
LICENCE = "Apache-2.0"
# The same wheel for every machine: the models in it are data.
INSTALL_COMMAND = (
    "python -m pip install --no-deps --only-binary :all: --python-version 3.11 "
    f"--platform manylinux2014_x86_64 --target .teacher {DISTRIBUTION}=={VERSION}"
)
LANDMARK_SIZE_PX = 224

PALM_FILE = "mediapipe/modules/palm_detection/palm_detection_full.tflite"
LANDMARK_FILE = "mediapipe/modules/hand_landmark/hand_landmark_full.tflite"
SHA256 = {
    PALM_FILE: "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
    LANDMARK_FILE: "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
}
# The models have 2 and 5 MB.
MAX_BYTES = 50_000_000


@dataclasses.dataclass(frozen=True, eq=False)
class Landmarks:
    """What the landmark model says about one crop.

    Args:
        uv_px: `(21, 2)` in pixels of the crop; integers are pixel centres.
        z_px: `(21,)` depth relative to the wrist, away from the camera, in the scale of `uv_px`.
        xyz_m: `(21, 3)` in metres; x right, y down in the crop, z away from the camera.
        presence: Probability in [0, 1] that there is a hand.
        right: Probability in [0, 1] that it is a right hand.
    """

    uv_px: np.ndarray
    z_px: np.ndarray
    xyz_m: np.ndarray
    presence: float
    right: float


class LandmarkModel:
    """A hand landmark model, full or lite, ready to run on one core.

    Args:
        content: The `.tflite` file.

    Call arguments:
        crop: `(224, 224, 3)` float32 RGB in [0, 1], the hand about upright.

    Returns:
        `Landmarks` in the crop.
    """

    def __init__(self, content: bytes):
        self._run = _interpreter(content)

    def __call__(self, crop: np.ndarray) -> Landmarks:
        screen, presence, right, world = self._run(crop)
        image = screen.reshape(NUM_JOINTS, 3).astype(np.float64)
        # The model counts from the picture's corner, we from the centre of its first pixel.
        uv = image[:, :2] - 0.5
        xyz = world.reshape(NUM_JOINTS, 3).astype(np.float64)
        return Landmarks(uv, image[:, 2], xyz, float(presence[0, 0]), float(right[0, 0]))


class Teacher:
    """The two models, ready to run on one core.

    Args:
        models: The contents of the files `PALM_FILE` and `LANDMARK_FILE`.
    """

    def __init__(self, models: Mapping[str, bytes]):
        self._palm = _interpreter(models[PALM_FILE])
        self._landmark = LandmarkModel(models[LANDMARK_FILE])

    def palms(self, crop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Runs the palm detector.

        Args:
            crop: `(192, 192, 3)` float32 RGB in [0, 1].

        Returns:
            Boxes `(2016, 18)` and logits `(2016,)`, see `palm_detection.decode`.
        """
        boxes, logits = self._palm(crop)
        return boxes[0], logits[0, :, 0]

    def landmarks(self, crop: np.ndarray) -> Landmarks:
        """Runs the landmark model.

        Args:
            crop: `(224, 224, 3)` float32 RGB in [0, 1], the hand about upright.
        """
        return self._landmark(crop)


def load_teacher(path: str | os.PathLike | None = None) -> Teacher:
    """Finds and loads the teacher.

    Args:
        path: The wheel, or the folder into which it was installed or unpacked. `None`
            looks for an installed distribution.

    Raises:
        InputError: If the models are not there, or are other ones. The message says
            how to install them.

    Example:

    >>> load_teacher("no_such_folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    tf_handgroups.errors.InputError: no_such_folder: expected the wheel mediapipe-0.10.14 ...
    """
    return Teacher(read_models(path, SHA256))


def read_models(path: str | os.PathLike | None, sha256: Mapping[str, str]) -> dict[str, bytes]:
    """Reads files of the teacher's wheel and checks that they are the known ones.

    Args:
        path: As for `load_teacher`.
        sha256: SHA-256 of each file by its path in the wheel.

    Returns:
        The contents by the same paths.

    Raises:
        InputError: If a file is not there, or is another one. The message says how to
            install them.

    Example:

    >>> read_models("no_such_folder", SHA256)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    tf_handgroups.errors.InputError: no_such_folder: expected the wheel mediapipe-0.10.14 ...
    """
    if path is None:
        where, read = "the installed packages", _installed_reader()
    else:
        where, read = os.fspath(path), _reader(pathlib.Path(path))
    try:
        models = {name: read(name) for name in sha256}
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{where}: expected the wheel {DISTRIBUTION}-{VERSION} or the folder it is installed "
            f"in, with the teacher's models. Received: {error}. Get it with `make teacher`, or "
            f"without its requirements: {INSTALL_COMMAND} and name the folder .teacher"
        ) from error
    for name, expected in sha256.items():
        received = hashlib.sha256(models[name]).hexdigest()
        if received != expected:
            raise InputError(
                f"{name}: expected the file of {DISTRIBUTION} {VERSION}, SHA-256 {expected}. "
                f"Received: sha256={received}. Install that version: {INSTALL_COMMAND}"
            )
    return models


def _reader(path: pathlib.Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        if path.is_dir():
            return _limited((path / name).open("rb"))
        with zipfile.ZipFile(path) as wheel:
            return _limited(wheel.open(name))

    return read


def _installed_reader() -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        try:
            file = importlib.metadata.distribution(DISTRIBUTION).locate_file(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise FileNotFoundError(f"no package {DISTRIBUTION}") from error
        return _limited(pathlib.Path(str(file)).open("rb"))

    return read


def _limited(file: Any) -> bytes:
    """The contents; of a file that is far too large only so much that its hash is wrong."""
    with file:
        return file.read(MAX_BYTES)


def _interpreter(model: bytes) -> Callable[[np.ndarray], list[np.ndarray]]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    targets = [detail["index"] for detail in interpreter.get_output_details()]

    def run(crop: np.ndarray) -> list[np.ndarray]:
        interpreter.set_tensor(source, crop[None].astype(np.float32))
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in targets]

    return run
