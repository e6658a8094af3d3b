"""Accuracy before and after a conversion, against the labels of the same crops.

Two measurements on the same hands differ by far less than either of them is uncertain:
a hand that is hard for one model is hard for the other. So the change is estimated pair
by pair, with its own uncertainty, and a gate may be much narrower than the spread of the
errors themselves.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from scipy import stats

from tf_handgroups.convert.labelled_crops import LabelledCrops
from tf_handgroups.protocols import PROTOCOLS

# Measure -> protocol of `evaluate` with which 3D joints are recovered and aligned.
MEASURES_3D = {"mpjpe_mm": PROTOCOLS["root-relative"], "pa_mpjpe_mm": PROTOCOLS["procrustes"]}

_CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class AccuracyChange:
    """An error of two models on the same hands.

    Args:
        keras: Mean error of the Keras model, first over the labelled joints of a hand, then
            over hands.
        variant: The same of the converted model.
        change_percent: Growth of the error, negative if it shrank.
        at_least_percent: The growth that is certain at 95 %: the change less its
            uncertainty. Minus infinity for a single hand.
        num_hands: Hands with the labels that this needs.

    Example:

    >>> AccuracyChange(10.0, 10.1, 1.0, 0.4, 200).change_percent
    1.0
    """

    keras: float
    variant: float
    change_percent: float
    at_least_percent: float
    num_hands: int


def recover_mm(labels: LabelledCrops, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Recovers 3D joints with the true length of bone 9-10, as `root-relative` does.

    Args:
        labels: Of the crops.
        outputs: What a runner returned for them.

    Returns:
        `(N, 21, 3)` mm, camera axes; NaN for hands without 3D labels, infinite for those
        with an output that is not finite.
    """
    return _recover(MEASURES_3D["mpjpe_mm"], labels, outputs)


def label_errors(labels: LabelledCrops, outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the distance of every joint from its label.

    Args:
        labels: Of the crops.
        outputs: What a runner returned for them.

    Returns:
        `epe_px` (crop pixels), `mpjpe_mm` (joint 9 moved onto its truth) and `pa_mpjpe_mm`
        (after Procrustes), each `(N, 21)`, NaN where a label is missing.
    """
    epe_px = np.linalg.norm(np.asarray(outputs["uv_px"], np.float64) - labels.uv_px, axis=-1)
    broken = ~_is_finite(outputs)[:, None]
    errors = {"epe_px": np.where(broken & np.isfinite(labels.uv_px[..., 0]), np.inf, epe_px)}
    for name, protocol in MEASURES_3D.items():
        recovered = _recover(protocol, labels, outputs)
        errors[name] = np.full(epe_px.shape, np.nan)
        known = np.isfinite(recovered).all(axis=(1, 2))
        errors[name][known] = protocol.errors_mm(recovered[known], labels.xyz_camera_mm[known])
        errors[name][np.isinf(recovered).any(axis=(1, 2))] = np.inf
    return errors


def accuracy_changes(
    labels: LabelledCrops,
    expected: Mapping[str, np.ndarray],
    received: Mapping[str, np.ndarray],
) -> dict[str, AccuracyChange]:
    """Measures two models against the labels of the same crops.

    Args:
        labels: Of the crops.
        expected: Outputs of the Keras model.
        received: Outputs of the converted model.

    Returns:
        Measure -> change, without those for which no hand has labels.
    """
    before, after = label_errors(labels, expected), label_errors(labels, received)
    changes = {}
    for name in before:
        hands = ~np.isnan(before[name]).all(axis=1)
        if hands.any():
            changes[name] = relative_change(
                *(np.nanmean(errors[name][hands], axis=1) for errors in (before, after))
            )
    return changes


def relative_change(before: np.ndarray, after: np.ndarray) -> AccuracyChange:
    """Compares the errors of the same hands under two models.

    The growth r of the mean error is a ratio of two means; its uncertainty follows from
    the spread of after - (1 + r) before over the hands (the usual estimate for a ratio),
    and Student's t for few hands.

    Args:
        before: `(hands,)` errors, any unit.
        after: The same hands.

    Example:

    >>> change = relative_change(np.array([10.0, 20.0, 30.0]), np.array([11.0, 22.0, 33.0]))
    >>> round(change.change_percent, 6), round(change.at_least_percent, 6)
    (10.0, 10.0)
    """
    count = len(before)
    first, second = float(np.mean(before)), float(np.mean(after))
    if not np.isfinite(second) or not first > 0:
        grown = 0.0 if second == first else np.inf
        return AccuracyChange(first, second, grown, grown, count)
    growth = second / first - 1
    spare = np.inf
    if count > 1:
        spread = np.std(after - (1 + growth) * before, ddof=1) / first
        spare = stats.t.ppf(_CONFIDENCE, count - 1) * spread / np.sqrt(count)
    return AccuracyChange(first, second, 100 * growth, float(100 * (growth - spare)), count)


def _is_finite(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    joints = np.concatenate([outputs["uv_px"], outputs["z_rel"][..., None]], axis=-1)
    return np.asarray(np.isfinite(joints).all(axis=(1, 2)))


def _recover(protocol, labels: LabelledCrops, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    finite = _is_finite(outputs)
    uv_px = labels.to_image(np.where(finite[:, None, None], outputs["uv_px"], 0.0))
    z_rel = np.where(finite[:, None], outputs["z_rel"], 0.0)
    truth = labels.xyz_camera_mm
    recovered = protocol.recover_mm(uv_px, z_rel, truth, labels.intrinsics_px)
    # Without any 3D label the hand's size is made up where scale does not matter.
    recovered[np.isnan(truth).all(axis=(1, 2))] = np.nan
    recovered[~finite & np.isfinite(recovered).all(axis=(1, 2))] = np.inf
    return recovered
