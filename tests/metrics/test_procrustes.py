import numpy as np
import pytest

from tf_handgroups.metrics import procrustes_align


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


def test_collapsed_source_stays_finite(random):
    target = random.normal(size=(21, 3))
    aligned = procrustes_align(np.ones((21, 3)), target)
    np.testing.assert_allclose(aligned, np.tile(target.mean(0), (21, 1)), atol=1e-12)
