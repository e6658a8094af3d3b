import numpy as np

from tests.metrics.metric_case import MetricCase
from tf_handgroups.metrics import PAMPJPE, procrustes_align


class TestPAMPJPE(MetricCase):
    def make(self):
        return PAMPJPE()

    def expected(self, truth, guess, mask):
        distances = np.linalg.norm(procrustes_align(guess, truth, mask) - truth, axis=-1)
        return (distances * mask).sum() / mask.sum()

    def test_matches_numpy(self):
        truth, guess, mask = self.batch()
        np.testing.assert_allclose(
            self.value((truth, guess, mask)), self.expected(truth, guess, mask), rtol=1e-5
        )

    def test_matches_numpy_where_the_best_fit_would_mirror(self):
        truth, guess, mask = self.batch()
        guess = guess * np.array([-1, 1, 1], "float32")
        got = self.value((truth, guess, mask))
        np.testing.assert_allclose(got, self.expected(truth, guess, mask), rtol=1e-5)
        assert got > 10

    def test_ignores_scale_and_position(self):
        truth, guess, mask = self.batch()
        moved = 0.02 * guess[..., [1, 2, 0]] + 0.5
        np.testing.assert_allclose(
            self.value((truth, moved, mask)), self.value((truth, guess, mask)), rtol=1e-4
        )

    def test_samples_with_two_joints_are_left_out(self):
        truth, guess, mask = self.batch()
        mask[0] = np.arange(21) < 2
        rest = truth[1:], guess[1:], mask[1:]
        np.testing.assert_allclose(self.value((truth, guess, mask)), self.value(rest), rtol=2e-6)

    def test_prediction_that_is_not_finite_is_seen(self):
        truth, guess, _ = self.batch()
        guess[0, 0] = np.nan
        assert np.isnan(self.value((truth, guess, None)))

    def test_collapsed_prediction_is_finite(self):
        truth, guess, mask = self.batch()
        assert np.isfinite(self.value((truth, np.ones_like(guess), mask)))
