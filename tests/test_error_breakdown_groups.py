"""Kinds of hands and their statistics, against numbers computed by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.error_breakdown_groups import (
    FAMILY,
    TONE,
    VIEW,
    groups_of,
    row_of,
    share_of,
)
from tests.breakdown_case import made_up, some_scenes


@pytest.fixture(scope="module")
def scenes():
    return some_scenes(60, glove=0.3, held_object=0.4, second_hand=0.3)


@pytest.fixture(scope="module")
def groups(scenes):
    return groups_of(made_up(scenes))


def test_row_of_known_errors(scenes):
    errors = np.full((60, 21), 9.0)
    errors[:5] = np.nan
    errors[0, :2], errors[1, :3], errors[2:5] = (0.1, 0.3), (0.0, 0.1, 0.2), 0.3
    row = row_of(made_up(scenes, errors_box=errors), np.arange(60) < 5)
    # Hands count the same however many of their joints are visible: 0.2, 0.1, 0.3, 0.3, 0.3.
    assert row.count == 5 and row.error_box.mean == pytest.approx(0.24)
    deviation = math.sqrt((0.04**2 + 0.14**2 + 3 * 0.06**2) / 4)
    half = stats.t.ppf(0.975, 4) * deviation / math.sqrt(5)
    assert row.error_box.half_width == pytest.approx(half)
    # Joints count the same in the share: 0.1, 0, 0.1 and 0.2 of 2 + 3 + 3 * 21.
    assert row.pck == pytest.approx(4 / 68)
    assert row.pa_mm == 2.0


def test_row_of_none_and_of_few(scenes):
    looked = made_up(scenes)
    empty = row_of(looked, np.zeros(60, bool))
    assert (empty.count, empty.error_box, empty.pck, empty.pa_mm) == (0, None, None, None)
    for count in (1, 4):
        few = row_of(looked, np.arange(60) < count)
        assert few.error_box.mean == pytest.approx(0.01 * (count - 1) / 2)
        assert math.isinf(few.error_box.half_width) and few.error_box.count == count


@pytest.mark.parametrize(("part", "count"), [(0, 7), (3, 10), (50, 50), (1, 400)])
def test_share_has_the_interval_of_wilson(part, count):
    share = share_of(np.arange(count) < part)
    z, p = stats.norm.ppf(0.975), part / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    assert (share.part, share.count, share.value) == (part, count, p)
    assert (share.low, share.high) == pytest.approx((middle - half, middle + half), abs=1e-9)


def test_share_of_none_is_unknown():
    share = share_of(np.zeros(0, bool))
    assert (share.count, share.low, share.high) == (0, 0.0, 1.0) and math.isnan(share.value)


def test_every_hand_is_of_one_kind(groups, scenes):
    """But for tones, which gloved hands lack, and things, of which there may be several."""
    for title, kinds in groups.items():
        times = np.sum(list(kinds.values()), axis=0)
        if title == TONE:
            gloved = np.array([scene.hand.wear.glove is not None for scene in scenes])
            assert 5 < gloved.sum() < 40
            np.testing.assert_array_equal(times, ~gloved)
        elif title != "thing in the picture":
            np.testing.assert_array_equal(times, 1, err_msg=title)


def test_names_are_those_of_the_scenes(groups, scenes):
    assert (len(groups[FAMILY]), len(groups[VIEW]), len(groups[TONE])) == (22, 7, 5)
    for number, scene in enumerate(scenes):
        assert groups[FAMILY][scene.hand.family][number]
        assert groups[VIEW][scene.view.kind][number]
        assert groups["side"]["left" if scene.mirrored else "right"][number]
        assert groups["mesh"][scene.hand.shape.mesh][number]
        assert groups["kind of picture"]["everyday" if scene.everyday else "other"][number]


def test_tones_are_five_equal_bins_with_their_angles(groups, scenes):
    assert next(iter(groups[TONE])) == "0 to 0.2 (ITA 64 to 38°)"
    assert list(groups[TONE])[-1] == "0.8 to 1 (ITA -42 to -68°)"
    for number, scene in enumerate(scenes):
        inside = [kind[number] for kind in groups[TONE].values()]
        if scene.hand.wear.glove is None:
            assert inside.index(True) == int(scene.hand.skin.tone * 5)


def test_numbers_fall_into_their_bins(groups, scenes):
    facts = made_up(scenes).facts
    for title, values in (
        ("hand length, mm", facts.length_mm),
        ("distance, mm", facts.distance_mm),
        ("roll away from fingers up, degrees", abs(facts.roll_deg)),
    ):
        for name, kind in groups[title].items():
            words = name.replace("below ", "0 to ").replace(" and more", " to inf").split(" to ")
            low, high = map(float, words)
            np.testing.assert_array_equal(kind, (values >= low) & (values < high), err_msg=name)


def test_hands_with_nothing_before_or_beside_them(groups):
    things = groups["thing in the picture"]
    *_, (name, alone) = things.items()
    assert name == "none of held thing, second hand, glove, something before the hand"
    others = things["held thing"] | things["second hand"] | things["glove"]
    np.testing.assert_array_equal(alone, ~(others | (np.arange(60) % 4 == 0)))
    assert 0 < alone.sum() < 45
    # Rings and sleeves hide nothing.
    assert (alone & things["sleeve"]).any()
