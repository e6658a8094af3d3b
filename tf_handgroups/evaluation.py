"""Measures a predictor on a data set, under protocols that are always named.

Numbers of different protocols cannot be compared, so every one carries its own.
2D errors count visible joints; 3D errors count all 21 joints of hands labelled in
3D, as the published tables do.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tf_handgroups import camera
from tf_handgroups.datasets.registry import Dataset
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation_report import Curve, Evaluation, WorstCase
from tf_handgroups.joints import JOINT_NAMES, NUM_JOINTS, ROOT_JOINT
from tf_handgroups.mean_hand import MEAN_POSE
from tf_handgroups.metrics.pck_auc import (
    THRESHOLDS_0_50_MM,
    THRESHOLDS_20_50_MM,
    area_under_curve,
    pck_curve,
)
from tf_handgroups.metrics.procrustes import procrustes_align

Predict = Callable[[list[HandSample]], Sequence[Mapping[str, Any]]]

PROTOCOLS = {
    "pa": "after the best scale, rotation (no reflection) and shift per hand",
    "pa_weak_perspective": "as pa, but recovered without the camera's intrinsics",
    "root_relative": "relative to joint 9, with the true length of bone 9-10",
    "absolute_gt_root": "in camera coordinates, with the true depth of joint 9 and the true "
    "length of bone 9-10 (protocol of Li et al. 2021)",
    "absolute": "in camera coordinates, own depth of joint 9, with the true length of bone 9-10",
}

PCK_BOX_SHARE = 0.2
_CURVE_MM = np.linspace(0.0, 50.0, 101)
_CURVE_BOX = np.linspace(0.0, 0.5, 101)


def evaluate(
    predict: Predict,
    dataset: Dataset | Sequence[HandSample],
    protocol: str = "all",
    batch_size: int = 32,
    num_worst: int = 12,
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Compares predictions with labels.

    Hands that are marked absent, or have no visible joint and no 3D label, are
    skipped and counted. Without intrinsics a hand is recovered by weak perspective.
    Next to the model stands a *mean hand*: one constant pose, fitted to the truth of
    each hand like the predictions under `pa`. A model has to beat it.

    Args:
        predict: Takes a list of samples, returns for each a mapping with `uv_px`
            (21, 2), pixels of the sample's image, and `z_rel` (21,).
        dataset: Hands to measure on.
        protocol: A key of `PROTOCOLS`, or `"all"` for all that the labels allow.
        batch_size: How many samples `predict` gets at a time.
        num_worst: How many hands with the largest 2D error (in box sides) to keep.
        on_progress: Called with (hands done, hands in all) after every batch.

    Returns:
        `Evaluation`: the report as a dict, curves, worst cases, and `save`.

    Raises:
        InputError: If the protocol is unknown, the labels do not allow it, no hand
            is left to measure, or a prediction is missing, misshapen or not finite.

    Example:

    >>> sample = HandSample(sample_id="0", image=b"", image_size=(64, 64),
    ...     uv_px=np.arange(42).reshape(21, 2), visible=np.ones(21), handedness="left",
    ...     box_px=(0, 0, 40, 40))
    >>> def off_by_four(samples):
    ...     return [{"uv_px": s.uv_px + [4, 0], "z_rel": np.zeros(21)} for s in samples]
    >>> result = evaluate(off_by_four, [sample])
    >>> result.report["errors_2d"]["epe_px"], result.report["errors_2d"]["epe_box"]
    (4.0, 0.1)
    """
    if protocol not in (*PROTOCOLS, "all"):
        raise InputError(
            f"evaluate: unknown protocol. Received: protocol={protocol!r}. "
            f"Known protocols: {', '.join((*PROTOCOLS, 'all'))}."
        )
    hands = _Hands(num_worst)
    samples = iter(dataset)
    done = 0
    while batch := list(itertools.islice(samples, batch_size)):
        hands.add(predict, batch)
        done += len(batch)
        if on_progress is not None:
            on_progress(done, len(dataset))
    if not hands.truth:
        raise InputError(
            "evaluate: expected at least one labelled hand. "
            f"Received: {hands.skipped} hands, all without one. Choose another data set."
        )
    return _Measurement(hands, protocol).evaluation(dataset)


