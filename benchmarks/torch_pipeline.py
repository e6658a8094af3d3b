"""A training pipeline as PyTorch projects have it: Python code per sample in a DataLoader.

Ours alone, for `pipeline_throughput`: no code of the paper's authors. Geometry in the
three steps that are usual with PIL: rotate the picture about the hand, cut out the box,
resize it. Three styles:

- `same work`: the augmentation of `tf_handgroups.augment` with its default ranges, in PIL
  and NumPy float32 in place where possible.
- `authors' augmentation`: only what the loader of the authors has, which is less: rotation,
  scale, shift, mirroring, hue; the hue in PIL's HSV.
- `scikit-image`: the same work, rotated and resized by scikit-image.
"""

import dataclasses
import pathlib

import numpy as np
import torch
from PIL import Image, ImageFilter

from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.joints import REFERENCE_BONE, ROOT_JOINT

STYLES = ("same work", "authors' augmentation", "scikit-image")

_BINOMIAL = ImageFilter.Kernel((3, 3), (1, 2, 1, 2, 4, 2, 1, 2, 1))
_EYE = np.eye(3, dtype=np.float32)


@dataclasses.dataclass(frozen=True)
class Ranges:
    """Ranges of the augmentation, named and meant as in `tf_handgroups.augment`.

    A copy, because that module loads TensorFlow, which worker processes shall not pay
    for; tests/test_pipeline_throughput.py compares the two.
    """

    rotation_deg: float = 180.0
    scale: float = 1.25
    shift: float = 0.08
    other_hand: float = 0.25
    brightness: float = 0.12
    contrast: float = 0.3
    saturation: float = 0.3
    channel_gain: float = 0.08
    grey: float = 0.05
    noise: float = 0.02
    blur: float = 0.2
    erase: float = 0.2
    # The authors' loader has it instead of the other colours.
    hue: float = 0.1


