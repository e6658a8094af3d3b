"""Crops as the network sees them, together with what is known about the hands in them."""

import dataclasses

import numpy as np

from tf_handgroups.crop import crop_image, crop_matrix, transform_points
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.joints import NUM_JOINTS


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledCrops:
    """Crops of hands with the labels of their data set; unknown values are NaN.

    Args:
        pixels: `(N, S, S, 3)` float32, RGB in [0, 1], left hands mirrored.
        matrices: `(N, 2, 3)` affine matrices `image -> crop`.
        uv_px: `(N, 21, 2)` true joints in crop pixels, NaN where not visible.
        xyz_camera_mm: `(N, 21, 3)` true joints in the camera's coordinates of the image.
        intrinsics_px: `(N, 3, 3)` camera matrices of the images.
        sample_ids: `N` names.

    Raises:
        InputError: If the arrays are not of one length.

    Example:

    >>> from tf_handgroups.synth.render import render_sample
    >>> crops = labelled_crops([render_sample(seed, 64) for seed in range(3)], 32, 2)
    >>> len(crops), crops.pixels.shape, len(crops[1:].sample_ids)
    (2, (2, 32, 32, 3), 1)
    """

    pixels: np.ndarray
    matrices: np.ndarray
    uv_px: np.ndarray
    xyz_camera_mm: np.ndarray
    intrinsics_px: np.ndarray
    sample_ids: tuple[str, ...]

    def __post_init__(self):
        lengths = {field.name: len(getattr(self, field.name)) for field in dataclasses.fields(self)}
        if len(set(lengths.values())) > 1:
            raise InputError(
                f"LabelledCrops: expected one entry per crop in every field. "
                f"Received: lengths={lengths}. Cut them with labelled_crops."
            )

    def __len__(self) -> int:
        return len(self.sample_ids)

    def __getitem__(self, part: slice) -> "LabelledCrops":
        fields = (getattr(self, field.name) for field in dataclasses.fields(self))
        return LabelledCrops(*(field[part] for field in fields))

    def to_image(self, uv_px: np.ndarray) -> np.ndarray:
        """Maps `(N, 21, 2)` crop pixels to pixels of the images, left hands turned back."""
        linear = np.linalg.inv(self.matrices[:, :, :2])
        shifted = np.asarray(uv_px, np.float64) - self.matrices[:, None, :, 2]
        return shifted @ np.swapaxes(linear, -1, -2)


def labelled_crops(dataset, size: int, count: int, seed: int = 0) -> LabelledCrops:
    """Cuts the crops of `count` randomly chosen hands, left hands mirrored.

    Samples without a hand are left out: where there is no hand, joints mean nothing, and
    their differences even less.

    Args:
        dataset: Data set as of `open_dataset`.
        size: Side of the crops in pixels.
        count: How many; at most as many as the data set has.
        seed: Of the choice.

    Returns:
        The crops, in the order of the data set.

    Raises:
        InputError: If the data set has fewer hands than asked for.
    """
    if not 1 <= count <= len(dataset):
        raise InputError(
            f"dataset_crops: expected between 1 and {len(dataset)} samples. "
            f"Received: count={count!r}. Give a larger data set or ask for fewer."
        )
    hands = [sample for sample in dataset if sample.presence]
    if len(hands) < count:
        raise InputError(
            f"dataset_crops: expected {count} images with a hand. Received: {len(hands)} "
            f"among {len(dataset)}. Give a larger data set or ask for fewer."
        )
    rows = []
    for index in sorted(np.random.default_rng(seed).permutation(len(hands))[:count]):
        sample = hands[index]
        matrix = crop_matrix(sample.box_px, size, mirror=sample.handedness == "left")
        true_uv = np.where(sample.visible[:, None], sample.uv_px, np.nan)
        rows.append(
            (
                crop_image(read_image(sample.image), matrix, size),
                matrix,
                transform_points(matrix, true_uv),
                _or_unknown(sample.xyz_camera_mm, (NUM_JOINTS, 3)),
                _or_unknown(sample.intrinsics_px, (3, 3)),
                sample.sample_id,
            )
        )
    pixels, matrices, uv_px, xyz_camera_mm, intrinsics_px, names = zip(*rows, strict=True)
    return LabelledCrops(
        np.stack(pixels),
        np.stack(matrices),
        np.stack(uv_px),
        np.stack(xyz_camera_mm),
        np.stack(intrinsics_px),
        names,
    )


def _or_unknown(value: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, np.nan) if value is None else np.asarray(value, np.float64)
