"""`HandSample`: the one record that every data set yields."""

import dataclasses
import pathlib

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS

HANDEDNESS = ("left", "right")


@dataclasses.dataclass(frozen=True, eq=False)
class HandSample:
    """One hand in one image, in canonical joint order.

    Args:
        sample_id: Unique within its data set, e.g. `"training/00042#left"`.
        image: Path of the image file, or its encoded bytes (JPEG or PNG).
        image_size: `(width, height)` of the image in pixels.
        uv_px: `(21, 2)` float32, pixels, u right, v down; integers are pixel centres.
        visible: `(21,)` bool, true where the joint is labelled and inside the image.
        handedness: `"left"` or `"right"`, or `None` if unknown.
        box_px: `(4,)` float32 `x, y, width, height` of the hand; pixel `i` covers
            `[i - 0.5, i + 0.5]`, so a box over the first ten columns has x=-0.5, width=10.
        xyz_camera_mm: `(21, 3)` float32, x right, y down, z forward, millimetres; NaN for
            single joints that are not labelled. `None` for hands labelled in 2D only.
        intrinsics_px: `(3, 3)` float32 camera matrix of the whole image, or `None`.
        presence: False for an image (region) without a hand; joints are then ignored.
        bone_mm: Length of the reference bone 9-10 in millimetres, where it is known
            without 3D joints.

    Raises:
        InputError: If an array has the wrong shape or a labelled value is not finite.

    Example:

    >>> sample = HandSample(sample_id="0", image=b"...", image_size=(64, 64),
    ...     uv_px=np.zeros((21, 2)), visible=np.ones(21), handedness="left",
    ...     box_px=(0, 0, 32, 32))
    >>> sample.uv_px.dtype, sample.xyz_camera_mm is None
    (dtype('float32'), True)
    """

    sample_id: str
    image: pathlib.Path | bytes
    image_size: tuple[int, int]
    uv_px: np.ndarray
    visible: np.ndarray
    handedness: str | None
    box_px: np.ndarray
    xyz_camera_mm: np.ndarray | None = None
    intrinsics_px: np.ndarray | None = None
    presence: bool = True
    bone_mm: float | None = None

    def __post_init__(self):
        self._set("uv_px", np.float32, (NUM_JOINTS, 2))
        self._set("visible", bool, (NUM_JOINTS,))
        self._set("box_px", np.float32, (4,))
        if self.xyz_camera_mm is not None:
            self._set("xyz_camera_mm", np.float32, (NUM_JOINTS, 3))
            self._check_xyz(self.xyz_camera_mm)
        if self.intrinsics_px is not None:
            self._set("intrinsics_px", np.float32, (3, 3))
        if self.bone_mm is not None and not 0 < self.bone_mm < np.inf:
            raise InputError(
                f"{self.sample_id}: expected a positive length. Received: bone_mm={self.bone_mm!r}."
            )
        if self.handedness not in (*HANDEDNESS, None):
            raise InputError(
                f"{self.sample_id}: expected handedness left, right or None. "
                f"Received: handedness={self.handedness!r}."
            )
        if not np.isfinite(self.uv_px[self.visible]).all():
            raise InputError(f"{self.sample_id}: uv_px of a visible joint is not finite.")
        if not (np.isfinite(self.box_px).all() and self.box_px[2] > 0 and self.box_px[3] > 0):
            raise InputError(
                f"{self.sample_id}: expected a finite box x, y, width > 0, height > 0. "
                f"Received: box_px={self.box_px.tolist()}."
            )

    def _set(self, name: str, dtype: type, shape: tuple[int, ...]) -> None:
        value = np.asarray(getattr(self, name), dtype)
        if value.shape != shape:
            raise InputError(
                f"{self.sample_id}: expected {name} of shape {shape}. "
                f"Received: shape={value.shape}."
            )
        if name == "intrinsics_px" and not np.isfinite(value).all():
            raise InputError(f"{self.sample_id}: {name} holds a value that is not finite.")
        object.__setattr__(self, name, value)

    def _check_xyz(self, xyz: np.ndarray) -> None:
        unknown = np.isnan(xyz).all(axis=-1)
        if not np.isfinite(xyz[~unknown]).all() or unknown.all():
            raise InputError(
                f"{self.sample_id}: xyz_camera_mm holds a value that is not finite. Joints "
                "without a label are NaN in all three coordinates, and at least one has one."
            )


def box_around(uv_px: np.ndarray) -> np.ndarray:
    """Returns the tight box `x, y, width, height` around `(joints, 2)` points, in pixels.

    Width and height are at least one pixel.

    Example:

    >>> box_around(np.array([[2.0, 3.0], [12.0, 8.0]])).tolist()
    [2.0, 3.0, 10.0, 5.0]
    """
    low, high = np.min(uv_px, axis=0), np.max(uv_px, axis=0)
    return np.concatenate([low, np.maximum(high - low, 1.0)]).astype(np.float32)


def image_bytes(sample: HandSample) -> bytes:
    """Returns the encoded image of a sample, read from its file if it lies in one.

    Raises:
        InputError: If the file cannot be read.

    Example:

    >>> image_bytes(HandSample(sample_id="0", image=b"...", image_size=(64, 64),
    ...     uv_px=np.zeros((21, 2)), visible=np.ones(21), handedness="left",
    ...     box_px=(0, 0, 32, 32)))
    b'...'
    """
    if isinstance(sample.image, bytes):
        return sample.image
    try:
        return sample.image.read_bytes()
    except OSError as error:
        raise InputError(
            f"{sample.sample_id}: expected a readable image. Received: {error}. Check the file."
        ) from error
