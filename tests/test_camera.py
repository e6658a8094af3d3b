import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties import EXAMPLES, cameras, depths_mm, hands_px
from tf_handgroups import camera
from tf_handgroups.errors import InputError
from tf_handgroups.joints import BONES
from tf_handgroups.mean_hand import BONE_RATIOS
from tf_handgroups.metrics import procrustes_align

INTRINSICS = np.array([[620.0, 0.0, 130.0], [0.0, 600.0, 120.0], [0.0, 0.0, 1.0]])
RECOVERERS = [
    lambda uv, z: camera.recover_up_to_scale(uv, z, INTRINSICS),
    lambda uv, z: camera.recover_absolute(uv, z, INTRINSICS, 45.0),
    lambda uv, z: camera.recover_with_root_depth(uv, z, INTRINSICS, 500.0, 45.0),
    camera.recover_weak_perspective,
]


def random_hands(count=6, seed=0, bone_mm=42.0, distance_mm=600.0):
    """Hands with the proportions of `BONE_RATIOS` and random bone directions."""
    random = np.random.default_rng(seed)
    hands = np.zeros((count, 21, 3))
    for (parent, child), ratio in zip(BONES, BONE_RATIOS, strict=True):
        direction = random.normal(size=(count, 3)) - np.array([0, 1.5, 0])
        direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
        hands[:, child] = hands[:, parent] + bone_mm * ratio * direction
    return hands + random.normal(scale=30.0, size=(count, 1, 3)) + [0, 0, distance_mm]


@pytest.fixture
def hands():
    return random_hands()


@pytest.fixture
def uv(hands):
    return camera.project(hands, INTRINSICS)


@pytest.fixture
def z(hands):
    return camera.relative_depth(hands)


def test_project_matches_the_textbook(hands):
    for hand, points in zip(hands, camera.project(hands, INTRINSICS), strict=True):
        for (x, y, z), (u, v) in zip(hand, points, strict=True):
            assert (u, v) == pytest.approx((620 * x / z + 130, 600 * y / z + 120))


def test_project_with_one_camera_per_hand(hands):
    cameras = np.stack([INTRINSICS * [[1 + i / 10], [1.0], [1.0]] for i in range(len(hands))])
    expected = [camera.project(hand, matrix) for hand, matrix in zip(hands, cameras, strict=True)]
    np.testing.assert_allclose(camera.project(hands, cameras), expected)


def test_mirrored_world_gives_mirrored_image(hands):
    skewed = INTRINSICS.copy()
    skewed[0, 1] = 3.0
    got = camera.project(camera.mirror_xyz(hands), camera.mirror_intrinsics(skewed, 256))
    np.testing.assert_allclose(got, camera.mirror_uv(camera.project(hands, skewed), 256))


def test_mirroring_twice_is_identity(hands, uv):
    np.testing.assert_array_equal(camera.mirror_xyz(camera.mirror_xyz(hands)), hands)
    np.testing.assert_allclose(camera.mirror_uv(camera.mirror_uv(uv, 256), 256), uv)
    twice = camera.mirror_intrinsics(camera.mirror_intrinsics(INTRINSICS, 256), 256)
    np.testing.assert_array_equal(twice, INTRINSICS)


def test_mirroring_leaves_its_input_alone(hands):
    before = INTRINSICS.copy()
    camera.mirror_intrinsics(INTRINSICS, 256)
    np.testing.assert_array_equal(INTRINSICS, before)


def test_relative_depth_of_one_hand(hands):
    hand = hands[0]
    bone = np.sqrt(((hand[10] - hand[9]) ** 2).sum())
    expected = [(joint[2] - hand[9][2]) / bone for joint in hand]
    np.testing.assert_allclose(camera.relative_depth(hand), expected)
    assert camera.reference_bone_mm(hand) == pytest.approx(42.0)


@pytest.mark.parametrize("weights", [camera.ALL_BONES, camera.ONLY_REFERENCE_BONE])
def test_absolute_is_exact_for_exact_input(hands, uv, z, weights):
    got = camera.recover_absolute(uv, z, INTRINSICS, 42.0, weights)
    np.testing.assert_allclose(got, hands, atol=1e-6)


def test_reference_bone_needs_no_proportions(uv, z, hands):
    """Iqbal's condition is exact for any hand, the sum over all bones is not."""
    hands[:, 4] += [15.0, 5.0, 10.0]
    uv, z = camera.project(hands, INTRINSICS), camera.relative_depth(hands)
    only = camera.recover_absolute(uv, z, INTRINSICS, 42.0, camera.ONLY_REFERENCE_BONE)
    np.testing.assert_allclose(only, hands, atol=1e-6)
    everything = camera.recover_absolute(uv, z, INTRINSICS, 42.0)
    assert np.abs(everything - hands).max() > 1.0


