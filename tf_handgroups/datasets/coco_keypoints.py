"""Hands from COCO-style keypoint files, as mmpose uses them, e.g. to write `handjson`.

```
{"images": [{"id": 7, "file_name": "a.jpg", "width": 640, "height": 480,
             "cam_param": {"focal": [fx, fy], "princpt": [cx, cy]}}],
 "annotations": [{"id": 3, "image_id": 7, "keypoints": [u, v, label, ...63 numbers],
                  "bbox": [x, y, width, height], "hand_type": "left",
                  "joint_cam": [[x, y, z], ...21], "joint_valid": [1, ...21]}]}
```

Required are `id`, `file_name`, `width`, `height`; `image_id`, `keypoints`. The label
is 0 for joints that are not labelled, 1 for hidden and 2 for seen ones; 21 rows of 3
numbers are read as well. Extensions: `hand_type` or `handedness` (`left`, `right`);
`joint_cam`, millimetres in the camera frame, and `joint_valid` (0: not known);
`cam_param`, or its `focal` and `princpt` alone, in the image or the annotation.

Coordinates are taken over without an offset of half a pixel: mmpose counts from the
centre of the first pixel, as this package does, for joints and boxes alike (its boxes
are the extreme coordinates of the joints, some with a margin). Width and height are
those of the image turned upright by its EXIF orientation, as OpenCV reads it.
"""

import dataclasses
import json
import os
import pathlib
from typing import Any

import numpy as np

from tf_handgroups.datasets.sample import HANDEDNESS, HandSample, box_around
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import upright_size_of
from tf_handgroups.joints import JOINT_ORDERS, NUM_JOINTS, to_canonical

# No hand is smaller, in mm; in metres every hand is.
_MIN_EXTENT_MM = 5.0
# Beyond any picture or hand, and no trouble for float32.
_HUGE = 1e9


@dataclasses.dataclass(frozen=True, eq=False)
class CocoHands:
    """What a COCO file holds.

    Args:
        samples: Hands with at least one labelled joint, in the file's order.
        num_unlabelled: Annotations without a labelled joint, which were left out.
    """

    samples: list[HandSample]
    num_unlabelled: int


def read_coco_keypoints(
    path: str | os.PathLike,
    images: str | os.PathLike,
    joint_order: str = "canonical",
    handedness: str | None = None,
) -> CocoHands:
    """Reads and checks all hands of a COCO keypoint file.

    Of the images only the headers are read, to compare their sizes.

    Args:
        path: The JSON file.
        images: Folder in which the images lie; no `file_name` may lead out of it.
        joint_order: Order of the keypoints, a key of `joints.JOINT_ORDERS`. The
            keypoint names in the file do not tell: mmpose's file of RHD names them in
            canonical order and lists them in RHD's.
        handedness: `"left"` or `"right"` for hands of which the file does not say it.

    Raises:
        InputError: If the file is not in this format or an annotation is wrong; the
            message names file and annotation.

    Example:

    >>> import tempfile
    >>> from tf_handgroups.image_file import write_image
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_image(folder / "a.png", np.zeros((48, 64, 3), np.uint8))
    >>> content = {
    ...     "images": [{"id": 7, "file_name": "a.png", "width": 64, "height": 48}],
    ...     "annotations": [
    ...         {"id": 3, "image_id": 7, "keypoints": [30, 20, 2] * 20 + [0, 0, 0]},
    ...         {"id": 4, "image_id": 7, "keypoints": [0, 0, 0] * 21}]}
    >>> _ = (folder / "a.json").write_text(json.dumps(content))
    >>> hands = read_coco_keypoints(folder / "a.json", folder)
    >>> hands.samples[0].sample_id, int(hands.samples[0].visible.sum()), hands.num_unlabelled
    ('a.png#3', 20, 1)
    """
    if joint_order not in JOINT_ORDERS:
        raise InputError(
            f"read_coco_keypoints: unknown joint order. Received: joint_order={joint_order!r}. "
            f"Known orders: {', '.join(JOINT_ORDERS)}."
        )
    if handedness not in (*HANDEDNESS, None):
        raise InputError(
            "read_coco_keypoints: expected left, right or nothing. "
            f"Received: handedness={handedness!r}."
        )
    file = pathlib.Path(path)
    content = _load(file)
    known_images = _Images(file, pathlib.Path(images), content["images"])
    samples = []
    for index, entry in enumerate(content["annotations"]):
        sample = _sample(_Annotation(file, index, entry, joint_order), known_images, handedness)
        if sample is not None:
            samples.append(sample)
    if not samples:
        raise InputError(
            f"{file}: expected at least one hand with a labelled joint. "
            f"Received: {len(content['annotations'])} annotations."
        )
    return CocoHands(samples, len(content["annotations"]) - len(samples))


