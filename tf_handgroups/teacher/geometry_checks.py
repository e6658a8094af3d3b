"""Which of the teacher's answers to believe: confidence, agreement and anatomy.

Angles are between bones of the teacher's 3D joints. The limits are the ranges of motion
of the American Academy of Orthopaedic Surgeons (finger joints: MCP 90 flexion and 45
extension, PIP 100 and 0, DIP 90 and 10 degrees; Green and Heckman, "The Clinical
Measurement of Joint Motion", 1994), widened for the error of the teacher. Proportions
are compared with `tf_handgroups.mean_hand`.
"""

import dataclasses

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.joints import BONES
from tf_handgroups.mean_hand import BONE_RATIOS
from tf_handgroups.teacher.find_hands import FoundHand

# Flexion of index to little finger at MCP, PIP and DIP in degrees.
MIN_FLEXION = np.array([-50.0, -20.0, -25.0])
MAX_FLEXION = np.array([115.0, 125.0, 110.0])
FLEXION_NAMES = ("MCP", "PIP", "DIP")


@dataclasses.dataclass(frozen=True)
class LabelLimits:
    """What a hand must meet to be kept; lengths over the longer side of its box.

    Args:
        min_presence: Least probability of a hand, in the least sure view.
        min_palm_score: Least confidence of the palm detector.
        max_palm_distance: Most distance of the detector's joints from the landmarks.
        max_spread: Most spread of the views, mean over the joints.
        max_joint_spread: A joint with more spread gets no label.
        max_unlabelled: Most joints without a label, because of spread or because they lie
            outside the picture.
        max_side_doubt: Most distance of the mean probability of a right hand from 0 or 1.
        max_bone_ratio: Most factor between a bone and that of the mean hand, in 3D.
        max_reprojection: Most distance of the 3D joints, fitted, from the 2D ones.
        min_side_px: Least longer side of the box in pixels.

    Raises:
        InputError: If a value is negative or not finite.

    Example:

    >>> LabelLimits(max_spread=-1)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    tf_handgroups.errors.InputError: LabelLimits: expected ... Received: max_spread=-1.
    """

    min_presence: float = 0.9
    min_palm_score: float = 0.5
    max_palm_distance: float = 0.2
    max_spread: float = 0.03
    max_joint_spread: float = 0.05
    max_unlabelled: int = 3
    max_side_doubt: float = 0.25
    max_bone_ratio: float = 2.3
    max_reprojection: float = 0.08
    min_side_px: float = 40.0

    def __post_init__(self):
        for name, value in dataclasses.asdict(self).items():
            if not 0 <= value < np.inf:
                raise InputError(
                    f"LabelLimits: expected a number of at least 0. Received: {name}={value!r}."
                )


def labelled_joints(
    hand: FoundHand, image_size: tuple[int, int], limits: LabelLimits
) -> np.ndarray:
    """Returns `(21,)` bool: which joints are sure enough and inside the picture.

    Args:
        hand: As the teacher sees it.
        image_size: `(width, height)` in pixels.
        limits: What to ask for.
    """
    inside = (hand.uv_px > -0.5) & (hand.uv_px < np.array(image_size) - 0.5)
    return inside.all(axis=-1) & (hand.spread <= limits.max_joint_spread)


def why_rejected(hand: FoundHand, image_size: tuple[int, int], limits: LabelLimits) -> str | None:
    """Returns the first reason why a hand cannot be trusted, or `None` if it can.

    Args:
        hand: As the teacher sees it.
        image_size: `(width, height)` in pixels.
        limits: What to ask for.
    """
    unlabelled = int((~labelled_joints(hand, image_size, limits)).sum())
    checks = (
        ("small", float(hand.box_px[2:].max()), limits.min_side_px, True),
        ("presence", hand.presence, limits.min_presence, True),
        ("palm_score", hand.palm_score, limits.min_palm_score, True),
        ("spread", float(hand.spread.mean()), limits.max_spread, False),
        ("unlabelled_joints", unlabelled, limits.max_unlabelled, False),
        ("palm_distance", hand.palm_distance, limits.max_palm_distance, False),
        ("side_doubt", min(hand.right, 1 - hand.right), limits.max_side_doubt, False),
        ("bone_ratio", bone_ratio(hand.xyz_m), limits.max_bone_ratio, False),
        ("reprojection", reprojection(hand), limits.max_reprojection, False),
    )
    for name, value, limit, is_least in checks:
        if value < limit if is_least else value > limit:
            return f"{name} {value:.3g}, limit {limit:.3g}"
    return bent_wrongly(hand)


