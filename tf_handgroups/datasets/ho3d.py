"""`ho3d`: HO-3D, right hands that hold objects (Hampali et al., CVPR 2020), versions 2 and 3.

```
train.txt  evaluation.txt                   lines SEQUENCE/FRAME, e.g. ABF10/0000
train/ABF10/rgb/0000.png                    .jpg in version 3
train/ABF10/meta/0000.pkl                   camMat (3, 3), handJoints3D (21, 3) ...
evaluation/AP10/meta/0000.pkl               handJoints3D (3,), handBoundingBox (4,) ...
```

Labels are in metres and in the frame of OpenGL (x right, y up, z backward), joints in
MANO's order with the tips at the end. The frames read are those of the text file. Frames
without annotation (`objRot` or `handJoints3D` is None) are left out and counted.

In the evaluation split only the wrist is labelled: the other joints are NaN and not
visible, and the box is `handBoundingBox` (left, top, right, bottom). Files with all 21
joints are read as such. In the training split every joint inside the image counts as
visible, and the box is that around these. Objects are ignored.

Layout as in https://github.com/shreyashampali/ho3d.
"""

import dataclasses
import os
import pathlib
import re
from collections.abc import Iterator, Mapping

import numpy as np
from PIL import Image

from tf_handgroups.camera import project
from tf_handgroups.datasets.options import known_option
from tf_handgroups.datasets.restricted_pickle import load_pickle
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS, to_canonical

SPLITS = ("train", "evaluation")
IMAGE_SUFFIXES = (".png", ".jpg")

_MM_PER_METRE = 1000.0
_OPENGL_TO_CAMERA = np.array([1.0, -1.0, -1.0])
# Names, not paths: nothing in the list may lead out of the folder.
_FRAME_NAME = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9_-]+")
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


@dataclasses.dataclass(frozen=True, eq=False)
class _Labels:
    """What is used of one meta file.

    Args:
        xyz_camera_mm: `(21, 3)`, canonical; NaN where it is not labelled.
        intrinsics_px: `(3, 3)`.
        box_px: `(4,)` or `None`: to be drawn around the joints.
    """

    xyz_camera_mm: np.ndarray
    intrinsics_px: np.ndarray
    box_px: np.ndarray | None


class Ho3dDataset:
    r"""The annotated hands of one split of HO-3D.

    All meta files are read at once, images only for their size. What is wrong with a
    frame is said when it is read, so that it does not hide the rest: iteration stops at
    it, `dataset[index]` reads any other.

    Args:
        path: The folder with `train.txt` and `evaluation.txt`.
        split: `"train"` or `"evaluation"`.

    Attributes:
        num_unannotated: How many frames of the list have no annotation.

    Raises:
        InputError: If the option is unknown, or the list of frames is missing, empty or
            damaged; from reading a frame, if its labels or files are wrong.

    Example:

    >>> import pickle, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "train.txt").write_text("ABF10/0000\nABF10/0001\n")
    >>> for name in ("rgb", "meta"):
    ...     (folder / "train" / "ABF10" / name).mkdir(parents=True)
    >>> Image.new("RGB", (640, 480)).save(folder / "train" / "ABF10" / "rgb" / "0000.jpg")
    >>> labels = {"camMat": np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]]),
    ...     "handJoints3D": np.full((21, 3), -0.1)}
    >>> for frame, meta in (("0000", labels), ("0001", {"handJoints3D": None})):
    ...     file = folder / "train" / "ABF10" / "meta" / f"{frame}.pkl"
    ...     _ = file.write_bytes(pickle.dumps(meta))
    >>> dataset = Ho3dDataset(folder)
    >>> len(dataset), dataset.num_unannotated, dataset[0].sample_id
    (1, 1, 'train/ABF10/0000')
    >>> dataset[0].xyz_camera_mm[0].tolist()
    [-100.0, 100.0, 100.0]

    Reference:
    - [Hampali et al., 2020](https://arxiv.org/abs/1907.01481)
    """

    kind = "ho3d"

    def __init__(self, path: str | os.PathLike, split: str = "train") -> None:
        known_option("ho3d", "split", split, SPLITS)
        self.path = pathlib.Path(path)
        self.options: Mapping[str, str] = {"split": split}
        self.num_unannotated = 0
        # A frame's labels, or what is wrong with them.
        self._frames: list[tuple[str, _Labels | str]] = []
        for name in _frame_names(self.path / f"{split}.txt"):
            try:
                labels = _read_labels(self._meta_path(name), box_is_given=split == "evaluation")
            except InputError as error:
                labels = str(error)
            if labels is None:
                self.num_unannotated += 1
            else:
                self._frames.append((name, labels))
        if not self._frames:
            raise InputError(
                f"{self.path / split}.txt: expected annotated frames. Received: "
                f"{self.num_unannotated} frames, all without annotation. Check the data set."
            )

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[HandSample]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> HandSample:
        """Returns one hand.

        Raises:
            InputError: If its labels are wrong, or its image is missing or damaged.
        """
        name, labels = self._frames[index]
        if isinstance(labels, str):
            raise InputError(labels)
        sequence, frame = name.split("/")
        image = _image_path(self.path / self.options["split"] / sequence / "rgb", frame)
        size = _image_size(image)
        uv = np.full((NUM_JOINTS, 2), np.nan)
        labelled = np.isfinite(labels.xyz_camera_mm).all(axis=-1)
        try:
            uv[labelled] = project(labels.xyz_camera_mm[labelled], labels.intrinsics_px)
        except InputError as error:
            raise _error(self._meta_path(name), "handJoints3D", str(error)) from error
        inside = ((uv > -0.5) & (uv < np.array(size) - 0.5)).all(axis=-1)
        visible = np.logical_and(labelled, inside)
        box = labels.box_px
        if box is None:
            box = box_around(uv[visible] if visible.any() else uv[labelled])
        return HandSample(
            sample_id=f"{self.options['split']}/{name}",
            image=image,
            image_size=size,
            uv_px=uv,
            visible=visible,
            handedness="right",
            box_px=box,
            xyz_camera_mm=labels.xyz_camera_mm,
            intrinsics_px=labels.intrinsics_px,
        )

    def _meta_path(self, name: str) -> pathlib.Path:
        sequence, frame = name.split("/")
        return self.path / self.options["split"] / sequence / "meta" / f"{frame}.pkl"


