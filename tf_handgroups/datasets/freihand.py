"""`freihand`: FreiHAND, right hands before a green screen and its replacements.

```
training/rgb/%08d.jpg     file id = i + n * version, n hands; 224x224
training_K.json           n camera matrices
training_xyz.json         n hands of 21 joints, metres, camera frame, canonical order
evaluation/rgb/%08d.jpg   evaluation_K.json, evaluation_scale.json: length of the bone 9-10
evaluation_xyz.json       labels, published later: used where it is there
```

n is 32560 for training and 3960 for evaluation; it is taken from the lists, so that
smaller copies work too. Every training hand has four pictures: before the green
screen (`gs`) and with three replacements of it (`hom`, `sample`, `auto`).
"""

import json
import os
import pathlib
import re
from collections.abc import Iterator, Mapping

import numpy as np

from tf_handgroups import camera
from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.datasets.options import known_option
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS, REFERENCE_BONE

SPLITS = ("training", "evaluation")
VERSIONS = ("gs", "hom", "sample", "auto")
BOXES = ("joints", "image")
IMAGE_SIZE = (224, 224)

# Half of the bones 9-10 longer than this: the file is not in metres.
MAX_MEDIAN_BONE_M = 0.2
_MM_PER_M = 1000.0
_NAME = re.compile(r"\d{8}\.jpg")


class FreiHandDataset:
    """The hands of a FreiHAND folder.

    Labels are read and images listed at once; a hand is checked when it is read.

    **Boxes.** FreiHAND's pictures are crops already, and published figures come from
    networks that see the whole of them. For evaluation this is the default,
    `boxes=image`: the crop window, which is 1.5 times the box, is then the picture, and
    predictions do not depend on whether the labels lie beside it. `boxes=joints`, the
    default for training, is the tight box around the joints, as in other data sets. Hands
    fill about half of a picture, so a network meant for `image` is best trained with it.

    Without `evaluation_xyz.json` no joint of the evaluation set is visible; camera and
    `bone_mm` are known, which is what a submission takes.

    Args:
        path: The folder with `training_K.json` or `evaluation_K.json`.
        split: `training` or `evaluation`.
        versions: Which backgrounds of the training set, e.g. `gs` or `gs,auto`; `all`.
        boxes: `joints`, `image`, or `auto`: `joints` for training, `image` for evaluation.

    Raises:
        InputError: If an option is unknown, a file is missing or not in this format, or
            lists and images do not agree in number; from reading a hand, if its numbers
            are wrong.

    Example:

    >>> import tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> (folder / "evaluation" / "rgb").mkdir(parents=True)
    >>> _ = (folder / "evaluation" / "rgb" / "00000000.jpg").write_bytes(b"...")
    >>> _ = (folder / "evaluation_K.json").write_text(
    ...     "[[[500, 0, 112], [0, 500, 112], [0, 0, 1]]]")
    >>> _ = (folder / "evaluation_scale.json").write_text("[0.025]")
    >>> sample = FreiHandDataset(folder, split="evaluation")[0]
    >>> sample.sample_id, sample.handedness, sample.bone_mm
    ('evaluation/00000000', 'right', 25.0)
    """

    kind = "freihand"

    def __init__(
        self,
        path: str | os.PathLike,
        split: str = "training",
        versions: str = "all",
        boxes: str = "auto",
    ):
        self.path = pathlib.Path(path)
        known_option("freihand", "split", split, SPLITS)
        known_option("freihand", "boxes", boxes, ("auto", *BOXES))
        training = split == "training"
        if boxes == "auto":
            boxes = "joints" if training else "image"
        chosen = _chosen_versions(versions, training)
        named = {"versions": ",".join(VERSIONS[version] for version in chosen)} if training else {}
        self.options: Mapping[str, str] = {"split": split, **named, "boxes": boxes}

        self._split, self._boxes = split, boxes
        self._xyz_m, self._scale_m = None, None
        self._intrinsics = _read_array(self._list("K"), (3, 3))
        if training or self._list("xyz").exists():
            self._xyz_m = _read_array(self._list("xyz"), (NUM_JOINTS, 3))
            first, second = REFERENCE_BONE
            bones = np.linalg.norm(self._xyz_m[:, second] - self._xyz_m[:, first], axis=-1)
            _check_metres(self._list("xyz"), bones)
        elif boxes == "joints":
            raise InputError(
                f"{self._list('xyz')}: expected the labels of the evaluation set, which "
                f"boxes=joints needs. Received: boxes={boxes!r}, and no such file. "
                "Use boxes=image."
            )
        if not training:
            self._scale_m = _read_array(self._list("scale"), ())
            _check_metres(self._list("scale"), self._scale_m)
        count = self._count()
        self._file_ids = np.concatenate([np.arange(count) + count * version for version in chosen])
        self._check_images(count, len(VERSIONS) if training else 1)

    def __len__(self) -> int:
        return len(self._file_ids)

    def __iter__(self) -> Iterator[HandSample]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> HandSample:
        """Returns one hand; all of one background come before those of the next.

        Raises:
            InputError: If its numbers are wrong or its image has gone.
        """
        file_id = int(self._file_ids[index])
        row = file_id % len(self._intrinsics)
        image = self._images / _image_name(file_id)
        if not image.is_file():
            raise InputError(f"{image}: expected an image file. Received: nothing there.")
        intrinsics = self._checked_intrinsics(row)
        uv = np.full((NUM_JOINTS, 2), np.nan)
        visible = np.zeros(NUM_JOINTS, bool)
        xyz = None
        if self._xyz_m is not None:
            xyz = self._xyz_m[row] * _MM_PER_M
            try:
                uv = camera.project(xyz, intrinsics)
            except InputError as error:
                raise InputError(f"{self._list('xyz')}: [{row}]: {error}") from error
            visible = np.all((uv > -0.5) & (uv < np.array(IMAGE_SIZE) - 0.5), axis=-1)
        return HandSample(
            sample_id=f"{self._split}/{file_id:08d}",
            image=image,
            image_size=IMAGE_SIZE,
            uv_px=uv,
            visible=visible,
            handedness="right",
            box_px=box_around(uv) if self._boxes == "joints" else _whole_image_box(),
            xyz_camera_mm=xyz,
            intrinsics_px=intrinsics,
            bone_mm=self._bone_mm(row),
        )

    @property
    def _images(self) -> pathlib.Path:
        return self.path / self._split / "rgb"

    def _list(self, name: str) -> pathlib.Path:
        return self.path / f"{self._split}_{name}.json"

    def _count(self) -> int:
        """The number of hands, in which all lists have to agree."""
        lists = {"K": self._intrinsics, "xyz": self._xyz_m, "scale": self._scale_m}
        counts = {name: len(rows) for name, rows in lists.items() if rows is not None}
        if len(set(counts.values())) > 1 or not counts["K"]:
            found = ", ".join(f"{self._list(name).name} {n}" for name, n in counts.items())
            raise InputError(
                f"{self.path}: expected as many entries in every list, at least one. "
                f"Received: {found}. Lists of different releases may be mixed."
            )
        return counts["K"]

    def _check_images(self, count: int, num_versions: int) -> None:
        try:
            present = {name for name in os.listdir(self._images) if _NAME.fullmatch(name)}
        except OSError as error:
            raise InputError(
                f"{self._images}: expected a folder of images. Received: {error.strerror}."
            ) from error
        missing = [name for name in map(_image_name, self._file_ids) if name not in present]
        if missing:
            raise InputError(
                f"{self._images}: expected {len(self)} images for the {count} entries of "
                f"{self._list('K').name}. Received: {len(missing)} missing: {_some(missing)}. "
                "Unpack the archive again, or make lists and images the same part of it."
            )
        # Other backgrounds of the training set may be there or not.
        beyond = sorted(name for name in present if int(name[:8]) >= count * num_versions)
        if beyond:
            raise InputError(
                f"{self._images}: expected {count * num_versions} images at most, for the "
                f"{count} entries of {self._list('K').name}. "
                f"Received: {len(beyond)} more: {_some(beyond)}. The list may be of a smaller copy."
            )

    def _checked_intrinsics(self, row: int) -> np.ndarray:
        matrix = self._intrinsics[row]
        usable = np.isfinite(matrix).all() and matrix[0, 0] > 0 and matrix[1, 1] > 0
        if not usable or matrix[2].tolist() != [0, 0, 1]:
            raise InputError(
                f"{self._list('K')}: [{row}]: expected a finite camera matrix with focal "
                f"lengths > 0 and last row 0, 0, 1. Received: K={matrix.tolist()}."
            )
        return matrix

    def _bone_mm(self, row: int) -> float | None:
        if self._scale_m is None:
            return None
        scale = float(self._scale_m[row])
        if not 0 < scale < np.inf:
            raise InputError(
                f"{self._list('scale')}: [{row}]: expected a positive length in metres. "
                f"Received: scale={scale!r}."
            )
        return scale * _MM_PER_M


