"""Constants of an average right hand: bone proportions, a bone's length, a mean pose.

All come from the 15,000 training poses of STB (Zhang et al., "A hand pose tracking
benchmark from stereo matching", ICIP 2017; repository
zhjwustc/icip17_stereo_hand_pose_dataset, MIT licence), mirrored to a right hand
and put into the canonical joint order. `tests/test_mean_hand.py` derives them
again from that file where it is available, and compares.
"""

import numpy as np

# Length of each of `joints.BONES` over the reference bone 9-10. All STB frames
# show one hand, fitted with one skeleton; median over frames.
BONE_RATIOS = np.array(
    [
        0.4932, 0.75, 0.7, 0.65,
        1.8133, 0.85, 0.55, 0.5,
        1.9002, 1.0, 0.625, 0.525,
        1.9416, 0.925, 0.575, 0.5,
        1.8118, 0.8, 0.375, 0.475,
    ]
)  # fmt: skip

# Length of the reference bone 9-10 of that skeleton, between the joints' centres.
BONE_MM = 40.0

# Procrustes mean of the poses: `(21, 3)` camera axes, relative to joint 9, in
# lengths of its own bone 9-10. Averaging shortens the bones that move most.
MEAN_POSE = np.array(
    [
        [-0.275, 1.671, -0.878],
        [0.1, 1.402, -0.692], [0.702, 1.083, -0.873],
        [1.105, 0.624, -0.996], [1.12, 0.137, -0.992],
        [0.437, 0.219, -0.052], [0.783, -0.566, -0.069],
        [0.952, -0.98, -0.248], [1.046, -1.235, -0.444],
        [0.0, 0.0, 0.0], [0.238, -0.93, -0.28],
        [0.276, -1.157, -0.66], [0.256, -1.159, -0.837],
        [-0.432, -0.082, -0.016], [-0.321, -0.879, -0.417],
        [-0.303, -0.925, -0.796], [-0.337, -0.788, -0.921],
        [-0.928, 0.095, -0.172], [-0.977, -0.6, -0.46],
        [-0.962, -0.732, -0.699], [-0.963, -0.662, -0.89],
    ]
)  # fmt: skip
