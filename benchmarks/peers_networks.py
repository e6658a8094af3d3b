"""The networks that `benchmarks.peers` compares, behind one call: picture and window in, hand out.

Each sees a window as its own makers crop it: ours by the rule in its contract (black beyond
the picture, 128 pixels, left hands mirrored), MediaPipe's as its graphs do (the picture's edge
repeated, 224 pixels, both hands as they are; a black border gives the same errors to 0.1 mm).
"""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from tf_handgroups.camera import recover_weak_perspective
from tf_handgroups.convert.run import LiteRTRunner, default_variant
from tf_handgroups.crop import crop_image, invert, transform_points
from tf_handgroups.errors import InputError
from tf_handgroups.joints import REFERENCE_BONE, ROOT_JOINT
from tf_handgroups.teacher import teacher_models
from tf_handgroups.teacher.find_hands import look
from tf_handgroups.teacher.hand_region import HandRegion

LITE_FILE = "mediapipe/modules/hand_landmark/hand_landmark_lite.tflite"
# Ours come first in tables, these after them; ratios of time are to the first of these.
PEERS = {
    "MediaPipe full": (
        teacher_models.LANDMARK_FILE,
        teacher_models.SHA256[teacher_models.LANDMARK_FILE],
    ),
    "MediaPipe lite": (
        LITE_FILE,
        "048edd3645c9bf7397d19a9f6e3a42957d6e414c9bea6598030a2e9b624156e6",
    ),
}
# How networks say where joints are in 3D; the first that a network has is the one it is known by.
WEAK_PERSPECTIVE = "2.5D, no camera"
# Appended to the name of ours where nobody tells it the side.
SIDE_FOUND = ", side found"
WORLD, IMAGE = "world landmarks", "image landmarks"


@dataclasses.dataclass(frozen=True, eq=False)
class Answer:
    """What a network says about a window.

    Args:
        uv_px: `(21, 2)` in the picture.
        z_rel: `(21,)` depth relative to joint 9 in lengths of the bone 9-10.
        xyz: `(21, 3)` in any unit, axes of the picture, by how it was made.
        presence: Probability of a hand, `None` if the network cannot tell.
        right: Probability of a right hand, `None` likewise.
        num_runs: How often the network ran for it.
    """

    uv_px: np.ndarray
    z_rel: np.ndarray
    xyz: Mapping[str, np.ndarray]
    presence: float | None
    right: float | None
    num_runs: int = 1


class Network(Protocol):
    """What the comparison needs.

    Attributes:
        name: For tables.
        content: The `.tflite` file.
        finds_side: Whether nobody tells it the side.
    """

    name: str
    content: bytes
    finds_side: bool

    def __call__(self, image: np.ndarray, window: HandRegion, side: str | None) -> Answer:
        """Looks at a window of a `(height, width, 3)` uint8 RGB picture."""
        ...


class OneWay:
    """Shows a window to a runner one way round, each only once while the picture is the same.

    Args:
        runner: Of a file of ours.
    """

    def __init__(self, runner: LiteRTRunner):
        self._runner = runner
        self._image: np.ndarray | None = None
        self._known: dict[tuple, tuple[np.ndarray, dict[str, np.ndarray]]] = {}

    def __call__(
        self, image: np.ndarray, window: HandRegion, mirror: bool
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns the matrix from the picture to the crop, and the outputs for the crop."""
        if image is not self._image:
            self._image, self._known = image, {}
        key = (*window.centre_px, window.side_px, window.rotation_rad, mirror)
        if key not in self._known:
            size = self._runner.input_size
            matrix = window.matrix(size, mirror)
            outputs = self._runner(crop_image(image, matrix, size)[None])
            self._known[key] = matrix, {name: value[0] for name, value in outputs.items()}
        return self._known[key]


class OurNetwork:
    """A file of ours.

    Args:
        one_way: Shows it windows; networks of the same file may share it.
        name: For tables.
        content: The file.
        finds_side: Whether the comparison shall tell it no side. It then looks at a window
            both ways, as `Predictor` does.
    """

    def __init__(self, one_way: OneWay, name: str, content: bytes, finds_side: bool):
        self.name, self.content, self.finds_side = name, content, finds_side
        self._one_way = one_way

    def __call__(self, image: np.ndarray, window: HandRegion, side: str | None) -> Answer:
        mirrored = [False, True] if side is None else [side == "left"]
        looks = [self._one_way(image, window, mirror) for mirror in mirrored]
        # Without a logit for the side a hand is taken for a right one.
        logits = [float(outputs.get("handedness", np.zeros(1))[0]) for _, outputs in looks]
        # Of two looks that in which it passes better for a right hand.
        matrix, outputs = looks[int(np.argmax(logits))]
        right = logits[0] - logits[1] if side is None else logits[0] * (-1 if mirrored[0] else 1)
        uv_px = transform_points(invert(matrix), outputs["uv_px"])
        z_rel = outputs["z_rel"].astype(np.float64)
        return Answer(
            uv_px=uv_px,
            z_rel=z_rel,
            xyz={WEAK_PERSPECTIVE: recover_weak_perspective(uv_px, z_rel)},
            presence=_sigmoid(outputs["presence"][0]) if "presence" in outputs else None,
            right=_sigmoid(right) if "handedness" in outputs else None,
            num_runs=len(looks),
        )


class MediaPipeNetwork:
    """A hand landmark model of MediaPipe; it takes both hands as they are.

    Args:
        name: For tables.
        content: The file.
    """

    finds_side = True

    def __init__(self, name: str, content: bytes):
        self.name, self.content = name, content
        self._landmarks = teacher_models.LandmarkModel(content)

    def __call__(self, image: np.ndarray, window: HandRegion, side: str | None) -> Answer:
        seen = look(self._landmarks, image, window)
        first, second = (seen.xyz_m[joint] for joint in REFERENCE_BONE)
        depth = seen.xyz_m[:, 2] - seen.xyz_m[ROOT_JOINT, 2]
        return Answer(
            uv_px=seen.uv_px,
            # At least a millimetre: a hand that it does not see may have no extent.
            z_rel=depth / max(float(np.linalg.norm(second - first)), 1e-3),
            xyz={
                WORLD: seen.xyz_m,
                IMAGE: np.concatenate([seen.uv_px, seen.z_px[:, None]], axis=-1),
            },
            presence=seen.presence,
            right=seen.right,
        )


def load_ours(paths: list[pathlib.Path]) -> list[Network]:
    """Opens bundles or `.tflite` files of ours: each once told the side and once not.

    Raises:
        InputError: If one cannot be used, or two have the same name.
    """
    networks: list[Network] = []
    for path in paths:
        file = default_variant(path) if path.is_dir() else path
        one_way = OneWay(LiteRTRunner(file))
        name = file.stem.removeprefix("handpose_")
        if name in [network.name for network in networks]:
            raise InputError(
                f"{path}: expected models of different file names. Received: two of {file.name}. "
                "Rename one together with its contract."
            )
        content = file.read_bytes()
        networks += [
            OurNetwork(one_way, name, content, finds_side=False),
            OurNetwork(one_way, name + SIDE_FOUND, content, finds_side=True),
        ]
    return networks


def load_peers(wheel: str | os.PathLike) -> list[Network]:
    """Opens MediaPipe's networks.

    Args:
        wheel: Folder of `make teacher`, or the wheel itself.

    Raises:
        InputError: If they are not there; the message says how to get them.
    """
    models = teacher_models.read_models(wheel, dict(PEERS.values()))
    return [MediaPipeNetwork(name, models[file]) for name, (file, _) in PEERS.items()]


def _sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.float64(logit))))
