"""`handjson`: the format for your own hands, one `annotations.json` in a folder.

```
{"joint_order": "canonical",
 "hands": [{"file": "images/a.jpg", "width": 640, "height": 480, "handedness": "left",
            "uv_px": [[u, v], ...21], "visible": [1, ...21],
            "xyz_camera_mm": [[x, y, z], ...21], "bone_mm": 45.2,
            "intrinsics_px": {"fx": 600, "fy": 600, "cx": 320, "cy": 240},
            "box_px": [x, y, width, height]}]}
```

Required are `file`, `width`, `height` and either `uv_px` or `xyz_camera_mm` with
`intrinsics_px`. A joint that is not labelled is `null` in `uv_px`, `xyz_camera_mm`
or both; in 3D at least one joint is given. Without `visible` all other joints count
as labelled; joints outside the image are never visible. `bone_mm` is the length of
the bone 9-10, for hands where it is known without 3D joints. Without `box_px` it is
the tight box around the labelled joints. `"presence": false` marks a box without a
hand. Several hands may name the same file; unknown keys are ignored.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from tf_handgroups import camera
from tf_handgroups.datasets.sample import HANDEDNESS, HandSample, box_around
from tf_handgroups.errors import InputError
from tf_handgroups.joints import JOINT_ORDERS, NUM_JOINTS, to_canonical

ANNOTATIONS_NAME = "annotations.json"

# The canonical order in words, as some files have it.
CANONICAL_IN_WORDS = "wrist, thumb CMC..tip, index MCP..tip, middle, ring, little"


class HandJsonDataset:
    """The hands of a `handjson` folder.

    Hands are checked when they are read, so that one bad entry does not hide the
    rest: iteration stops at it, `dataset[index]` reads any other.

    Args:
        path: The folder, or the JSON file in it.

    Raises:
        InputError: If the file is missing or not in this format; from reading a
            hand, if an entry is wrong. Messages name file, hand and field.

    Example:

    >>> import tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.png").write_bytes(b"...")
    >>> hand = {"file": "a.png", "width": 64, "height": 48, "handedness": "left",
    ...     "uv_px": [[i, 2 * i] for i in range(21)]}
    >>> _ = (folder / "annotations.json").write_text(json.dumps(
    ...     {"joint_order": "canonical", "hands": [hand]}))
    >>> dataset = HandJsonDataset(folder)
    >>> len(dataset), dataset[0].sample_id, dataset[0].box_px.tolist()
    (1, 'a.png#0', [0.0, 0.0, 20.0, 40.0])
    """

    kind = "handjson"
    options: Mapping[str, str] = MappingProxyType({})

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self.annotations_path, self._hands, self._order = _load(self.path)

    def __len__(self) -> int:
        return len(self._hands)

    def __iter__(self) -> Iterator[HandSample]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> HandSample:
        """Returns one hand.

        Raises:
            InputError: If its entry is wrong or its image file does not exist.
        """
        hand = _Hand(self.annotations_path, index, self._hands[index], self._order)
        uv, visible, xyz, intrinsics = hand.joints()
        width, height = hand.size()
        inside = (uv > -0.5) & (uv < np.array([width, height]) - 0.5)
        image = hand.image()
        if not image.is_file():
            raise hand.error("file", "an image file in this folder", hand.entry["file"])
        return HandSample(
            sample_id=f"{hand.entry['file']}#{index}",
            image=image,
            image_size=(width, height),
            uv_px=uv,
            visible=visible & inside.all(axis=-1),
            handedness=hand.handedness(),
            box_px=hand.box(),
            xyz_camera_mm=xyz,
            intrinsics_px=intrinsics,
            presence=hand.presence(),
            bone_mm=hand.bone_mm(),
        )


@dataclasses.dataclass(frozen=True, eq=False)
class HandBox:
    """Where a hand is, for `predict --boxes`.

    Args:
        image: Path of the image file.
        box_px: `(4,)` float32 `x, y, width, height`.
        handedness: `"left"`, `"right"` or `None` if unknown.

    Example:

    >>> HandBox(pathlib.Path("a.png"), np.array([0, 0, 9, 9]), None).handedness is None
    True
    """

    image: pathlib.Path
    box_px: np.ndarray
    handedness: str | None


def read_boxes(path: str | os.PathLike) -> list[HandBox]:
    """Reads only `file`, `box_px` and `handedness` of a `handjson` file.

    A missing `box_px` is derived from `uv_px`, or from 3D joints and intrinsics.
    Image files are not required to exist.

    Args:
        path: JSON file, or a folder with `annotations.json`.

    Returns:
        One `HandBox` per entry, in the file's order.

    Raises:
        InputError: As `HandJsonDataset`.

    Example:

    >>> import tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "boxes.json"
    >>> _ = file.write_text('{"hands": [{"file": "a.png", "box_px": [1, 2, 30, 40]}]}')
    >>> read_boxes(file)[0].box_px.tolist()
    [1.0, 2.0, 30.0, 40.0]
    """
    annotations_path, hands, order = _load(pathlib.Path(path))
    boxes = []
    for index, entry in enumerate(hands):
        hand = _Hand(annotations_path, index, entry, order)
        boxes.append(HandBox(hand.image(), hand.box(), hand.handedness()))
    return boxes


class _Hand:
    """One entry under checks: every method returns a valid value or raises InputError."""

    def __init__(self, path: pathlib.Path, index: int, entry: Any, order: str):
        self.where = f"{path}: hands[{index}]"
        if not isinstance(entry, dict):
            raise InputError(
                f"{self.where}: expected an object with `file`, ... Received: hand={entry!r:.80}."
            )
        self.path, self.entry, self.order = path, entry, order

    def error(self, field: str, expected: str, received: Any) -> InputError:
        return InputError(
            f"{self.where}.{field}: expected {expected}. Received: {field}={received!r:.80}. "
            "Correct this entry."
        )

    def image(self) -> pathlib.Path:
        name = self.entry.get("file")
        if not isinstance(name, str) or not name or "\0" in name:
            raise self.error("file", "the path of an image relative to this folder", name)
        windows = pathlib.PureWindowsPath(name)
        if ".." in windows.parts or windows.anchor or pathlib.PurePosixPath(name).is_absolute():
            # An annotation file from elsewhere must not make us read other files.
            raise self.error("file", "a path inside this folder, without '..'", name)
        return self.path.parent / name

    def size(self) -> tuple[int, int]:
        for field in ("width", "height"):
            value = self.entry.get(field)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise self.error(field, "the size of the image, a positive integer", value)
        return self.entry["width"], self.entry["height"]

    def handedness(self) -> str | None:
        value = self.entry.get("handedness")
        if value is not None and value not in HANDEDNESS:
            raise self.error("handedness", "'left', 'right' or null", value)
        return value

    def presence(self) -> bool:
        value = self.entry.get("presence", True)
        if not isinstance(value, bool):
            raise self.error("presence", "true or false", value)
        return value

    def bone_mm(self) -> float | None:
        length = self.numbers("bone_mm", ())
        if length is not None and not length > 0:
            raise self.error("bone_mm", "a positive length in mm", length.item())
        return None if length is None else float(length)

    def points(self, field: str, axes: int) -> np.ndarray | None:
        """The joints `(21, axes)` in `field`, NaN where not labelled, or None."""
        value = self.entry.get(field)
        if not isinstance(value, list) or None not in value:
            return self.numbers(field, (NUM_JOINTS, axes))
        labelled = [joint is not None for joint in value]
        filled = [[0] * axes if joint is None else joint for joint in value]
        points = self.numbers(field, (NUM_JOINTS, axes), filled)
        if points is not None:
            points = points.astype(np.float64)
            points[~to_canonical(np.array(labelled), self.order)] = np.nan
        return points

    def numbers(
        self, field: str, shape: tuple[int, ...], value: list | None = None
    ) -> np.ndarray | None:
        """The array in `field` (or `value`), joints reordered; None where absent or null."""
        value = self.entry.get(field) if value is None else value
        if value is None:
            return None
        try:
            array = np.array(value)
        except ValueError:
            array = np.array(None)
        if array.shape != shape or array.dtype.kind not in "biuf":
            received = f"shape {array.shape}" if array.dtype.kind in "biuf" else value
            raise self.error(field, f"numbers of shape {shape}", received)
        if not np.isfinite(array).all():
            raise self.error(field, "finite numbers", value)
        return to_canonical(array, self.order) if shape[:1] == (NUM_JOINTS,) else array

    def intrinsics(self) -> np.ndarray | None:
        value = self.entry.get("intrinsics_px")
        if value is None:
            return None
        keys = ("fx", "fy", "cx", "cy")
        if not isinstance(value, dict) or not all(
            isinstance(value.get(key), (int, float)) and np.isfinite(value[key]) for key in keys
        ):
            raise self.error("intrinsics_px", "an object with numbers fx, fy, cx, cy", value)
        fx, fy, cx, cy = (float(value[key]) for key in keys)
        if not (fx > 0 and fy > 0):
            raise self.error("intrinsics_px", "positive focal lengths in pixels", value)
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])

    def joints(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Returns uv_px, labelled (21,), xyz_camera_mm and intrinsics (None if absent)."""
        uv = self.points("uv_px", 2)
        xyz = self.points("xyz_camera_mm", 3)
        if xyz is not None and np.isnan(xyz).all():
            raise self.error("xyz_camera_mm", "at least one joint", self.entry["xyz_camera_mm"])
        intrinsics = self.intrinsics()
        labelled = self.numbers("visible", (NUM_JOINTS,))
        if not self.presence():
            return np.zeros((NUM_JOINTS, 2)), np.zeros(NUM_JOINTS, bool), None, intrinsics
        if uv is None:
            if xyz is None or intrinsics is None:
                raise self.error("uv_px", "2D joints, or xyz_camera_mm with intrinsics_px", None)
            uv = np.full((NUM_JOINTS, 2), np.nan)
            known = ~np.isnan(xyz[:, 0])
            try:
                uv[known] = camera.project(xyz[known], intrinsics)
            except InputError as error:
                raise InputError(f"{self.where}.xyz_camera_mm: {error}") from error
        labelled = np.ones(NUM_JOINTS, bool) if labelled is None else labelled.astype(bool)
        return uv, labelled & ~np.isnan(uv[:, 0]), xyz, intrinsics

    def box(self) -> np.ndarray:
        box = self.numbers("box_px", (4,))
        if box is None:
            if not self.presence():
                raise self.error("box_px", "a box, as `presence` is false", None)
            uv, labelled, _, _ = self.joints()
            if not labelled.any():
                raise self.error("box_px", "a box, as no joint is visible", None)
            return box_around(uv[labelled])
        if not (box[2] > 0 and box[3] > 0):
            raise self.error("box_px", "x, y, width > 0, height > 0", self.entry["box_px"])
        return box.astype(np.float32)


def _load(path: pathlib.Path) -> tuple[pathlib.Path, list, str]:
    file = path if path.suffix == ".json" else path / ANNOTATIONS_NAME
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{file}: expected a readable handjson file. Received: {error.strerror}. "
            f"PATH is a folder with {ANNOTATIONS_NAME}, or such a file."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: expected JSON. Received: {error}. Correct the file.") from error
    if not isinstance(content, dict) or not isinstance(content.get("hands"), list):
        raise InputError(
            f"{file}: expected an object with a list `hands`. Received: {content!r:.60}. "
            "See the module `tf_handgroups.datasets.handjson` for the format."
        )
    if not content["hands"]:
        raise InputError(f"{file}: expected at least one hand. Received: hands=[]. Add entries.")
    order = content.get("joint_order", "canonical")
    if order == CANONICAL_IN_WORDS:
        order = "canonical"
    if not isinstance(order, str) or order not in JOINT_ORDERS:
        raise InputError(
            f"{file}: unknown joint order. Received: joint_order={order!r:.80}. "
            f"Known orders: {', '.join(JOINT_ORDERS)}."
        )
    return file, content["hands"], order
