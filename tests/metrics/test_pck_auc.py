import numpy as np
import pytest

from tests.metrics.metric_case import MetricCase
from tf_handgroups.errors import InputError
from tf_handgroups.metrics import PCKAUC
from tf_handgroups.metrics.pck_auc import (
    THRESHOLDS_0_50_MM,
    THRESHOLDS_20_50_MM,
    area_under_curve,
    pck_curve,
)


class TestPCKAUC(MetricCase):
    def make(self):
        return PCKAUC(low_mm=0.0, high_mm=50.0, num_thresholds=20)

    def test_matches_numpy(self):
        truth, guess, mask = self.batch()
        distances = np.where(mask > 0, np.linalg.norm(truth - guess, axis=-1), np.nan)
        thresholds = np.linspace(0.0, 50.0, 20)
        expected = area_under_curve(pck_curve(distances, thresholds), thresholds)
        np.testing.assert_allclose(self.value((truth, guess, mask)), expected, rtol=2e-6)

    def test_constant_error(self):
        truth = np.zeros((2, 21, 3), "float32")
        metric = PCKAUC(low_mm=20.0, high_mm=50.0, num_thresholds=31)
        # 35 mm everywhere: thresholds 20..34 fail, 35..50 pass; the trapezoid over
        # 34..35 adds half a step.
        got = self.value(
            (truth, truth + np.array([35.0, 0.0, 0.0], "float32"), None), metric=metric
        )
        assert got == pytest.approx(15.5 / 30, abs=1e-6)


def test_published_20_50_as_a_keras_metric():
    """The twelve thresholds as arguments; the default, twenty from 20 mm on, is another area."""
    random = np.random.default_rng(2)
    truth = np.zeros((40, 21, 3), "float32")
    guess = random.normal(scale=14.0, size=truth.shape).astype("float32")
    curve = pck_curve(np.linalg.norm(guess, axis=-1), THRESHOLDS_0_50_MM)[8:]
    expected = area_under_curve(curve, THRESHOLDS_20_50_MM)
    metric = PCKAUC(low_mm=400 / 19, high_mm=50.0, num_thresholds=12)
    metric.update_state(truth, guess)
    assert float(metric.result()) == pytest.approx(expected, abs=1e-5)
    default = PCKAUC()
    default.update_state(truth, guess)
    assert abs(float(default.result()) - expected) > 1e-3


def test_published_thresholds():
    """The twelve thresholds printed in the authors' plotting script."""
    assert len(THRESHOLDS_20_50_MM) == 12
    np.testing.assert_allclose(THRESHOLDS_20_50_MM[[0, 1, -1]], [21.0526, 23.6842, 50], atol=1e-4)


def test_published_curve_gives_published_area():
    """STB curve of the paper: its script states AUC 0.9956."""
    curve = np.array(
        [0.98090, 0.98851, 0.99214, 0.99460, 0.99633, 0.99716, 0.99786, 0.99838, 0.99871,
         0.99895, 0.99913, 0.99925]
    )  # fmt: skip
    assert area_under_curve(curve, THRESHOLDS_20_50_MM) == pytest.approx(0.9956233, abs=1e-5)


def test_curve_without_labels_is_nan():
    assert np.isnan(pck_curve(np.full((3,), np.nan), np.array([1.0, 2.0]))).all()


@pytest.mark.parametrize(("low", "high"), [(-1.0, 50.0), (50.0, 50.0), (20.0, float("nan"))])
def test_rejects_range(low, high):
    with pytest.raises(InputError, match="Received: low_mm="):
        PCKAUC(low_mm=low, high_mm=high)


@pytest.mark.parametrize("bad", [1, True, 2.5, "20", None])
def test_rejects_num_thresholds(bad):
    with pytest.raises(InputError, match="Received: num_thresholds="):
        PCKAUC(num_thresholds=bad)
