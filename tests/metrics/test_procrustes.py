import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.transform import Rotation

from tf_handgroups.metrics.procrustes import centroid_align, procrustes_align


def random_rotation(random):
    q, r = np.linalg.qr(random.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


@pytest.fixture
def random():
    return np.random.default_rng(1)


def test_undoes_any_similarity(random):
    target = random.normal(size=(5, 21, 3))
    turns = np.stack([random_rotation(random) for _ in range(5)])
    source = 0.01 * target @ turns + random.normal(size=(5, 1, 3))
    np.testing.assert_allclose(procrustes_align(source, target), target, atol=1e-12)


def test_beats_random_transforms(random):
    """Brute force: no random rotation with its best scale fits better."""
    source, target = random.normal(size=(2, 21, 3))
    best = ((procrustes_align(source, target) - target) ** 2).sum()
    points, goal = source - source.mean(0), target - target.mean(0)
    for _ in range(2000):
        turned = points @ random_rotation(random)
        # A negative scale would be a reflection, which is not allowed.
        scale = max((turned * goal).sum() / (turned**2).sum(), 0)
        assert ((scale * turned - goal) ** 2).sum() > best


def test_refuses_to_mirror(random):
    target = random.normal(size=(21, 3))
    mirrored = target * [-1, 1, 1]
    error = np.linalg.norm(procrustes_align(mirrored, target) - target, axis=-1).mean()
    assert error > 0.1


def test_mask_fits_only_those_joints(random):
    target = random.normal(size=(21, 3))
    source = 2 * target @ random_rotation(random) + 1
    source[5] += 10
    mask = np.arange(21) != 5
    broken = target.copy()
    broken[5] = np.nan
    aligned = procrustes_align(source, broken, mask)
    np.testing.assert_allclose(aligned[mask], target[mask], atol=1e-12)


def test_too_few_joints_is_nan(random):
    mask = np.arange(21) < 2
    source, target = random.normal(size=(2, 21, 3))
    assert np.isnan(procrustes_align(source, target, mask)).all()


def scipy_with_reflection(source, target):
    """FreiHAND's alignment in metres: unit norms (plus 1e-8), SciPy's orthogonal matrix."""
    goal = (target - target.mean(0)) / 1000
    points = (source - source.mean(0)) / 1000
    size_goal, size_points = (np.linalg.norm(values) + 1e-8 for values in (goal, points))
    matrix, scale = orthogonal_procrustes(points / size_points, goal / size_goal)
    return 1000 * scale * size_goal * (points / size_points) @ matrix + target.mean(0)


@pytest.mark.parametrize("mirror", [1, -1])
def test_reflection_matches_scipy(random, mirror):
    target = random.normal(scale=40.0, size=(6, 21, 3))
    source = target * [mirror, 1, 1] @ random_rotation(random)
    source = 0.7 * source + random.normal(scale=15.0, size=source.shape) + 300
    aligned = procrustes_align(source, target, reflection=True)
    expected = [scipy_with_reflection(*pair) for pair in zip(source, target, strict=True)]
    np.testing.assert_allclose(aligned, expected, atol=1e-4)
    rigid = procrustes_align(source, target)
    # The larger choice fits at least as well, and is used only where it helps.
    assert (((aligned - target) ** 2).sum((1, 2)) <= ((rigid - target) ** 2).sum((1, 2))).all()
    assert np.allclose(aligned, rigid) == (mirror == 1)


def test_rotation_matches_scipy(random):
    target = random.normal(size=(21, 3))
    source = target * [-1, 1, 1] + random.normal(scale=0.3, size=(21, 3))
    points, goal = source - source.mean(0), target - target.mean(0)
    turned = Rotation.align_vectors(goal, points)[0].apply(points)
    scale = (turned * goal).sum() / (turned**2).sum()
    expected = scale * turned + target.mean(0)
    np.testing.assert_allclose(procrustes_align(source, target), expected, atol=1e-7)


@pytest.mark.parametrize("reflection", [False, True])
@pytest.mark.parametrize("point", [0.0, 1.0, 0.1, [1e6 / 3, -0.7, 1e-3]])
def test_source_of_one_point_lands_on_the_centroid(random, reflection, point):
    """Also where the mean of equal numbers is not exactly that number."""
    target = random.normal(size=(21, 3))
    source = np.broadcast_to(point, (21, 3))
    aligned = procrustes_align(source, target, reflection=reflection)
    np.testing.assert_allclose(aligned, np.tile(target.mean(0), (21, 1)), atol=1e-12)


@pytest.mark.parametrize("size", [1e-9, 1e-150, 1e6])
def test_a_tiny_or_huge_hand_is_still_a_hand(random, size):
    target = random.normal(size=(21, 3))
    source = size * (target - target[9])
    np.testing.assert_allclose(procrustes_align(source, target), target, atol=1e-9)
    np.testing.assert_allclose(centroid_align(source, target), target, atol=1e-9)


def test_target_of_one_point_takes_everything_there(random):
    aligned = procrustes_align(random.normal(size=(21, 3)), np.full((21, 3), 2.0))
    np.testing.assert_allclose(aligned, np.full((21, 3), 2.0), atol=1e-9)


def test_centroid_matches_a_loop(random):
    source, target = random.normal(size=(2, 30, 21, 3))
    mask = random.random((30, 21)) < 0.3
    target[~mask], source[~mask] = np.nan, 1e5
    aligned = centroid_align(source, target, mask)
    for hand in range(30):
        points, goal = source[hand, mask[hand]], target[hand, mask[hand]]
        centre, true_centre = sum(points) / len(points), sum(goal) / len(goal)
        spread = np.mean([np.sqrt(((point - centre) ** 2).sum()) for point in points])
        true_spread = np.mean([np.sqrt(((point - true_centre) ** 2).sum()) for point in goal])
        expected = (points - centre) * true_spread / spread + true_centre
        np.testing.assert_allclose(aligned[hand, mask[hand]], expected, atol=1e-9)


def test_centroid_does_not_turn(random):
    target = random.normal(size=(21, 3))
    np.testing.assert_allclose(centroid_align(9 * target - 4, target), target, atol=1e-12)
    turned = centroid_align(target @ random_rotation(random), target)
    assert np.linalg.norm(turned - target, axis=-1).mean() > 0.1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_centroid_needs_two_joints(random, count):
    source, target = random.normal(size=(2, 21, 3))
    aligned = centroid_align(source, target, np.arange(21) < count)
    assert np.isnan(aligned).all() == (count < 2)


def test_centroid_of_one_point(random):
    target = random.normal(size=(21, 3))
    aligned = centroid_align(np.full((21, 3), 0.1), target)
    np.testing.assert_allclose(aligned, np.tile(target.mean(0), (21, 1)), atol=1e-12)