class _Hands:
    """Collects labels and predictions; images are kept only of the worst cases."""

    def __init__(self, num_worst: int):
        self.num_worst = num_worst
        self.skipped = 0
        self.truth: list[dict[str, np.ndarray]] = []
        self.worst: list[WorstCase] = []

    def add(self, predict: Predict, samples: list[HandSample]) -> None:
        chosen = [
            sample
            for sample in samples
            if sample.presence and (sample.visible.any() or sample.xyz_camera_mm is not None)
        ]
        self.skipped += len(samples) - len(chosen)
        predictions = predict(chosen) if chosen else []
        if len(predictions) != len(chosen):
            raise InputError(
                f"evaluate: expected one prediction for each of {len(chosen)} hands. "
                f"Received: len(predictions)={len(predictions)}."
            )
        for sample, prediction in zip(chosen, predictions, strict=True):
            row = _row(sample, prediction)
            self.truth.append(row)
            if sample.visible.any():
                error = float(np.nanmean(row["error_px"] / row["side_px"]))
                self.worst.append(WorstCase(sample, row["uv"], error))
        self.worst = sorted(self.worst, key=lambda case: -case.error_box)[: self.num_worst]

    def column(self, name: str) -> np.ndarray:
        return np.stack([row[name] for row in self.truth])


def _row(sample: HandSample, prediction: Mapping[str, Any]) -> dict[str, np.ndarray]:
    row = {}
    for name, shape in (("uv_px", (NUM_JOINTS, 2)), ("z_rel", (NUM_JOINTS,))):
        value = np.asarray(prediction.get(name, np.nan), np.float64)
        if value.shape != shape or not np.isfinite(value).all():
            raise InputError(
                f"evaluate: {sample.sample_id}: expected a finite prediction {name} of shape "
                f"{shape}. Received: shape={value.shape}, finite={np.isfinite(value).all()}."
            )
        row[name] = value
    xyz, intrinsics = sample.xyz_camera_mm, sample.intrinsics_px
    if xyz is not None and not camera.reference_bone_mm(xyz) > 0:
        raise InputError(
            f"evaluate: {sample.sample_id}: expected a hand with a bone 9-10. "
            "Received: xyz_camera_mm with both joints in one place. Correct the label."
        )
    true_uv = np.where(sample.visible[:, None], sample.uv_px, np.nan).astype(np.float64)
    labelled = sample.uv_px[sample.visible] if xyz is None else sample.uv_px
    return {
        "uv": row["uv_px"],
        "z": row["z_rel"],
        "error_px": np.linalg.norm(row["uv_px"] - true_uv, axis=-1),
        "side_px": np.max(box_around(labelled)[2:]).astype(np.float64),
        "xyz": np.full((NUM_JOINTS, 3), np.nan) if xyz is None else xyz.astype(np.float64),
        "intrinsics": np.full((3, 3), np.nan) if intrinsics is None else intrinsics,
        "is_left": np.array(sample.handedness == "left"),
        "is_either": np.array(sample.handedness is None),
    }


