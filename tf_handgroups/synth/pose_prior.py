"""Plausible hand poses: families of everyday postures within joint limits.

Candidates of one family are drawn together; the one whose fingers run least into
each other is kept. See `hand_mesh.pose_hand` for the meaning of the 25 angles, and
`pose_draft` for limits, correlations and their sources.
"""

from collections.abc import Callable

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_contact import (
    DORSAL,
    RADIAL,
    Touch,
    bring_thumb,
    flesh_thickness,
    penetration_mm,
)
from tf_handgroups.synth.hand_mesh import pose_hand
from tf_handgroups.synth.hand_shape import HandShape
from tf_handgroups.synth.pose_draft import (
    CANDIDATES,
    LIMITS,
    LIMITS_DEG,
    QUADRIGA,
    THUMBS,
    Draft,
    curled,
    extended,
    folded_fingers,
    noise,
    pattern,
)


def _over(generator, finger):
    """The thumb lies on the back of a folded finger's middle or last bone."""
    part = 1 if generator.random() < 0.8 else 2
    return Touch(finger, part, float(generator.uniform(0.3, 0.8)), DORSAL, -0.5)


def _beside(generator):
    """The thumb leans against the index finger's side."""
    return Touch(1, 0, float(generator.uniform(0.55, 1.0)), RADIAL, 0.0)


def _on_palm(generator):
    """The thumb lies in the palm below the ring or the middle finger."""
    x = float(generator.uniform(-6, 26))
    return Touch(0, point_mm=(x, float(generator.uniform(2, 22)), 15.0))


def _draw_spread(generator):
    draft = Draft(generator, extended(generator))
    draft.spread(0.4, 1.2)
    draft.set_thumb("wide", "wide", "rest", "hitchhiker")
    return draft


def _draw_flat(generator):
    draft = Draft(generator, extended(generator))
    draft.spread(-0.35, 0.1)
    draft.set_thumb("along", "rest", "wide")
    if generator.random() < 0.2:
        draft.touching("across", _on_palm(generator))
    return draft


def _draw_relaxed(generator):
    draft = Draft(generator, curled(generator, 0.08, 0.55))
    draft.spread(-0.05, 0.45)
    draft.set_thumb("rest", "rest", "along", "forward", "curled")
    return draft


def _draw_fist(generator):
    draft = Draft(generator, folded_fingers(generator))
    kind = generator.random()
    if kind < 0.6:
        draft.touching("over", _over(generator, 1 if kind < 0.3 else 2))
    elif kind < 0.9:
        draft.touching("beside", _beside(generator))
    else:
        draft.set_thumb("along")
    return draft


def _draw_thumb_up(generator):
    draft = Draft(generator, folded_fingers(generator))
    draft.set_thumb("hitchhiker", "wide")
    return draft


def _draw_point(generator):
    draft = Draft(generator, pattern(generator, [True, False, False, False]))
    kind = generator.random()
    if kind < 0.5:
        draft.touching("over", _over(generator, 2))
    else:
        draft.set_thumb("beside", "wide", "hitchhiker", "rest", "along")
    return draft


def _draw_pinch(generator):
    finger = 1 + int(generator.choice(4, p=[0.76, 0.12, 0.07, 0.05]))
    kind = generator.random()
    bends = curled(generator, 0.05, 0.8)
    if kind < 0.35:
        bends = extended(generator) + np.array([6, 14, 8]) * np.arange(4)[:, None] / 2
    elif kind < 0.55:
        bends = folded_fingers(generator)
    _pinch_bends(generator, bends, finger)
    draft = Draft(generator, bends)
    gap = generator.uniform(0, 3) if generator.random() < 0.5 else generator.uniform(3, 75)
    _pads_meet(generator, draft, finger, gap)
    return draft


def _pads_meet(generator, draft, finger, gap_mm, share=0.68):
    """Thumb and finger bend towards each other; the thumb crosses the palm for far fingers."""
    tilt = float(generator.uniform(0.3, 1.1))
    touch = Touch(finger, share=share, tilt=tilt, gap_mm=float(gap_mm), moves=True)
    draft.touching("opposed", touch)
    draft.thumb += np.array([-9, 1, 5, 4, 2]) * (finger - 1)


