import numpy as np
import pytest

from tests.metrics.metric_case import MetricCase
from tf_handgroups.errors import InputError
from tf_handgroups.metrics import PCK


class TestPCK(MetricCase):
    axes = 2

    def make(self):
        return PCK(threshold=0.2, reference_px=80.0)

    def test_matches_numpy(self):
        truth, guess, mask = self.batch()
        correct = np.linalg.norm(truth - guess, axis=-1) <= 16.0
        np.testing.assert_allclose(
            self.value((truth, guess, mask)), (correct * mask).sum() / mask.sum(), rtol=2e-6
        )

    def test_threshold_itself_is_correct(self):
        truth = np.zeros((1, 21, 2), "float32")
        assert self.value((truth, truth + np.array([16.0, 0.0], "float32"), None)) == 1.0
        assert self.value((truth, truth + np.array([16.01, 0.0], "float32"), None)) == 0.0


@pytest.mark.parametrize("name", ["threshold", "reference_px"])
@pytest.mark.parametrize("bad", [0, -1.0, float("nan")])
def test_rejects_lengths(name, bad):
    with pytest.raises(InputError, match=f"Received: {name}="):
        PCK(**{name: bad})
