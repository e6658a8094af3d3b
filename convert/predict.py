"""Prediction: photographs and boxes in, hands in source-image pixels and bone units out."""

import dataclasses
import os
import pathlib
from typing import Any

import numpy as np

from tf_handgroups.camera import recover_weak_perspective
from tf_handgroups.convert.run import Runner, load_runner
from tf_handgroups.crop import CROP_MARGIN, crop_image, crop_matrix, invert, transform_points
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image


@dataclasses.dataclass(frozen=True, eq=False)
class HandPrediction:
    """One predicted hand.

    Args:
        box_px: `(4,)` the box it was asked for, in source-image pixels.
        handedness: `"left"` or `"right"`, as given or else as predicted; `None` if it was
            not given and the network cannot tell, which then took it for a right hand.
        presence: Probability that there is a hand, `None` if the network cannot tell.
        uv_px: `(21, 2)` in source-image pixels.
        z_rel: `(21,)` in reference-bone units relative to joint 9, away from the camera.
        xyz_relative: `(21, 3)` camera axes, reference-bone units, joint 9 at the origin;
            weak perspective, since photographs rarely come with intrinsics.
    """

    box_px: np.ndarray
    handedness: str | None
    presence: float | None
    uv_px: np.ndarray
    z_rel: np.ndarray
    xyz_relative: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """Returns the hand as `predictions.json` has it."""
        return {
            "box_px": _rounded(self.box_px, 2),
            "handedness": self.handedness,
            "presence": None if self.presence is None else round(self.presence, 4),
            "uv_px": _rounded(self.uv_px, 3),
            "xyz_relative": _rounded(self.xyz_relative, 5),
            "xyz_camera_mm": None,
        }


def _rounded(values: np.ndarray, digits: int) -> list:
    return np.round(np.asarray(values, np.float64), digits).tolist()


class Predictor:
    """Finds the 21 joints of hands in photographs.

    Left hands are mirrored before the network and back afterwards. Where the
    handedness is not given, the crop is shown both ways, and the look counts in which
    the hand passes better for a right one: comparing two logits cancels the network's
    leaning towards the hand it has mostly seen. A network without a handedness logit, as
    that of the paper, takes such hands for right ones.

    Args:
        model: A `.keras` or `.tflite` file, a bundle folder, or a runner.
        num_threads: Threads for LiteRT.
        trust: Whether a `.tflite` file may come without its contract, see `load_runner`.

    Raises:
        InputError: If the model cannot be used, see `load_runner`.

    Example:

    >>> from tf_handgroups.convert.run import KerasRunner
    >>> from tf_handgroups.models.hand_pose_model import HandPoseModel
    >>> predictor = Predictor(KerasRunner(HandPoseModel(64, "tiny", group_channels=8)))
    >>> image = np.zeros((80, 100, 3), np.uint8)
    >>> hand, = predictor.predict(image, [(20, 10, 40, 50)], ["right"])
    >>> hand.uv_px.shape, hand.xyz_relative[9].tolist()
    ((21, 2), [0.0, 0.0, 0.0])
    """

    def __init__(
        self, model: str | os.PathLike | Runner, num_threads: int = 1, trust: bool = False
    ):
        is_path = isinstance(model, (str, os.PathLike))
        self.runner = load_runner(model, num_threads, trust) if is_path else model

    def predict(self, image: np.ndarray, boxes, handedness=None) -> list[HandPrediction]:
        """Predicts the hands of one image.

        Args:
            image: `(height, width, 3)` uint8 RGB.
            boxes: Boxes `x, y, width, height` around the hands in pixels, tight.
            handedness: `"left"`, `"right"` or `None` per box; `None` for all if omitted.

        Returns:
            One `HandPrediction` per box.

        Raises:
            InputError: If a box is not finite, empty or wholly outside the image.
        """
        boxes = [_checked_box(box, image.shape[1], image.shape[0]) for box in boxes]
        sides: list[str | None] = [None] * len(boxes) if handedness is None else list(handedness)
        if len(sides) != len(boxes):
            raise InputError(
                "Predictor.predict: expected one handedness per box. "
                f"Received: {len(sides)} for {len(boxes)} boxes."
            )
        if not boxes:
            return []
        mirrored = [side == "left" for side in sides]
        outputs = self._run(image, boxes, mirrored)
        unknown = [index for index, side in enumerate(sides) if side is None]
        if unknown and "handedness" in outputs:
            again = self._run(image, [boxes[i] for i in unknown], [True] * len(unknown))
            for row, index in enumerate(unknown):
                if again["handedness"][row, 0] > outputs["handedness"][index, 0]:
                    mirrored[index] = True
                    for name, values in outputs.items():
                        values[index] = again[name][row]
            for index in unknown:
                sides[index] = "left" if mirrored[index] else "right"
        return [
            self._hand(box, side, {name: value[index] for name, value in outputs.items()})
            for index, (box, side) in enumerate(zip(boxes, sides, strict=True))
        ]

    def __call__(self, samples: list[HandSample]) -> list[dict[str, np.ndarray]]:
        """Predicts labelled samples, for `evaluate`: box and handedness as labelled."""
        results = []
        for sample in samples:
            hand = self.predict(read_image(sample.image), [sample.box_px], [sample.handedness])[0]
            results.append({"uv_px": hand.uv_px, "z_rel": hand.z_rel})
        return results

    def _run(self, image, boxes, mirror) -> dict[str, np.ndarray]:
        size = self.runner.input_size
        crops = [
            crop_image(image, crop_matrix(box, size, mirror=flip), size)
            for box, flip in zip(boxes, mirror, strict=True)
        ]
        return self.runner(np.stack(crops))

    def _hand(self, box: np.ndarray, side: str | None, output: dict) -> HandPrediction:
        to_image = invert(crop_matrix(box, self.runner.input_size, mirror=side == "left"))
        uv_px = transform_points(to_image, output["uv_px"])
        z_rel = np.asarray(output["z_rel"], np.float64)
        return HandPrediction(
            box_px=box,
            handedness=side,
            presence=_probability(output["presence"]) if "presence" in output else None,
            uv_px=uv_px,
            z_rel=z_rel,
            xyz_relative=recover_weak_perspective(uv_px, z_rel),
        )


