import io

import numpy as np
import pytest
from PIL import Image

from tf_handgroups.ablation.ablation_figures import (
    entropy_figure,
    hands_figure,
    interval_panels,
    shared_figure,
)
from tf_handgroups.ablation.paired_statistics import mean_interval
from tf_handgroups.errors import InputError
from tf_handgroups.open_hand import COLOURS


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def amount(png, colour):
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(pixels(png).astype(int) - wanted).sum(axis=-1) < 30).sum())


def panel(*values):
    return {f"v{index}": (mean_interval(one), one) for index, one in enumerate(values)}


def test_intervals_grow_with_their_spread():
    narrow = interval_panels({"a": panel([1.0, 1.1, 1.2], [5.0, 5.1, 5.2])})
    wide = interval_panels({"a": panel([0.0, 1.1, 2.2], [5.0, 5.1, 5.2])})
    # Axes scale with the data, so the narrow one of the two shrinks; both are drawn.
    assert amount(narrow, COLOURS[0]) > 0 and amount(wide, COLOURS[0]) > 0
    assert not np.array_equal(pixels(narrow), pixels(wide))
    both = interval_panels({"a": panel([1.0, 2.0]), "b": panel([1.0, 2.0])})
    assert pixels(both).shape[1] > pixels(interval_panels({"a": panel([1.0, 2.0])})).shape[1]


def test_a_line_at_zero_and_a_single_seed():
    values = {"a": panel([1.0, 2.0])}
    assert not np.array_equal(
        pixels(interval_panels(values)), pixels(interval_panels(values, zero=True))
    )
    assert amount(interval_panels({"a": panel([1.0])}), COLOURS[0]) > 20


@pytest.mark.parametrize("bad", [{}, {"a": {}}])
def test_rejects_nothing_to_draw(bad):
    with pytest.raises(InputError, match="Received: panels="):
        interval_panels(bad)


def test_equal_groups_have_equal_colours_whatever_their_numbers():
    first = [0] * 15 + [1] * 6
    one, two = hands_figure({0: first}, 2), hands_figure({0: [1 - group for group in first]}, 2)
    # By itself a seed keeps its numbers ...
    assert amount(one, COLOURS[0]) > amount(one, COLOURS[1])
    assert amount(two, COLOURS[1]) > amount(two, COLOURS[0])
    # ... beside another one it takes that one's.
    pair = hands_figure({0: first, 1: [1 - group for group in first]}, 2)
    left, right = np.array_split(np.arange(pixels(pair).shape[1]), 2)
    encoded = [Image.fromarray(pixels(pair)[:, half]) for half in (left, right)]
    counts = []
    for half in encoded:
        stream = io.BytesIO()
        half.save(stream, "PNG")
        counts.append([amount(stream.getvalue(), colour) for colour in COLOURS[:2]])
    assert counts[0][0] > counts[0][1] and counts[1][0] > counts[1][1]


def test_more_joints_together_are_darker():
    apart, together = shared_figure([[*range(21)]]), shared_figure([[0] * 21])
    assert pixels(together).mean() < pixels(apart).mean()


def test_entropy_has_a_line_per_seed():
    curves = [(np.array([1.0, 0.3, 0.1]), np.array([1.0, 0.5 + seed / 10, 0.1])) for seed in (0, 1)]
    one = entropy_figure({"a": curves[:1]}, {"a": 1.1})
    two = entropy_figure({"a": curves}, {"a": 1.1})
    assert amount(one, COLOURS[1]) == 0 < amount(two, COLOURS[1])
    assert amount(one, COLOURS[0]) > 0
