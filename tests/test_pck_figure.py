import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tf_handgroups.errors import InputError
from tf_handgroups.measured_curves import MeasuredCurve
from tf_handgroups.metrics.pck_auc import THRESHOLDS_0_50_MM, area_under_curve
from tf_handgroups.pck_figure import draw_panel, pck_figure
from tf_handgroups.published_curves import PUBLISHED, get_benchmark

PCK = np.linspace(0.0, 0.95, 20)


def measured(benchmark="rhd", is_benchmark_data=True, **changes):
    values = {
        "benchmark": benchmark,
        "label": "my model",
        "data": f"{benchmark}:folder",
        "is_benchmark_data": is_benchmark_data,
        "num_hands": 28,
        "protocol": "learnable-groups",
        "thresholds_mm": THRESHOLDS_0_50_MM,
        "pck": PCK,
    }
    return MeasuredCurve(**{**values, **changes})


def drawn(name, *curves):
    axes = Figure().subplots()
    draw_panel(axes, get_benchmark(name), curves)
    return axes


def size_of(picture):
    return Image.open(io.BytesIO(picture)).size


@pytest.mark.parametrize("name", PUBLISHED)
def test_panel_is_that_of_figure_3(name):
    benchmark = get_benchmark(name)
    axes = drawn(name)
    assert axes.get_xlim() == benchmark.range_mm and axes.get_ylim()[1] == 1.0
    assert axes.get_title() == benchmark.title and "mm" in axes.get_xlabel()
    for line, curve in zip(axes.get_lines(), benchmark.curves, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), curve.thresholds_mm)
        np.testing.assert_array_equal(line.get_ydata(), curve.pck)
        assert curve.pck.min() >= axes.get_ylim()[0]
        assert f"{curve.method}: AUC {curve.auc:.3f}" in line.get_label()


def test_only_the_area_of_another_run_is_marked():
    labels = [line.get_label() for name in PUBLISHED for line in drawn(name).get_lines()]
    marked = [label for label in labels if "printed" in label]
    assert marked == ["Li et al., AAAI 2021: AUC 0.958 (printed 0.960)"]


def test_a_method_has_one_colour():
    colours = {}
    for name, benchmark in PUBLISHED.items():
        for line, curve in zip(drawn(name).get_lines(), benchmark.curves, strict=True):
            colours.setdefault(curve.method, set()).add(line.get_color())
    assert all(len(found) == 1 for found in colours.values())
    own = [line.get_color() for line in drawn("rhd", measured(), measured()).get_lines()[:2]]
    assert len({*own, *set.union(*colours.values())}) == 4


def test_own_curve_says_where_it_comes_from():
    axes = drawn("rhd", measured(), measured(is_benchmark_data=False, data="synth:val"))
    real, other, published = axes.get_lines()[:3]
    auc = area_under_curve(PCK[8:], THRESHOLDS_0_50_MM[8:])
    assert real.get_label() == (
        f"my model: AUC {auc:.3f}\nrhd:folder\n28 hands, protocol learnable-groups"
    )
    assert "\nnot RHD but synth:val\n" in other.get_label()
    assert real.get_linestyle() == "-" and other.get_linestyle() == "--"
    assert real.get_linewidth() > 1.5 * published.get_linewidth()
    # What is drawn is what the area is of.
    np.testing.assert_allclose(real.get_xdata(), THRESHOLDS_0_50_MM[8:])
    np.testing.assert_allclose(real.get_ydata(), PCK[8:])
    assert axes.get_ylim()[0] == pytest.approx(0.4)


def test_finer_curves_are_compared_at_the_published_thresholds():
    fine = np.linspace(0.0, 50.0, 381)
    line = drawn("stb", measured("stb", thresholds_mm=fine, pck=(fine / 50) ** 2)).get_lines()[0]
    np.testing.assert_allclose(line.get_ydata(), (THRESHOLDS_0_50_MM[8:] / 50) ** 2, atol=1e-9)


def test_figure_grows_with_its_content():
    one, all_three = size_of(pck_figure(benchmarks=["rhd"])), size_of(pck_figure())
    assert all_three[0] == pytest.approx(3 * one[0], abs=3) and one[0] > 400
    more = size_of(pck_figure([measured(), measured(is_benchmark_data=False)]))
    assert more[0] == all_three[0] and more[1] > all_three[1]
    assert size_of(pck_figure(benchmarks=["rhd", "rhd"])) == one


def test_legend_shows_any_label():
    """Neither a dollar sign nor a hash changes the picture into something else."""
    assert pck_figure([measured(label="$5 model", data="handjson:$HOME/x_1")])[1:4] == b"PNG"


def test_figure_refuses():
    with pytest.raises(InputError, match=r"Received: name='ho3d'"):
        pck_figure(benchmarks=["ho3d"])
    with pytest.raises(InputError, match=r"Received: benchmarks=\[\]"):
        pck_figure(benchmarks=[])
    with pytest.raises(InputError, match=r"Received: benchmark='rhd' with stb"):
        pck_figure([measured()], ["stb"])
