"""`RotatedDataset`: the same hands with the picture turned in its plane.

For measuring how a model takes hands that point anywhere. The picture is turned whole, on
a canvas that grows with it, so a crop window around the hand shows all that it shows in the
original; where it leaves the original it is black, as in every crop. About which point the
picture is turned is then immaterial: everything moves with it, the hand's box as well.

In three dimensions this is a camera that rolls about its optical axis. With K the upper left
2x2 of the camera matrix and R the rotation of the picture, R K is no camera matrix, but
R K = K' Q with K' upper triangular and Q a rotation (RQ decomposition): K' is the new one,
with the moved principal point, and Q turns the joints. With square pixels K' = K and Q = R;
where the focal lengths differ, K' has a slight skew at angles other than multiples of 90
degrees. Projection stays exact.
"""

import dataclasses
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image

from tf_handgroups.crop import transform_points
from tf_handgroups.datasets.registry import Dataset
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image

# Pixels that the corners may stick out of the canvas, by rounding.
_TOLERANCE_PX = 1e-6
# Fast; nobody keeps these files.
_COMPRESSION = 1


class RotatedDataset:
    """A data set whose pictures, joints, cameras and boxes are turned.

    Args:
        dataset: The hands.
        degrees: Turns what is seen clockwise, as on the screen, like `crop_matrix`. At
            multiples of 90 pixels are moved, otherwise interpolated (cubic).

    Attributes:
        rotation_deg: The angle; reports of `evaluate` state it.

    `kind`, `path` and `options` are those of the data set.

    Raises:
        InputError: If the angle is not finite.

    Example:

    >>> buffer = io.BytesIO()
    >>> Image.new("RGB", (64, 48)).save(buffer, "PNG")
    >>> uv = np.stack([np.arange(21), np.full(21, 5)], axis=-1)
    >>> sample = HandSample(sample_id="0", image=buffer.getvalue(), image_size=(64, 48),
    ...     uv_px=uv, visible=np.ones(21), handedness="left", box_px=(0, 0, 20, 10))
    >>> turned = RotatedDataset([sample], 90)[0]
    >>> turned.image_size, turned.uv_px[0].tolist(), turned.box_px.tolist()
    ((48, 64), [42.0, 0.0], [37.0, 0.0, 10.0, 20.0])
    """

    def __init__(self, dataset: Dataset | Sequence[HandSample], degrees: float):
        if not math.isfinite(degrees):
            raise InputError(
                f"RotatedDataset: expected a finite angle. Received: degrees={degrees!r}."
            )
        self.rotation_deg = float(degrees)
        # Any: a plain list of samples has neither.
        self.kind: Any = getattr(dataset, "kind", None)
        self.path: Any = getattr(dataset, "path", "")
        self.options: Mapping[str, str] = getattr(dataset, "options", {})
        self._dataset: Any = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[HandSample]:
        return (rotate_sample(sample, self.rotation_deg) for sample in self._dataset)

    def __getitem__(self, index: int) -> HandSample:
        """Returns one hand.

        Raises:
            InputError: If the image cannot be read.
        """
        return rotate_sample(self._dataset[index], self.rotation_deg)


