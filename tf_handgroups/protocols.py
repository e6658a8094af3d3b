"""Evaluation protocols: how 3D joints are recovered, aligned, chosen and counted.

Numbers of different protocols cannot be compared, so each protocol has a name and a
description, and reports print both. All work on arrays of 3D joints as well, without
any model:

>>> errors_mm = PROTOCOLS["freihand"].errors_mm(np.zeros((1, 21, 3)), np.ones((1, 21, 3)))
>>> errors_mm.shape
(1, 21)

How errors become means, medians and areas is the same for all: `JointMeasures`.

Where a protocol here differs from the script it is named after:

- `learnable-groups`: the authors mirror left hands without mirroring the principal point
  of the camera. Here it is mirrored, so left hands may differ a little.
- `hand3d`: its own tables have the palm's centre as joint 0, computed as the middle of
  wrist and middle MCP. That variant is not provided: joint 0 is the wrist, as in later
  tables of RHD. Its `eval_full.py` counts visible joints, as here; its `eval3d.py`, which
  measures lifting alone, counts all.
- `freihand`: joints only. F-scores need a mesh, which these networks do not predict.
- `dexter-object`: Li et al. published thresholds and curve, but no code for this data set,
  so **their alignment is unknown**. The one here is that of Minimal-Hand's
  re-implementation. It needs 2 labelled tips; other joints need no label.
"""

import dataclasses
import enum
from collections.abc import Mapping

import numpy as np

from tf_handgroups import camera
from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS, ROOT_JOINT
from tf_handgroups.metrics.pck_auc import THRESHOLDS_0_50_MM, THRESHOLDS_20_50_MM
from tf_handgroups.metrics.procrustes import centroid_align, procrustes_align

ALL_JOINTS = tuple(range(NUM_JOINTS))
FINGERTIPS = (4, 8, 12, 16, 20)
WRIST = 0


class Recovery(enum.Enum):
    """How a protocol makes 3D joints from pixels and relative depth.

    `TRUE_ROOT` takes the depth of joint 9 from the labels. `OWN_ROOT` finds it from the
    prediction and the intrinsics. `WEAK_PERSPECTIVE` ignores the intrinsics. All take the
    length of bone 9-10 from the labels.

    Example:

    >>> PROTOCOLS["learnable-groups"].recovery
    <Recovery.TRUE_ROOT: 'true root depth'>
    """

    TRUE_ROOT = "true root depth"
    OWN_ROOT = "own root depth"
    WEAK_PERSPECTIVE = "weak perspective"


class Alignment(enum.Enum):
    """How a protocol moves a predicted hand onto the true one.

    `NONE` leaves it. `JOINT` shifts one joint onto its truth. `SIMILARITY` fits scale,
    rotation and shift, `SIMILARITY_OR_MIRRORED` also allows a reflection; both leave out
    hands with fewer than 3 counted joints. `CENTROID` matches the centroid and the mean
    distance from it, and leaves out hands with fewer than 2.

    Example:

    >>> PROTOCOLS["root-relative"].alignment
    <Alignment.JOINT: 'one joint'>
    """

    NONE = "none"
    JOINT = "one joint"
    SIMILARITY = "similarity"
    SIMILARITY_OR_MIRRORED = "similarity or mirrored"
    CENTROID = "centroid and mean distance"


_AUCS_50 = {"auc_20_50": THRESHOLDS_20_50_MM, "auc_0_50": THRESHOLDS_0_50_MM}


