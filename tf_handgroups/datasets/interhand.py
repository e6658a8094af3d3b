"""`interhand`: InterHand2.6M, single and interacting hands before many cameras.

```
images/<split>/...                                    paths as `file_name` has them
annotations/<split>/InterHand2.6M_<split>_data.json      images and annotations, as in COCO
annotations/<split>/InterHand2.6M_<split>_camera.json    [capture]{campos, camrot, ...}[camera]
annotations/<split>/InterHand2.6M_<split>_joint_3d.json  [capture][frame]{world_coord, ...}
```

Joints 0-20 are those of the right hand, 21-41 those of the left, each finger from its tip
and the wrist last, in millimetres of a world that the cameras share:
X_camera = R (X_world - campos).

The files of the training set are large. Numbers are taken out of them while they are
parsed, so that memory is needed for the text and for the numbers, not for objects.
"""

import json
import os
import pathlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tf_handgroups import camera
from tf_handgroups.datasets.options import known_option
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS, to_canonical

SPLITS = ("train", "val", "test")
# In the order of the joints in the files.
SIDES = ("right", "left")
HANDS = ("both", *SIDES)
HAND_TYPES = {"right": (True, False), "left": (False, True), "interacting": (True, True)}

_NUM_BOTH = 2 * NUM_JOINTS
_WRIST = 20
_ROTATION_TOLERANCE = 0.01


class InterHandDataset:
    """The hands of an InterHand2.6M folder; each is a sample, an interacting frame has two.

    As in the official code, a joint counts where `joint_valid` of the image says so, which
    leaves out joints outside it, and a hand whose wrist does not count is left out. Joints
    that do not count are NaN. `num_skipped` is the number of hands of the frame's
    `hand_type` that were left out. `hand_type_valid` tells whether `hand_type` can be
    learned from the image; the side of a hand is known from its joints, so it plays no
    part. The box is the tight one around the joints that count: that of the file spans
    both hands.

    Args:
        path: The folder with `images` and `annotations`.
        split: `train`, `val` or `test`.
        hands: `right`, `left` or `both`.

    Raises:
        InputError: If an option is unknown, a file is missing or not in this format, or
            there is no such hand; from reading a hand, if its numbers are wrong or its
            image is missing.

    Example:

    >>> InterHandDataset("InterHand2.6M", split="all")
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: interhand: unknown value of an option. ...
    """

    kind = "interhand"

    def __init__(self, path: str | os.PathLike, split: str = "train", hands: str = "both"):
        self.path = pathlib.Path(path)
        known_option("interhand", "split", split, SPLITS)
        known_option("interhand", "hands", hands, HANDS)
        self.options: Mapping[str, str] = {"split": split, "hands": hands}
        self._images = self.path / "images" / split
        self._start = self.path / "annotations" / split / f"InterHand2.6M_{split}_"
        self._frames = _Frames(self._file("data"))
        self._world, in_world = _read_world(self._file("joint_3d"), self._frames)
        self._cameras = _read_cameras(self._file("camera"), self._frames)

        rows = self._frames.rows
        self._labelled = self._frames.joint_valid & in_world[self._frames.moments[rows]]
        counts = self._labelled.reshape(-1, 2, NUM_JOINTS)[:, :, _WRIST]
        wanted = np.array([hands in ("both", side) for side in SIDES])
        # Row of the annotation and side of every hand, right before left.
        self._hands = np.argwhere(counts & wanted).astype(np.int32)
        self.num_skipped = int(np.count_nonzero(self._frames.hand_type & wanted & ~counts))
        if not len(self._hands):
            raise InputError(
                f"{self._file('data')}: expected at least one hand with a valid wrist. "
                f"Received: none with hands={hands!r}, {self.num_skipped} left out."
            )

    def __len__(self) -> int:
        return len(self._hands)

    def __iter__(self) -> Iterator[HandSample]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> HandSample:
        """Returns one hand.

        Raises:
            InputError: If its numbers are wrong or its image file does not exist.
        """
        annotation, side = (int(number) for number in self._hands[index])
        row = self._frames.rows[annotation]
        where = f"{self._file('data')}: annotations[{annotation}], {SIDES[side]} hand"
        joints = slice(side * NUM_JOINTS, (side + 1) * NUM_JOINTS)
        labelled = to_canonical(self._labelled[annotation, joints], "interhand")
        world = to_canonical(self._world[self._frames.moments[row], joints], "interhand")
        rotation, position, intrinsics = self._cameras[self._frames.cameras[row]]

        xyz = (world.astype(np.float64) - position) @ rotation.T
        uv = np.full((NUM_JOINTS, 2), np.nan)
        try:
            uv[labelled] = camera.project(xyz[labelled], intrinsics)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        xyz[~labelled] = np.nan
        size = self._frames.sizes[row]
        # Comparing NaN is false: what is not labelled is not inside.
        inside = np.all((uv > -0.5) & (uv < size - 0.5), axis=-1)
        name = self._frames.file_names[row]
        return HandSample(
            sample_id=f"{name}#{SIDES[side]}",
            image=self._image(name, where),
            image_size=(int(size[0]), int(size[1])),
            uv_px=uv,
            visible=inside,
            handedness=SIDES[side],
            box_px=box_around(uv[labelled]),
            xyz_camera_mm=xyz,
            intrinsics_px=intrinsics,
        )

    def _file(self, name: str) -> pathlib.Path:
        return self._start.with_name(f"{self._start.name}{name}.json")

    def _image(self, name: str, where: str) -> pathlib.Path:
        image = self._images / name
        try:
            # A file from elsewhere must not make us read other files.
            inside = image.resolve().is_relative_to(self._images.resolve())
        except (OSError, ValueError):
            inside = False
        if not inside:
            raise InputError(
                f"{where}: expected the path of an image inside {self._images}. "
                f"Received: file_name={name!r:.200}."
            )
        if not image.is_file():
            raise InputError(
                f"{where}: expected an image file in {self._images}. "
                f"Received: file_name={name!r:.200}, and no such file."
            )
        return image