def bone_ratio(xyz: np.ndarray) -> float:
    """Returns the largest factor between a bone and the mean hand's, free of the hand's size.

    Args:
        xyz: `(21, 3)` joints in any unit.

    Example:

    >>> xyz = np.zeros((21, 3))
    >>> for (parent, child), length in zip(BONES, BONE_RATIOS):
    ...     xyz[child] = xyz[parent] + (length, 0, 0)
    >>> round(bone_ratio(xyz), 3)
    1.0
    """
    # Not from the wrist to the thumb: data sets place these two joints differently.
    parents, children = np.transpose(BONES[1:])
    lengths = np.linalg.norm(xyz[children] - xyz[parents], axis=-1)
    logs = np.log(np.maximum(lengths, 1e-9) / BONE_RATIOS[1:])
    return float(np.exp(np.abs(logs - np.median(logs)).max()))


def flexions(xyz: np.ndarray, is_right: bool) -> np.ndarray:
    """Returns `(4, 3)` flexion in degrees of index to little finger at MCP, PIP and DIP.

    Positive towards the palm, negative backwards; measured in the plane of the finger's
    flexion, which holds the palm's normal and the direction from wrist to knuckle.

    Args:
        xyz: `(21, 3)`, x right, y down, z away from the camera.
        is_right: Whether it is a right hand.

    Example:

    >>> xyz = np.zeros((21, 3))  # fingers up, palm to the camera, so the thumb is on the right
    >>> for finger in range(5):
    ...     xyz[1 + 4 * finger : 5 + 4 * finger, 0] = 2 - finger
    ...     xyz[1 + 4 * finger : 5 + 4 * finger, 1] = -5 - np.arange(4)
    >>> xyz[8, 2] -= 1  # the tip of the index comes forward
    >>> flexions(xyz, True)[0].round().tolist()
    [0.0, 0.0, 46.0]
    """
    found = np.zeros((4, 3))
    across = xyz[17] - xyz[5]
    for finger in range(4):
        chain = xyz[[0, *range(5 + 4 * finger, 9 + 4 * finger)]]
        bones = np.diff(chain, axis=0)
        # Out of the palm for a right hand, out of the back for a left one.
        normal = np.cross(bones[0], across)
        normal = _unit(normal if is_right else -normal)
        forward = _unit(bones[0])
        angles = np.arctan2(bones @ normal, bones @ forward)
        turns = np.degrees(np.diff(angles))
        found[finger] = (turns + 180) % 360 - 180
    return found


def bent_wrongly(hand: FoundHand) -> str | None:
    """Returns which finger joint bends as none can, or `None`.

    Args:
        hand: As the teacher sees it.
    """
    angles = flexions(hand.xyz_m, hand.right > 0.5)
    wrong = np.argwhere((angles < MIN_FLEXION) | (angles > MAX_FLEXION))
    if not len(wrong):
        return None
    finger, joint = wrong[0]
    name = ("index", "middle", "ring", "little")[finger]
    return f"flexion {name} {FLEXION_NAMES[joint]} {angles[finger, joint]:.0f} degrees"


def reprojection(hand: FoundHand) -> float:
    """Returns the mean distance of fitted 3D joints from the 2D ones over the box's side.

    Fitted are scale and place (weak perspective), so what is left is disagreement
    between the teacher's two answers, and perspective.

    Args:
        hand: As the teacher sees it.
    """
    uv = hand.uv_px - hand.uv_px.mean(axis=0)
    xy = hand.xyz_m[:, :2] - hand.xyz_m[:, :2].mean(axis=0)
    scale = (uv * xy).sum() / max(float(np.square(xy).sum()), 1e-12)
    apart = np.linalg.norm(scale * xy - uv, axis=-1)
    return float(apart.mean() / hand.box_px[2:].max())


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
