import numpy as np

from tests.metrics.metric_case import MetricCase
from tf_handgroups.metrics import MPJPE


class TestMPJPE(MetricCase):
    def make(self):
        return MPJPE()

    def test_matches_numpy(self):
        truth, guess, mask = self.batch()
        distances = np.linalg.norm(truth - guess, axis=-1)
        np.testing.assert_allclose(
            self.value((truth, guess, mask)), (distances * mask).sum() / mask.sum(), rtol=2e-6
        )
