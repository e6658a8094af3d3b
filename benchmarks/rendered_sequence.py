"""Videos of a hand whose motion is known: rendered, with a camera's noise and JPEG.

Nothing changes between the frames but what the motion moves: hand, light and background stay.
There is no motion blur.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping

import cv2
import numpy as np

from tf_handgroups.camera import project, relative_depth
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.synth.background import random_background
from tf_handgroups.synth.pose_prior import random_pose
from tf_handgroups.synth.render import render_surfaces
from tf_handgroups.synth.scene import Scene, draw_scene, stream
from tf_handgroups.synth.settings import SynthSettings
from tf_handgroups.synth.surface import hand_surface

RATE_HZ = 30.0
SIZE_PX = 384
# Longer side of the hand's tight box over the side of the picture.
HAND_SHARE = 0.3
# Standard deviation of the camera's noise, of 255.
NOISE = 4.0
JPEG_QUALITY = 80

_PLAIN = SynthSettings(
    everyday=1, negatives=0, held_object=0, second_hand=0, occluder=0, glove=0, border=0
)


@dataclasses.dataclass(frozen=True)
class Place:
    """What a motion does to the hand at one time.

    Args:
        right: How far it has moved to the right, in longer sides of its box.
        closed: How far the fingers are on their way to a fist, 0 to 1.
    """

    right: float = 0.0
    closed: float = 0.0


def _still(time_s: float) -> Place:
    return Place()


def _sway(time_s: float) -> Place:
    return Place(right=0.35 * math.sin(math.pi * time_s))


def _fingers(time_s: float) -> Place:
    return Place(closed=0.35 * (1 - math.cos(2 * math.pi * time_s)))


def _sweep(time_s: float) -> Place:
    """To the left end and back, each way in half a second, with rests between."""
    there = _smooth_step((time_s - 0.5) / 0.5) - _smooth_step((time_s - 1.7) / 0.5)
    return Place(right=0.8 - 1.6 * there)


def _smooth_step(share: float) -> float:
    """The path of least jerk from 0 to 1."""
    share = min(max(share, 0.0), 1.0)
    return share**3 * (10 - 15 * share + 6 * share**2)


# Name -> place at a time in seconds. The fastest is the sweep: 6 box sides per second.
MOTIONS: Mapping[str, Callable[[float], Place]] = {
    "still": _still,
    "sway": _sway,
    "fingers": _fingers,
    "sweep": _sweep,
}


@dataclasses.dataclass(frozen=True, eq=False)
class TrueFrame:
    """A frame and where the hand is in it.

    Args:
        time_s: Since the first frame.
        image: `(SIZE_PX, SIZE_PX, 3)` uint8 RGB.
        uv_px: `(21, 2)`.
        z_rel: `(21,)` reference-bone lengths.
    """

    time_s: float
    image: np.ndarray
    uv_px: np.ndarray
    z_rel: np.ndarray


def frames_of(
    motion: Callable[[float], Place], seed: int, count: int, rate_hz: float = RATE_HZ
) -> Iterator[TrueFrame]:
    """Renders a right hand that moves.

    Args:
        motion: One of `MOTIONS`.
        seed: Of hand, view, light and background.
        count: Number of frames.
        rate_hz: Frames per second.
    """
    scene = _far_scene(seed)
    fist = random_pose(np.random.default_rng(seed), scene.hand.shape, "fist")
    background = random_background(np.random.default_rng(seed), SIZE_PX, 0.5)
    noise = np.random.default_rng([seed, 1])
    paint = hand_surface(stream(seed, "paint"), scene.hand, scene.view).paint
    distance_mm = float(scene.view.to_camera(scene.hand.labels_mm)[:, 2].mean())
    step_mm = HAND_SHARE * SIZE_PX * distance_mm / scene.view.intrinsics_px[0, 0]
    for number in range(count):
        place = motion(number / rate_hz)
        angles = scene.hand.angles + place.closed * (fist - scene.hand.angles)
        hand = dataclasses.replace(scene.hand, angles=angles)
        moved = np.add(scene.view.translation_mm, [place.right * step_mm, 0, 0])
        view = dataclasses.replace(scene.view, translation_mm=moved)
        # The same random numbers in every frame: the same knuckles and sleeve.
        surface = hand_surface(stream(seed, "paint"), hand, view, paint)
        layer = render_surfaces([surface], view, scene.light, SIZE_PX)
        picture = layer.colour + background * (1 - layer.alpha[:, :, None])
        xyz = view.to_camera(hand.labels_mm)
        yield TrueFrame(
            time_s=number / rate_hz,
            image=_photographed(noise, picture),
            uv_px=project(xyz, view.intrinsics_px),
            z_rel=relative_depth(xyz),
        )


def _far_scene(seed: int) -> Scene:
    """The hand of a seed, in the middle of a picture that leaves it room to move."""
    scene = draw_scene(seed, SIZE_PX, _PLAIN)
    intrinsics = scene.view.intrinsics_px.copy()
    box = box_around(project(scene.view.to_camera(scene.hand.labels_mm), intrinsics))
    scale = HAND_SHARE * SIZE_PX / float(box[2:].max())
    centre = box[:2] + box[2:] / 2
    intrinsics[:2] *= scale
    intrinsics[:2, 2] += (SIZE_PX - 1) / 2 - scale * centre
    view = dataclasses.replace(scene.view, intrinsics_px=intrinsics)
    return dataclasses.replace(scene, view=view)


def _photographed(generator: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    noisy = picture + NOISE * generator.standard_normal(picture.shape, np.float32)
    bgr = np.clip(noisy[..., ::-1], 0, 255).round().astype(np.uint8)
    _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return cv2.cvtColor(cv2.imdecode(code, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
