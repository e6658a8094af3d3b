"""`dexter-object`: Dexter+Object (Sridhar et al., ECCV 2016), for evaluation only.

```
data/Grasp1/color/Color_0001.bmp ...            640 x 480
data/Grasp1/annotations/Grasp13D.txt            a line per image: x, y, z;x, y, z;...
```

Six sequences of left hands with an object. Only fingertips are labelled: the first five
columns, thumb to little, in millimetres; columns after them are not read. z = 32001 marks a
tip without label, and images without any labelled tip are left out. All that is unknown is
NaN in 2D and 3D, and not visible.

**Frame.** Labels are in the frame of the depth camera with x and y negated. The published
calibration moves them to the colour camera, whose images are read here.

**Boxes.** The set has none, and the tight box of five tips, one often missing, is no box of
a hand. By default the box is a square around the tips, at least 160 mm wide at their
distance, so that the crop shows all joints of most hands. `boxes=FILE` reads better ones
from a CSV file with a header and the columns `img_name,x,y,w,h`, for example the
`bbox_dexter+object.csv` of https://github.com/OlgaChernytska/3D-Hand-Pose-Estimation.

**Bad labels.** Some are known to be wrong; published numbers with and without them differ.
`labels=cleaned` reads `my_Grasp13D.txt` and so on, files of the same format that come with
https://github.com/MengHao666/Minimal-Hand-pytorch. `skip=FILE` leaves out the images that a
text file lists, one per line (`Grasp1/color/Color_0001.bmp`).
"""

import csv
import os
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np

from tf_handgroups.camera import project
from tf_handgroups.datasets.options import known_option
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import FORMATS
from tf_handgroups.joints import NUM_JOINTS

IMAGE_SIZE = (640, 480)
SEQUENCES = ("Grasp1", "Grasp2", "Occlusion", "Rigid", "Pinch", "Rotate")

# Canonical joints of the columns: thumb, index, middle, ring, little.
TIPS = (4, 8, 12, 16, 20)
NO_LABEL_Z = 32001

INTRINSICS_PX = np.array([[587.45209, 0, 325], [0, 600.67456, 249], [0, 0, 1]])
# Depth camera to colour camera, as published: rounded, not exactly a rotation.
_ROTATION = np.array(
    [[0.9999, 0.0034, 0.0161], [-0.0033, 1.0000, -0.0079], [-0.0162, 0.0079, 0.9998]]
)
_SHIFT_MM = np.array([19.0473, -1.8514, -4.7501])

# The crop, 1.5 such boxes around all five tips, holds the whole hand in 99 % of the poses of
# STB and 88 % of those of RHD (150 mm: 95 % and 85 %), seen from 400 mm.
_BOX_MM = 160.0

_LABEL_PREFIXES = {"official": "", "cleaned": "my_"}


