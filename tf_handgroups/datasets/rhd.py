"""`rhd`: the Rendered Hand Pose data set (Zimmermann and Brox, ICCV 2017).

```
training/   anno_training.pickle    color/00000.png  mask/00000.png  ...    41,258 images
evaluation/ anno_evaluation.pickle  color/00000.png  mask/00000.png  ...     2,728 images
```

The pickle is `{number: {"K": (3, 3), "uv_vis": (42, 3), "xyz": (42, 3)}}`: pixels with a
flag for visible joints, and metres in the camera frame; 21 joints of the left hand, then
those of the right one. A person is in every picture, mostly with both hands. The option
`hands` says which become samples:

- `dominant`: of every image the hand with more pixels in the mask, as most papers and Li
  et al. do: left if more pixels are 2..17 than are 18 or more. The default.
- `left`, `right`, `both`: hands with at least one visible joint, each a sample.

Visible is what the file says, and inside the image. `xyz_camera_mm` has all joints.
Layout as in https://github.com/lmb-freiburg/hand3d.
"""

import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

from tf_handgroups.datasets.options import known_option
from tf_handgroups.datasets.restricted_pickle import load_pickle
from tf_handgroups.datasets.sample import HANDEDNESS, HandSample, box_around
from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS, to_canonical

SPLITS = ("training", "evaluation")
HANDS = ("dominant", *HANDEDNESS, "both")
IMAGE_SIZE = (320, 320)

_MM_PER_METRE = 1000.0
# Mask: 0 background, 1 body, 2..17 parts of the left hand, 18..33 of the right one.
_BODY, _LAST_LEFT = 1, 17
_ROWS = {"left": slice(0, NUM_JOINTS), "right": slice(NUM_JOINTS, 2 * NUM_JOINTS)}
_SHAPES = {"K": (3, 3), "uv_vis": (2 * NUM_JOINTS, 3), "xyz": (2 * NUM_JOINTS, 3)}
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


