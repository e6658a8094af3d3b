import numpy as np

from tests.metrics.metric_case import MetricCase
from tf_handgroups.metrics import EndPointError


class TestEndPointError(MetricCase):
    axes = 2

    def make(self):
        return EndPointError()

    def test_matches_numpy(self):
        truth, guess, mask = self.batch()
        distances = np.linalg.norm(truth - guess, axis=-1)
        np.testing.assert_allclose(
            self.value((truth, guess, mask)), (distances * mask).sum() / mask.sum(), rtol=2e-6
        )

    def test_unmasked_nan_is_seen(self):
        truth, guess, _ = self.batch()
        guess[0, 0] = np.nan
        assert np.isnan(self.value((truth, guess, None)))