class DexterObjectDataset:
    """The hands of a Dexter+Object folder that have at least one labelled fingertip.

    Args:
        path: Folder with `data`, or `data` itself.
        sequence: `all`, or one of `SEQUENCES`.
        labels: `official`, or `cleaned` for the files `my_*3D.txt`.
        boxes: CSV file `img_name,x,y,w,h` with a box for every image, or `tips`.
        skip: Text file with images to leave out, `#` starts a comment, or `none`.

    Raises:
        InputError: If an option is unknown, a file is missing, or images and labels
            differ in number; from reading a hand, if its line is wrong.

    Example:

    >>> import tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for part in ("color", "annotations"):
    ...     (folder / "data" / "Pinch" / part).mkdir(parents=True)
    >>> _ = (folder / "data" / "Pinch" / "color" / "Color_0001.bmp").write_bytes(b"...")
    >>> line = "10, 0, 400;20, 0, 400;30, 0, 400;40, 0, 400;0, 0, 32001;"
    >>> _ = (folder / "data" / "Pinch" / "annotations" / "Pinch3D.txt").write_text(line)
    >>> dataset = DexterObjectDataset(folder, sequence="Pinch")
    >>> dataset[0].sample_id, np.flatnonzero(dataset[0].visible).tolist()
    ('Pinch/color/Color_0001.bmp', [4, 8, 12, 16])
    """

    kind = "dexter-object"

    def __init__(
        self,
        path: str | os.PathLike,
        sequence: str = "all",
        labels: str = "official",
        boxes: str = "tips",
        skip: str = "none",
    ):
        self.path = pathlib.Path(path)
        self.options: Mapping[str, str] = {
            "sequence": known_option("dexter-object", "sequence", sequence, ("all", *SEQUENCES)),
            "labels": known_option("dexter-object", "labels", labels, _LABEL_PREFIXES),
            "boxes": boxes,
            "skip": skip,
        }
        self._data = self.path / "data" if (self.path / "data").is_dir() else self.path
        self._boxes = None if boxes == "tips" else _read_boxes(pathlib.Path(boxes))
        frames = [
            frame
            for name in (SEQUENCES if sequence == "all" else (sequence,))
            for frame in self._read_sequence(name, _LABEL_PREFIXES[labels])
        ]
        skipped = set() if skip == "none" else _read_skipped(pathlib.Path(skip))
        unknown = skipped - {name for name, _, _ in frames}
        if unknown and sequence == "all":
            raise InputError(
                f"{skip}: expected names of images, such as {frames[0][0]}. "
                f"Received: {min(unknown)!r}, which the data set does not have."
            )
        self._frames = [
            (name, where, line)
            for name, where, line in frames
            if name not in skipped and not _is_unlabelled(line)
        ]

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[HandSample]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> HandSample:
        """Returns one hand.

        Raises:
            InputError: If its line is wrong or `boxes` has no box for it.
        """
        name, where, line = self._frames[index]
        xyz = _tips_mm(line, where)
        labelled = ~np.isnan(xyz).any(axis=-1)
        uv = np.full((NUM_JOINTS, 2), np.nan)
        uv[labelled] = project(xyz[labelled], INTRINSICS_PX)
        inside = (uv > -0.5) & (uv < np.array(IMAGE_SIZE) - 0.5)
        return HandSample(
            sample_id=name,
            image=self._data / name,
            image_size=IMAGE_SIZE,
            uv_px=uv,
            visible=np.asarray(inside.all(axis=-1)),
            handedness="left",
            box_px=self._box(name, uv[labelled], xyz[labelled]),
            xyz_camera_mm=xyz,
            intrinsics_px=INTRINSICS_PX,
        )

    def _read_sequence(self, sequence: str, prefix: str) -> list[tuple[str, str, str]]:
        """Name of the image, place and text of its label, for all images in order."""
        folder = self._data / sequence / "color"
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        names = [name for name in names if pathlib.PurePath(name).suffix.lower() in FORMATS]
        if not names:
            raise InputError(
                f"{folder}: expected images, Color_0001.bmp and so on. Received: none. "
                "PATH is the folder of `data`; choose ?sequence=NAME if only one is there."
            )
        path = self._data / sequence / "annotations" / f"{prefix}{sequence}3D.txt"
        lines = _lines(path)
        if len(lines) != len(names):
            raise InputError(
                f"{path}: expected a line for each of {len(names)} images in {folder}. "
                f"Received: {len(lines)} lines. The n-th line belongs to the n-th image: "
                "remove or unpack what lacks its counterpart."
            )
        return [
            (f"{sequence}/color/{name}", f"{path}, line {number}", line)
            for number, (name, line) in enumerate(zip(names, lines, strict=True), 1)
        ]

    def _box(self, name: str, uv_px: np.ndarray, xyz_mm: np.ndarray) -> np.ndarray:
        if self._boxes is not None:
            if name not in self._boxes:
                raise InputError(
                    f"{self.options['boxes']}: expected a box for every image. "
                    f"Received: none for {name}. Add it, or list the image in `skip`."
                )
            return self._boxes[name]
        low, high = uv_px.min(axis=0), uv_px.max(axis=0)
        focal_px = float(np.mean(INTRINSICS_PX[[0, 1], [0, 1]]))
        side = max(*(high - low), _BOX_MM * focal_px / float(xyz_mm[:, 2].mean()))
        return np.array([*((low + high - side) / 2), side, side])


def _lines(path: pathlib.Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: expected a readable text file. Received: {error}. "
            "Check the path and the spelling."
        ) from error


def _numbers(line: str) -> np.ndarray | None:
    """The five tips `(5, 3)` of a line as in the file, or None if it is not such a line."""
    try:
        tips = [[float(value) for value in column.split(",")] for column in line.split(";")[:5]]
        numbers = np.array(tips)
    except ValueError:
        return None
    return numbers if numbers.shape == (len(TIPS), 3) else None


def _is_unlabelled(line: str) -> bool:
    numbers = _numbers(line)
    return numbers is not None and bool((numbers[:, 2] == NO_LABEL_Z).all())


def _tips_mm(line: str, where: str) -> np.ndarray:
    """Joints `(21, 3)` in the frame of the colour camera, NaN but for labelled tips."""
    numbers = _numbers(line)
    if numbers is None:
        raise InputError(
            f"{where}: expected five columns `x, y, z;`. Received: line={line!r:.80}. "
            "Correct it; without a label z is 32001."
        )
    labelled = numbers[:, 2] != NO_LABEL_Z
    tips = (numbers * [-1, -1, 1]) @ _ROTATION.T + _SHIFT_MM
    if not np.isfinite(tips[labelled]).all() or (tips[labelled, 2] <= 0).any():
        raise InputError(
            f"{where}: expected finite tips in front of the camera, z > 0. "
            f"Received: line={line!r:.80}. List the image in a file for `skip`."
        )
    xyz = np.full((NUM_JOINTS, 3), np.nan)
    xyz[np.array(TIPS)[labelled]] = tips[labelled]
    return xyz


def _read_skipped(path: pathlib.Path) -> set[str]:
    names = {line.partition("#")[0].strip() for line in _lines(path)}
    return names - {""}


def _read_boxes(path: pathlib.Path) -> dict[str, np.ndarray]:
    boxes = {}
    for number, row in enumerate(csv.DictReader(_lines(path)), 2):
        try:
            box = np.array([float(row[column]) for column in ("x", "y", "w", "h")])
            name = row["img_name"]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}, line {number}: expected the columns img_name,x,y,w,h with a header. "
                f"Received: {dict(row)!r:.80}. Correct the file."
            ) from error
        # x, y is the first pixel inside; our boxes start at its edge.
        boxes[name] = box - [0.5, 0.5, 0, 0]
    return boxes