@pytest.mark.parametrize("weights", [camera.ALL_BONES, camera.ONLY_REFERENCE_BONE])
def test_root_depth_matches_brute_force(uv, z, weights):
    """Scanning all depths finds no better one than the formula."""
    random = np.random.default_rng(3)
    uv = uv + random.normal(scale=2.0, size=uv.shape)
    z = z + random.normal(scale=0.1, size=z.shape)
    parent, child = np.array(BONES).T
    in_plane = np.maximum(BONE_RATIOS**2 - (z[:, child] - z[:, parent]) ** 2, 0)
    depths = np.arange(3.0, 60.0, 0.01)
    got = camera.recover_up_to_scale(uv, z, INTRINSICS, weights)
    for index in range(len(uv)):
        depth = depths[:, None] + z[index]
        xy = (uv[index] - INTRINSICS[:2, 2]) / np.diag(INTRINSICS)[:2] * depth[..., None]
        squared = ((xy[:, child] - xy[:, parent]) ** 2).sum(axis=-1)
        mismatch = np.abs((squared - in_plane[index]) @ weights)
        # The larger of two roots is the hand, the smaller one lies behind it.
        best = depths[np.flatnonzero(mismatch <= mismatch.min() + 1e-9)[-1]]
        assert got[index, 9, 2] - z[index, 9] == pytest.approx(best, abs=0.011)


def test_with_root_depth_is_exact(hands, uv, z):
    got = camera.recover_with_root_depth(uv, z, INTRINSICS, hands[:, 9, 2], 42.0)
    np.testing.assert_allclose(got, hands, atol=1e-8)


def test_weak_perspective_is_exact_without_perspective(hands, z):
    flat = hands[..., :2] * 3.0 + 100.0
    got = camera.recover_weak_perspective(flat, z)
    np.testing.assert_allclose(got, (hands - hands[:, 9:10]) / 42.0, atol=1e-9)


def test_weak_perspective_approaches_perspective():
    hands = random_hands(distance_mm=60_000.0)
    got = camera.recover_weak_perspective(
        camera.project(hands, INTRINSICS), camera.relative_depth(hands)
    )
    # Focal lengths differ by 3% in x and y, which no scale can undo.
    np.testing.assert_allclose(got, (hands - hands[:, 9:10]) / 42.0, atol=0.1)


@pytest.mark.parametrize("recover", RECOVERERS)
def test_batch_equals_one_by_one(uv, z, recover):
    batch = recover(uv.reshape(2, 3, 21, 2), z.reshape(2, 3, 21)).reshape(6, 21, 3)
    for index in range(6):
        np.testing.assert_allclose(recover(uv[index], z[index]), batch[index])


def test_bone_pointing_at_the_camera_is_no_problem():
    """The case in which the reference bone alone says nothing about the scale."""
    hands = random_hands(count=200, seed=5)
    hands[:, 10:13] += hands[:, 9:10] + [0, 0, -42.0] - hands[:, 10:11]
    uv = camera.project(hands, INTRINSICS)
    uv += np.random.default_rng(1).normal(scale=1.5, size=uv.shape)
    z = camera.relative_depth(hands)
    error = {}
    for name in ("ALL_BONES", "ONLY_REFERENCE_BONE"):
        got = camera.recover_absolute(uv, z, INTRINSICS, 42.0, getattr(camera, name))
        error[name] = np.linalg.norm(got - hands, axis=-1).mean()
    assert error["ALL_BONES"] < 15 < 10 * error["ALL_BONES"] < error["ONLY_REFERENCE_BONE"]


@pytest.mark.parametrize("weights", [camera.ALL_BONES, camera.ONLY_REFERENCE_BONE])
@pytest.mark.parametrize("scale_px", [0.0, 1e-9, 1.0, 1e4])
@pytest.mark.parametrize("scale_z", [0.0, 1.0, 1e3])
def test_nonsense_stays_finite_and_in_front_of_the_camera(weights, scale_px, scale_z):
    random = np.random.default_rng(2)
    uv = scale_px * random.normal(size=(50, 21, 2)) + 128
    z = scale_z * random.normal(size=(50, 21))
    got = camera.recover_up_to_scale(uv, z, INTRINSICS, weights)
    assert np.isfinite(got).all()
    assert (got[..., 2] >= 1 - 1e-9).all()
    assert np.isfinite(camera.recover_weak_perspective(uv, z, weights)).all()


def test_rejects_points_behind_the_camera():
    with pytest.raises(InputError, match="Received: smallest z=-1"):
        camera.project(np.array([[0.0, 0.0, -1.0]]), INTRINSICS)


@pytest.mark.parametrize("recover", RECOVERERS)
def test_rejects_nan_and_shapes(uv, z, recover):
    with pytest.raises(InputError, match="Received: uv_px=array with 42 NaN"):
        recover(_nan(uv), z)
    with pytest.raises(InputError, match="Received: z_rel=array with 21 NaN"):
        recover(uv, _nan(z))
    with pytest.raises(InputError, match=r"Received: uv_px\.shape=\(6, 20, 2\)"):
        recover(uv[:, :20], z)
    with pytest.raises(InputError, match=r"z_rel\.shape=\(6, 20\)"):
        recover(uv, z[:, :20])


