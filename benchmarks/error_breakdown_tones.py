"""The same scenes with lighter and darker skin, for `benchmarks.error_breakdown`.

Pose, view, light, background, clothes and the camera's noise are equal (`scene.with_tone`): what
differs between two tones, differs because of the skin. No hand wears a glove.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.error_breakdown_groups import Share, share_of
from benchmarks.error_breakdown_hands import errors_of, scenes_of
from tf_handgroups.ablation.paired_statistics import Interval, mean_interval
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.image_file import read_image
from tf_handgroups.synth.render import sample_of_scene
from tf_handgroups.synth.scene import with_tone
from tf_handgroups.synth.settings import SynthSettings

# Those of `synth --seed 81`: other scenes than those of the tables.
FIRST_SEED = 810_000_000
SETTINGS = dataclasses.replace(SynthSettings(), negatives=0.0, glove=0.0)
# The middles of five equal bins.
TONES = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclasses.dataclass(frozen=True, eq=False)
class InTones:
    """What a network said about `N` hands, each in `T` tones.

    Args:
        tones: `T`, the lightest first.
        errors_box: `(N, T)` mean 2D error over the visible joints, in box sides.
        presences: `(N, T)` probabilities of a hand, NaN from a network that cannot tell.
    """

    tones: Sequence[float]
    errors_box: np.ndarray
    presences: np.ndarray


@dataclasses.dataclass(frozen=True)
class ToneRow:
    """One tone.

    Args:
        tone: 0 light .. 1 dark.
        error_box: Mean 2D error.
        error_difference: To the lightest, hand by hand; `None` for the lightest.
        presence: Mean probability of a hand; `None` from a network that cannot tell.
        presence_difference: To the lightest, hand by hand.
        missed: Hands below the threshold.
    """

    tone: float
    error_box: Interval
    error_difference: Interval | None
    presence: Interval | None
    presence_difference: Interval | None
    missed: Share | None


def look_at_tones(
    predictor: Predictor,
    count: int,
    tones: Sequence[float] = TONES,
    on_progress: Callable[[int], None] = lambda done: None,
) -> InTones:
    """Renders scenes in all tones and shows them to a network, sides as labelled.

    Args:
        predictor: The network.
        count: Number of scenes.
        tones: The lightest first.
        on_progress: Called with the number of pictures done.
    """
    errors_box, presences = np.zeros((2, count, len(tones)))
    for row, scene in enumerate(scenes_of(count, FIRST_SEED, SETTINGS)):
        for column, tone in enumerate(tones):
            sample = sample_of_scene(with_tone(scene, tone))
            image = read_image(sample.image)
            (hand,) = predictor.predict(image, [sample.box_px], [sample.handedness])
            errors_box[row, column] = np.nanmean(errors_of(sample, hand)[0])
            presences[row, column] = np.nan if hand.presence is None else hand.presence
            on_progress(row * len(tones) + column + 1)
    return InTones(tones, errors_box, presences)


def tone_rows(found: InTones, threshold: float | None) -> list[ToneRow]:
    """Returns the statistics of each tone.

    Args:
        found: At least one hand.
        threshold: Of presence; `None` for a network that cannot tell.
    """
    rows = []
    for column, tone in enumerate(found.tones):
        errors, presences = found.errors_box[:, column], found.presences[:, column]
        knows = threshold is not None
        rows.append(
            ToneRow(
                tone=tone,
                error_box=mean_interval(errors),
                error_difference=mean_interval(errors - found.errors_box[:, 0]) if column else None,
                presence=mean_interval(presences) if knows else None,
                presence_difference=mean_interval(presences - found.presences[:, 0])
                if knows and column
                else None,
                missed=share_of(presences < threshold) if threshold is not None else None,
            )
        )
    return rows
