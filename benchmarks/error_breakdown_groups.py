"""Kinds of hands and the statistics of each, for `benchmarks.error_breakdown`."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from benchmarks.error_breakdown_hands import Looked
from tf_handgroups.ablation.paired_statistics import CONFIDENCE, Interval, mean_interval
from tf_handgroups.evaluation import PCK_BOX_SHARE
from tf_handgroups.synth.hand_template import MESHES
from tf_handgroups.synth.hand_texture import typology_angle_deg
from tf_handgroups.synth.pose_prior import FAMILIES
from tf_handgroups.synth.viewpoint import VIEW_KINDS

TONE_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LENGTH_EDGES_MM = (0.0, 140.0, 155.0, 170.0, 185.0, np.inf)
_DISTANCE_EDGES_MM = (0.0, 350.0, 500.0, 700.0, 900.0, np.inf)
_ROLL_EDGES_DEG = (0.0, 15.0, 30.0, 45.0, 60.0, 180.0)

# Titles of the parts that the figure draws and the page names.
FAMILY, VIEW, TONE = "pose family", "kind of view", "skin tone"

# Errors are far from normally distributed: fewer hands say nothing about the spread of their mean.
LEAST_FOR_INTERVAL = 5

Groups = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class GroupRow:
    """The errors of some hands.

    Args:
        count: Number of hands.
        error_box: Mean 2D error in box sides; `None` without a hand, as all that follows. Of
            fewer than `LEAST_FOR_INTERVAL` hands the interval is not known.
        pck: Share of visible joints within `PCK_BOX_SHARE` of the box side.
        pa_mm: PA-MPJPE.
    """

    count: int
    error_box: Interval | None
    pck: float | None
    pa_mm: float | None


def worst_first(rows: Mapping[str, GroupRow]) -> dict[str, GroupRow]:
    """Orders kinds by their mean 2D error; those without a hand come last."""

    def mean(row: GroupRow) -> float:
        return -1.0 if row.error_box is None else row.error_box.mean

    return dict(sorted(rows.items(), key=lambda item: -mean(item[1])))


@dataclasses.dataclass(frozen=True)
class Share:
    """How many of some, and where the true share may lie.

    Args:
        part: How many.
        count: Of how many.
        low: Lower end of the 95 % interval of Wilson.
        high: Upper end.
    """

    part: int
    count: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """In [0, 1]; NaN of none."""
        return self.part / self.count if self.count else float("nan")


def groups_of(looked: Looked) -> dict[str, Groups]:
    """Returns which hands are of which kind.

    Returns:
        `{what distinguishes them: {kind: (N,) bool}}`. Gloves hide the skin: hands in
        gloves have no tone.
    """
    facts = looked.facts
    has = {**facts.has, "something before the hand": looked.occluded}
    alone = ~np.any([has[name] for name in _COVERING], axis=0)
    return {
        FAMILY: _named(facts.families, [name for _, name in FAMILIES]),
        VIEW: _named(facts.views, [name for _, name in VIEW_KINDS]),
        TONE: _tones(facts.tones, ~facts.has["glove"]),
        "side": _named(facts.sides, ["left", "right"]),
        "mesh": _named(facts.meshes, MESHES),
        "hand length, mm": _binned(facts.length_mm, _LENGTH_EDGES_MM),
        "distance, mm": _binned(facts.distance_mm, _DISTANCE_EDGES_MM),
        "roll away from fingers up, degrees": _binned(np.abs(facts.roll_deg), _ROLL_EDGES_DEG),
        "kind of picture": {"everyday": looked.everyday, "other": ~looked.everyday},
        "thing in the picture": {**has, "none of " + ", ".join(_COVERING): alone},
    }


# What hides a part of the hand, or is another one.
_COVERING = ("held thing", "second hand", "glove", "something before the hand")


def _named(found: Sequence[str], names: Sequence[str]) -> Groups:
    kinds = np.array(found)
    return {name: kinds == name for name in names}


def _inside(values: np.ndarray, low: float, high: float, last: bool) -> np.ndarray:
    return (values >= low) & ((values <= high) if last else (values < high))


def _binned(values: np.ndarray, edges: Sequence[float]) -> Groups:
    groups = {}
    for low, high in itertools.pairwise(edges):
        name = f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} and more"
        groups[f"below {high:g}" if low == 0 else name] = _inside(
            values, low, high, high == edges[-1]
        )
    return groups


def _tones(tones: np.ndarray, bare: np.ndarray) -> Groups:
    return {
        f"{low:g} to {high:g} (ITA {typology_angle_deg(low):.0f} to {typology_angle_deg(high):.0f}"
        "°)": bare & _inside(tones, low, high, high == TONE_EDGES[-1])
        for low, high in itertools.pairwise(TONE_EDGES)
    }


def row_of(looked: Looked, chosen: np.ndarray) -> GroupRow:
    """Returns the errors of chosen hands.

    Args:
        looked: What was said about all.
        chosen: `(N,)` bool.
    """
    count = int(chosen.sum())
    if not count:
        return GroupRow(0, None, None, None)
    errors, interval = looked.errors_box[chosen], mean_interval(looked.hand_errors_box[chosen])
    if count < LEAST_FOR_INTERVAL:
        interval = Interval(interval.mean, -math.inf, math.inf, count)
    return GroupRow(
        count=count,
        error_box=interval,
        pck=float((errors[~np.isnan(errors)] <= PCK_BOX_SHARE).mean()),
        pa_mm=float(looked.pa_mm[chosen].mean()),
    )


def share_of(found: np.ndarray) -> Share:
    """Returns the share of true values.

    Args:
        found: `(N,)` bool.

    Example:

    >>> share = share_of(np.array([True, False, False, False]))
    >>> share.part, share.count, round(share.low, 3), round(share.high, 3)
    (1, 4, 0.046, 0.699)
    """
    part, count = int(np.count_nonzero(found)), len(found)
    if not count:
        return Share(0, 0, 0.0, 1.0)
    ends = stats.binomtest(part, count).proportion_ci(CONFIDENCE, "wilson")
    return Share(part, count, float(ends.low), float(ends.high))
