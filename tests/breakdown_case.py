"""A network that knows one hand, and made-up answers, for the breakdown of errors."""

import dataclasses

import numpy as np

from benchmarks.error_breakdown_hands import Looked
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.evaluation_report import WorstCase
from tf_handgroups.mean_hand import MEAN_POSE
from tf_handgroups.synth.data_card import scene_facts
from tf_handgroups.synth.render import sample_of_scene
from tf_handgroups.synth.scene import Scene, draw_scene
from tf_handgroups.synth.settings import SynthSettings


class StandInRunner:
    """Sees the mean hand in the middle of every crop.

    It is surer of a hand in bright crops, and of a right hand where the right half is
    brighter.

    Args:
        heads: Whether it has presence and handedness.
    """

    name, sha256, input_size = "stand_in", None, 64

    def __init__(self, heads: bool = True):
        self.heads = heads

    def __call__(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        hand = MEAN_POSE - MEAN_POSE.mean(axis=0)
        found = {
            "uv_px": np.tile(31.5 + 40 * hand[:, :2] / np.ptp(hand[:, 1]), (len(crops), 1, 1)),
            "z_rel": np.tile(
                (hand[:, 2] - hand[9, 2]) / np.linalg.norm(hand[10] - hand[9]), (len(crops), 1)
            ),
        }
        if self.heads:
            halves = crops[:, :, 32:].mean(axis=(1, 2, 3)) - crops[:, :, :32].mean(axis=(1, 2, 3))
            bright = 8 * (crops.mean(axis=(1, 2, 3)) - 0.4)
            found |= {"presence": bright[:, None], "handedness": halves[:, None]}
        return found


def stand_in(heads: bool = True) -> Predictor:
    return Predictor(StandInRunner(heads))


def some_scenes(count: int, **settings: float) -> list[Scene]:
    """Scenes with a hand."""
    chosen = SynthSettings(negatives=0, **settings)
    return [draw_scene(seed, 64, chosen) for seed in range(count)]


def made_up(scenes: list[Scene], **changes) -> Looked:
    """Answers about scenes: hand number `i` errs by `0.01 * i` of the box in every joint."""
    numbers = np.arange(len(scenes), dtype=np.float64)
    looked = Looked(
        facts=scene_facts(scenes),
        everyday=np.array([scene.everyday for scene in scenes]),
        occluded=numbers % 4 == 0,
        errors_box=np.repeat(0.01 * numbers[:, None], 21, axis=1),
        pa_mm=numbers,
        presences=1 - numbers / 100,
        sides_found=(numbers % 2 == 0).astype(float),
        presences_without_hand=np.array([0.1, 0.7, 0.2, 0.5]),
        worst=[WorstCase(sample_of_scene(scenes[-1]), np.full((21, 2), 30.0), 0.5)],
        seeming=[],
    )
    return dataclasses.replace(looked, **changes)
