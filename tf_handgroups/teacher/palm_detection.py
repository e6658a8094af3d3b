"""What the teacher's palm detector says, in boxes: anchors, decoding, suppression.

The detector is a single-shot detector on a 192x192 picture. Its facts are those of
MediaPipe's published graph `palm_detection_cpu.pbtxt` (Apache-2.0): anchors of one
fixed size on grids of stride 8, 16, 16 and 16 with two anchors a place and layer, 18
numbers for each (centre, size, seven keypoints), overlapping detections averaged.
"""

import dataclasses
import functools

import numpy as np

SIZE_PX = 192
STRIDES = (8, 16, 16, 16)
ANCHORS_A_PLACE = 2
NUM_ANCHORS = 2016
NUM_KEYPOINTS = 7
MIN_SCORE = 0.5
MIN_OVERLAP = 0.3

# The canonical joints that the keypoints stand for.
KEYPOINT_JOINTS = (0, 5, 9, 13, 17, 1, 2)
WRIST, MIDDLE_MCP = 0, 2


@dataclasses.dataclass(frozen=True, eq=False)
class Palm:
    """A palm in the detector's picture.

    Args:
        score: Confidence in [0, 1].
        box_px: `(4,)` `x, y, width, height` in pixels of the 192x192 picture.
        keypoints_px: `(7, 2)`, the joints `KEYPOINT_JOINTS`; integers are pixel centres.
    """

    score: float
    box_px: np.ndarray
    keypoints_px: np.ndarray


@functools.cache
def anchors() -> np.ndarray:
    """Returns the `(2016, 2)` centres of the anchors over the side of the picture.

    Example:

    >>> anchors().shape, (anchors()[0] * 192).tolist(), (anchors()[-1] * 192).tolist()
    ((2016, 2), [4.0, 4.0], [184.0, 184.0])
    """
    centres = []
    for stride in sorted(set(STRIDES)):
        places = (np.arange(SIZE_PX // stride) + 0.5) * stride / SIZE_PX
        grid = np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)
        # Layers of the same stride share their places.
        centres.append(np.repeat(grid, ANCHORS_A_PLACE * STRIDES.count(stride), axis=0))
    return np.concatenate(centres)


def decode(boxes: np.ndarray, logits: np.ndarray, min_score: float = MIN_SCORE) -> list[Palm]:
    """Turns the detector's two outputs into palms, the most confident first.

    Args:
        boxes: `(2016, 18)`: centre x, y, width, height and seven keypoints x, y in pixels;
            centre and keypoints relative to the anchor.
        logits: `(2016,)`.
        min_score: Least confidence.

    Returns:
        Palms of which no two overlap much.

    Example:

    >>> boxes, logits = np.zeros((2016, 18)), np.full(2016, -9.0)
    >>> boxes[:2, 2:4], logits[:2] = 40, (2, 1)
    >>> [(round(palm.score, 2), palm.box_px.tolist()) for palm in decode(boxes, logits)]
    [(0.88, [-16.5, -16.5, 40.0, 40.0])]
    """
    scores = 1 / (1 + np.exp(-np.clip(np.asarray(logits, np.float64), -100, 100)))
    kept = np.flatnonzero(scores >= min_score)
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    scores = scores[kept]
    raw = np.asarray(boxes, np.float64)[kept]
    # The detector counts from the picture's corner, we from the centre of its first pixel.
    places = anchors()[kept] * SIZE_PX - 0.5
    points = raw[:, 4:].reshape(-1, NUM_KEYPOINTS, 2) + places[:, None]
    sizes = raw[:, 2:4]
    corners = np.concatenate([raw[:, :2] + places - sizes / 2, sizes], axis=-1)
    return _averaged(scores, corners, points)


def _averaged(scores: np.ndarray, boxes: np.ndarray, points: np.ndarray) -> list[Palm]:
    """Each best box averaged with all that overlap it, weighted by their scores."""
    palms = []
    left = np.arange(len(scores))
    while left.size:
        same = overlaps(boxes[left[0]], boxes[left]) > MIN_OVERLAP
        # Never without the box itself, which may have no area.
        same[0] = True
        group = left[same]
        share = scores[group] / scores[group].sum()
        box, keypoints = np.tensordot(share, boxes[group], 1), np.tensordot(share, points[group], 1)
        palms.append(Palm(float(scores[left[0]]), box, keypoints))
        left = left[~same]
    return palms


def overlaps(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Returns intersection over union of a box with each of `(n, 4)` boxes.

    Args:
        box: `(4,)` `x, y, width, height`.
        boxes: `(n, 4)`.

    Returns:
        `(n,)`; zero where both boxes are empty.

    Example:

    >>> overlaps(np.array([0, 0, 2, 2]), np.array([[0, 0, 2, 2], [1, 0, 2, 2]])).round(2).tolist()
    [1.0, 0.33]
    """
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    union = np.prod(box[2:]) + np.prod(boxes[:, 2:], axis=-1) - shared
    return shared / np.where(union > 0, union, 1)
