"""Things before the hand."""

import numpy as np
import pytest

from tf_handgroups.synth.occluders import MAX_HIDDEN, random_occluder


@pytest.mark.parametrize("size", [64, 161])
def test_form(size):
    found = 0
    for seed in range(60):
        layer = random_occluder(np.random.default_rng(seed), size)
        if layer is None:
            continue
        found += 1
        assert layer.shape == (size, size, 4) and layer.dtype == np.float32
        assert np.isfinite(layer).all() and layer[..., :3].min() >= 0
        assert layer[..., :3].max() <= 255
        assert layer[..., 3].min() >= 0 and layer[..., 3].max() <= 1.0001
    assert found > 40


@pytest.mark.parametrize("box", [None, (20.0, 30.0, 40.0, 60.0), (-20.0, 5.0, 50.0, 45.0)])
def test_a_little_of_the_hand_is_hidden(box):
    x, y, width, height = box or (16, 16, 64, 64)
    rows, columns = slice(int(max(y, 0)), int(y + height)), slice(int(max(x, 0)), int(x + width))
    hidden = []
    for seed in range(120):
        layer = random_occluder(np.random.default_rng(seed), 96, box)
        if layer is not None:
            hidden.append((layer[rows, columns, 3] > 0.6).mean())
    # The soft shadow is not counted: what lies in it can be seen.
    assert len(hidden) > 60 and max(hidden) < MAX_HIDDEN + 0.05
    assert 0.02 < np.mean(hidden) < 0.2


def test_nothing_is_forced_upon_a_box_far_outside():
    layers = [random_occluder(np.random.default_rng(s), 64, (400, 400, 9, 9)) for s in range(9)]
    assert layers == [None] * 9


def test_edges_are_sharp_or_soft():
    widths = []
    for seed in range(60):
        layer = random_occluder(np.random.default_rng(seed), 96)
        if layer is not None:
            alpha = layer[..., 3]
            widths.append(np.abs(np.diff(alpha, axis=0)).max())
    assert min(widths) < 0.25 and max(widths) > 0.5


def test_same_seed_same_picture():
    one, two = (random_occluder(np.random.default_rng(1), 64) for _ in range(2))
    np.testing.assert_array_equal(one, two)