def _pinch_bends(generator, bends, finger):
    """A finger on its way to the thumb; some press until the last joint gives way."""
    mcp, pip = generator.normal(50, 9, CANDIDATES), generator.normal(48, 13, CANDIDATES)
    dip = generator.normal(26, 10, CANDIDATES) - 34 * (generator.random() < 0.2)
    bends[:, finger - 1] = np.stack([mcp, pip, dip], axis=1)


def _draw_ok(generator):
    bends = extended(generator)
    bends += np.array([14, 12, 6]) * np.array([0, 1.4, 0.7, 0])[:, None]
    _pinch_bends(generator, bends, 1)
    draft = Draft(generator, bends)
    draft.spread(0.2, 1.0)
    _pads_meet(generator, draft, 1, generator.uniform(0, 2))
    return draft


def _draw_tripod(generator):
    bends = curled(generator, 0.5, 0.9)
    _pinch_bends(generator, bends, 1)
    bends[:, 1] = bends[:, 0] + generator.normal([6, 8, 4], 5, (CANDIDATES, 3))
    draft = Draft(generator, bends)
    _pads_meet(generator, draft, 1, generator.uniform(0, 9), share=0.6)
    return draft


def _draw_key(generator):
    draft = Draft(generator, curled(generator, 0.45, 0.85))
    part = int(generator.integers(1, 3))
    gap = float(generator.uniform(0, 6))
    touch = Touch(1, part, float(generator.uniform(0.2, 0.8)), RADIAL, gap)
    draft.touching("beside", touch)
    return draft


def _draw_grasp(generator):
    draft = Draft(generator, curled(generator, 0.25, 0.9))
    draft.spread(-0.1, 0.5)
    kind = generator.random()
    if kind < 0.45:
        finger = 1 if kind < 0.2 else 2
        draft.touching("opposed", Touch(finger, tilt=0.6, gap_mm=float(generator.uniform(2, 60))))
    elif kind < 0.6:
        draft.touching("over", _over(generator, 1 if kind < 0.5 else 2))
    else:
        draft.set_thumb("opposed", "forward", "rest", "along", "curled")
    return draft


def _draw_hook(generator):
    bends = np.array([8.0, 84.0, 54.0]) + generator.normal(0, 1, (CANDIDATES, 1, 1)) * [10, 12, 12]
    draft = Draft(generator, bends + noise(generator, 4, 5, 5))
    draft.set_thumb("rest", "along", "forward", "wide")
    return draft


def _draw_claw(generator):
    bends = extended(generator)
    hook = generator.uniform(30, 98, (CANDIDATES, 1)) + generator.normal(0, 6, (CANDIDATES, 4))
    bends[:, :, 1], bends[:, :, 2] = hook, hook * generator.uniform(0.45, 0.85)
    draft = Draft(generator, bends)
    draft.spread(0.2, 1.0)
    draft.set_thumb("rest", "curled", "forward", "wide")
    return draft


def _draw_c_shape(generator):
    mean = np.array([34.0, 38.0, 24.0]) + generator.normal(0, 1, (CANDIDATES, 1, 1)) * [9, 9, 7]
    draft = Draft(generator, mean + noise(generator, 3, 4, 4))
    draft.spread(-0.1, 0.2)
    draft.touching("opposed", Touch(2, tilt=0.6, gap_mm=float(generator.uniform(35, 75))))
    return draft


def _draw_cupped(generator):
    mean = np.array([24.0, 24.0, 13.0]) + generator.normal(0, 1, (CANDIDATES, 1, 1)) * [9, 9, 5]
    draft = Draft(generator, mean + noise(generator, 3, 3, 3))
    draft.spread(-0.35, 0.05)
    draft.set_thumb("along", "along", "beside", "rest")
    return draft