def rotate_sample(sample: HandSample, degrees: float) -> HandSample:
    """Returns the sample with picture, joints, camera and box turned.

    The box keeps its margins around the visible joints: it is the tight box around the
    turned ones, grown by the turned difference between the box and the tight box of the
    original. A tight box so stays tight, any box is turned exactly by multiples of 90
    degrees, and 0 degrees changes nothing. Without visible joints it is the box around the
    turned box. No joint becomes visible: what the original lacks is black.

    Args:
        sample: The hand.
        degrees: Turns what is seen clockwise, as on the screen.

    Returns:
        The sample, its image as the bytes of a PNG file.

    Raises:
        InputError: If the image cannot be read.

    Example:

    >>> buffer = io.BytesIO()
    >>> Image.new("RGB", (64, 48)).save(buffer, "PNG")
    >>> sample = HandSample(sample_id="0", image=buffer.getvalue(), image_size=(64, 48),
    ...     uv_px=np.zeros((21, 2)), visible=np.ones(21), handedness="left",
    ...     box_px=(0, 0, 20, 10))
    >>> rotate_sample(sample, 45).image_size
    (80, 80)
    """
    image = read_image(sample.image)
    height, width = image.shape[:2]
    rotation = _rotation(degrees)
    size = _canvas_size(width, height, rotation)
    before, after = (np.array([w - 1, h - 1]) / 2 for w, h in ((width, height), size))
    matrix = np.concatenate([rotation, (after - rotation @ before)[:, None]], axis=1)
    changes: dict[str, Any] = {
        "image": _png(_rotated_image(image, matrix, size, degrees)),
        "image_size": size,
        "uv_px": transform_points(matrix, sample.uv_px),
        "box_px": _rotated_box(sample, matrix),
    }
    turn = rotation
    if sample.intrinsics_px is not None:
        changes["intrinsics_px"], turn = _rotated_camera(sample.intrinsics_px, matrix)
    if sample.xyz_camera_mm is not None:
        xyz = sample.xyz_camera_mm.astype(np.float64)
        changes["xyz_camera_mm"] = np.concatenate([xyz[:, :2] @ turn.T, xyz[:, 2:]], axis=1)
    return dataclasses.replace(sample, **changes)


def _rotation(degrees: float) -> np.ndarray:
    """The 2x2 rotation, clockwise where v points down; exact at multiples of 90 degrees."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    if degrees % 90 == 0:
        cos, sin = float(round(cos)), float(round(sin))
    return np.array([[cos, -sin], [sin, cos]])


def _canvas_size(width: int, height: int, rotation: np.ndarray) -> tuple[int, int]:
    """Size `(width, height)` that holds the turned picture."""
    sides = np.abs(rotation) @ [width, height]
    new_width, new_height = (math.ceil(side - _TOLERANCE_PX) for side in sides)
    return new_width, new_height


def _rotated_image(
    image: np.ndarray, matrix: np.ndarray, size: tuple[int, int], degrees: float
) -> np.ndarray:
    if degrees % 90 == 0:
        # NumPy turns the other way.
        return np.rot90(image, -round(degrees / 90))
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC)


def _png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", compress_level=_COMPRESSION)
    return buffer.getvalue()


def _rotated_box(sample: HandSample, matrix: np.ndarray) -> np.ndarray:
    """The turned box `x, y, width, height`, by the rule of `rotate_sample`."""
    corner, sides = np.split(sample.box_px.astype(np.float64), 2)
    centre = corner + sides / 2
    if sample.visible.any():
        uv = sample.uv_px[sample.visible].astype(np.float64)
    else:
        uv = centre[None]
    tight, turned = _extent(uv), _extent(transform_points(matrix, uv))
    offset = matrix[:, :2] @ (centre - (tight[:2] + tight[2:] / 2))
    # At least a pixel: boxes tighter than the joints have negative margins.
    new_sides = np.maximum(turned[2:] + np.abs(matrix[:, :2]) @ (sides - tight[2:]), 1)
    new_centre = turned[:2] + turned[2:] / 2 + offset
    return np.concatenate([new_centre - new_sides / 2, new_sides])


def _extent(uv: np.ndarray) -> np.ndarray:
    """Like `box_around`, but points on a line have no extent across it."""
    low, high = uv.min(axis=0), uv.max(axis=0)
    return np.concatenate([low, high - low])


def _rotated_camera(intrinsics: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The camera matrix of the turned picture, and the 2x2 rotation of the joints."""
    (a, b), (c, d) = matrix[:, :2] @ intrinsics[:2, :2].astype(np.float64)
    length = math.hypot(c, d)
    turn = np.array([[d, -c], [c, d]]) / length
    turned = np.eye(3)
    turned[:2, :2] = [[(a * d - b * c) / length, (a * c + b * d) / length], [0, length]]
    turned[:2, 2] = transform_points(matrix, intrinsics[:2, 2])
    return turned, turn
