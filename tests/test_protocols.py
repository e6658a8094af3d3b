import dataclasses

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from tf_handgroups import camera
from tf_handgroups.errors import InputError
from tf_handgroups.metrics.joint_measures import JointMeasures
from tf_handgroups.protocols import PROTOCOLS, Alignment, Protocol, Recovery, get_protocol

TIPS = [4, 8, 12, 16, 20]
INTRINSICS = np.array([[600.0, 0, 320], [0, 610.0, 240], [0, 0, 1]])
# PCK of the published curves of Li et al. (2021), printed in their plotting script.
STB_PCK = [
    0.98090, 0.98851, 0.99214, 0.99460, 0.99633, 0.99716, 0.99786, 0.99838, 0.99871, 0.99895,
    0.99913, 0.99925,
]  # fmt: skip
DEXTER_PCK = [
    0, 0.12346, 0.42028, 0.67704, 0.83839, 0.92704, 0.96416, 0.97936, 0.98813, 0.99339,
    0.99535, 0.99647, 0.99742, 0.99783, 0.99796, 0.99820, 0.99852, 0.99872, 0.99885, 0.99891,
]  # fmt: skip


@pytest.fixture
def random():
    return np.random.default_rng(5)


@pytest.fixture
def truth(random):
    """Seven hands about half a metre away, in mm."""
    return random.normal(scale=40.0, size=(7, 21, 3)) + np.array([20, -30, 500])


def turned(points, angle=0.7):
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])


def mean_of(name, predicted, true, visible=None):
    return JointMeasures(PROTOCOLS[name].errors_mm(predicted, true, visible)).mean


def test_names_and_what_they_say():
    assert list(PROTOCOLS) == [
        "learnable-groups", "hand3d", "root-relative", "procrustes",
        "procrustes-weak-perspective", "freihand", "dexter-object", "absolute",
    ]  # fmt: skip
    for name, protocol in PROTOCOLS.items():
        assert get_protocol(name) is protocol and protocol.name == name
        assert protocol.description and protocol.source
        for area, thresholds in protocol.aucs.items():
            # Names say the range, the curve ends where the widest area ends.
            assert thresholds[-1] == protocol.thresholds_mm[-1] == float(area.split("_")[2])
            assert np.isin(thresholds, protocol.thresholds_mm).all()
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROTOCOLS["freihand"].name = "mine"


def test_thresholds():
    grids = {name: protocol.thresholds_mm for name, protocol in PROTOCOLS.items()}
    for name in ("learnable-groups", "hand3d"):
        np.testing.assert_array_equal(grids[name], np.linspace(0, 50, 20))
        twelve = PROTOCOLS[name].aucs["auc_20_50"]
        np.testing.assert_array_equal(twelve, np.linspace(0, 50, 20)[8:])
        assert len(twelve) == 12 and twelve[0] == pytest.approx(21.0526, abs=1e-4)
    np.testing.assert_array_equal(grids["freihand"], np.linspace(0, 50, 100))
    np.testing.assert_array_equal(grids["dexter-object"], np.linspace(0, 100, 20))


@pytest.mark.parametrize("bad", ["pa", "absolute_gt_root", "all", "", None])
def test_unknown_name_lists_the_known_ones(bad):
    with pytest.raises(InputError, match=r"Received: name=.*Known protocols: learnable-groups, "):
        get_protocol(bad)


def errors_with_curve(shares, thresholds, samples, joints):
    """Errors, equally many per joint, whose pooled PCK at the thresholds is as printed."""
    total = samples * joints
    within = np.round(np.array(shares) * total).astype(int)
    counts = np.diff([0, *within, total])
    errors = np.repeat([*thresholds, thresholds[-1] + 1], counts)
    return np.random.default_rng(0).permutation(errors).reshape(samples, joints)


@pytest.mark.parametrize(
    ("name", "area", "shares", "size", "published"),
    [
        ("learnable-groups", "auc_20_50", STB_PCK, (3000, 21), 0.9956),
        ("dexter-object", "auc_0_100", DEXTER_PCK, (20000, 5), 0.8626),
    ],
)
def test_published_curves_give_the_published_areas(name, area, shares, size, published):
    """STB's shares are multiples of 1/63000, those of Dexter+Object have five decimals."""
    thresholds = PROTOCOLS[name].aucs[area]
    measures = JointMeasures(errors_with_curve(shares, thresholds, *size))
    np.testing.assert_allclose(measures.pck(thresholds), shares, atol=1e-5)
    assert measures.auc(thresholds) == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_truth_has_no_error(truth, name):
    errors = PROTOCOLS[name].errors_mm(truth, truth)
    assert errors.shape == (7, 21) and np.nanmax(errors) < 1e-9
    counted = ~np.isnan(errors).all(axis=0)
    assert np.flatnonzero(counted).tolist() == (TIPS if name == "dexter-object" else [*range(21)])


