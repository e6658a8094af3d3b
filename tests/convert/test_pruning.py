import json

import numpy as np

from tf_handgroups.convert.pruning import Pruning, harden_and_measure
from tf_handgroups.models.hand_pose_model import HandPoseModel


def test_pruned_network_is_equal_smaller_and_measured():
    model = HandPoseModel(64, "tiny", group_channels=8, decoder_channels=(16, 16, 16))
    crops = np.random.default_rng(0).random((3, 64, 64, 3)).astype("float32")
    hardened, pruning = harden_and_measure(model, crops, timed_runs=5)
    unpruned = model(crops)
    np.testing.assert_allclose(hardened(crops)["uv_px"], unpruned["uv_px"], atol=1e-4)
    assert pruning.difference_px < 1e-4
    assert pruning.num_crops == 3
    assert pruning.weights == (model.count_params(), hardened.count_params())
    assert pruning.weights[1] < pruning.weights[0]
    low, high = pruning.time_ratio_spread
    assert 0 < low <= pruning.time_ratio <= high


def test_description_and_json():
    pruning = Pruning(2e-5, 1e-6, 4, (200, 150), (1000, 900), 0.8, (0.7, 0.9))
    assert "2e-05 px" in str(pruning)
    assert "0.900 of the weights" in str(pruning)
    assert json.loads(json.dumps(pruning.as_dict()))["time_ratio"] == 0.8