class RhdDataset:
    """The hands of one split of RHD.

    Labels are checked when a hand is read: iteration stops at a broken one,
    `dataset[index]` reads any other.

    Args:
        path: `RHD_published_v2`, or the folder of the split itself.
        split: `"training"` or `"evaluation"`.
        hands: `"dominant"`, `"left"`, `"right"` or `"both"`.

    Raises:
        InputError: If an option is unknown, or the labels are missing or no such pickle;
            from reading a hand, if its labels or files are wrong.

    Example:

    >>> import pickle, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> labels = {"K": np.diag([300.0, 300, 1]), "uv_vis": np.ones((42, 3)),
    ...     "xyz": np.full((42, 3), 0.5)}
    >>> _ = (folder / "anno_training.pickle").write_bytes(pickle.dumps({7: labels}))
    >>> (folder / "color").mkdir()
    >>> _ = (folder / "color" / "00007.png").write_bytes(b"...")
    >>> dataset = RhdDataset(folder, hands="both")
    >>> [hand.sample_id for hand in dataset], dataset[0].xyz_camera_mm[0].tolist()
    (['training/00007#left', 'training/00007#right'], [500.0, 500.0, 500.0])

    Reference:
    - [Zimmermann and Brox, 2017](https://arxiv.org/abs/1705.01389)
    """

    kind = "rhd"

    def __init__(
        self, path: str | os.PathLike, split: str = "training", hands: str = "dominant"
    ) -> None:
        known_option("rhd", "split", split, SPLITS)
        known_option("rhd", "hands", hands, HANDS)
        self.path = pathlib.Path(path)
        self.options: Mapping[str, str] = {"split": split, "hands": hands}
        self.annotations_path = _annotations_path(self.path, split)
        # latin1 reads pickles of Python 2 and 3 alike.
        self._annotations = load_pickle(self.annotations_path, encoding="latin1")
        self._hands = self._list_hands(hands)

    def __len__(self) -> int:
        return len(self._hands)

    def __iter__(self) -> Iterator[HandSample]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> HandSample:
        """Returns one hand.

        Raises:
            InputError: If its labels are wrong, or an image or a mask is missing.
        """
        number, side = self._hands[index]
        if side is None:
            self._check_labels(number)
            side = self._dominant(number)
        uv, visible = self._uv(number, side)
        xyz = to_canonical(self._array(number, "xyz")[_ROWS[side]], "rhd") * _MM_PER_METRE
        if not (xyz[:, 2] > 0).all():
            smallest = f"smallest z={xyz[:, 2].min() / _MM_PER_METRE:g} in the {side} hand"
            raise self._error(number, "xyz", "depths z > 0 in metres", smallest)
        intrinsics = self._array(number, "K")
        if not (intrinsics[[0, 1], [0, 1]] > 0).all():
            raise self._error(number, "K", "focal lengths > 0", intrinsics.tolist())
        return HandSample(
            sample_id=f"{self.options['split']}/{number:05d}#{side}",
            image=self._file("color", number),
            image_size=IMAGE_SIZE,
            uv_px=uv,
            visible=visible,
            handedness=side,
            box_px=box_around(uv[visible] if visible.any() else uv),
            xyz_camera_mm=xyz,
            intrinsics_px=intrinsics,
        )

    def _list_hands(self, hands: str) -> list[tuple[int, str | None]]:
        """Number of the image and side; the side is None if only reading it can tell."""
        numbers = self._annotations
        if (
            not isinstance(numbers, dict)
            or not numbers
            or not all(type(number) is int and number >= 0 for number in numbers)
        ):
            raise InputError(
                f"{self.annotations_path}: expected {{number of the image: labels}}. "
                f"Received: labels={numbers!r:.80}. Check that it is the file of RHD."
            )
        if hands == "dominant":
            return [(number, None) for number in sorted(numbers)]
        sides = HANDEDNESS if hands == "both" else (hands,)
        found: list[tuple[int, str | None]] = []
        for number in sorted(numbers):
            try:
                found += [(number, side) for side in sides if self._uv(number, side)[1].any()]
            except InputError:
                # Reported when it is read, so that it does not hide the others.
                found.append((number, None))
        if not found:
            raise InputError(
                f"{self.annotations_path}: expected a visible hand. Received: none with "
                f"hands={hands!r} in {len(numbers)} images. Use hands=both."
            )
        return found

    def _dominant(self, number: int) -> str:
        path = self._file("mask", number)
        try:
            with Image.open(path, formats=["PNG"]) as image:
                size, mode = image.size, image.mode
                parts = np.asarray(image) if (size, mode) == (IMAGE_SIZE, "L") else None
        except _DAMAGED as error:
            raise InputError(
                f"{path}: expected a complete PNG image. Received: {error}. "
                "Copy or download the file again."
            ) from error
        if parts is None:
            raise InputError(
                f"{path}: expected the mask, 8-bit grey of 320x320 pixels. "
                f"Received: mode={mode}, size={size[0]}x{size[1]}. Copy the original file."
            )
        left = np.count_nonzero((parts > _BODY) & (parts <= _LAST_LEFT))
        return "left" if left > np.count_nonzero(parts > _LAST_LEFT) else "right"

    def _uv(self, number: int, side: str) -> tuple[np.ndarray, np.ndarray]:
        joints = to_canonical(self._array(number, "uv_vis")[_ROWS[side]], "rhd")
        uv, visible = joints[:, :2], joints[:, 2] == 1
        inside = ((uv > -0.5) & (uv < np.array(IMAGE_SIZE) - 0.5)).all(axis=-1)
        return uv, visible & inside

    def _check_labels(self, number: int) -> None:
        for field in _SHAPES:
            self._array(number, field)

    def _array(self, number: int, field: str) -> np.ndarray:
        labels = self._annotations[number]
        if not isinstance(labels, dict) or field not in labels:
            raise self._error(number, field, f"an array {_SHAPES[field]}", "nothing")
        array = labels[field]
        if (
            not isinstance(array, np.ndarray)
            or array.shape != _SHAPES[field]
            or array.dtype.kind not in "biuf"
        ):
            received = f"shape {array.shape}" if isinstance(array, np.ndarray) else array
            raise self._error(number, field, f"numbers of shape {_SHAPES[field]}", received)
        if not np.isfinite(array).all():
            raise self._error(number, field, "finite numbers", "NaN or infinite entries")
        return array.astype(np.float64)

    def _file(self, folder: str, number: int) -> pathlib.Path:
        path = self.annotations_path.parent / folder / f"{number:05d}.png"
        if not path.is_file():
            raise self._error(number, folder, "an image file", f"no such file {path}")
        return path

    def _error(self, number: int, field: str, expected: str, received: Any) -> InputError:
        return InputError(
            f"{self.annotations_path}: [{number}].{field}: expected {expected}. "
            f"Received: {field}={received!s:.200}. Copy or download the data set again."
        )


def _annotations_path(path: pathlib.Path, split: str) -> pathlib.Path:
    name = f"anno_{split}.pickle"
    for file in (path / name, path / split / name):
        if file.is_file():
            return file
    names = {known: f"anno_{known}.pickle" for known in SPLITS}
    there = [k for k, n in names.items() if (path / n).is_file() or (path / k / n).is_file()]
    raise InputError(
        f"{path}: expected {split}/{name}, or {name}. Received: split={split!r}, no such file; "
        f"splits there: {', '.join(there) or 'none'}. Give the folder RHD_published_v2, or "
        "choose the split: rhd:FOLDER?split=evaluation."
    )