class _Measurement:
    """Turns collected hands into errors per protocol, and those into a report."""

    def __init__(self, hands: _Hands, protocol: str):
        self.hands = hands
        self.uv, self.z, self.xyz = (hands.column(name) for name in ("uv", "z", "xyz"))
        self.intrinsics = hands.column("intrinsics").astype(np.float64)
        self.has_3d = ~np.isnan(self.xyz).any(axis=(1, 2))
        self.has_camera = self.has_3d & ~np.isnan(self.intrinsics).any(axis=(1, 2))
        names = list(PROTOCOLS) if protocol == "all" else [protocol]
        self.errors_mm = {
            name: error for name in names if not np.isnan(error := self.error_mm(name)).all()
        }
        if protocol != "all" and not self.errors_mm:
            needed = "3D joints and intrinsics" if "absolute" in protocol else "3D joints"
            raise InputError(
                f"evaluate: protocol {protocol} needs hands with {needed}. "
                f"Received: protocol={protocol!r} with {len(self.xyz)} hands without them. "
                "Use `all`, which measures what the labels allow."
            )

    def error_mm(self, protocol: str) -> np.ndarray:
        """Errors `(hands, 21)`, NaN where the labels do not allow the protocol."""
        predicted, truth = np.full_like(self.xyz, np.nan), self.xyz
        with_camera = self.has_camera & (protocol != "pa_weak_perspective")
        without = self.has_3d & ~with_camera & ("absolute" not in protocol)
        bone = camera.reference_bone_mm(self.xyz)
        if with_camera.any():
            known = self.uv[with_camera], self.z[with_camera], self.intrinsics[with_camera]
            if protocol == "absolute_gt_root":
                depth = self.xyz[with_camera, ROOT_JOINT, 2]
                recovered = camera.recover_with_root_depth(*known, depth, bone[with_camera])
            else:
                recovered = camera.recover_absolute(*known, bone[with_camera])
            predicted[with_camera] = recovered
        if without.any():
            weak = camera.recover_weak_perspective(self.uv[without], self.z[without])
            predicted[without] = weak * bone[without, None, None]
        if protocol == "root_relative":
            predicted = predicted - predicted[:, [ROOT_JOINT]]
            truth = truth - truth[:, [ROOT_JOINT]]
        elif protocol.startswith("pa"):
            usable = with_camera | without
            predicted[usable] = procrustes_align(predicted[usable], truth[usable])
        return np.linalg.norm(predicted - truth, axis=-1)

    def mean_hand_error_mm(self) -> np.ndarray:
        """Errors `(hands with 3D, 21)` of the constant pose under the protocol `pa`."""
        truth = self.xyz[self.has_3d]
        errors = []
        for pose in (MEAN_POSE, camera.mirror_xyz(MEAN_POSE)):
            aligned = procrustes_align(np.broadcast_to(pose, truth.shape), truth)
            errors.append(np.linalg.norm(aligned - truth, axis=-1))
        as_right, as_left = errors
        left = self.hands.column("is_left")[self.has_3d]
        # Where the side is unknown the constant pose gets the benefit of the doubt.
        either = self.hands.column("is_either")[self.has_3d]
        left |= either & (as_left.mean(axis=1) < as_right.mean(axis=1))
        return np.where(left[:, None], as_left, as_right)

    def evaluation(self, dataset) -> Evaluation:
        error_px, side_px = self.hands.column("error_px"), self.hands.column("side_px")
        error_box = error_px / side_px[:, None]
        report: dict[str, Any] = {
            "schema": 1,
            "data": {
                "kind": getattr(dataset, "kind", None),
                "path": str(getattr(dataset, "path", "")) or None,
                "num_hands": len(self.xyz),
                "num_skipped": self.hands.skipped,
                "num_hands_3d": int(self.has_3d.sum()),
                "num_hands_with_camera": int(self.has_camera.sum()),
            },
            "errors_2d": _errors_2d(error_px, error_box),
        }
        curves_mm: dict[str, Curve] = {}
        if self.errors_mm:
            report["errors_3d"] = {
                name: {"protocol": PROTOCOLS[name], **_errors_3d(error)}
                for name, error in self.errors_mm.items()
            }
            mean_hand = self.mean_hand_error_mm()
            report["mean_hand"] = {
                "protocol": "a constant pose: " + PROTOCOLS["pa"],
                **_errors_3d(mean_hand),
            }
            for name, error in (*self.errors_mm.items(), ("mean hand (pa)", mean_hand)):
                curves_mm[name] = _CURVE_MM, pck_curve(error, _CURVE_MM)
        report["per_joint"] = self._per_joint(error_box)
        report["worst"] = [
            {"sample_id": case.sample.sample_id, "epe_box": _number(case.error_box)}
            for case in self.hands.worst
        ]
        curves_box: dict[str, Curve] = {}
        if not np.isnan(error_box).all():
            curves_box["2D"] = _CURVE_BOX, pck_curve(error_box, _CURVE_BOX)
        return Evaluation(report, curves_mm, curves_box, self.hands.worst)

    def _per_joint(self, error_box: np.ndarray) -> list[dict[str, Any]]:
        rows = []
        for joint, name in enumerate(JOINT_NAMES):
            row = {"joint": name, "epe_box": _mean(error_box[:, joint])}
            for protocol, error in self.errors_mm.items():
                row[f"{protocol}_mm"] = _mean(error[:, joint])
            rows.append(row)
        return rows


def _errors_2d(error_px: np.ndarray, error_box: np.ndarray) -> dict[str, Any]:
    return {
        "protocol": "visible joints; box side is the longer side of the tight box",
        "epe_px": _mean(error_px),
        "epe_box": _mean(error_box),
        "median_box": _median(error_box),
        f"pck_{PCK_BOX_SHARE}_box": _number(pck_curve(error_box, np.array([PCK_BOX_SHARE]))[0]),
        "num_joints": int(np.count_nonzero(~np.isnan(error_px))),
    }


def _errors_3d(error_mm: np.ndarray) -> dict[str, Any]:
    def area(thresholds: np.ndarray) -> float | None:
        return _number(area_under_curve(pck_curve(error_mm, thresholds), thresholds))

    return {
        "mpjpe_mm": _mean(error_mm),
        "median_mm": _median(error_mm),
        "auc_20_50": area(THRESHOLDS_20_50_MM),
        "auc_0_50": area(THRESHOLDS_0_50_MM),
        "num_hands": int((~np.isnan(error_mm).all(axis=1)).sum()),
    }


def _mean(values: np.ndarray) -> float | None:
    values = values[~np.isnan(values)]
    return _number(values.mean()) if values.size else None


def _median(values: np.ndarray) -> float | None:
    values = values[~np.isnan(values)]
    return _number(np.median(values)) if values.size else None


def _number(value: float) -> float | None:
    """A rounded number for JSON, which knows no NaN."""
    return None if np.isnan(value) else round(float(value), 6)