# What each protocol forgives: shift, scale, rotation, reflection.
FORGIVES = {
    "learnable-groups": (0, 0, 0, 0), "absolute": (0, 0, 0, 0),
    "hand3d": (1, 0, 0, 0), "root-relative": (1, 0, 0, 0), "dexter-object": (1, 1, 0, 0),
    "procrustes": (1, 1, 1, 0), "procrustes-weak-perspective": (1, 1, 1, 0),
    "freihand": (1, 1, 1, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_is_forgiven(truth, name):
    centred = truth - truth[:, [9]]
    changed = {
        "shift": (truth, truth + np.array([7, -8, 9])),
        "scale": (centred, 1.3 * centred),
        "rotation": (centred, turned(centred)),
        "reflection": (centred, centred * [-1, 1, 1]),
    }
    for (kind, (true, predicted)), forgiven in zip(changed.items(), FORGIVES[name], strict=True):
        error = mean_of(name, predicted, true)
        assert error < 1e-9 if forgiven else error > 5, kind
    assert PROTOCOLS[name].ignores_scale == FORGIVES[name][1]


def test_only_protocols_without_alignment_see_a_shift_in_full(truth):
    shifted = truth + np.array([2.0, 3.0, 6.0])
    for name in ("learnable-groups", "absolute"):
        np.testing.assert_allclose(PROTOCOLS[name].errors_mm(shifted, truth), 7.0)


@pytest.mark.parametrize(("name", "joint"), [("hand3d", 0), ("root-relative", 9)])
def test_root_relative_by_hand(truth, random, name, joint):
    predicted = truth + random.normal(scale=9.0, size=truth.shape)
    got = PROTOCOLS[name].errors_mm(predicted, truth)
    difference = (predicted - predicted[:, [joint]]) - (truth - truth[:, [joint]])
    np.testing.assert_allclose(got, np.sqrt((difference**2).sum(-1)))
    assert (got[:, joint] == 0).all()


@pytest.mark.parametrize("constant", [0.0, 0.1, [1.0, -2.0, 333.3]])
def test_freihand_of_a_constant_is_the_distance_to_the_centroid(truth, constant):
    """The known answer of FreiHAND's server: predicting zeros is no error in the script."""
    errors = PROTOCOLS["freihand"].errors_mm(np.broadcast_to(constant, truth.shape), truth)
    expected = np.sqrt(((truth - truth.mean(axis=1, keepdims=True)) ** 2).sum(-1))
    np.testing.assert_allclose(errors, expected, rtol=1e-12)


def test_freihand_matches_its_script_written_with_scipy(truth, random):
    """All in metres, sample by sample, 100 thresholds from 0 to 0.05."""
    predicted = turned(truth * [-1, 1, 1]) * 0.01 + random.normal(scale=0.2, size=truth.shape)
    errors = []
    for true, guess in zip(truth / 1000, predicted, strict=True):
        goal, points = true - true.mean(0), guess - guess.mean(0)
        norm_goal, norm_points = np.linalg.norm(goal) + 1e-8, np.linalg.norm(points) + 1e-8
        matrix, scale = orthogonal_procrustes(points / norm_points, goal / norm_goal)
        aligned = points / norm_points @ matrix * scale * norm_goal
        errors.append(np.linalg.norm(aligned - goal, axis=-1))
    grid = np.linspace(0.0, 0.05, 100)
    curve = np.mean([[np.mean(joint <= t) for t in grid] for joint in np.array(errors).T], axis=0)
    protocol = PROTOCOLS["freihand"]
    measures = JointMeasures(protocol.errors_mm(predicted, truth))
    assert 5 < measures.mean == pytest.approx(1000 * np.mean(errors), abs=1e-4)
    area = ((curve[1:] + curve[:-1]) / 2).sum() / 99
    assert 0.2 < measures.auc(protocol.aucs["auc_0_50"]) == pytest.approx(area, abs=1e-9)


def test_dexter_object_of_tips_alone(truth, random):
    """Minimal-Hand's alignment in a loop; the truth has no other joint, and lacks some tips."""
    predicted = 0.3 * truth + random.normal(scale=5.0, size=truth.shape)
    tips_only = np.full_like(truth, np.nan)
    tips_only[:, TIPS] = truth[:, TIPS]
    tips_only[0, 4] = tips_only[1, [4, 20]] = np.nan
    tips_only[2, [4, 8, 12]] = tips_only[3, TIPS[1:]] = np.nan
    got = PROTOCOLS["dexter-object"].errors_mm(predicted, tips_only)
    assert np.isnan(np.delete(got, TIPS, axis=1)).all()
    assert (~np.isnan(got)).sum(axis=1).tolist() == [4, 3, 2, 0, 5, 5, 5]
    for hand in (0, 1, 2, 4, 5, 6):
        valid = [tip for tip in TIPS if not np.isnan(tips_only[hand, tip, 0])]
        true, guess = tips_only[hand, valid], predicted[hand, valid]
        goal, points = true - true.mean(0), guess - guess.mean(0)
        scale = np.linalg.norm(goal, axis=1).mean() / np.linalg.norm(points, axis=1).mean()
        expected = np.linalg.norm(scale * points - goal, axis=1)
        np.testing.assert_allclose(got[hand, valid], expected, rtol=1e-12)
    # The prediction needs no other joints either.
    only_tips = np.where(np.isnan(tips_only[4]), np.nan, predicted[4])
    again = PROTOCOLS["dexter-object"].errors_mm(only_tips, tips_only[4])
    np.testing.assert_array_equal(again, got[4])


def test_hand3d_leaves_out_joints_that_are_not_visible(truth, random):
    visible = random.random((7, 21)) < 0.6
    predicted = truth + 3.0 * ~visible[..., None]
    predicted[:, 0] = truth[:, 0]
    assert mean_of("hand3d", predicted, truth, visible) < 1e-9
    assert mean_of("hand3d", predicted, truth) > 1
    got = PROTOCOLS["hand3d"].errors_mm(predicted, truth, visible)
    np.testing.assert_array_equal(np.isnan(got), ~visible)


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name != "hand3d"])
def test_the_others_do_not_look_at_visibility(truth, random, name):
    predicted = truth + random.normal(scale=9.0, size=truth.shape)
    errors = PROTOCOLS[name].errors_mm(predicted, truth)
    hidden = PROTOCOLS[name].errors_mm(predicted, truth, np.zeros((7, 21)))
    np.testing.assert_array_equal(errors, hidden)


