"""Measures a predictor on a data set, under protocols that are always named.

Numbers of different protocols cannot be compared, so every one carries its own. The
protocols of 3D errors are objects of `protocols`; how errors become means, medians and
areas is `JointMeasures`. 2D errors count visible joints.
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
from tf_handgroups.joints import JOINT_NAMES, NUM_JOINTS
from tf_handgroups.mean_hand import MEAN_POSE
from tf_handgroups.metrics.joint_measures import JointMeasures
from tf_handgroups.metrics.pck_auc import pck_curve
from tf_handgroups.metrics.procrustes import MIN_JOINTS
from tf_handgroups.protocols import PROTOCOLS, Protocol, get_protocol

Predict = Callable[[list[HandSample]], Sequence[Mapping[str, Any]]]

PCK_BOX_SHARE = 0.2
# hand3d's `get_measures(0, 30, 20)` in pixels of the image.
THRESHOLDS_30_PX = np.linspace(0.0, 30.0, 20)
MEAN_HAND_PROTOCOL = PROTOCOLS["procrustes"]
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
    each hand like the predictions under `procrustes`. A model has to beat it.

    3D numbers and `auc_30px` are averaged over joints as `JointMeasures` says. The other
    2D numbers pool all visible joints.

    Args:
        predict: Takes a list of samples, returns for each a mapping with `uv_px`
            (21, 2), pixels of the sample's image, and `z_rel` (21,).
        dataset: Hands to measure on.
        protocol: A key of `protocols.PROTOCOLS`, or `"all"` for all that the labels
            allow.
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
    protocols = list(PROTOCOLS.values()) if protocol == "all" else [get_protocol(protocol)]
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
    measurement = _Measurement(hands, protocols)
    if protocol != "all" and not measurement.errors_mm:
        raise InputError(
            f"evaluate: protocol {protocol} needs hands with {protocols[0].needed_labels}. "
            f"Received: protocol={protocol!r} with {len(hands.truth)} hands without them. "
            "Use `all`, which measures what the labels allow."
        )
    return measurement.evaluation(dataset)


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
    if xyz is not None and camera.reference_bone_mm(xyz) == 0:
        raise InputError(
            f"evaluate: {sample.sample_id}: expected a hand with a bone 9-10. "
            "Received: xyz_camera_mm with both joints in one place. Correct the label."
        )
    true_uv = np.where(sample.visible[:, None], sample.uv_px, np.nan).astype(np.float64)
    in_box = sample.visible | (xyz is not None) & np.isfinite(sample.uv_px).all(axis=-1)
    # One or two joints span no hand; then the given box has to do.
    enough = np.count_nonzero(in_box) >= MIN_JOINTS
    side_px = np.max(box_around(sample.uv_px[in_box])[2:] if enough else sample.box_px[2:])
    return {
        "uv": row["uv_px"],
        "z": row["z_rel"],
        "visible": sample.visible,
        "error_px": np.linalg.norm(row["uv_px"] - true_uv, axis=-1),
        "side_px": np.array(side_px, np.float64),
        "xyz": np.full((NUM_JOINTS, 3), np.nan) if xyz is None else xyz.astype(np.float64),
        "intrinsics": np.full((3, 3), np.nan) if intrinsics is None else intrinsics,
        "is_left": np.array(sample.handedness == "left"),
        "is_either": np.array(sample.handedness is None),
    }


class _Measurement:
    """Turns collected hands into errors per protocol, and those into a report."""

    def __init__(self, hands: _Hands, protocols: Sequence[Protocol]):
        self.hands = hands
        self.xyz = hands.column("xyz")
        self.intrinsics = hands.column("intrinsics").astype(np.float64)
        self.has_3d = ~np.isnan(self.xyz).all(axis=(1, 2))
        self.has_camera = self.has_3d & ~np.isnan(self.intrinsics).any(axis=(1, 2))
        self.errors_mm = {
            protocol.name: errors
            for protocol in protocols
            if not np.isnan(errors := self._errors_mm(protocol)).all()
        }

    def _errors_mm(self, protocol: Protocol) -> np.ndarray:
        """Errors `(hands, 21)`, NaN where the labels do not allow the protocol."""
        uv, z, visible = (self.hands.column(name) for name in ("uv", "z", "visible"))
        recovered = protocol.recover_mm(uv, z, self.xyz, self.intrinsics)
        allowed = ~np.isnan(recovered).any(axis=(1, 2))
        errors = np.full(self.xyz.shape[:2], np.nan)
        errors[allowed] = protocol.errors_mm(
            recovered[allowed], self.xyz[allowed], visible[allowed]
        )
        return errors

    def _mean_hand_errors_mm(self) -> np.ndarray:
        """Errors `(hands, 21)` of the constant pose under `MEAN_HAND_PROTOCOL`.

        NaN for hands with unlabelled joints: a few points are fitted by almost any pose.
        """
        complete = np.isfinite(self.xyz).all(axis=(1, 2), keepdims=True)
        truth = np.where(complete, self.xyz, np.nan)
        as_right, as_left = (
            MEAN_HAND_PROTOCOL.errors_mm(np.broadcast_to(pose, truth.shape), truth)
            for pose in (MEAN_POSE, camera.mirror_xyz(MEAN_POSE))
        )
        # Where the side is unknown the constant pose gets the benefit of the doubt.
        either = self.hands.column("is_either")
        left = self.hands.column("is_left") | (either & (_sum(as_left) < _sum(as_right)))
        return np.where(left[:, None], as_left, as_right)

    def evaluation(self, dataset) -> Evaluation:
        error_px, side_px = self.hands.column("error_px"), self.hands.column("side_px")
        error_box = error_px / side_px[:, None]
        report: dict[str, Any] = {
            "schema": 1,
            "data": {
                "kind": getattr(dataset, "kind", None),
                "path": str(getattr(dataset, "path", "")) or None,
                "options": dict(getattr(dataset, "options", {})) or None,
                "rotation_deg": getattr(dataset, "rotation_deg", 0.0),
                "num_hands": len(self.xyz),
                "num_skipped": self.hands.skipped,
                "num_hands_3d": int(self.has_3d.sum()),
                "num_hands_with_camera": int(self.has_camera.sum()),
            },
            "errors_2d": _errors_2d(error_px, error_box),
        }
        curves_mm: dict[str, Curve] = {}
        if self.errors_mm:
            report["errors_3d"], report["curves"] = {}, {}
            for name, errors in self.errors_mm.items():
                protocol, measures = PROTOCOLS[name], JointMeasures(errors)
                report["errors_3d"][name] = _errors_3d(protocol, measures)
                report["curves"][name] = _curve(protocol, measures)
                curves_mm[name] = _fine_curve(protocol, measures)
            measures = JointMeasures(self._mean_hand_errors_mm())
            if not np.isnan(measures.mean):
                report["mean_hand"] = _errors_3d(MEAN_HAND_PROTOCOL, measures, "a constant pose: ")
                name = f"mean hand ({MEAN_HAND_PROTOCOL.name})"
                curves_mm[name] = _fine_curve(MEAN_HAND_PROTOCOL, measures)
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
        means_mm = {
            name: JointMeasures(errors).joint_means for name, errors in self.errors_mm.items()
        }
        return [
            {
                "joint": joint_name,
                "epe_box": _mean(error_box[:, joint]),
                "mean_mm": {name: _number(means[joint]) for name, means in means_mm.items()},
            }
            for joint, joint_name in enumerate(JOINT_NAMES)
        ]


def _errors_2d(error_px: np.ndarray, error_box: np.ndarray) -> dict[str, Any]:
    return {
        "protocol": "visible joints; box side is the longer side of the tight box; auc_30px is "
        "the mean over joints of the area under PCK at 20 thresholds, 0-30 px of the image",
        "epe_px": _mean(error_px),
        "epe_box": _mean(error_box),
        "median_box": _median(error_box),
        f"pck_{PCK_BOX_SHARE}_box": _number(pck_curve(error_box, np.array([PCK_BOX_SHARE]))[0]),
        "auc_30px": _number(JointMeasures(error_px).auc(THRESHOLDS_30_PX)),
        "num_joints": int(np.count_nonzero(~np.isnan(error_px))),
    }


def _errors_3d(protocol: Protocol, measures: JointMeasures, prefix: str = "") -> dict[str, Any]:
    counted = ~np.isnan(measures.errors)
    return {
        "name": protocol.name,
        "description": prefix + protocol.description,
        "source": protocol.source,
        "mpjpe_mm": _number(measures.mean),
        "median_mm": _number(measures.median),
        **{name: _number(measures.auc(grid)) for name, grid in protocol.aucs.items()},
        "num_hands": int(np.count_nonzero(counted.any(axis=1))),
        "num_joints": int(np.count_nonzero(counted)),
    }


def _curve(protocol: Protocol, measures: JointMeasures) -> dict[str, list]:
    """The PCK curve at the protocol's own thresholds, as published curves are given."""
    shares = measures.pck(protocol.thresholds_mm)
    return {
        "thresholds_mm": [_number(threshold) for threshold in protocol.thresholds_mm],
        "pck": [_number(share) for share in shares],
    }


def _fine_curve(protocol: Protocol, measures: JointMeasures) -> Curve:
    """A smoother curve for looking at."""
    thresholds = np.linspace(0.0, protocol.thresholds_mm[-1], 101)
    return thresholds, measures.pck(thresholds)


def _sum(errors: np.ndarray) -> np.ndarray:
    return np.nansum(errors, axis=1)


def _mean(values: np.ndarray) -> float | None:
    values = values[~np.isnan(values)]
    return _number(values.mean()) if values.size else None


def _median(values: np.ndarray) -> float | None:
    values = values[~np.isnan(values)]
    return _number(np.median(values)) if values.size else None


def _number(value: float) -> float | None:
    """A rounded number for JSON, which knows no NaN."""
    return None if np.isnan(value) else round(float(value), 6)
