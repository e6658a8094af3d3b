"""What is worn on hand and arm."""

import numpy as np

from tf_handgroups.synth.hand_texture import unrolled
from tf_handgroups.synth.wear import Wear, cover_arm


def test_sleeve_covers_only_the_arm():
    wrist = unrolled("webxr").joints[0, 1]
    material = np.full((4, 4), 0.6, np.float32)
    rows = wrist + np.array([0, 39, 42, 140])
    texels = np.stack([np.zeros(4), rows], axis=1).astype(np.float32)
    cover_arm(np.random.default_rng(0), material, texels, "webxr", Wear(sleeve_mm=40.0))
    np.testing.assert_allclose(material[:, 3], [0.6, 0.6, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(material[:2, :3], np.float32(0.6))
    assert (material[2:, :3] != np.float32(0.6)).any()