def test_no_visible_joint(truth):
    errors = PROTOCOLS["hand3d"].errors_mm(truth, truth, np.zeros((7, 21), bool))
    assert np.isnan(errors).all()
    assert np.isnan(JointMeasures(errors).mean)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_one_hand_with_or_without_batch(truth, random, name):
    predicted = truth + random.normal(scale=9.0, size=truth.shape)
    together = PROTOCOLS[name].errors_mm(predicted, truth)
    alone = PROTOCOLS[name].errors_mm(predicted[2], truth[2])
    assert alone.shape == (21,)
    np.testing.assert_allclose(alone, together[2])
    np.testing.assert_allclose(PROTOCOLS[name].errors_mm(predicted[2:3], truth[2:3])[0], alone)
    assert PROTOCOLS[name].errors_mm(predicted[:0], truth[:0]).shape == (0, 21)


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_a_joint_that_no_hand_has(truth, random, name, missing):
    predicted = truth + random.normal(scale=9.0, size=truth.shape)
    truth[:, 8, 1] = missing
    errors = PROTOCOLS[name].errors_mm(predicted, truth)
    assert np.isnan(errors[:, 8]).all()
    assert np.isfinite(errors[:, 12]).all()
    assert np.isfinite(JointMeasures(errors).mean)


@pytest.mark.parametrize("name", ["procrustes", "freihand"])
def test_too_few_joints_to_fit(truth, name):
    truth[0, 2:] = np.nan
    errors = PROTOCOLS[name].errors_mm(np.nan_to_num(truth), truth)
    assert np.isnan(errors[0]).all() and np.isfinite(errors[1:]).all()


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rejects_a_prediction_that_is_not_finite(truth, name, bad):
    predicted = truth.copy()
    predicted[3, 16, 2] = bad
    with pytest.raises(InputError, match=rf"{name}: .*Received: predicted_mm=array with 1 NaN"):
        PROTOCOLS[name].errors_mm(predicted, truth)


@pytest.mark.parametrize("shapes", [
    ((7, 21, 3), (6, 21, 3), (7, 21)), ((7, 20, 3), (7, 20, 3), (7, 20)),
    ((7, 21, 2), (7, 21, 2), (7, 21)), ((7, 21, 3), (7, 21, 3), (7,)), ((21,), (21,), ()),
])  # fmt: skip
def test_rejects_shapes(shapes):
    with pytest.raises(InputError, match=r"Received: predicted_mm.shape=.*visible.shape="):
        PROTOCOLS["freihand"].errors_mm(*(np.zeros(shape) for shape in shapes))


@pytest.fixture
def labels(truth):
    intrinsics = np.broadcast_to(INTRINSICS, (7, 3, 3)).copy()
    return camera.project(truth, intrinsics), camera.relative_depth(truth), truth, intrinsics


def test_learnable_groups_is_exact_for_exact_input(labels):
    recovered = PROTOCOLS["learnable-groups"].recover_mm(*labels)
    np.testing.assert_allclose(recovered, labels[2], atol=1e-9)


