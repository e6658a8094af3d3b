"""Writing hands as a folder in the format of `tf_handgroups.datasets.handjson`."""

import json
import os
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.datasets.handjson import ANNOTATIONS_NAME
from tf_handgroups.datasets.sample import HandSample, image_bytes
from tf_handgroups.errors import InputError


def write_handjson(
    samples: Iterable[HandSample], folder: str | os.PathLike, overwrite: bool = False
) -> None:
    """Writes hands and their images as a `handjson` folder, complete or not at all.

    Images are copied byte for byte into `images/`; hands that share an image file
    share the copy. Coordinates are rounded to 1/1000; joints that are NaN become
    `null`. An entry's `source` is the sample's id, for people; readers ignore it.

    Args:
        samples: Hands, each with an encoded JPEG, PNG, WebP or BMP image.
        folder: The new folder.
        overwrite: Whether an existing folder may be replaced.

    Raises:
        InputError: If the folder exists and `overwrite` is false, an image cannot
            be read, or intrinsics cannot be written as fx, fy, cx, cy.

    Example:

    >>> import tempfile
    >>> from tf_handgroups.datasets.handjson import HandJsonDataset
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "mine"
    >>> sample = HandSample(sample_id="0", image=b"BM...", image_size=(64, 64),
    ...     uv_px=np.ones((21, 2)), visible=np.ones(21), handedness="left",
    ...     box_px=(0, 0, 32, 32))
    >>> write_handjson([sample], folder)
    >>> [hand.sample_id for hand in HandJsonDataset(folder)]
    ['images/000000.bmp#0']
    """
    with replacing_folder(folder, overwrite) as temporary:
        (temporary / "images").mkdir()
        names: dict[pathlib.Path, str] = {}
        hands = []
        for sample in samples:
            name = names.get(sample.image) if isinstance(sample.image, pathlib.Path) else None
            if name is None:
                contents = image_bytes(sample)
                name = f"images/{len(hands):06d}{_suffix(sample, contents)}"
                (temporary / name).write_bytes(contents)
                if isinstance(sample.image, pathlib.Path):
                    names[sample.image] = name
            hands.append(_entry(sample, name))
        text = json.dumps({"joint_order": "canonical", "hands": hands}, allow_nan=False)
        (temporary / ANNOTATIONS_NAME).write_text(text)


def _suffix(sample: HandSample, contents: bytes) -> str:
    if isinstance(sample.image, pathlib.Path):
        return sample.image.suffix
    starts = {b"\x89PNG": ".png", b"\xff\xd8": ".jpg", b"RIFF": ".webp", b"BM": ".bmp"}
    for start, suffix in starts.items():
        if contents.startswith(start):
            return suffix
    raise InputError(
        f"{sample.sample_id}: expected an encoded JPEG, PNG, WebP or BMP image. "
        f"Received: image={contents[:8]!r}."
    )


def _entry(sample: HandSample, name: str) -> dict:
    def rounded(array: np.ndarray) -> list:
        return np.round(array.astype(np.float64), 3).tolist()

    def joints(array: np.ndarray) -> list:
        # JSON knows no NaN.
        return [None if np.isnan(joint).any() else joint for joint in rounded(array)]

    entry: dict[str, Any] = {"file": name, "source": sample.sample_id}
    entry["width"], entry["height"] = (int(side) for side in sample.image_size)
    entry["handedness"] = sample.handedness
    entry["box_px"] = rounded(sample.box_px)
    if not sample.presence:
        return {**entry, "presence": False}
    entry["uv_px"] = joints(sample.uv_px)
    entry["visible"] = sample.visible.astype(int).tolist()
    if sample.xyz_camera_mm is not None:
        entry["xyz_camera_mm"] = joints(sample.xyz_camera_mm)
    if sample.bone_mm is not None:
        entry["bone_mm"] = round(float(sample.bone_mm), 3)
    if sample.intrinsics_px is not None:
        matrix = sample.intrinsics_px
        if not np.array_equal(matrix[[0, 1, 2, 2, 2], [1, 0, 0, 1, 2]], [0, 0, 0, 0, 1]):
            raise InputError(
                f"{sample.sample_id}: expected intrinsics without skew. "
                f"Received: intrinsics_px={matrix.tolist()}."
            )
        values = rounded(matrix[[0, 1, 0, 1], [0, 1, 2, 2]])
        entry["intrinsics_px"] = dict(zip(("fx", "fy", "cx", "cy"), values, strict=True))
    return entry