def _nan(values):
    values = values.copy()
    values[0] = np.nan
    return values


@pytest.mark.parametrize("bad", [np.eye(2), -INTRINSICS, np.zeros((3, 3)), np.diag([1.0, 0, 1])])
def test_rejects_intrinsics(uv, z, bad):
    with pytest.raises(InputError, match="Received: intrinsics_px="):
        camera.recover_up_to_scale(uv, z, bad)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_rejects_lengths(uv, z, bad):
    with pytest.raises(InputError, match="Received: bone_mm="):
        camera.recover_absolute(uv, z, INTRINSICS, bad)
    with pytest.raises(InputError, match="Received: root_depth_mm="):
        camera.recover_with_root_depth(uv, z, INTRINSICS, bad, 45.0)


def test_relative_depth_rejects_a_bone_without_length(hands):
    hands[2, 10] = hands[2, 9]
    with pytest.raises(InputError, match="Received: bone_mm="):
        camera.relative_depth(hands)


def test_figures_of_the_docstring(shared_data):
    """All bones against the reference bone alone, on real poses with noise."""
    hands = np.load(shared_data / "pose_statistics" / "stb_test.npy")[::3] * 1000.0
    intrinsics = np.array([[822.79, 0, 318.47], [0, 822.79, 250.31], [0, 0, 1]])
    bone = camera.reference_bone_mm(hands)
    uv = camera.project(hands, intrinsics)
    random = np.random.default_rng(0)
    side = np.ptp(uv, axis=1).max(axis=-1)[:, None, None]
    uv += 0.02 * side * random.normal(size=uv.shape)
    z = camera.relative_depth(hands) + 0.15 * random.normal(size=(len(hands), 21))
    z -= z[:, 9:10]
    error = {}
    for name in ("ALL_BONES", "ONLY_REFERENCE_BONE"):
        weights = getattr(camera, name)
        absolute = camera.recover_absolute(uv, z, intrinsics, bone, weights)
        weak = camera.recover_weak_perspective(uv, z, weights) * bone[:, None, None]
        relative = absolute - absolute[:, 9:10]
        truth = hands - hands[:, 9:10]
        aligned = procrustes_align(weak, truth)
        error[name] = [
            np.linalg.norm(difference, axis=-1).mean()
            for difference in (absolute - hands, relative - truth, weak - truth, aligned - truth)
        ]
    np.testing.assert_allclose(error["ALL_BONES"], [24.7, 8.7, 9.1, 6.3], rtol=0.05)
    np.testing.assert_allclose(error["ONLY_REFERENCE_BONE"], [145.0, 15.2, 14.3, 7.7], rtol=0.05)


@EXAMPLES
@given(hands_px(), depths_mm(), cameras())
def test_unprojected_and_projected_is_the_identity(uv_px, depth, intrinsics):
    bone = 45.0
    z_rel = ((depth - depth[9]) / bone)[:, 0]
    xyz = camera.recover_with_root_depth(uv_px, z_rel, intrinsics, depth[9, 0], bone)
    np.testing.assert_allclose(xyz[:, 2:], depth, atol=1e-8)
    np.testing.assert_allclose(camera.project(xyz, intrinsics), uv_px, atol=1e-8)


@EXAMPLES
@given(hands_px(), depths_mm(), cameras())
def test_projected_and_unprojected_is_the_identity(uv_px, depth, intrinsics):
    hand = np.concatenate([(uv_px - 240) / 2, depth], axis=-1)
    bone = camera.reference_bone_mm(hand)
    z_rel = camera.relative_depth(hand)
    points = camera.project(hand, intrinsics)
    again = camera.recover_with_root_depth(points, z_rel, intrinsics, hand[9, 2], bone)
    np.testing.assert_allclose(again, hand, atol=1e-8)


@EXAMPLES
@given(hands_px(), depths_mm(), cameras(), st.integers(8, 4000))
def test_mirrored_twice_is_the_identity(uv_px, depth, intrinsics, width):
    hand = np.concatenate([uv_px - 240, depth], axis=-1)
    np.testing.assert_array_equal(camera.mirror_xyz(camera.mirror_xyz(hand)), hand)
    twice = camera.mirror_uv(camera.mirror_uv(uv_px, width), width)
    np.testing.assert_allclose(twice, uv_px, atol=1e-9)
    mirrored = camera.mirror_intrinsics(intrinsics, width)
    twice = camera.mirror_intrinsics(mirrored, width)
    np.testing.assert_allclose(twice, intrinsics, atol=1e-9)
    np.testing.assert_allclose(
        camera.project(camera.mirror_xyz(hand), mirrored),
        camera.mirror_uv(camera.project(hand, intrinsics), width),
        atol=1e-7,
    )