class _Frames:
    """What `data.json` says, as columns.

    One row per image: `file_names`, `sizes` (width, height), `cameras` and `moments`,
    indices into `camera_names` and `moment_names`, which are pairs of keys of the other
    two files. One row per annotation: `rows`, its image, `joint_valid` and `hand_type`.
    """

    def __init__(self, file: pathlib.Path):
        self.file = file
        self.file_names: list[str] = []
        self.camera_names: dict[tuple[str, str], int] = {}
        self.moment_names: dict[tuple[str, str], int] = {}
        # Image id, width, height, camera, moment of one image after the other.
        self._numbers = array("q")
        self._image_ids, self._valid, self._types = array("q"), bytearray(), bytearray()
        content = _read_json(file, self._take)
        taken = {"images": len(self.file_names), "annotations": len(self._image_ids)}
        for name, count in taken.items():
            entries = content.get(name) if isinstance(content, dict) else None
            if not isinstance(entries, list) or len(entries) != count or any(entries):
                received = f"{len(entries)} entries" if isinstance(entries, list) else "no list"
                raise InputError(
                    f"{file}: expected a list `{name}` of objects, each with "
                    f"{'file_name' if name == 'images' else 'image_id'}. "
                    f"Received: {received}, {count} such objects in the file."
                )
        numbers = np.frombuffer(self._numbers, np.int64).reshape(-1, 5)
        self.sizes, self.cameras, self.moments = numbers[:, 1:3], numbers[:, 3], numbers[:, 4]
        self.rows = self._rows(numbers[:, 0], np.frombuffer(self._image_ids, np.int64))
        valid = np.frombuffer(bytes(self._valid), np.uint8).reshape(-1, _NUM_BOTH)
        self.joint_valid = valid.astype(bool)
        types = np.frombuffer(bytes(self._types), np.uint8).reshape(-1, 2)
        self.hand_type = types.astype(bool)

    def _take(self, entry: dict[str, Any]) -> Any:
        """Called by the parser for every object: takes the numbers and drops the rest."""
        if "file_name" in entry:
            return self._take_image(entry)
        return self._take_annotation(entry) if "image_id" in entry else entry

    def _take_image(self, entry: dict[str, Any]) -> None:
        where = f"images[{len(self.file_names)}]"
        for field in ("id", "width", "height"):
            value = entry.get(field)
            if type(value) is not int or not (0 if field == "id" else 1) <= value < 2**31:
                raise self._error(where, field, "a positive integer", value)
        for field in ("capture", "camera", "frame_idx"):
            if type(entry.get(field)) not in (int, str):
                raise self._error(where, field, "an integer or a string", entry.get(field))
        name = entry["file_name"]
        if not isinstance(name, str) or not name:
            raise self._error(where, "file_name", "the path of an image", name)
        capture = str(entry["capture"])
        camera_name, moment = (capture, str(entry["camera"])), (capture, str(entry["frame_idx"]))
        self._numbers.extend(
            (
                entry["id"],
                entry["width"],
                entry["height"],
                self.camera_names.setdefault(camera_name, len(self.camera_names)),
                self.moment_names.setdefault(moment, len(self.moment_names)),
            )
        )
        self.file_names.append(name)

    def _take_annotation(self, entry: dict[str, Any]) -> None:
        where = f"annotations[{len(self._image_ids)}]"
        if type(entry["image_id"]) is not int or not 0 <= entry["image_id"] < 2**31:
            raise self._error(where, "image_id", "the id of an image", entry["image_id"])
        # 42 flags, in the official files each in a list of its own.
        valid = _numbers(entry.get("joint_valid"))
        if valid is None or valid.size != _NUM_BOTH or not ((valid == 0) | (valid == 1)).all():
            raise self._error(where, "joint_valid", "42 flags 0 or 1", entry.get("joint_valid"))
        hand_type = entry.get("hand_type")
        if not isinstance(hand_type, str) or hand_type not in HAND_TYPES:
            raise self._error(where, "hand_type", f"one of {', '.join(HAND_TYPES)}", hand_type)
        self._image_ids.append(entry["image_id"])
        self._valid += valid.astype(np.uint8).tobytes()
        self._types += bytes(HAND_TYPES[hand_type])

    def _error(self, where: str, field: str, expected: str, received: Any) -> InputError:
        return InputError(
            f"{self.file}: {where}.{field}: expected {expected}. "
            f"Received: {field}={received!r:.80}."
        )

    def _rows(self, ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """The row of the image of every annotation."""
        order = np.argsort(ids, kind="stable")
        doubled = np.flatnonzero(np.diff(ids[order]) == 0)
        if doubled.size:
            raise self._error(
                f"images[{order[doubled[0] + 1]}]", "id", "an id of its own", ids[order[doubled[0]]]
            )
        place = np.searchsorted(ids[order], wanted)
        rows = order[np.minimum(place, len(order) - 1)] if len(order) else np.zeros_like(wanted) - 1
        unknown = np.flatnonzero(ids[rows] != wanted) if len(order) else np.arange(len(wanted))
        if unknown.size:
            raise self._error(
                f"annotations[{unknown[0]}]", "image_id", "the id of an image", wanted[unknown[0]]
            )
        return rows


def _read_world(file: pathlib.Path, frames: _Frames) -> tuple[np.ndarray, np.ndarray]:
    """World coordinates (moments, 42, 3) in mm, and which of them are labelled."""

    def take(entry: dict[str, Any]) -> Any:
        if "world_coord" not in entry:
            return entry
        world, valid = _numbers(entry["world_coord"]), _numbers(entry.get("joint_valid"))
        if world is None or world.shape != (_NUM_BOTH, 3):
            return None
        if valid is None or valid.size != _NUM_BOTH:
            return None
        return world.astype(np.float32), valid.reshape(-1).astype(bool)

    content = _read_json(file, take)
    world = np.empty((len(frames.moment_names), _NUM_BOTH, 3), np.float32)
    labelled = np.empty((len(frames.moment_names), _NUM_BOTH), bool)
    for (capture, frame), index in frames.moment_names.items():
        found = _at(content, capture, frame)
        if not isinstance(found, tuple):
            raise InputError(
                f"{file}: expected world_coord (42, 3) and 42 flags joint_valid of capture "
                f"{capture}, frame {frame}, which {frames.file.name} names. Received: others or "
                "none. The files have to be of one release."
            )
        world[index], labelled[index] = found
    return world, labelled


def _read_cameras(file: pathlib.Path, frames: _Frames) -> list[tuple[np.ndarray, ...]]:
    """Rotation (3, 3), position (3,) in mm and intrinsics (3, 3) of every camera."""
    content = _read_json(file)
    cameras = []
    for capture, name in frames.camera_names:
        values = {}
        for field, shape in (("camrot", (3, 3)), ("campos", (3,)), ("focal", (2,)),
                             ("princpt", (2,))):  # fmt: skip
            received = _at(content, capture, field, name)
            value = _numbers(received)
            if value is None or value.shape != shape or not np.isfinite(value).all():
                raise InputError(
                    f"{file}: [{capture}].{field}[{name}]: expected finite numbers of shape "
                    f"{shape}. Received: {field}={received!r:.80}."
                )
            values[field] = value.astype(np.float64)
        rotation, focal, centre = values["camrot"], values["focal"], values["princpt"]
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > _ROTATION_TOLERANCE:
            raise InputError(
                f"{file}: [{capture}].camrot[{name}]: expected a rotation. "
                f"Received: camrot={rotation.tolist()}."
            )
        if not (focal > 0).all():
            raise InputError(
                f"{file}: [{capture}].focal[{name}]: expected positive focal lengths in pixels. "
                f"Received: focal={focal.tolist()}."
            )
        intrinsics = np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1]])
        cameras.append((rotation, values["campos"], intrinsics))
    return cameras


def _at(content: Any, *keys: str) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _numbers(values: Any) -> np.ndarray | None:
    try:
        found = np.array(values)
    except ValueError:
        return None
    return found if found.dtype.kind in "biuf" else None


def _read_json(file: pathlib.Path, take: Callable[[dict], Any] | None = None) -> Any:
    try:
        return json.loads(file.read_bytes(), object_hook=take)
    except OSError as error:
        raise InputError(
            f"{file}: expected a file of InterHand2.6M. Received: {error.strerror}. "
            "PATH is the folder with `images` and `annotations`."
        ) from error
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: expected JSON. Received: {error}. Copy it again.") from error