@dataclasses.dataclass(frozen=True, eq=False)
class Protocol:
    """One way to measure 3D errors.

    Args:
        name: Key in `PROTOCOLS` and in reports.
        description: What the numbers mean, for reports.
        source: Whose protocol it is.
        recovery: How 3D joints are made from 2.5D.
        alignment: How a prediction is moved onto the truth.
        aligned_joint: The joint that `Alignment.JOINT` moves onto its truth.
        joints: Canonical joints that count.
        only_visible: Whether joints that are not visible are left out.
        thresholds_mm: Thresholds of the PCK curve, ascending.
        aucs: Thresholds of each area under the curve, by the name in reports.

    Example:

    >>> truth = np.random.default_rng(0).normal(scale=40.0, size=(2, 21, 3))
    >>> mirrored = truth * [-1, 1, 1]
    >>> bool(PROTOCOLS["freihand"].errors_mm(mirrored, truth).max() < 1e-9)
    True
    >>> bool(PROTOCOLS["procrustes"].errors_mm(mirrored, truth).mean() > 10)
    True
    """

    name: str
    description: str
    source: str
    recovery: Recovery
    alignment: Alignment
    aligned_joint: int = ROOT_JOINT
    joints: tuple[int, ...] = ALL_JOINTS
    only_visible: bool = False
    thresholds_mm: np.ndarray = dataclasses.field(default_factory=THRESHOLDS_0_50_MM.copy)
    aucs: Mapping[str, np.ndarray] = dataclasses.field(default_factory=lambda: dict(_AUCS_50))

    @property
    def ignores_scale(self) -> bool:
        """Whether a prediction of any size gives the same errors."""
        return self.alignment not in (Alignment.NONE, Alignment.JOINT)

    @property
    def needs_intrinsics(self) -> bool:
        """Whether hands without intrinsics cannot be measured: their distance is unknown."""
        return self.alignment is Alignment.NONE

    @property
    def needed_labels(self) -> str:
        """The labels without which a hand is left out, in words."""
        needed = ["visible 3D joints" if self.only_visible else "3D joints"]
        return " and ".join([*needed, "intrinsics"] if self.needs_intrinsics else needed)

    def recover_mm(
        self,
        uv_px: np.ndarray,
        z_rel: np.ndarray,
        true_mm: np.ndarray,
        intrinsics_px: np.ndarray,
    ) -> np.ndarray:
        """Makes 3D joints from a network's 2.5D as the protocol asks.

        Without intrinsics the hand is recovered by weak perspective, unless the protocol
        needs them. Where scale does not matter, the true bone is not needed.

        Args:
            uv_px: `(hands, 21, 2)` predicted pixels.
            z_rel: `(hands, 21)` predicted depth relative to joint 9, in bones 9-10.
            true_mm: `(hands, 21, 3)` labels in camera coordinates, NaN where unknown.
            intrinsics_px: `(hands, 3, 3)` camera matrices of the images, NaN where unknown.

        Returns:
            `(hands, 21, 3)`, camera coordinates in mm (relative to joint 9 where recovered
            by weak perspective); NaN for hands whose labels do not allow it.

        Raises:
            InputError: If a prediction is not finite.

        Example:

        >>> truth = np.random.default_rng(0).normal(scale=40, size=(1, 21, 3)) + [0, 0, 500]
        >>> intrinsics = np.diag([500.0, 500.0, 1.0])[None]
        >>> uv_px, z_rel = camera.project(truth, intrinsics), camera.relative_depth(truth)
        >>> protocol = PROTOCOLS["learnable-groups"]
        >>> bool(np.allclose(protocol.recover_mm(uv_px, z_rel, truth, intrinsics), truth))
        True
        """
        uv_px, z_rel, true_mm, intrinsics_px = (
            np.asarray(value, np.float64) for value in (uv_px, z_rel, true_mm, intrinsics_px)
        )
        bone = camera.reference_bone_mm(true_mm)
        if self.ignores_scale:
            bone = np.where(bone > 0, bone, 1.0)
        recovered = np.full(true_mm.shape, np.nan)
        known = np.isfinite(intrinsics_px).all(axis=(-1, -2))
        by_camera = (bone > 0) & known & (self.recovery is not Recovery.WEAK_PERSPECTIVE)
        depth = true_mm[:, ROOT_JOINT, 2]
        if self.recovery is Recovery.TRUE_ROOT:
            by_camera &= np.isfinite(depth)
            recovered[by_camera] = camera.recover_with_root_depth(
                uv_px[by_camera],
                z_rel[by_camera],
                intrinsics_px[by_camera],
                depth[by_camera],
                bone[by_camera],
            )
        else:
            recovered[by_camera] = camera.recover_absolute(
                uv_px[by_camera], z_rel[by_camera], intrinsics_px[by_camera], bone[by_camera]
            )
        if not self.needs_intrinsics:
            weak = (bone > 0) & ~by_camera
            in_bones = camera.recover_weak_perspective(uv_px[weak], z_rel[weak])
            recovered[weak] = in_bones * bone[weak, None, None]
        return recovered

    def errors_mm(
        self, predicted_mm: np.ndarray, true_mm: np.ndarray, visible: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns the distance of each joint from its truth, aligned as the protocol asks.

        A network that predicts in units of bone 9-10 is multiplied by its true length
        first, where the protocol gives it; it matters unless `ignores_scale`.

        Args:
            predicted_mm: `(..., 21, 3)`; joints that do not count may be NaN.
            true_mm: Same shape, NaN where a joint is not labelled.
            visible: `(..., 21)`, false for joints that are not visible; all are by
                default. Only protocols with `only_visible` read it.

        Returns:
            `(..., 21)` mm, NaN for joints that do not count.

        Raises:
            InputError: If a shape does not fit or a joint that counts is not finite in
                the prediction.

        Example:

        >>> truth = np.zeros((1, 21, 3)); truth[0, :, 0] = np.arange(21.0)
        >>> prediction = truth + 7; prediction[0, 20, 0] += 3
        >>> errors_mm = PROTOCOLS["hand3d"].errors_mm(prediction, truth, np.arange(21)[None] != 5)
        >>> errors_mm[0, [0, 5, 20]].tolist()
        [0.0, nan, 3.0]
        """
        predicted = np.asarray(predicted_mm, np.float64)
        truth = np.asarray(true_mm, np.float64)
        seen = np.ones(truth.shape[:-1]) if visible is None else np.asarray(visible)
        if (
            truth.shape[-2:] != (NUM_JOINTS, 3)
            or predicted.shape != truth.shape
            or seen.shape != truth.shape[:-1]
        ):
            raise InputError(
                f"{self.name}: expected joints (..., {NUM_JOINTS}, 3) and visible (..., "
                f"{NUM_JOINTS}). Received: predicted_mm.shape={predicted.shape}, "
                f"true_mm.shape={truth.shape}, visible.shape={seen.shape}. "
                "Put joints that you do not have in as NaN."
            )
        counts = np.isin(np.arange(NUM_JOINTS), self.joints)
        needed = counts.copy()
        if self.alignment is Alignment.JOINT:
            needed[self.aligned_joint] = True
        predicted = np.where(needed[:, None], predicted, np.nan)
        if not np.isfinite(predicted[..., needed, :]).all():
            raise InputError(
                f"{self.name}: expected finite predictions. Received: predicted_mm=array with "
                f"{np.count_nonzero(~np.isfinite(predicted[..., needed, :]))} NaN or infinite "
                "entries. Every predicted hand counts; leave out none."
            )
        counted = counts & np.isfinite(truth).all(axis=-1)
        if self.only_visible:
            counted &= seen.astype(bool)
        truth = np.where(np.isfinite(truth), truth, np.nan)
        distance = np.linalg.norm(self._aligned(predicted, truth, counted) - truth, axis=-1)
        return np.where(counted, distance, np.nan)

    def _aligned(self, predicted, truth, counted) -> np.ndarray:
        if self.alignment is Alignment.NONE:
            return predicted
        if self.alignment is Alignment.JOINT:
            joint = [self.aligned_joint]
            return predicted - predicted[..., joint, :] + truth[..., joint, :]
        if self.alignment is Alignment.CENTROID:
            return centroid_align(predicted, truth, counted)
        mirrored = self.alignment is Alignment.SIMILARITY_OR_MIRRORED
        return procrustes_align(predicted, truth, counted, reflection=mirrored)


_TWENTY = "PCK at 20 thresholds, 0-50 mm; auc_20_50 at the last 12, 21.05-50 mm"
_THRESHOLDS_FREIHAND_MM = np.linspace(0.0, 50.0, 100)
_THRESHOLDS_DEXTER_MM = np.linspace(0.0, 100.0, 20)

_PROTOCOLS = (
    Protocol(
        name="learnable-groups",
        description="in camera coordinates, with the true depth of joint 9 and the true length "
        f"of bone 9-10; all joints, visible or not; {_TWENTY}",
        source="Li et al. 2021, their eval_RHD.py",
        recovery=Recovery.TRUE_ROOT,
        alignment=Alignment.NONE,
    ),
    Protocol(
        name="hand3d",
        description="joint 0 (wrist) moved onto its truth, with the true length of bone 9-10; "
        f"visible joints only; {_TWENTY}",
        source="Zimmermann and Brox 2017, with the wrist instead of the palm",
        recovery=Recovery.OWN_ROOT,
        alignment=Alignment.JOINT,
        aligned_joint=WRIST,
        only_visible=True,
    ),
    Protocol(
        name="root-relative",
        description="joint 9 moved onto its truth, with the true length of bone 9-10; all "
        f"joints; {_TWENTY}",
        source="tf_handgroups",
        recovery=Recovery.OWN_ROOT,
        alignment=Alignment.JOINT,
    ),
    Protocol(
        name="procrustes",
        description="after the best scale, rotation (no reflection) and shift per hand "
        f"(PA-MPJPE); all joints; {_TWENTY}",
        source="common practice, as in Umeyama 1991",
        recovery=Recovery.OWN_ROOT,
        alignment=Alignment.SIMILARITY,
    ),
    Protocol(
        name="procrustes-weak-perspective",
        description="as procrustes, but recovered without the camera's intrinsics",
        source="tf_handgroups",
        recovery=Recovery.WEAK_PERSPECTIVE,
        alignment=Alignment.SIMILARITY,
    ),
    Protocol(
        name="freihand",
        description="after the best scale, rotation or reflection, and shift per hand; all "
        "joints; PCK at 100 thresholds, 0-50 mm",
        source="Zimmermann et al. 2019, their eval.py",
        recovery=Recovery.OWN_ROOT,
        alignment=Alignment.SIMILARITY_OR_MIRRORED,
        thresholds_mm=_THRESHOLDS_FREIHAND_MM,
        aucs={"auc_0_50": _THRESHOLDS_FREIHAND_MM},
    ),
    Protocol(
        name="dexter-object",
        description="five fingertips, moved and scaled to the true tips' centroid and mean "
        "distance from it; PCK at 20 thresholds, 0-100 mm, as Li et al. 2021, who did not "
        "publish how they align: this alignment is not known to be theirs",
        source="thresholds Li et al. 2021, alignment Minimal-Hand",
        recovery=Recovery.OWN_ROOT,
        alignment=Alignment.CENTROID,
        joints=FINGERTIPS,
        thresholds_mm=_THRESHOLDS_DEXTER_MM,
        aucs={"auc_0_100": _THRESHOLDS_DEXTER_MM},
    ),
    Protocol(
        name="absolute",
        description="in camera coordinates, own depth of joint 9, with the true length of bone "
        f"9-10; all joints; {_TWENTY}",
        source="tf_handgroups",
        recovery=Recovery.OWN_ROOT,
        alignment=Alignment.NONE,
    ),
)

PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in _PROTOCOLS}


def get_protocol(name: str) -> Protocol:
    """Returns the protocol of a name.

    Args:
        name: A key of `PROTOCOLS`.

    Raises:
        InputError: If there is none; the message lists the known names.

    Example:

    >>> get_protocol("dexter-object").joints
    (4, 8, 12, 16, 20)
    """
    if name not in PROTOCOLS:
        raise InputError(
            f"get_protocol: unknown protocol. Received: name={name!r}. "
            f"Known protocols: {', '.join(PROTOCOLS)}; `evaluate` also takes all."
        )
    return PROTOCOLS[name]