def _draw_typing(generator):
    mean = np.array([16.0, 44.0, 22.0]) + generator.normal(0, 1, (CANDIDATES, 1, 1)) * [8, 9, 6]
    draft = Draft(generator, mean + noise(generator, 10, 9, 6))
    draft.spread(0.0, 0.6)
    draft.set_thumb("rest", "along", "beside")
    return draft


def _draw_horns(generator):
    draft = Draft(generator, pattern(generator, [True, False, False, True]))
    draft.spread(0.0, 0.6)
    if generator.random() < 0.6:
        draft.touching("over", _over(generator, 2))
    else:
        draft.set_thumb("wide", "hitchhiker")
    return draft


def _draw_victory(generator):
    draft = Draft(generator, pattern(generator, [True, True, False, False]))
    gap = generator.uniform(0, 1.2, CANDIDATES)
    draft.sideways[:, 0] = 2 + 14 * gap
    draft.sideways[:, 1] = -3 - 14 * gap
    draft.touching("over", _over(generator, int(generator.integers(2, 4))))
    if generator.random() < 0.25:
        draft.touch = None
        draft.set_thumb("wide", "rest")
    return draft


def _draw_gap(generator):
    """One gap only, as in the Vulcan salute, or the middle finger behind the index."""
    draft = Draft(generator, extended(generator))
    kind = int(generator.integers(4))
    if kind == 3:
        draft.bends = pattern(generator, [True, True, False, False])
        draft.sideways[:, 0] = generator.normal(-13, 2, CANDIDATES)
        draft.sideways[:, 1] = generator.normal(13, 2, CANDIDATES)
        draft.bends[:, 0, 0] -= 8
        draft.bends[:, 1] += generator.normal([26, 10, 4], 4, (CANDIDATES, 3))
        draft.touching("over", _over(generator, 3))
        return draft
    gap = generator.uniform(16, (34, 32, 40)[kind], (CANDIDATES, 1))
    toward = np.arange(4) <= kind
    draft.spread(-0.3, 0.0)
    split = np.array([(0.6, -0.4), (0.5, -0.5), (0.15, -0.85)])[kind]
    draft.sideways += gap * np.where(toward, split[0], split[1])
    draft.set_thumb("wide", "wide", "rest", "along")
    return draft


def _draw_sign(generator):
    """All 16 combinations of extended and folded fingers, with several thumbs."""
    up = generator.random(4) < 0.5
    draft = Draft(generator, pattern(generator, up, half_share=0.12))
    draft.spread(-0.1, 1.0)
    folded = 1 + np.flatnonzero(~up)
    kind = generator.random()
    if kind < 0.3 and len(folded):
        draft.touching("over", _over(generator, int(folded[0])))
    elif kind < 0.42:
        draft.touching("beside", _beside(generator))
    elif kind < 0.54 and up.sum() >= 2:
        draft.touching("across", _on_palm(generator))
    else:
        draft.set_thumb("rest", "wide", "hitchhiker", "along", "forward", "curled")
    return draft


def _draw_random(generator):
    bends = np.zeros((CANDIDATES, 4, 3))
    bends[:, :, 0] = generator.uniform(-20, 92, (CANDIDATES, 4))
    bends[:, :, 1] = generator.uniform(0, 105, (CANDIDATES, 4))
    bends[:, :, 2] = bends[:, :, 1] * generator.uniform(0.1, 1.2, (CANDIDATES, 4))
    draft = Draft(generator, np.einsum("fg,ngp->nfp", QUADRIGA, bends))
    draft.spread(-0.1, 1.1)
    draft.set_thumb(*THUMBS)
    draft.thumb *= generator.uniform(0.7, 1.3, (CANDIDATES, 5))
    return draft


def _draw_between(generator):
    """On the way from one posture to another."""
    names = generator.choice(len(_FAMILIES) - 1, 2)
    first, second = (_FAMILIES[int(name)][2](generator) for name in names)
    mix = generator.uniform(0.25, 0.75)
    first.bends = mix * first.bends + (1 - mix) * second.bends
    first.sideways = mix * first.sideways + (1 - mix) * second.sideways
    first.thumb = mix * first.thumb + (1 - mix) * second.thumb
    first.touch = None
    return first


