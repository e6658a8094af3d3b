"""Where photographs are annotated, beside where a hand bends.

Fingers turn about axes inside the hand. People and multi-camera systems that label
photographs see the skin: they put knuckles nearer to the back of the hand, the little
finger's knuckle nearer to the palm's edge, and the thumb's base nearer to the palm's middle.
Nobody bends at these places, so only labels move.
"""

import numpy as np

from tf_handgroups.joints import NUM_JOINTS
from tf_handgroups.synth.hand_shape import HandShape

# Joint -> shift to the little finger, to the wrist, out of the palm, millimetres of a hand
# of common size. Chosen by comparing palms with those of photographs labelled in 3D.
_SHIFTS_MM = {
    0: (0.0, 0.0, 1.5),
    1: (2.5, -0.5, 0.0),
    5: (0.0, -1.0, -3.0),
    9: (0.0, 0.0, -3.0),
    13: (0.5, 0.0, -3.0),
    17: (3.5, -3.0, -2.5),
}


def annotated_joints(joints_mm: np.ndarray, shape: HandShape) -> np.ndarray:
    """Moves the joints of a palm from where it bends to where photographs are annotated.

    Args:
        joints_mm: `(..., 21, 3)` in the hand frame, of `pose_hand`.
        shape: Of that hand: larger palms have larger shifts.

    Returns:
        `(..., 21, 3)`; finger joints and tips are the same.

    Example:
    >>> joints = annotated_joints(np.zeros((21, 3)), HandShape())
    >>> joints[9].tolist(), joints[10].tolist()
    ([0.0, 0.0, -3.0], [0.0, 0.0, 0.0])
    """
    shifts = np.zeros((NUM_JOINTS, 3))
    shifts[list(_SHIFTS_MM)] = list(_SHIFTS_MM.values())
    return joints_mm + shifts * np.asarray(shape.palm) * shape.scale