def _chosen_versions(versions: str, training: bool) -> list[int]:
    if versions == "all":
        return list(range(len(VERSIONS))) if training else [0]
    names = versions.split(",")
    if not training or not set(names) <= set(VERSIONS) or len(set(names)) < len(names):
        raise InputError(
            "FreiHandDataset: expected different versions with commas between them, and only "
            f"for split=training. Received: versions={versions!r}. Known: {', '.join(VERSIONS)}."
        )
    return [version for version, name in enumerate(VERSIONS) if name in names]


def _image_name(file_id: int) -> str:
    return f"{file_id:08d}.jpg"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _whole_image_box() -> np.ndarray:
    """The box whose crop window is the whole picture."""
    width, height = IMAGE_SIZE
    side = max(width, height) / CROP_MARGIN
    return np.array([(width - side - 1) / 2, (height - side - 1) / 2, side, side])


def _read_array(file: pathlib.Path, shape: tuple[int, ...]) -> np.ndarray:
    """The rows of a JSON list as one float64 array `(rows, *shape)`, not yet checked for NaN."""
    try:
        rows = json.loads(file.read_bytes())
    except OSError as error:
        raise InputError(
            f"{file}: expected a file of FreiHAND. Received: {error.strerror}. "
            f"PATH is the folder it was unpacked into, as FreiHAND_pub_v2."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: expected JSON. Received: {error}. Copy it again.") from error
    if not isinstance(rows, list):
        raise InputError(f"{file}: expected a list. Received: {rows!r:.60}.")
    array = _numbers(rows)
    if array is None or array.shape != (len(rows), *shape):
        for index, row in enumerate(rows):
            found = _numbers(row)
            if found is None or found.shape != shape:
                raise InputError(
                    f"{file}: [{index}]: expected numbers of shape {shape}. Received: {row!r:.60}."
                )
    return np.asarray(array, np.float64).reshape(len(rows), *shape)


def _numbers(values) -> np.ndarray | None:
    try:
        array = np.array(values)
    except ValueError:
        return None
    return array if array.dtype.kind in "iuf" else None


def _check_metres(file: pathlib.Path, bones: np.ndarray) -> None:
    known = bones[np.isfinite(bones)]
    if known.size and np.median(known) > MAX_MEDIAN_BONE_M:
        raise InputError(
            f"{file}: expected metres. Received: median length of the bone 9-10 = "
            f"{np.median(known):g}. Divide the numbers by 1000 if they are millimetres."
        )