def _sample(
    annotation: "_Annotation", images: "_Images", handedness: str | None
) -> HandSample | None:
    uv, labelled = annotation.joints()
    if not labelled.any():
        return None
    image = images.of(annotation)
    size = images.size_of(image)
    inside = ((uv > -0.5) & (uv < np.array(size) - 0.5)).all(axis=-1)
    return HandSample(
        sample_id=f"{image.entry['file_name']}#{annotation.name}",
        image=images.path_of(image),
        image_size=size,
        uv_px=np.where(labelled[:, None], uv, np.nan),
        visible=labelled & inside,
        handedness=annotation.handedness() or handedness,
        box_px=annotation.box(uv[labelled]),
        xyz_camera_mm=annotation.xyz(),
        intrinsics_px=annotation.intrinsics() if annotation.has_camera() else image.intrinsics(),
    )


class _Entry:
    """An object of the file under checks: methods return valid values or raise InputError."""

    def __init__(self, where: str, entry: Any):
        self.where, self.entry = where, entry
        if not isinstance(entry, dict):
            raise InputError(f"{where}: expected an object. Received: {entry!r:.80}.")

    def error(self, field: str, expected: str, received: Any) -> InputError:
        return InputError(
            f"{self.where}: {field}: expected {expected}. Received: {field}={received!r:.80}. "
            "Correct this entry or take it out."
        )

    def identity(self, field: str) -> str:
        value = self.entry.get(field)
        if not isinstance(value, (int, str)) or isinstance(value, bool):
            raise self.error(field, "a number or a string", value)
        return str(value)

    def numbers(self, field: str, *shapes: tuple[int, ...]) -> np.ndarray | None:
        """The finite numbers in `field`, or None where it is absent or null."""
        value = self.entry.get(field)
        if value is None:
            return None
        try:
            array = np.array(value)
        except ValueError:
            array = np.array(None)
        if array.shape not in shapes or array.dtype.kind not in "biuf":
            received = f"shape {array.shape}" if array.dtype.kind in "biuf" else value
            allowed = " or ".join(str(shape) for shape in shapes)
            raise self.error(field, f"numbers of shape {allowed}", received)
        if not (np.abs(array) < _HUGE).all():
            raise self.error(field, "finite numbers", value)
        return array.astype(np.float64)

    def required(self, field: str, *shapes: tuple[int, ...]) -> np.ndarray:
        value = self.numbers(field, *shapes)
        if value is None:
            raise self.error(field, f"numbers of shape {shapes[0]}", None)
        return value

    def has_camera(self) -> bool:
        return any(self.entry.get(name) is not None for name in ("cam_param", "focal", "princpt"))

    def intrinsics(self) -> np.ndarray | None:
        if not self.has_camera():
            return None
        nested = self.entry.get("cam_param")
        camera = self if nested is None else _Entry(f"{self.where}: cam_param", nested)
        focal = camera.required("focal", (2,))
        centre = camera.required("princpt", (2,))
        if not (focal > 0).all():
            raise camera.error("focal", "positive focal lengths in pixels", focal.tolist())
        return np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1]])


class _Image(_Entry):
    def __init__(self, file: pathlib.Path, index: int, entry: Any):
        super().__init__(f"{file}: images[{index}]", entry)
        self.name = self.identity("id")

    def size(self) -> tuple[int, int]:
        for field in ("width", "height"):
            value = self.entry.get(field)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise self.error(field, "the size of the image, a positive integer", value)
        return self.entry["width"], self.entry["height"]