def _probability(logit: np.ndarray) -> float:
    return float(1 / (1 + np.exp(-logit[0])))


def full_frame_box(width: int, height: int) -> np.ndarray:
    """Returns the box whose crop window is the whole image.

    Example:

    >>> full_frame_box(300, 150).tolist()
    [49.5, -25.5, 200.0, 200.0]
    """
    side = max(width, height) / CROP_MARGIN
    return np.array([(width - side - 1) / 2, (height - side - 1) / 2, side, side])


def touches_image(box_px: np.ndarray, width: int, height: int) -> bool:
    """Returns whether a box `x, y, width, height` covers any of an image's pixels.

    Example:

    >>> touches_image(np.array([-30, 5, 20, 20]), 64, 48)
    False
    """
    low, high = box_px[:2], box_px[:2] + box_px[2:]
    return bool((high > -0.5).all() and (low < np.array([width, height]) - 0.5).all())


def _checked_box(box, width: int, height: int) -> np.ndarray:
    box = np.asarray(box, np.float64)
    if box.shape != (4,) or not np.isfinite(box).all() or box[2] <= 0 or box[3] <= 0:
        raise InputError(
            f"expected a finite box x, y, width > 0, height > 0. Received: box_px={box.tolist()}."
        )
    if not touches_image(box, width, height):
        raise InputError(
            f"expected a box that touches the image of {width}x{height} pixels. "
            f"Received: box_px={box.tolist()}. Boxes are x, y, width, height in pixels."
        )
    return box


IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def find_images(inputs: list[pathlib.Path]) -> list[pathlib.Path]:
    """Returns the image files that the given files and folders name, in a stable order.

    Raises:
        InputError: If a path does not exist or a folder has no images.

    Example:

    >>> find_images([pathlib.Path("missing.jpg")])
    Traceback (most recent call last):
        ...
    tf_handgroups.errors.InputError: missing.jpg: expected an image file or a folder of images. \
Received: no such path.
    """
    found = []
    for path in inputs:
        if path.is_dir():
            images = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
            if not images:
                raise InputError(
                    f"{path}: expected images ({', '.join(IMAGE_SUFFIXES)}). Received: none."
                )
            found += images
        elif path.exists():
            found.append(path)
        else:
            raise InputError(
                f"{path}: expected an image file or a folder of images. Received: no such path."
            )
    return found
