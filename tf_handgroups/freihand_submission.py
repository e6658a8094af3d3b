"""FreiHAND's `pred.json`: written for its evaluation server, checked before an upload.

The file is `[joints, vertices]`: for each hand of the evaluation set, in its order,
21 joints in canonical order and the vertices of a mesh, both in metres in the
camera's frame. A network without a mesh sends zero vertices; the server then scores
the joints, and only those numbers mean something. Both are scored after an
alignment that removes place, rotation and scale (`eval.py` of lmb-freiburg/freihand).
"""

import dataclasses
import itertools
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

import numpy as np

from tf_handgroups import camera
from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.datasets.registry import Dataset
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation import Predict
from tf_handgroups.joints import NUM_JOINTS
from tf_handgroups.mean_hand import BONE_MM

NUM_EVALUATION_HANDS = 3960
# MANO's mesh, which FreiHAND is labelled with.
NUM_VERTICES = 778

# Half of the hands larger than this: the file is not in metres.
MAX_MEDIAN_EXTENT_M = 2.0
_BATCH = 32
_MM_PER_M = 1000.0


@dataclasses.dataclass(frozen=True)
class Submission:
    """What `write_submission` has written.

    Args:
        path: The file.
        num_hands: Its rows.
        num_labelled: Hands of the data set that `evaluate` could measure.
        note: Why the server will refuse the file, or `None`.

    Example:

    >>> Submission(pathlib.Path("pred.json"), 3960, 0, None).num_hands
    3960
    """

    path: pathlib.Path
    num_hands: int
    num_labelled: int
    note: str | None

    def as_dict(self) -> dict[str, Any]:
        """Returns the fields, ready for JSON."""
        return dataclasses.asdict(self) | {"path": str(self.path)}


