"""What a network says about rendered scenes, and how wrong it is, for `benchmarks.error_breakdown`.

2D errors are of visible joints, over the longer side of the tight box of all joints; 3D errors are
those of `evaluate`'s protocol `procrustes`: PA-MPJPE, with the intrinsics.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from tf_handgroups.convert.predict import HandPrediction, Predictor
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation_report import WorstCase
from tf_handgroups.image_file import read_image
from tf_handgroups.protocols import PROTOCOLS
from tf_handgroups.synth.data_card import SceneFacts, scene_facts
from tf_handgroups.synth.render import draw_occluder, sample_of_scene
from tf_handgroups.synth.scene import Scene, draw_scene
from tf_handgroups.synth.settings import SynthSettings

# Those of `synth --seed 80`, far from training sets, which have small seeds.
FIRST_SEED = 800_000_000
PROTOCOL = PROTOCOLS["procrustes"]
NUM_WORST, NUM_SEEMING = 12, 6


@dataclasses.dataclass(frozen=True, eq=False)
class Seeming:
    """A picture without a hand in which a network may see one.

    Args:
        sample: The picture and the box that was asked for.
        presence: Probability of a hand that the network gave.
    """

    sample: HandSample
    presence: float


@dataclasses.dataclass(frozen=True, eq=False)
class Looked:
    """What a network said about `N` hands and `M` pictures without one.

    Args:
        facts: Of the scenes.
        everyday: `(N,)` bool, whether the scene is one of everyday pictures.
        occluded: `(N,)` bool, whether something lies before the hand.
        errors_box: `(N, 21)` 2D errors in box sides, NaN where a joint is not visible.
        pa_mm: `(N,)` PA-MPJPE.
        presences: `(N,)` probabilities of a hand, NaN from a network that cannot tell.
        sides_found: `(N,)` 1 where the side was found without being told, else 0; NaN
            likewise.
        presences_without_hand: `(M,)`.
        worst: Hands with the largest 2D errors, worst first; their `sample_id` says what
            they are.
        seeming: Pictures without a hand of the highest presence, highest first.
    """

    facts: SceneFacts
    everyday: np.ndarray
    occluded: np.ndarray
    errors_box: np.ndarray
    pa_mm: np.ndarray
    presences: np.ndarray
    sides_found: np.ndarray
    presences_without_hand: np.ndarray
    worst: list[WorstCase]
    seeming: list[Seeming]

    @property
    def hand_errors_box(self) -> np.ndarray:
        """`(N,)` mean over the visible joints."""
        return np.nanmean(self.errors_box, axis=1)


def scenes_of(count: int, first_seed: int, settings: SynthSettings) -> Iterator[Scene]:
    """Yields the scenes of consecutive seeds."""
    return (draw_scene(first_seed + index, settings=settings) for index in range(count))


def errors_of(sample: HandSample, hand: HandPrediction) -> tuple[np.ndarray, float]:
    """Returns the 2D errors `(21,)` in box sides, NaN where not visible, and PA-MPJPE in mm."""
    distances = np.linalg.norm(hand.uv_px - sample.uv_px, axis=-1)
    errors_box = distances / box_around(sample.uv_px)[2:].max()
    truth, intrinsics = np.asarray(sample.xyz_camera_mm), np.asarray(sample.intrinsics_px)
    recovered = PROTOCOL.recover_mm(
        hand.uv_px[None], hand.z_rel[None], truth[None], intrinsics[None]
    )
    errors_mm = PROTOCOL.errors_mm(recovered, truth[None])
    return np.where(sample.visible, errors_box, np.nan), float(errors_mm.mean())


def look_at_scenes(
    predictor: Predictor,
    scenes: Iterable[Scene],
    on_progress: Callable[[int], None] = lambda done: None,
) -> Looked:
    """Renders scenes and shows each hand twice: with its side as labelled, and without.

    Args:
        predictor: The network.
        scenes: What to render.
        on_progress: Called with the number of scenes done.

    Raises:
        InputError: If no scene has a hand.
    """
    looking = _Looking(predictor, on_progress)
    # Scenes are measured as they pass by: all of them, with their meshes, need much memory.
    facts = scene_facts(map(looking.at, scenes))
    if not looking.hands:
        raise InputError(
            f"look_at_scenes: expected scenes with a hand. Received: {facts.num_scenes} without. "
            "Take more of them."
        )
    return looking.looked(facts)


@dataclasses.dataclass(frozen=True, eq=False)
class _Hand:
    """One row of `Looked`."""

    everyday: bool
    occluded: bool
    errors_box: np.ndarray
    pa_mm: float
    presences: float
    sides_found: float


class _Looking:
    """Collects what `Looked` holds; pictures are kept only of the worst."""

    def __init__(self, predictor: Predictor, on_progress: Callable[[int], None]):
        self.predictor, self.on_progress = predictor, on_progress
        self.hands: list[_Hand] = []
        self.without_hand: list[float] = []
        self.worst: list[WorstCase] = []
        self.seeming: list[Seeming] = []
        self.done = 0

    def at(self, scene: Scene) -> Scene:
        """Looks at a scene and returns it."""
        sample = sample_of_scene(scene)
        if scene.presence:
            self._hand(scene, sample)
        else:
            self._no_hand(sample)
        self.done += 1
        self.on_progress(self.done)
        return scene

    def _hand(self, scene: Scene, sample: HandSample) -> None:
        image, boxes = read_image(sample.image), [sample.box_px] * 2
        told, untold = self.predictor.predict(image, boxes, [sample.handedness, None])
        errors_box, pa_mm = errors_of(sample, told)
        side = untold.handedness
        self.hands.append(
            _Hand(
                everyday=scene.everyday,
                occluded=draw_occluder(scene) is not None,
                errors_box=errors_box,
                pa_mm=pa_mm,
                presences=_number(told.presence),
                sides_found=np.nan if side is None else float(side == sample.handedness),
            )
        )
        caption = f"{scene.hand.family}, {scene.view.kind}, {scene.seed}"
        case = WorstCase(
            dataclasses.replace(sample, sample_id=caption),
            told.uv_px,
            float(np.nanmean(errors_box)),
        )
        self.worst = sorted([*self.worst, case], key=lambda one: -one.error_box)[:NUM_WORST]

    def _no_hand(self, sample: HandSample) -> None:
        (hand,) = self.predictor.predict(read_image(sample.image), [sample.box_px])
        self.without_hand.append(_number(hand.presence))
        if hand.presence is not None:
            found = [*self.seeming, Seeming(sample, hand.presence)]
            self.seeming = sorted(found, key=lambda one: -one.presence)[:NUM_SEEMING]

    def looked(self, facts: SceneFacts) -> Looked:
        columns = {
            field.name: np.array([getattr(hand, field.name) for hand in self.hands])
            for field in dataclasses.fields(_Hand)
        }
        return Looked(
            facts,
            **columns,
            presences_without_hand=np.array(self.without_hand, np.float64),
            worst=self.worst,
            seeming=self.seeming,
        )


def _number(probability: float | None) -> float:
    return np.nan if probability is None else probability
