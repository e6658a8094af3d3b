import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tf_handgroups import plots
from tf_handgroups.errors import InputError


def pixels(png):
    return np.array(Image.open(io.BytesIO(png)).convert("RGB"))


def count(png, index):
    wanted = np.array([int(plots.COLOURS[index][i : i + 2], 16) for i in (1, 3, 5)])
    return (np.abs(pixels(png).astype(int) - wanted).max(axis=-1) < 6).sum()


def has_colour(png, index):
    return count(png, index) > 20


THRESHOLDS = np.linspace(0, 50, 51)
CURVES = {"model": (THRESHOLDS, THRESHOLDS / 50), "mean hand": (THRESHOLDS, THRESHOLDS / 100)}


def test_pck_plot_shows_all_curves():
    picture = plots.pck_plot(CURVES, title="real")
    assert has_colour(picture, 0) and has_colour(picture, 1) and not has_colour(picture, 2)


def test_pck_legend_has_the_areas():
    axes = Figure().subplots()
    plots.draw_pck(axes, CURVES, "error (mm)")
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["model: AUC 0.500", "mean hand: AUC 0.250"]


def test_pck_without_curves():
    assert pixels(plots.pck_plot({})).shape[2] == 3


def test_training_curves_pairs_validation_with_training():
    both = plots.training_curves({"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.5, 2.0]})
    assert has_colour(both, 0) and has_colour(both, 1)
    four = {name: [1.0, 2.0, 3.0] for name in ("loss", "val_loss", "a", "b", "c")}
    # Four quantities in rows of three make a second row.
    assert pixels(plots.training_curves(four)).shape[0] == 2 * pixels(both).shape[0]


def test_training_curves_of_one_epoch_are_visible():
    assert has_colour(plots.training_curves({"loss": [3.0]}), 0)


def test_training_curves_rejects_nothing():
    with pytest.raises(InputError, match="Received: history="):
        plots.training_curves({})


def test_joint_groups_shows_groups_in_use():
    rows = np.tile([0.7, 0.3, 0.0], (21, 1))
    picture = plots.joint_groups_plot(rows, title="learned groups")
    legend_only = count(picture, 2)
    assert 20 < legend_only < 1000
    # All joints are in the first group; the second has a share of every bar.
    assert count(picture, 0) > count(picture, 1) > 10 * legend_only


def test_joint_groups_scales_rows():
    rows = np.random.default_rng(0).random((21, 4)) + 0.1
    assert plots.joint_groups_plot(rows) == plots.joint_groups_plot(rows * 7)


def test_joint_groups_with_more_groups_than_colours():
    assert has_colour(plots.joint_groups_plot(np.eye(21)), 7)


@pytest.mark.parametrize("bad", [np.ones((20, 3)), np.ones(21), np.ones((21, 0))])
def test_joint_groups_rejects_shape(bad):
    with pytest.raises(InputError, match="Received: shape="):
        plots.joint_groups_plot(bad)


@pytest.mark.parametrize("bad", [np.nan, -1.0, np.inf])
def test_joint_groups_rejects_values(bad):
    rows = np.ones((21, 3))
    rows[4, 1] = bad
    with pytest.raises(InputError, match="Received: smallest="):
        plots.joint_groups_plot(rows)
    with pytest.raises(InputError, match="Received: smallest="):
        plots.joint_groups_plot(np.zeros((21, 3)))


def test_bar_comparison():
    values = {"float32": 1.0, "int8": 1.2}
    plain = plots.bar_comparison(values, "error (px)")
    assert has_colour(plain, 0)
    assert plots.bar_comparison(values, "error (px)", baseline=("float", 1.1)) != plain


@pytest.mark.parametrize("bad", [{}, {"a": np.nan}, {"a": 1.0, "b": np.inf}])
def test_bar_comparison_rejects(bad):
    with pytest.raises(InputError, match="Received: values="):
        plots.bar_comparison(bad, "mm")


def test_leaves_pyplot_alone():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plots.pck_plot(CURVES)
    plots.joint_groups_plot(np.ones((21, 2)))
    assert plt.get_fignums() == before


def test_selector_plot_has_a_panel_per_group_that_darkens():
    shares = np.full((2, 21, 3), 1 / 3)
    shares[1] = np.eye(3)[np.arange(21) % 3]
    picture = plots.selector_plot([10, 40], shares)
    # Full colours belong to decided joints only, and every group has some.
    assert all(has_colour(picture, group) for group in range(3)) and not has_colour(picture, 3)
    undecided = plots.selector_plot([10], shares[:1])
    assert not any(has_colour(undecided, group) for group in range(3))


@pytest.mark.parametrize("shape", [(0, 21, 3), (2, 20, 3), (1, 21, 3), (2, 21)])
def test_selector_plot_rejects(shape):
    with pytest.raises(InputError, match=r"Received: steps=\d, probabilities\.shape="):
        plots.selector_plot([10, 20][: 0 if shape[0] == 0 else 2], np.ones(shape))


def test_line_panels_are_side_by_side():
    line = np.arange(3), np.array([0.0, 2.0, 1.0])
    one, two = (plots.line_panels(dict.fromkeys(names, line), "step") for names in ("a", "ab"))
    assert has_colour(one, 0) and pixels(two).shape[1] == 2 * pixels(one).shape[1]