def test_learnable_groups_takes_depth_and_bone_from_the_truth(labels):
    """An error of z moves a joint along its viewing ray, in true bones."""
    uv, z, truth, intrinsics = labels
    recovered = PROTOCOLS["learnable-groups"].recover_mm(uv, z + 0.5, truth, intrinsics)
    bone = np.linalg.norm(truth[:, 10] - truth[:, 9], axis=-1)[:, None]
    rays = truth / truth[..., 2:]
    expected = 0.5 * bone * np.linalg.norm(rays, axis=-1)
    errors = PROTOCOLS["learnable-groups"].errors_mm(recovered, truth)
    np.testing.assert_allclose(errors, expected, rtol=1e-9)


@pytest.mark.parametrize(
    "name", ["absolute", "hand3d", "root-relative", "procrustes", "freihand", "dexter-object"]
)
def test_own_root_depth(labels, name):
    recovered = PROTOCOLS[name].recover_mm(*labels)
    bone = camera.reference_bone_mm(labels[2])
    expected = camera.recover_absolute(labels[0], labels[1], labels[3], bone)
    np.testing.assert_allclose(recovered, expected)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_hands_without_intrinsics(labels, name):
    """Weak perspective, unless the distance counts; each hand by what it has."""
    uv, z, truth, intrinsics = labels
    intrinsics[[1, 4]] = np.nan
    recovered = PROTOCOLS[name].recover_mm(uv, z, truth, intrinsics)
    lost = np.isnan(recovered).any(axis=(1, 2))
    if name in ("learnable-groups", "absolute"):
        assert PROTOCOLS[name].needs_intrinsics and "intrinsics" in PROTOCOLS[name].needed_labels
        assert np.flatnonzero(lost).tolist() == [1, 4]
        return
    assert not PROTOCOLS[name].needs_intrinsics and not lost.any()
    weak = camera.recover_weak_perspective(uv, z)
    weak *= camera.reference_bone_mm(truth)[:, None, None]
    by_weak = [np.allclose(a, b) for a, b in zip(recovered, weak, strict=True)]
    always = PROTOCOLS[name].recovery is Recovery.WEAK_PERSPECTIVE
    assert np.flatnonzero(by_weak).tolist() == ([*range(7)] if always else [1, 4])


@pytest.mark.parametrize("name", PROTOCOLS)
def test_hands_without_the_reference_bone(labels, name):
    """As in Dexter+Object. The bone gives the size; where size is fitted it is not missed."""
    uv, z, truth, intrinsics = labels
    predicted = uv + 3.0, z + 0.1
    with_bone = PROTOCOLS[name].recover_mm(*predicted, truth, intrinsics)
    truth[:, 10] = np.nan
    recovered = PROTOCOLS[name].recover_mm(*predicted, truth, intrinsics)
    if not PROTOCOLS[name].ignores_scale:
        assert np.isnan(recovered).all()
        return
    np.testing.assert_allclose(
        PROTOCOLS[name].errors_mm(recovered, truth),
        PROTOCOLS[name].errors_mm(with_bone, truth),
        rtol=1e-6,
    )


def test_true_root_depth_must_be_labelled(labels):
    labels[2][3, 9] = np.nan
    recovered = PROTOCOLS["learnable-groups"].recover_mm(*labels)
    assert np.flatnonzero(np.isnan(recovered).any(axis=(1, 2))).tolist() == [3]


def test_own_protocol(truth):
    mine = Protocol("wrist and tips", "joint 5", "me", Recovery.OWN_ROOT, Alignment.JOINT,
                    aligned_joint=5, joints=(0, *TIPS))  # fmt: skip
    errors = mine.errors_mm(truth + 4, truth)
    assert np.flatnonzero(np.isfinite(errors[0])).tolist() == [0, *TIPS]
    assert np.nanmax(errors) < 1e-9
    assert mine.needed_labels == "3D joints" and "auc_20_50" in mine.aucs
    # The joint that is aligned is needed though it does not count.
    with pytest.raises(InputError, match="1 NaN"):
        mine.errors_mm(np.where(np.arange(63).reshape(21, 3) == 15, np.nan, truth[0]), truth[0])


def test_zero_predictor_on_real_hands(shared_data, capsys):
    """FreiHAND prints 47.3 mm for its hands; these are others."""
    for name in ("stb_test", "rhd_test"):
        truth = 1000 * np.load(shared_data / "pose_statistics" / f"{name}.npy").astype(np.float64)
        mean = mean_of("freihand", np.zeros_like(truth), truth)
        with capsys.disabled():
            print(f"\nzero predictor under freihand, {name}: {mean:.2f} mm")
        assert 45 < mean < 48
