"""Whether the networks of `benchmarks.peers` know hands from other things, and left from right."""

import dataclasses
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.peers_accuracy import Looked
from benchmarks.peers_networks import Network
from benchmarks.peers_windows import box_way, window_of_box
from tf_handgroups.camera import mirror_uv
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.image_file import read_image
from tf_handgroups.rotated_dataset import rotate_sample
from tf_handgroups.synth.photographs import load_photographs
from tf_handgroups.synth.render import render_sample
from tf_handgroups.synth.settings import SynthSettings

RENDERS, PHOTOGRAPHS = "renders without a hand", "photographs without a hand"
# Far from the seeds of training sets, which count up from small numbers.
_FIRST_SEED = 900_000_000
_CUTOUTS_A_PHOTOGRAPH = 3
# A likely hand; MediaPipe's own default.
THRESHOLD = 0.5


def pictures_without_hand(num_renders: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yields kind, picture and box of what a detector may take for a hand.

    `RENDERS` are those of `synth --set negatives=1`, `PHOTOGRAPHS` three random squares of
    each background photograph of the package. Our models are trained on pictures like
    these, so both flatter them.
    """
    settings = SynthSettings(negatives=1.0)
    for index in range(num_renders):
        sample = render_sample(_FIRST_SEED + index, settings=settings)
        yield RENDERS, read_image(sample.image), sample.box_px.astype(np.float64)
    generator = np.random.default_rng(0)
    for photograph in load_photographs():
        height, width = photograph.shape[:2]
        for _ in range(_CUTOUTS_A_PHOTOGRAPH):
            side = min(height, width) * generator.uniform(0.2, 0.6)
            corner = generator.random(2) * (np.array([width, height]) - side) - 0.5
            yield PHOTOGRAPHS, photograph, np.array([*corner, side, side])


def presence_without_hand(
    networks: Sequence[Network], pictures: Iterator[tuple[str, np.ndarray, np.ndarray]]
) -> dict[str, dict[str, list[float]]]:
    """Returns the probabilities of a hand by network and kind of picture, side unknown."""
    found: dict[str, dict[str, list[float]]] = {network.name: {} for network in networks}
    for kind, image, box in pictures:
        for network in networks:
            presence = network(image, window_of_box(box), None).presence
            if presence is not None:
                found[network.name].setdefault(kind, []).append(presence)
    return found


def presence_rows(
    looked: Sequence[Looked], without_hand: Mapping[str, Mapping[str, Sequence[float]]]
) -> list[dict[str, Any]]:
    """Returns how well each network knows hands (box with our margin) from other things.

    One row per network and rotation, all data sets pooled. Areas are under the ROC curve
    against each kind of picture without a hand.
    """
    rows = []
    for degrees in dict.fromkeys(one.rotation_deg for one in looked):
        for network, negatives in without_hand.items():
            hands = [
                answer[box_way()].presence
                for one in looked
                if one.rotation_deg == degrees
                for answer in one.answers[network]
            ]
            known = np.array([presence for presence in hands if presence is not None])
            if not len(known) or not negatives:
                continue
            rows.append(
                {
                    "network": network,
                    "rotation_deg": degrees,
                    "num_hands": len(known),
                    "hands_found": float((known > THRESHOLD).mean()),
                    "others": {
                        kind: {
                            "num_pictures": len(values),
                            "taken_for_hands": float((np.array(values) > THRESHOLD).mean()),
                            "auc": area(known, np.array(values)),
                        }
                        for kind, values in negatives.items()
                    },
                }
            )
    return rows


def area(positives: np.ndarray, negatives: np.ndarray) -> float:
    """Returns the area under the ROC curve: how often a positive beats a negative.

    Example:

    >>> area(np.array([0.9, 0.5]), np.array([0.5, 0.1]))
    0.875
    """
    difference = positives[:, None] - negatives[None]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def mirrored(sample: HandSample) -> HandSample:
    """Returns the hand in the picture flipped left to right: of the other side, in 2D only."""
    image = read_image(sample.image)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image[:, ::-1])).save(buffer, "PNG", compress_level=1)
    x, y, width, height = sample.box_px
    other: dict[str | None, str] = {"left": "right", "right": "left"}
    return dataclasses.replace(
        sample,
        image=buffer.getvalue(),
        uv_px=mirror_uv(sample.uv_px, image.shape[1]),
        box_px=np.array([image.shape[1] - 1 - x - width, y, width, height]),
        handedness=other.get(sample.handedness),
        xyz_camera_mm=None,
        intrinsics_px=None,
    )


def look_at_mirrored(
    networks: Sequence[Network],
    data: Mapping[str, Sequence[HandSample]],
    rotations: Sequence[float],
    on_progress: Callable[[str, float], None] = lambda name, degrees: None,
) -> list[Looked]:
    """Shows hands of known side, mirrored, to the networks that find sides themselves.

    Mirrored hands are hands of the other side, so both are tested although a data set may
    have left hands only.
    """
    asked = [network for network in networks if network.finds_side]
    found = []
    for name, hands in data.items():
        others = [mirrored(hand) for hand in hands if hand.handedness is not None]
        for degrees in rotations:
            on_progress(f"{name}, mirrored", degrees)
            looked = Looked(name, degrees, [], {network.name: [] for network in asked})
            for hand in others:
                sample = rotate_sample(hand, degrees)
                image = read_image(sample.image)
                for network in asked:
                    answer = network(image, window_of_box(sample.box_px), None)
                    looked.answers[network.name].append({box_way(): answer})
                looked.samples.append(dataclasses.replace(sample, image=b""))
            found.append(looked)
    return found


def handedness_rows(
    looked: Sequence[Looked], looked_mirrored: Sequence[Looked]
) -> list[dict[str, Any]]:
    """Returns how often networks that are told no side find it.

    One row per network, data set, rotation and true side.

    Args:
        looked: Of `look_at_all`; hands of unknown side are left out.
        looked_mirrored: Of `look_at_mirrored`, in the same order.
    """
    rows = []
    for one, other in zip(looked, looked_mirrored, strict=True):
        for network in other.answers:
            correct: dict[str, list[bool]] = {}
            for part in (one, other):
                for sample, answer in zip(part.samples, part.answers[network], strict=True):
                    right = answer[box_way()].right
                    if sample.handedness is not None and right is not None:
                        is_right = sample.handedness == "right"
                        correct.setdefault(sample.handedness, []).append((right > 0.5) == is_right)
            rows += [
                {
                    "network": network,
                    "data": one.data,
                    "rotation_deg": one.rotation_deg,
                    "side": side,
                    "num_hands": len(found),
                    "correct": float(np.mean(found)),
                }
                for side, found in sorted(correct.items())
            ]
    return rows