def write_submission(
    predict: Predict,
    dataset: Dataset | Sequence[HandSample],
    path: str | os.PathLike,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Submission:
    """Predicts every hand of a data set and writes `pred.json`.

    Hands are recovered in 3D from their intrinsics and the length of the bone 9-10:
    the true one where the sample has it, otherwise `mean_hand.BONE_MM`.

    Args:
        predict: As for `evaluate`: takes a list of samples, returns for each a mapping
            with `uv_px` (21, 2), pixels of the sample's image, and `z_rel` (21,).
        dataset: Hands in the order of the benchmark; none is left out.
        path: Where to write.
        overwrite: Whether an existing file may be replaced.
        on_progress: Called with (hands done, hands in all) after every batch.

    Returns:
        `Submission`. A set of another size than FreiHAND's 3960 hands is written too,
        with a note: parts of it are useful with the official script.

    Raises:
        InputError: If the file exists and `overwrite` is false, a sample has no
            intrinsics, a prediction is missing, misshapen or not finite, or the data
            set is empty or yields another number of hands than its length.

    Example:

    >>> import tempfile
    >>> sample = HandSample(sample_id="0", image=b"", image_size=(64, 64),
    ...     uv_px=np.zeros((21, 2)), visible=np.zeros(21), handedness="right",
    ...     box_px=(0, 0, 40, 40), intrinsics_px=np.diag([60.0, 60.0, 1.0]))
    >>> def flat(samples):
    ...     return [{"uv_px": np.arange(42).reshape(21, 2), "z_rel": np.zeros(21)} for s in samples]
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pred.json"
    >>> written = write_submission(flat, [sample], path)
    >>> written.num_hands, written.note
    (1, "1 rows: FreiHAND's server expects 3960 and will refuse the file.")
    >>> xyz_mm, vertices_mm = read_submission(path, num_hands=1)
    >>> xyz_mm.shape, vertices_mm.shape
    ((1, 21, 3), (1, 778, 3))
    """
    total = len(dataset)
    if not total:
        raise InputError("write_submission: expected at least one hand. Received: len(dataset)=0.")
    with replacing_file(path, overwrite) as temporary:
        with temporary.open("w", encoding="ascii") as file:
            count, labelled = _write(file, predict, dataset, total, on_progress)
        if count != total:
            raise InputError(
                "write_submission: expected as many hands as the data set is long. "
                f"Received: hands={count}, len(dataset)={total}."
            )
    note = None
    if count != NUM_EVALUATION_HANDS:
        note = (
            f"{count} rows: FreiHAND's server expects {NUM_EVALUATION_HANDS} and will refuse "
            "the file."
        )
    return Submission(pathlib.Path(path), count, labelled, note)


def is_labelled(sample: HandSample) -> bool:
    """Returns whether `evaluate` can measure a hand: it has a visible joint or 3D labels.

    Example:

    >>> is_labelled(HandSample(sample_id="0", image=b"", image_size=(64, 64),
    ...     uv_px=np.zeros((21, 2)), visible=np.zeros(21), handedness=None,
    ...     box_px=(0, 0, 40, 40)))
    False
    """
    labelled = sample.visible.any() or sample.xyz_camera_mm is not None
    return bool(sample.presence and labelled)


def read_submission(path: str | os.PathLike, num_hands: int) -> tuple[np.ndarray, np.ndarray]:
    """Reads and checks a `pred.json`, whoever wrote it.

    Args:
        path: The file.
        num_hands: Size of the set it is for, 3960 for FreiHAND's evaluation set.

    Returns:
        Joints `(num_hands, 21, 3)` and vertices `(num_hands, vertices, 3)`, float64 mm
        in the camera's frame.

    Raises:
        InputError: If the file is missing, not JSON, does not hold `[joints, vertices]`
            with one row per hand, or a row is misshapen or not finite.

    Example:

    >>> read_submission("absent.json", num_hands=3960)
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: absent.json: expected FreiHAND's pred.json. ...
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: expected FreiHAND's pred.json. Received: {error}. Check the path."
        ) from error
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: expected JSON. Received: {error}. Write the file again."
        ) from error
    if not (isinstance(content, list) and list(map(type, content)) == [list, list]):
        kinds = list(map(type, content)) if isinstance(content, list) else type(content)
        raise InputError(
            f"{path}: expected a list of two lists, joints and vertices. Received: {kinds}."
        )
    joints, vertices = content
    for name, rows in (("joints", joints), ("vertices", vertices)):
        if len(rows) != num_hands:
            raise InputError(
                f"{path}: expected {num_hands} rows of {name}, one for each hand. "
                f"Received: rows={len(rows)}. Predict every hand of the set, in its order."
            )
    xyz = _stacked(path, "joints", joints, NUM_JOINTS)
    mesh = _stacked(path, "vertices", vertices, None)
    extent = np.linalg.norm(np.ptp(xyz, axis=1), axis=-1)
    if num_hands and np.median(extent) > MAX_MEDIAN_EXTENT_M:
        raise InputError(
            f"{path}: expected joints in metres. Received: hands of a median size of "
            f"{np.median(extent):.0f}. Divide millimetres by 1000."
        )
    return xyz * _MM_PER_M, mesh * _MM_PER_M


def _write(file: TextIO, predict, dataset, total: int, on_progress) -> tuple[int, int]:
    """Writes row by row; returns how many hands there were and how many had labels."""
    count = labelled = 0
    samples = iter(dataset)
    file.write("[[")
    while batch := list(itertools.islice(samples, _BATCH)):
        for row in _rows(predict, batch):
            file.write(("," if count else "") + row)
            count += 1
        labelled += sum(map(is_labelled, batch))
        if on_progress is not None:
            on_progress(count, total)
    # The text of one zero mesh, repeated: the same as numbers would take 300 MB.
    mesh = json.dumps([[0.0] * 3] * NUM_VERTICES, separators=(",", ":"))
    file.write("],[")
    file.writelines(itertools.chain([mesh], itertools.repeat("," + mesh, count - 1)))
    file.write("]]\n")
    return count, labelled


def _rows(predict: Predict, batch: list[HandSample]) -> Iterator[str]:
    predictions = predict(batch)
    if len(predictions) != len(batch):
        raise InputError(
            f"write_submission: expected one prediction for each of {len(batch)} hands. "
            f"Received: len(predictions)={len(predictions)}."
        )
    for sample, prediction in zip(batch, predictions, strict=True):
        metres = _xyz_camera_mm(sample, prediction) / _MM_PER_M
        # A micrometre is finer than any label.
        yield json.dumps(np.round(metres, 6).tolist(), separators=(",", ":"), allow_nan=False)


def _xyz_camera_mm(sample: HandSample, prediction: Mapping[str, Any]) -> np.ndarray:
    """The predicted joints `(21, 3)` in camera coordinates."""
    if sample.intrinsics_px is None:
        raise InputError(
            f"write_submission: {sample.sample_id}: expected the camera's intrinsics, without "
            "which no joint has a place in its frame. Received: intrinsics_px=None."
        )
    values = {}
    for name, shape in (("uv_px", (NUM_JOINTS, 2)), ("z_rel", (NUM_JOINTS,))):
        value = np.asarray(prediction.get(name, np.nan), np.float64)
        if value.shape != shape or not np.isfinite(value).all():
            raise InputError(
                f"write_submission: {sample.sample_id}: expected a finite prediction {name} of "
                f"shape {shape}. Received: shape={value.shape}, "
                f"finite={np.isfinite(value).all()}."
            )
        values[name] = value
    bone_mm = sample.bone_mm or BONE_MM
    if sample.xyz_camera_mm is not None:
        labelled = camera.reference_bone_mm(sample.xyz_camera_mm.astype(np.float64))
        bone_mm = bone_mm if np.isnan(labelled) else labelled
    try:
        return camera.recover_absolute(
            values["uv_px"], values["z_rel"], sample.intrinsics_px, bone_mm
        )
    except InputError as error:
        raise InputError(f"write_submission: {sample.sample_id}: {error}") from error


def _stacked(path, name: str, rows: Iterable, num_points: int | None) -> np.ndarray:
    """Rows as one array; without a `num_points` all have to be like the first."""
    arrays = []
    for index, row in enumerate(rows):
        try:
            array = np.asarray(row, np.float64)
        except (TypeError, ValueError):
            array = np.empty(0)
        if num_points is None and array.ndim == 2 and len(array):
            num_points = len(array)
        if array.shape != (num_points, 3):
            raise InputError(
                f"{path}: {name}, row {index}: expected {num_points or 'some'} points x, y, z. "
                f"Received: shape={array.shape}."
            )
        if not np.isfinite(array).all():
            raise InputError(
                f"{path}: {name}, row {index}: expected finite numbers. "
                f"Received: {np.count_nonzero(~np.isfinite(array))} NaN or infinite ones."
            )
        arrays.append(array)
    return np.stack(arrays) if arrays else np.empty((0, num_points or 0, 3))
