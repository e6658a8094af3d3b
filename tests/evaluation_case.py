"""A labelled hand and a predictor whose errors are known, for the tests of evaluation."""

import numpy as np

from tf_handgroups import camera
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.joints import BONES
from tf_handgroups.mean_hand import BONE_RATIOS

INTRINSICS = np.array([[3000.0, 0, 128], [0, 3000.0, 128], [0, 0, 1]])
BONE_MM = 40.0


def sample(name="0", pose=None, seed=0, **changes):
    """A hand with the proportions of `BONE_RATIOS`, far away, wholly in the image."""
    if pose is None:
        random = np.random.default_rng(seed)
        pose = np.zeros((21, 3))
        for (parent, child), ratio in zip(BONES, BONE_RATIOS, strict=True):
            step = random.normal(size=3) * 0.4 + np.array([0, -1, 0])
            pose[child] = pose[parent] + ratio * step / np.linalg.norm(step)
        pose = pose - pose[9]
    xyz = (BONE_MM * pose + np.array([0, 0, 3000.0])).astype(np.float32)
    uv = camera.project(xyz, INTRINSICS)
    values = {
        "sample_id": name,
        "image": b"",
        "image_size": (256, 256),
        "uv_px": uv,
        "visible": np.ones(21),
        "handedness": "right",
        "box_px": box_around(uv),
        "xyz_camera_mm": xyz,
        "intrinsics_px": INTRINSICS,
    }
    return HandSample(**{**values, **changes})


def predictor(offset_px=(0.0, 0.0), offset_z=0.0):
    def predict(samples):
        return [
            {
                "uv_px": hand.uv_px + np.array(offset_px),
                "z_rel": (
                    np.zeros(21)
                    if hand.xyz_camera_mm is None
                    else camera.relative_depth(hand.xyz_camera_mm)
                )
                + offset_z,
            }
            for hand in samples
        ]

    return predict