# Weight, name, drawing. Weights follow how often cameras of phones, laptops and glasses
# see a posture, not how easy it is.
_FAMILIES: tuple[tuple[float, str, Callable[[np.random.Generator], Draft]], ...] = (
    (0.16, "spread", _draw_spread),
    (0.08, "flat", _draw_flat),
    (0.13, "relaxed", _draw_relaxed),
    (0.06, "fist", _draw_fist),
    (0.03, "thumb_up", _draw_thumb_up),
    (0.07, "point", _draw_point),
    (0.12, "pinch", _draw_pinch),
    (0.03, "ok", _draw_ok),
    (0.02, "tripod", _draw_tripod),
    (0.02, "key", _draw_key),
    (0.07, "grasp", _draw_grasp),
    (0.01, "hook", _draw_hook),
    (0.02, "claw", _draw_claw),
    (0.01, "c_shape", _draw_c_shape),
    (0.01, "cupped", _draw_cupped),
    (0.02, "typing", _draw_typing),
    (0.02, "horns", _draw_horns),
    (0.03, "victory", _draw_victory),
    (0.02, "gap", _draw_gap),
    (0.09, "sign", _draw_sign),
    (0.03, "random", _draw_random),
    (0.10, "between", _draw_between),
)
FAMILIES = tuple((weight, name) for weight, name, _ in _FAMILIES)
# What most pictures show.
_EVERYDAY = (
    (0.17, "spread"),
    (0.08, "flat"),
    (0.15, "relaxed"),
    (0.07, "fist"),
    (0.03, "thumb_up"),
    (0.07, "point"),
    (0.11, "pinch"),
    (0.03, "ok"),
    (0.08, "grasp"),
    (0.04, "claw"),
    (0.03, "victory"),
    (0.08, "sign"),
    (0.06, "between"),
)
_DRAWINGS = {name: drawing for _, name, drawing in _FAMILIES}


def random_family(generator: np.random.Generator, everyday: bool = False) -> str:
    """Draws the name of a family by its weight.

    Args:
        generator: Source of randomness.
        everyday: Whether it shall be one of the most common.

    Example:
    >>> random_family(np.random.default_rng(0)) in {name for _, name in FAMILIES}
    True
    """
    families = _EVERYDAY if everyday else FAMILIES
    weights = np.array([weight for weight, _ in families])
    return families[int(generator.choice(len(families), p=weights / weights.sum()))][1]


def random_pose(generator: np.random.Generator, shape: HandShape, family: str) -> np.ndarray:
    """Draws one plausible pose.

    Args:
        generator: Source of randomness.
        shape: The hand whose fingers shall not run into each other.
        family: Name from `FAMILIES`.

    Returns:
        `(25,)` angles in radians, within `LIMITS_DEG`.

    Raises:
        InputError: If there is no such family.

    Example:
    >>> angles = np.degrees(random_pose(np.random.default_rng(3), HandShape(), "pinch"))
    >>> bool(((angles >= LIMITS_DEG[:, 0] - 1e-9) & (angles <= LIMITS_DEG[:, 1] + 1e-9)).all())
    True
    """
    if family not in _DRAWINGS:
        raise InputError(
            f"random_pose: expected a family of {', '.join(_DRAWINGS)}. "
            f"Received: family={family!r}."
        )
    draft = _DRAWINGS[family](generator)
    angles = draft.angles()
    wrist = generator.normal(0, 1, 3) * [20, 9, 10] - [6, 0, 0]
    angles[:, 21:24] = wrist
    angles = np.radians(np.clip(angles, *LIMITS_DEG.T))
    if draft.touch is not None:
        angles = bring_thumb(angles, shape, draft.touch, LIMITS)
    joints, _, _ = pose_hand(angles, shape)
    score = penetration_mm(joints / shape.scale, flesh_thickness(shape))
    return angles[int(np.argmin(score + generator.uniform(0, 4, CANDIDATES)))]