class TorchHands(torch.utils.data.Dataset):
    """Decoded, cropped and augmented hands, one at a time.

    Args:
        samples: Hands with 3D joints and intrinsics, images in files.
        size: Side of the crops in pixels.
        style: One of `STYLES`.
        ranges: Ranges of the augmentation.
    """

    def __init__(
        self, samples: list[HandSample], size: int, style: str, ranges: Ranges | None = None
    ):
        self.samples, self.size, self.style = samples, size, style
        self.ranges = ranges or Ranges()
        self._random: np.random.Generator | None = None

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int):
        if self._random is None:
            # PyTorch gives every worker its own seed.
            self._random = np.random.default_rng(torch.initial_seed())
        random, ranges, sample = self._random, self.ranges, self.samples[index]
        if not isinstance(sample.image, pathlib.Path) or sample.intrinsics_px is None:
            raise TypeError("expected images in files, and hands with intrinsics and 3D")
        image = Image.open(sample.image).convert("RGB")
        angle_deg = random.uniform(-1, 1) * ranges.rotation_deg
        image, uv = self._rotated(image, sample, angle_deg)
        box = self._window(uv, sample, random)
        mirror = (sample.handedness == "left") != (random.random() < ranges.other_hand)
        image, uv = self._cut(image, uv, box)
        if mirror:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            uv[:, 0] = self.size - 1 - uv[:, 0]
        if self.style == "authors' augmentation":
            crop = np.asarray(_turn_hue(image, random.uniform(-1, 1) * ranges.hue), np.float32)
            crop = crop / np.float32(255)
        else:
            crop = self._colours(image, random)
        return torch.from_numpy(crop), *self._labels(sample, uv, box, angle_deg, mirror)

    def _rotated(self, image: Image.Image, sample: HandSample, angle_deg: float):
        """Turns picture and joints about the middle of the hand's box, in the whole picture."""
        middle = sample.box_px[:2] + sample.box_px[2:] / 2
        angle = np.deg2rad(angle_deg)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        uv = (sample.uv_px - middle) @ turn.T + middle
        # PIL's and scikit-image's angles run anticlockwise; PIL's pixel corner is at 0.
        if self.style == "scikit-image":
            from skimage.transform import rotate

            turned = rotate(np.asarray(image), -angle_deg, center=middle, preserve_range=True)
            image = Image.fromarray(turned.astype(np.uint8))
        else:
            centre = tuple((middle + 0.5).tolist())
            image = image.rotate(-angle_deg, Image.Resampling.BILINEAR, center=centre)
        return image, uv

    def _window(
        self, uv: np.ndarray, sample: HandSample, random: np.random.Generator
    ) -> tuple[float, float, float]:
        """Left, top and side of the crop in the turned picture."""
        x, y, width, height = box_around(uv) if sample.visible.all() else sample.box_px
        ranges = self.ranges
        side = CROP_MARGIN * max(width, height) * ranges.scale ** random.uniform(-1, 1)
        shift = random.uniform(-1, 1, 2) * ranges.shift * side
        left, top = np.array([x + width / 2, y + height / 2]) + shift - side / 2
        return left, top, side

    def _cut(self, image: Image.Image, uv: np.ndarray, box: tuple[float, float, float]):
        """Cuts whole pixels out of the picture, black outside, and resizes them."""
        left, top, side = (round(value) for value in box)
        size = (self.size, self.size)
        window = image.crop((left, top, left + side, top + side))
        if self.style == "scikit-image":
            from skimage.transform import resize

            resized = resize(np.asarray(window), size, preserve_range=True, anti_aliasing=False)
            window = Image.fromarray(np.asarray(resized).astype(np.uint8))
        else:
            window = window.resize(size, Image.Resampling.BILINEAR)
        scale = self.size / side
        return window, (uv - [left, top] + 0.5) * scale - 0.5

    def _colours(self, image: Image.Image, random: np.random.Generator) -> np.ndarray:
        ranges = self.ranges
        if random.random() < ranges.blur:
            image = image.filter(_BINOMIAL)
        crop = np.asarray(image, np.float32) / np.float32(255)
        signed = random.uniform(-1, 1, 6).astype(np.float32)
        grey = crop.mean(axis=-1, keepdims=True)
        saturation = 0 if random.random() < ranges.grey else 1 + signed[0] * ranges.saturation
        crop -= grey
        crop *= np.float32(saturation)
        crop += grey
        middle = grey.mean()
        crop -= middle
        crop *= np.float32(1 + signed[1] * ranges.contrast)
        crop += middle
        crop *= 1 + signed[2:5] * np.float32(ranges.channel_gain)
        crop += np.float32(signed[5] * ranges.brightness)
        noise = random.standard_normal(crop.shape, np.float32)
        noise *= np.float32(random.random() * ranges.noise)
        crop += noise
        np.clip(crop, 0, 1, out=crop)
        if random.random() < ranges.erase:
            centre = random.random(2) * self.size
            half = (0.05 + 0.125 * random.random(2)) * self.size
            low = np.maximum(np.ceil(centre - half), 0).astype(int)
            high = np.ceil(centre + half).astype(int)
            colour = random.random(2)
            crop[low[0] : high[0], low[1] : high[1]] = [*colour, colour.mean()]
        return crop

    def _labels(self, sample: HandSample, uv, box, angle_deg: float, mirror: bool):
        """The targets and weights of `pipeline.build_pipeline`."""
        left, top, side = (round(value) for value in box)
        flip = np.array([-1 if mirror else 1, 1, 1], np.float32)
        xyz = sample.xyz_camera_mm * flip
        bone = np.linalg.norm(xyz[REFERENCE_BONE[1]] - xyz[REFERENCE_BONE[0]])
        z_rel = (xyz[:, 2] - xyz[ROOT_JOINT, 2]) / bone
        scale = self.size / side
        angle = np.deg2rad(angle_deg)
        middle = sample.box_px[:2] + sample.box_px[2:] / 2
        affine = _EYE.copy()
        affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        affine[:2, 2] = middle - affine[:2, :2] @ middle - [left, top] + 0.5
        affine[:2] *= scale
        affine[:2, 2] -= 0.5
        if mirror:
            affine[0] *= -1
            affine[0, 2] += self.size - 1
        rays = flip[:, None] * np.linalg.inv(affine @ sample.intrinsics_px)
        inside = ((uv > -0.5) & (uv < self.size - 0.5)).all(axis=-1)
        weights = (sample.visible & inside).astype(np.float32)
        arrays = (uv, z_rel, xyz, rays, weights)
        return tuple(torch.from_numpy(np.asarray(array, np.float32)) for array in arrays)


def loader(hands: TorchHands, batch_size: int, num_workers: int, seed: int = 0):
    """Returns an endless DataLoader; its workers are spawned, as TensorFlow is loaded."""
    order = torch.utils.data.RandomSampler(
        hands,
        replacement=True,
        num_samples=10**9,
        generator=torch.Generator().manual_seed(seed),
    )
    return torch.utils.data.DataLoader(
        hands,
        batch_size,
        sampler=order,
        num_workers=num_workers,
        multiprocessing_context="spawn",
        generator=torch.Generator().manual_seed(seed),
    )


def _turn_hue(image: Image.Image, share: float) -> Image.Image:
    hue, saturation, value = image.convert("HSV").split()
    turned = np.asarray(hue) + np.uint8(round(share * 255) % 256)
    return Image.merge("HSV", (Image.fromarray(turned), saturation, value)).convert("RGB")
