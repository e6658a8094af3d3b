"""What a picture of a seed will show; drawn without rendering, so it is cheap.

Every part of a scene has its own stream of random numbers: with other settings the
same seed keeps its pose, view and light.
"""

import dataclasses

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_mesh import pose_hand
from tf_handgroups.synth.hand_shape import HandShape, random_shape
from tf_handgroups.synth.hand_texture import Skin, random_skin
from tf_handgroups.synth.pose_prior import random_family, random_pose
from tf_handgroups.synth.settings import SynthSettings
from tf_handgroups.synth.shading import Light, random_light
from tf_handgroups.synth.viewpoint import View, random_view
from tf_handgroups.synth.wear import Wear, random_wear

# Part of every data set's description: raised whenever the pictures change.
SYNTH_VERSION = 2

_MIN_SIZE, _MAX_SIZE = 32, 1024
STREAMS = ("kind", "pose", "view", "light", "skin", "wear", "held", "second", "paint", "picture")


@dataclasses.dataclass(frozen=True, eq=False)
class PosedHand:
    """One right hand of a person, in its own hand frame.

    Args:
        shape: Its proportions and mesh.
        family: Of its pose.
        angles: `(25,)` radians, see `hand_mesh.pose_hand`.
        joints_mm: `(21, 3)`.
        skin: Its colour.
        wear: What it wears.
    """

    shape: HandShape
    family: str
    angles: np.ndarray
    joints_mm: np.ndarray
    skin: Skin
    wear: Wear


@dataclasses.dataclass(frozen=True, eq=False)
class Scene:
    """Everything that is decided before a picture is rendered.

    Args:
        seed: Of the sample.
        image_size: Side of the picture in pixels.
        settings: Under which it was drawn.
        presence: False for a picture without a hand.
        mirrored: Whether the picture is mirrored, which makes the hand a left one.
        hand: The labelled hand.
        view: The camera.
        light: The light.
    """

    seed: int
    image_size: int
    settings: SynthSettings
    presence: bool
    mirrored: bool
    hand: PosedHand
    view: View
    light: Light


def stream(seed: int, name: str) -> np.random.Generator:
    """Returns the random numbers of one part of the scene of a seed.

    Args:
        seed: Of the sample.
        name: Of the part, one of `STREAMS`.

    Example:
    >>> stream(3, "view").random() == stream(3, "view").random()
    True
    """
    return np.random.default_rng([SYNTH_VERSION, seed, STREAMS.index(name)])


def draw_scene(seed: int, image_size: int = 192, settings: SynthSettings | None = None) -> Scene:
    """Decides what the picture of a seed shows.

    Args:
        seed: Any non-negative integer.
        image_size: Side of the square picture in pixels, 32 to 1024.
        settings: How often optional things appear.

    Raises:
        InputError: If the seed or the size is out of range.

    Example:
    >>> scene = draw_scene(1)
    >>> scene.hand.joints_mm.shape, scene.presence
    ((21, 3), True)
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(
            "draw_scene: expected a non-negative integer seed. "
            f"Received: seed={seed!r}. Use for example seed=0."
        )
    check_image_size(image_size)
    seed, image_size = int(seed), int(image_size)
    settings = settings or SynthSettings()
    kind = stream(seed, "kind").random(3)
    hand = _draw_hand(seed, settings, "makehuman" if kind[2] < settings.makehuman else "webxr")
    view = random_view(stream(seed, "view"), hand.joints_mm, image_size, settings.max_roll_deg)
    return Scene(
        seed=seed,
        image_size=image_size,
        settings=settings,
        presence=bool(kind[0] >= settings.negatives),
        mirrored=bool(kind[1] < 0.5),
        hand=hand,
        view=view,
        light=random_light(stream(seed, "light")),
    )


def _draw_hand(seed: int, settings: SynthSettings, mesh: str) -> PosedHand:
    generator = stream(seed, "pose")
    shape = random_shape(generator, mesh)
    family = random_family(generator)
    angles = random_pose(generator, shape, family)
    return PosedHand(
        shape=shape,
        family=family,
        angles=angles,
        joints_mm=pose_hand(angles, shape)[0],
        skin=random_skin(stream(seed, "skin")),
        wear=random_wear(stream(seed, "wear"), settings),
    )


def check_image_size(image_size: int) -> None:
    """Raises `InputError` unless the side is an integer from 32 to 1024 pixels."""
    valid = isinstance(image_size, int | np.integer) and not isinstance(image_size, bool)
    if not valid or not _MIN_SIZE <= image_size <= _MAX_SIZE:
        raise InputError(
            f"synth: expected an image size from {_MIN_SIZE} to {_MAX_SIZE} pixels. "
            f"Received: image_size={image_size!r}. The default is 192."
        )
