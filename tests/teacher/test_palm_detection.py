import numpy as np
import pytest

from tf_handgroups.teacher.palm_detection import (
    KEYPOINT_JOINTS,
    NUM_ANCHORS,
    anchors,
    decode,
    overlaps,
)


def outputs(*palms):
    """The detector's raw outputs for (anchor, logit, centre shift, size, keypoints)."""
    boxes, logits = np.zeros((NUM_ANCHORS, 18)), np.full(NUM_ANCHORS, -200.0)
    for anchor, logit, shift, size, keypoints in palms:
        boxes[anchor, :2], boxes[anchor, 2:4] = shift, size
        boxes[anchor, 4:] = np.ravel(keypoints)
        logits[anchor] = logit
    return boxes, logits


def test_anchors_are_those_of_the_published_graph():
    grid = anchors() * 192
    assert grid.shape == (2016, 2)
    # Two a place at stride 8, six at stride 16, rows from above.
    assert grid[:3].tolist() == [[4, 4], [4, 4], [12, 4]]
    assert grid[48].tolist() == [4, 12]
    assert grid[1152:1159].tolist() == [[8, 8]] * 6 + [[24, 8]]
    assert len(np.unique(grid[:1152], axis=0)) == 24**2
    assert len(np.unique(grid[1152:], axis=0)) == 12**2


def test_keypoints_are_palm_joints():
    assert sorted(KEYPOINT_JOINTS) == [0, 1, 2, 5, 9, 13, 17]


def test_decode_adds_the_anchor_and_counts_from_pixel_centres():
    keypoints = np.arange(14.0).reshape(7, 2)
    (palm,) = decode(*outputs((2, 2.0, (3, -1), (20, 10), keypoints)))
    # The anchor is at 12, 4.
    assert palm.box_px.tolist() == pytest.approx([12 + 3 - 10 - 0.5, 4 - 1 - 5 - 0.5, 20, 10])
    np.testing.assert_allclose(palm.keypoints_px, np.add(keypoints, (11.5, 3.5)))
    assert palm.score == pytest.approx(1 / (1 + np.exp(-2)))


def test_decode_drops_the_unsure():
    palms = decode(*outputs((0, -0.01, 0, 20, np.zeros(14)), (1500, 0.01, 0, 20, np.zeros(14))))
    assert len(palms) == 1 and palms[0].score > 0.5


def test_overlapping_palms_are_averaged_by_score_and_others_stay():
    first, second = np.log(0.9 / 0.1), np.log(0.6 / 0.4)
    palms = decode(
        *outputs(
            (0, second, (4, 0), 40, np.full(14, 4.0)),
            (1, first, (0, 0), 40, np.zeros(14)),
            (1151, 1.0, (0, 0), 40, np.zeros(14)),
        )
    )
    assert [round(palm.score, 2) for palm in palms] == [0.9, 0.73]
    assert palms[0].box_px[0] == pytest.approx(4 - 0.5 - 20 + 4 * 0.6 / 1.5)
    assert palms[0].keypoints_px[:, 0] == pytest.approx(3.5 + 4 * 0.6 / 1.5)
    assert palms[1].box_px[:2] == pytest.approx([187.5 - 20] * 2)


def test_a_box_without_area_is_no_endless_loop():
    assert len(decode(*outputs((0, 1.0, 0, 0, np.zeros(14)), (1, 1.0, 0, 0, np.zeros(14))))) == 2


def test_nothing_found():
    assert decode(*outputs()) == []


def test_overlaps():
    box = np.array([0.0, 0, 10, 10])
    others = np.array([[0.0, 0, 10, 10], [5, 5, 10, 10], [20, 0, 5, 5], [2, 2, 5, 4]])
    assert overlaps(box, others) == pytest.approx([1, 25 / 175, 0, 0.2])
    assert overlaps(np.zeros(4), np.zeros((1, 4))).tolist() == [0]