class _Annotation(_Entry):
    def __init__(self, file: pathlib.Path, index: int, entry: Any, joint_order: str):
        super().__init__(f"{file}: annotations[{index}]", entry)
        self.name = str(index) if entry.get("id") is None else self.identity("id")
        self.where = f"{file}: annotation id={self.name}"
        self.order = joint_order

    def joints(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns `(21, 2)` pixels and whether each joint is labelled."""
        rows = self.required("keypoints", (3 * NUM_JOINTS,), (NUM_JOINTS, 3))
        rows = to_canonical(rows.reshape(NUM_JOINTS, 3), self.order)
        if not np.isin(rows[:, 2], (0, 1, 2)).all():
            raise self.error("keypoints", "labels 0, 1 or 2", rows[:, 2].tolist())
        return rows[:, :2], rows[:, 2] > 0

    def handedness(self) -> str | None:
        for field in ("hand_type", "handedness"):
            value = self.entry.get(field)
            if value is not None:
                if value not in HANDEDNESS:
                    raise self.error(field, "'left' or 'right'", value)
                return value
        return None

    def box(self, uv: np.ndarray) -> np.ndarray:
        box = self.numbers("bbox", (4,))
        if box is None:
            return box_around(uv)
        if not (box[2] > 0 and box[3] > 0):
            raise self.error("bbox", "x, y, width > 0, height > 0", self.entry["bbox"])
        return box

    def xyz(self) -> np.ndarray | None:
        xyz = self.numbers("joint_cam", (NUM_JOINTS, 3))
        valid = self.numbers("joint_valid", (NUM_JOINTS,), (NUM_JOINTS, 1))
        if xyz is None:
            return None
        if valid is not None:
            xyz[valid.reshape(NUM_JOINTS) == 0] = np.nan
        known = ~np.isnan(xyz[:, 0])
        if not known.any():
            return None
        if not (xyz[known, 2] > 0).all():
            depth = float(xyz[known, 2].min())
            raise self.error("joint_cam", "joints in front of the camera, z > 0", depth)
        extent = float(np.ptp(xyz[known], axis=0).max())
        if known.sum() == NUM_JOINTS and extent < _MIN_EXTENT_MM:
            raise self.error("joint_cam", "millimetres, a hand of some 100", f"extent {extent:.4g}")
        return to_canonical(xyz, self.order)


class _Images:
    """The images of the file by their id; sizes are compared with the files once."""

    def __init__(self, file: pathlib.Path, folder: pathlib.Path, entries: list):
        if not folder.is_dir():
            raise InputError(
                f"{folder}: expected the folder of the images. Received: images={str(folder)!r}."
            )
        self.folder = folder
        self._entries: dict[str, _Image] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        for index, entry in enumerate(entries):
            image = _Image(file, index, entry)
            if image.name in self._entries:
                raise image.error("id", "an id of its own", image.name)
            self._entries[image.name] = image

    def of(self, annotation: _Annotation) -> _Image:
        name = annotation.identity("image_id")
        if name not in self._entries:
            raise annotation.error("image_id", "the id of one of `images`", name)
        return self._entries[name]

    def path_of(self, image: _Image) -> pathlib.Path:
        name = image.entry.get("file_name")
        if not isinstance(name, str) or not name or "\0" in name:
            raise image.error("file_name", "a path relative to the folder of the images", name)
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            # An annotation file from elsewhere must not make us copy other files.
            raise image.error("file_name", f"a path inside {self.folder}", name)
        if not path.is_file():
            raise image.error("file_name", f"an image file in {self.folder}", name)
        return path

    def size_of(self, image: _Image) -> tuple[int, int]:
        if image.name not in self._sizes:
            size = image.size()
            try:
                found = upright_size_of(self.path_of(image))
            except InputError as error:
                raise InputError(f"{image.where}: {error}") from error
            if found != size:
                raise image.error("width, height", f"the size of the file, {found}", size)
            self._sizes[image.name] = size
        return self._sizes[image.name]


def _load(file: pathlib.Path) -> dict:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{file}: expected a readable COCO keypoint file. Received: {error.strerror}. "
            "Check the path."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: expected JSON. Received: {error}. Correct the file.") from error
    for field in ("images", "annotations"):
        if not isinstance(content, dict) or not isinstance(content.get(field), list):
            raise InputError(
                f"{file}: expected an object with lists `images` and `annotations`. "
                f"Received: {content!r:.60}. "
                "See the module `tf_handgroups.datasets.coco_keypoints` for the format."
            )
    return content
