"""The figure draws the numbers of the tables."""

import numpy as np
import pytest

from benchmarks import error_breakdown_figure as module
from benchmarks.error_breakdown_groups import FAMILY, VIEW, groups_of, row_of
from benchmarks.error_breakdown_tones import InTones
from tests.breakdown_case import made_up, some_scenes

ERRORS = np.array([[0.1, 0.2, 0.4], [0.2, 0.4, 0.5], [0.3, 0.3, 0.9]])
TONES = InTones((0.1, 0.5, 0.9), ERRORS, ERRORS)


@pytest.fixture(scope="module")
def looked():
    return made_up(some_scenes(40))


@pytest.fixture
def panels(looked, monkeypatch):
    drawn = []
    monkeypatch.setattr(module, "png", lambda figure: drawn.append(figure) or b"")
    module.breakdown_figure(looked, TONES, "a title")
    assert drawn[0].get_suptitle() == "a title"
    return drawn[0].axes


def bars(axes):
    """Points, and half lengths of the whiskers, of each `errorbar`."""
    found = []
    for container in axes.containers:
        points, _, (lines,) = container.lines
        segments = np.array(lines.get_segments(), float)
        found.append(
            (np.array(points.get_data(), float).T, np.ptp(segments, axis=1).max(axis=1) / 2)
        )
    return found


def test_is_a_picture(looked):
    assert module.breakdown_figure(looked, TONES, "")[1:4] == b"PNG"


def test_tones_and_their_differences(panels):
    (_, same) = bars(panels[0])
    np.testing.assert_allclose(same[0][:, 1], ERRORS.mean(axis=0))
    ((points, halves),) = bars(panels[1])
    np.testing.assert_allclose(points, [[0.5, 0.1], [0.9, 0.4]])
    # 4.3027 is the 97.5th percentile of Student's t with two degrees of freedom.
    differences = ERRORS[:, 1:] - ERRORS[:, :1]
    np.testing.assert_allclose(halves, 4.3027 * differences.std(axis=0, ddof=1) / 3**0.5, rtol=1e-4)


@pytest.mark.parametrize(("place", "part"), [(2, VIEW), (3, FAMILY)])
def test_kinds_are_drawn_with_their_numbers(panels, looked, place, part):
    axes = panels[place]
    ((points, halves),) = bars(axes)
    kinds = groups_of(looked)[part]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == len(points) == sum(kind.any() for kind in kinds.values())
    for label, (mean, row), half in zip(labels, points, halves, strict=True):
        name, count = label.rstrip(")").split(" (")
        truth = row_of(looked, kinds[name])
        assert int(count) == truth.count and mean == pytest.approx(truth.error_box.mean)
        assert half == pytest.approx(truth.error_box.half_width if truth.count > 4 else 0)
        assert row == labels.index(label)
    if part == FAMILY:
        assert (np.diff(points[:, 0]) <= 0).all()
