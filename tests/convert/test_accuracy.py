"""Tests of errors against labels, before and after a conversion."""

import dataclasses

import numpy as np
import pytest

from tests.hands import make_sample
from tf_handgroups.camera import reference_bone_mm
from tf_handgroups.convert.accuracy import (
    accuracy_changes,
    label_errors,
    recover_mm,
    relative_change,
)
from tf_handgroups.convert.labelled_crops import labelled_crops
from tf_handgroups.crop import crop_matrix, invert, transform_points
from tf_handgroups.evaluation import evaluate

SIZE = 64


@pytest.fixture
def hands():
    return [make_sample(seed=seed) for seed in range(8)]


@pytest.fixture
def labels(hands):
    return labelled_crops(hands, SIZE, len(hands))


def near_truth(labels, noise_px=1.0, seed=0):
    """Outputs of a network that errs a little, in crop pixels and bones."""
    rng = np.random.default_rng(seed)
    xyz = labels.xyz_camera_mm
    z_rel = (xyz[..., 2] - xyz[:, 9:10, 2]) / reference_bone_mm(xyz)[:, None]
    return {
        "uv_px": np.nan_to_num(labels.uv_px, nan=SIZE / 2)
        + rng.normal(0, noise_px, labels.uv_px.shape),
        "z_rel": np.nan_to_num(z_rel) + rng.normal(0, 0.1 * noise_px, z_rel.shape),
    }


def test_errors_equal_those_that_evaluate_measures(hands, labels):
    outputs = near_truth(labels)
    rows = dict(zip(labels.sample_ids, range(len(labels)), strict=True))

    def predict(samples):
        for sample in samples:
            row = rows[sample.sample_id]
            matrix = crop_matrix(sample.box_px, SIZE, mirror=sample.handedness == "left")
            uv_px = transform_points(invert(matrix), outputs["uv_px"][row])
            yield {"uv_px": uv_px, "z_rel": outputs["z_rel"][row]}

    report = evaluate(lambda samples: list(predict(samples)), hands).report
    errors = label_errors(labels, outputs)
    for name, protocol in (("mpjpe_mm", "root-relative"), ("pa_mpjpe_mm", "procrustes")):
        expected = report["errors_3d"][protocol]["mpjpe_mm"]
        assert errors[name].mean() == pytest.approx(expected, rel=1e-5)
    difference = np.linalg.norm(outputs["uv_px"] - labels.uv_px, axis=-1)
    np.testing.assert_allclose(errors["epe_px"], difference)


def test_errors_differ_by_at_most_the_distance_of_the_models(labels):
    first, second = near_truth(labels, seed=1), near_truth(labels, seed=2)
    apart = recover_mm(labels, first) - recover_mm(labels, second)
    apart = np.linalg.norm(apart - apart[:, 9:10], axis=-1)
    errors = [label_errors(labels, outputs)["mpjpe_mm"] for outputs in (first, second)]
    assert apart.max() > 1
    assert (np.abs(errors[0] - errors[1]) <= apart + 1e-9).all()


def test_without_3d_labels_only_pixels_are_measured(hands):
    flat = [dataclasses.replace(hand, xyz_camera_mm=None) for hand in hands]
    labels = labelled_crops(flat, SIZE, len(flat))
    outputs = near_truth(labels)
    assert np.isnan(recover_mm(labels, outputs)).all()
    changes = accuracy_changes(labels, outputs, outputs)
    assert list(changes) == ["epe_px"] and changes["epe_px"].num_hands == len(hands)


def test_hands_without_camera_are_recovered_by_weak_perspective(hands):
    blind = [dataclasses.replace(hand, intrinsics_px=None) for hand in hands]
    labels = labelled_crops(blind, SIZE, len(blind))
    errors = label_errors(labels, near_truth(labels))
    assert np.isfinite(errors["mpjpe_mm"]).all()


def test_only_labelled_hands_and_joints_count(hands):
    xyz = hands[0].xyz_camera_mm.copy()
    xyz[4] = np.nan
    hands[0] = dataclasses.replace(hands[0], xyz_camera_mm=xyz, visible=np.arange(21) != 7)
    hands[1] = dataclasses.replace(hands[1], xyz_camera_mm=None)
    labels = labelled_crops(hands, SIZE, len(hands))
    outputs = near_truth(labels)
    errors = label_errors(labels, outputs)
    rows = [labels.sample_ids.index(hand.sample_id) for hand in hands]
    assert np.flatnonzero(np.isnan(errors["mpjpe_mm"][rows[0]])).tolist() == [4]
    assert np.flatnonzero(np.isnan(errors["epe_px"][rows[0]])).tolist() == [7]
    assert np.isnan(errors["mpjpe_mm"][rows[1]]).all()
    assert accuracy_changes(labels, outputs, outputs)["mpjpe_mm"].num_hands == len(hands) - 1


@pytest.mark.parametrize("name", ["uv_px", "z_rel"])
def test_what_is_not_finite_is_infinitely_wrong(labels, name):
    expected, broken = near_truth(labels), near_truth(labels)
    broken[name][2, 5] = np.nan
    for change in accuracy_changes(labels, expected, broken).values():
        assert change.change_percent == change.at_least_percent == np.inf


def test_certainty_agrees_with_the_bootstrap():
    rng = np.random.default_rng(0)
    before = rng.gamma(4, 5, 400)
    after = before * rng.normal(1.02, 0.05, 400)
    change = relative_change(before, after)
    chosen = rng.integers(0, 400, (4000, 400))
    drawn = 100 * (after[chosen].mean(axis=1) / before[chosen].mean(axis=1) - 1)
    assert change.change_percent == pytest.approx(100 * (after.sum() / before.sum() - 1))
    assert change.at_least_percent == pytest.approx(np.quantile(drawn, 0.05), abs=0.06)
    # Pairing is what makes it certain: the errors alone spread by half of their mean.
    assert change.at_least_percent > 1


def test_sound_variants_are_seldom_taken_for_worse():
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(500):
        before = rng.gamma(4, 5, 12)
        wrong += relative_change(before, before + rng.normal(0, 2, 12)).at_least_percent > 0
    assert 0.02 < wrong / 500 < 0.09  # 5 % by construction


def test_few_hands_and_no_error_are_no_growth():
    one = relative_change(np.array([10.0]), np.array([15.0]))
    assert one.change_percent == 50 and one.at_least_percent == -np.inf
    perfect = relative_change(np.zeros(3), np.zeros(3))
    assert perfect.change_percent == perfect.at_least_percent == 0
    assert relative_change(np.zeros(3), np.ones(3)).at_least_percent == np.inf