def _frame_names(path: pathlib.Path) -> list[str]:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: expected the list of frames, lines SEQUENCE/FRAME. Received: {error}. "
            "Give the folder of HO-3D with train.txt and evaluation.txt in it."
        ) from error
    names: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if name and (not _FRAME_NAME.fullmatch(name) or name in names):
            raise InputError(
                f"{path}: line {number}: expected SEQUENCE/FRAME, each once. "
                f"Received: {line!r:.80}. Copy or download the file again."
            )
        if name:
            names[name] = number
    if not names:
        raise InputError(
            f"{path}: expected lines SEQUENCE/FRAME. Received: an empty file. "
            "Copy or download it again."
        )
    return list(names)


def _read_labels(path: pathlib.Path, box_is_given: bool) -> _Labels | None:
    """Returns the labels of a frame, or None if it has no annotation."""
    meta = load_pickle(path, encoding="latin1")
    if not isinstance(meta, dict):
        raise _error(path, "meta", f"expected a dict. Received: {type(meta).__name__}")
    # As in the authors' scripts; files without the key were made by others.
    if meta.get("objRot", "not in the file") is None or meta.get("handJoints3D", "") is None:
        return None
    # The evaluation split has the wrist alone, which is joint 0 in both orders.
    joints = _numbers(path, meta, "handJoints3D", ((NUM_JOINTS, 3), (3,), (1, 3)))
    xyz = np.full((NUM_JOINTS, 3), np.nan)
    if joints.shape == (NUM_JOINTS, 3):
        xyz = to_canonical(joints, "ho3d")
    elif box_is_given:
        xyz[0] = joints
    else:
        raise _error(path, "handJoints3D", f"expected 21 joints. Received: shape={joints.shape}")
    intrinsics = _numbers(path, meta, "camMat", ((3, 3),))
    if not (intrinsics[[0, 1], [0, 1]] > 0).all():
        received = f"Received: camMat={intrinsics.tolist()}"
        raise _error(path, "camMat", f"expected focal lengths > 0. {received}")
    box = None
    if box_is_given:
        left, top, right, bottom = _numbers(path, meta, "handBoundingBox", ((4,),))
        if not (right > left and bottom > top):
            received = f"Received: handBoundingBox={[left, top, right, bottom]}"
            raise _error(path, "handBoundingBox", f"expected left, top, right, bottom. {received}")
        box = np.array([left, top, right - left, bottom - top])
    return _Labels(xyz * _OPENGL_TO_CAMERA * _MM_PER_METRE, intrinsics, box)


def _numbers(
    path: pathlib.Path, meta: dict, field: str, shapes: tuple[tuple[int, ...], ...]
) -> np.ndarray:
    """The array in a field, which may also be a list of numbers."""
    try:
        array = np.array(meta.get(field))
    except ValueError:  # lists of different lengths
        array = np.array(None)
    if array.dtype.kind not in "biuf" or array.shape not in shapes:
        known = " or ".join(str(shape) for shape in shapes)
        received = f"shape {array.shape}" if array.dtype.kind in "biuf" else meta.get(field)
        text = f"expected numbers of shape {known}. Received: {field}={received!s:.80}"
        raise _error(path, field, text)
    if not np.isfinite(array).all():
        raise _error(path, field, f"expected finite numbers. Received: {field}={array.tolist()}")
    return array.astype(np.float64)


def _image_path(folder: pathlib.Path, frame: str) -> pathlib.Path:
    for suffix in IMAGE_SUFFIXES:
        path = folder / f"{frame}{suffix}"
        if path.is_file():
            return path
    raise InputError(
        f"{folder / frame}: expected an image {' or '.join(IMAGE_SUFFIXES)}. "
        "Received: no such file. Unpack the whole data set."
    )


def _image_size(path: pathlib.Path) -> tuple[int, int]:
    """Width and height from the header; the picture is not decoded."""
    try:
        with Image.open(path, formats=["PNG", "JPEG"]) as image:
            return image.size
    except _DAMAGED as error:
        raise InputError(
            f"{path}: expected an image file. Received: {error}. Copy or download it again."
        ) from error


def _error(path: pathlib.Path, field: str, message: str) -> InputError:
    return InputError(f"{path}: {field}: {message.rstrip('.')}. Copy or download the file again.")
