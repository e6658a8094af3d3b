import numpy as np
import pytest
from scipy.integrate import trapezoid

from tf_handgroups.errors import InputError
from tf_handgroups.metrics.joint_measures import JointMeasures
from tf_handgroups.metrics.pck_auc import pck_curve

THRESHOLDS = np.linspace(0.0, 50.0, 20)


@pytest.fixture
def errors():
    """Joints of different difficulty, unequally often labelled; joint 6 never is."""
    random = np.random.default_rng(3)
    errors = random.gamma(2.0, 4.0, (40, 21)) * np.linspace(0.5, 3.0, 21)
    errors[random.random(errors.shape) < np.linspace(0.0, 0.9, 21)] = np.nan
    errors[:, 6] = np.nan
    return errors


def reference(errors, thresholds):
    """hand3d's evaluation as `paper.md` describes it: fed sample by sample, joint by joint."""
    fed = [[] for _ in range(errors.shape[1])]
    for sample in errors:
        for joint, error in enumerate(sample):
            if not np.isnan(error):
                fed[joint].append(error)
    means, medians, areas, curves = [], [], [], []
    for joint in fed:
        if not joint:
            continue
        curve = [sum(error <= limit for error in joint) / len(joint) for limit in thresholds]
        ordered = sorted(joint)
        middle = len(ordered) // 2
        odd = len(ordered) % 2
        medians.append(ordered[middle] if odd else (ordered[middle - 1] + ordered[middle]) / 2)
        means.append(sum(joint) / len(joint))
        areas.append(trapezoid(curve, thresholds) / trapezoid(np.ones(len(curve)), thresholds))
        curves.append(curve)
    return np.mean(means), np.mean(medians), np.mean(areas), np.mean(curves, axis=0)


@pytest.mark.parametrize("thresholds", [THRESHOLDS, THRESHOLDS[8:], np.linspace(0.0, 50.0, 100)])
def test_matches_an_independent_computation(errors, thresholds):
    measures = JointMeasures(errors)
    mean, median, area, curve = reference(errors, thresholds)
    assert measures.mean == pytest.approx(mean, rel=1e-12)
    assert measures.median == pytest.approx(median, rel=1e-12)
    assert measures.auc(thresholds) == pytest.approx(area, rel=1e-12)
    np.testing.assert_allclose(measures.pck(thresholds), curve, rtol=1e-12)


def test_joints_weigh_the_same_however_often_they_are_labelled():
    errors = np.full((100, 2), np.nan)
    errors[:, 0], errors[0, 1] = 1.0, 41.0
    measures = JointMeasures(errors)
    assert measures.mean == measures.median == 21.0
    assert measures.pck(np.array([20.0])).tolist() == [0.5]
    assert np.nanmean(errors) < 1.5


def test_pooled_where_all_joints_are_labelled(errors):
    full = np.nan_to_num(errors, nan=3.0)
    measures = JointMeasures(full)
    assert measures.mean == pytest.approx(full.mean())
    np.testing.assert_allclose(measures.pck(THRESHOLDS), pck_curve(full, THRESHOLDS))
    # The mean of medians is not the median of all.
    assert abs(measures.median - np.median(full)) > 0.1


def test_joint_means_keep_their_places(errors):
    means = JointMeasures(errors).joint_means
    assert np.isnan(means[6]) and np.isfinite(np.delete(means, 6)).all()
    assert means[0] == pytest.approx(errors[:, 0].mean())
    assert JointMeasures(errors).mean == pytest.approx(np.nanmean(means))


def test_one_sample():
    measures = JointMeasures(np.array([[10.0, 30.0]]))
    assert measures.mean == measures.median == 20.0
    # Areas 0.8 and 0.4 but for the steps, which the trapezoids cut.
    assert measures.auc(np.linspace(0, 50, 5001)) == pytest.approx(0.6, abs=1e-3)


@pytest.mark.parametrize("shape", [(5, 21), (0, 21), (3, 0)])
def test_without_any_error_all_is_nan(shape):
    measures = JointMeasures(np.full(shape, np.nan))
    assert np.isnan([measures.mean, measures.median, measures.auc(THRESHOLDS)]).all()
    assert np.isnan(measures.pck(THRESHOLDS)).all() and len(measures.pck(THRESHOLDS)) == 20
    assert np.isnan(measures.joint_means).all() and len(measures.joint_means) == shape[1]


def test_an_error_at_the_threshold_counts():
    measures = JointMeasures(np.array([[0.0], [5.0]]))
    assert measures.pck(np.array([0.0, 4.999, 5.0])).tolist() == [0.5, 0.5, 1.0]


@pytest.mark.parametrize("errors", [np.zeros(21), np.zeros((2, 21, 3)), np.array([[1.0, -1.0]])])
def test_rejects_what_is_not_a_matrix_of_distances(errors):
    with pytest.raises(InputError, match=r"Received: errors.shape=.*, negative entries="):
        JointMeasures(errors)
