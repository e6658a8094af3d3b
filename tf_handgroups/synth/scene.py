"""What a picture of a seed will show; drawn without rendering, so it is cheap.

Every part of a scene has its own stream of random numbers: with other settings the
same seed mostly keeps its pose, view and light.
"""

import dataclasses
import functools

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_mesh import pose_hand
from tf_handgroups.synth.hand_shape import HandShape, random_shape
from tf_handgroups.synth.hand_texture import Skin, random_skin, skin_of_tone
from tf_handgroups.synth.held_object import random_held
from tf_handgroups.synth.joint_places import annotated_joints
from tf_handgroups.synth.negatives import Negative, random_negative
from tf_handgroups.synth.pose_prior import random_family, random_pose
from tf_handgroups.synth.posed_skin import PosedSkin, skin_of_pose
from tf_handgroups.synth.second_hand import random_arrangement, random_second_view, same_person
from tf_handgroups.synth.settings import SynthSettings
from tf_handgroups.synth.shading import Light, random_light
from tf_handgroups.synth.thing import Thing
from tf_handgroups.synth.viewpoint import View, random_view
from tf_handgroups.synth.wear import Wear, random_wear

# Part of every data set's description: raised whenever the pictures change.
SYNTH_VERSION = 3

_MIN_SIZE, _MAX_SIZE = 32, 1024
STREAMS = (
    *("kind", "pose", "view", "light", "skin", "wear", "held", "second", "paint", "picture"),
    *("negative", "occluder", "border"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class PosedHand:
    """One right hand of a person, in its own hand frame.

    Args:
        shape: Its proportions and mesh.
        family: Of its pose.
        angles: `(25,)` radians, see `hand_mesh.pose_hand`.
        skin: Its colour.
        wear: What it wears.
    """

    shape: HandShape
    family: str
    angles: np.ndarray
    skin: Skin
    wear: Wear

    @functools.cached_property
    def _pose(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return pose_hand(self.angles, self.shape)

    @property
    def joints_mm(self) -> np.ndarray:
        """`(21, 3)` where it bends."""
        return self._pose[0]

    @functools.cached_property
    def labels_mm(self) -> np.ndarray:
        """`(21, 3)` where photographs are annotated."""
        return annotated_joints(self.joints_mm, self.shape)

    @functools.cached_property
    def posed(self) -> PosedSkin:
        """Its skin in this pose; computed once, if at all."""
        return skin_of_pose(self.shape, self._pose)


@dataclasses.dataclass(frozen=True, eq=False)
class SecondHand:
    """Another hand beside the labelled one.

    Args:
        hand: As a right hand in its own hand frame.
        view: With the camera of the scene; its rotation mirrors (determinant -1) where
            the hand is the other one of the same person.
        arrangement: Name from `second_hand.ARRANGEMENTS`.
    """

    hand: PosedHand
    view: View
    arrangement: str


@dataclasses.dataclass(frozen=True, eq=False)
class Scene:
    """Everything that is decided before a picture is rendered.

    Args:
        seed: Of the sample.
        image_size: Side of the picture in pixels.
        settings: Under which it was drawn.
        presence: False for a picture without a hand.
        mirrored: Whether the picture is mirrored, which makes the hand a left one.
        everyday: Whether pose, view, light and camera are those of most pictures.
        hand: The labelled hand.
        view: The camera.
        light: The light.
        held: What the hand holds, in its hand frame; `None` for an empty hand. Where the
            pose leaves no room the hand stays empty, so somewhat fewer hands hold
            something than `settings.held_object` says (likewise for `second`).
        second: Another hand; `None` without one.
        negative: What a picture without a hand shows; `None` where there is one.
    """

    seed: int
    image_size: int
    settings: SynthSettings
    presence: bool
    mirrored: bool
    everyday: bool
    hand: PosedHand
    view: View
    light: Light
    held: Thing | None = None
    second: SecondHand | None = None
    negative: Negative | None = None


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
    kind = stream(seed, "kind").random(4)
    everyday = bool(kind[3] < settings.everyday)
    mesh = "makehuman" if kind[2] < settings.makehuman else "webxr"
    hand = _draw_hand(seed, settings, mesh, everyday)
    view = random_view(
        stream(seed, "view"), hand.labels_mm, image_size, settings.max_roll_deg, everyday
    )
    scene = Scene(
        seed=seed,
        image_size=image_size,
        settings=settings,
        presence=bool(kind[0] >= settings.negatives),
        mirrored=bool(kind[1] < 0.5),
        everyday=everyday,
        hand=hand,
        view=view,
        light=random_light(stream(seed, "light"), everyday),
    )
    if not scene.presence:
        return dataclasses.replace(scene, negative=_draw_negative(scene))
    return dataclasses.replace(scene, held=_draw_held(scene), second=_draw_second(scene))


def with_tone(scene: Scene, tone: float) -> Scene:
    """Returns a scene with a lighter or darker hand, all else equal.

    The skin keeps undertone, age and marks, so that the tone that was drawn gives the same
    picture again. The same person's second hand changes too. Of a picture without a hand
    nothing changes that was decided before: it may show skin of the drawn tone.

    Args:
        scene: Of `draw_scene`.
        tone: 0 very light .. 1 very dark.

    Raises:
        InputError: If the tone is out of range.

    Example:
    >>> with_tone(draw_scene(1), 0.9).hand.skin.tone
    0.9
    """
    generator = stream(scene.seed, "skin")
    generator.uniform()  # In place of it comes the given tone.
    skin, second = skin_of_tone(generator, tone), scene.second
    if second is not None and second.hand.skin is scene.hand.skin:
        hand = dataclasses.replace(second.hand, skin=skin)
        second = dataclasses.replace(second, hand=hand)
    hand = dataclasses.replace(scene.hand, skin=skin)
    return dataclasses.replace(scene, hand=hand, second=second)


def _draw_held(scene: Scene) -> Thing | None:
    generator = stream(scene.seed, "held")
    if generator.random() >= scene.settings.held_object:
        return None
    return random_held(generator, scene.hand.posed, -scene.view.rotation[1])


def _draw_second(scene: Scene) -> SecondHand | None:
    generator, first = stream(scene.seed, "second"), scene.hand
    if generator.random() >= scene.settings.second_hand:
        return None
    arrangement = random_arrangement(generator)
    hand = _draw_partner(generator, first, arrangement, scene.settings)
    view = random_second_view(
        generator,
        first.posed,
        hand.posed,
        hand.shape.mesh,
        scene.view,
        scene.image_size,
        arrangement,
    )
    return None if view is None else SecondHand(hand, view, arrangement)


def _draw_partner(generator, first: PosedHand, arrangement: str, settings) -> PosedHand:
    """The person's other hand, often in the same pose, or another person's hand."""
    own = same_person(arrangement)
    shape = first.shape if own else random_shape(generator, first.shape.mesh)
    family, angles = first.family, first.angles + generator.normal(0, 0.04, len(first.angles))
    if not own or (arrangement != "praying" and generator.random() < 0.65):
        family = random_family(generator)
        angles = random_pose(generator, shape, family)
    same_wear = own and generator.random() < 0.8
    return PosedHand(
        shape=shape,
        family=family,
        angles=angles,
        skin=first.skin if own else random_skin(generator),
        wear=first.wear if same_wear else random_wear(generator, settings),
    )


def _draw_negative(scene: Scene) -> Negative:
    hand = scene.hand
    return random_negative(
        stream(scene.seed, "negative"),
        hand.skin.back,
        hand.posed,
        scene.view,
        scene.image_size,
    )


def _draw_hand(seed: int, settings: SynthSettings, mesh: str, everyday: bool) -> PosedHand:
    generator = stream(seed, "pose")
    shape = random_shape(generator, mesh)
    family = random_family(generator, everyday)
    angles = random_pose(generator, shape, family)
    return PosedHand(
        shape=shape,
        family=family,
        angles=angles,
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
