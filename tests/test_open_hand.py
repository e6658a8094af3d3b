import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from tf_handgroups.joints import BONES
from tf_handgroups.open_hand import COLOURS, draw_open_hand, group_colour, open_hand


def test_drawn_hand_is_a_right_hand_without_overlaps():
    points = open_hand()
    assert points[4, 0] > points[8, 0] > points[12, 0] > points[16, 0] > points[20, 0]
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1) + 9 * np.eye(21)
    assert distance.min() > 0.35
    assert len(BONES) == 20


def test_every_joint_is_drawn_in_the_colour_of_its_group():
    grouping = [0, 2, 1] * 7
    axes = Figure().subplots()
    draw_open_hand(axes, grouping, 4, "mine")
    drawn = {}
    for dots in axes.collections:
        for point in np.asarray(dots.get_offsets()):
            drawn[tuple(point.round(6))] = to_hex(dots.get_facecolor()[0])
    expected = [COLOURS[group] for group in grouping]
    assert [drawn[tuple(point.round(6))] for point in open_hand()] == expected
    assert [text.get_text() for text in axes.texts] == [str(group) for group in grouping]
    assert axes.get_title() == "mine"
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == [f"group {group}: {7 * (group < 3)} joints" for group in range(4)]


def test_colours_repeat():
    assert group_colour(len(COLOURS) + 1) == group_colour(1) != group_colour(0)
