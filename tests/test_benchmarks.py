"""The paper's network in PyTorch against what the authors' own returned."""

import pathlib

import numpy as np
import pytest

from tests.reference_state import reference_shapes, reference_state

FIGURES = pathlib.Path(__file__).with_name("reference_figures.npz")
# Far above what another CPU's rounding makes, far below what a wrong layer makes.
TOLERANCES = {"uv": 2e-3, "depth": 1e-4, "heatmap": 1e-4, "feature": 1e-4}


def figures_of(name: str) -> dict[str, np.ndarray]:
    with np.load(FIGURES) as file:
        found = {key.removeprefix(f"{name}_"): file[key] for key in file if key.startswith(name)}
    assert len(found) == 7
    return found


@pytest.fixture(scope="module")
def torch_network():
    pytest.importorskip("torch", reason="PyTorch is not installed; only the comparison needs it")
    from benchmarks import torch_network

    return torch_network


def test_state_has_the_size_of_the_published_network():
    state = reference_state("handgroups:")
    assert len(state) == 1104
    counters = [a for name, a in state.items() if name.endswith("num_batches_tracked")]
    statistics = [a for name, a in state.items() if ".running_" in name]
    assert {array.dtype for array in counters} == {np.dtype("int64")}
    values = sum(array.size for array in state.values())
    assert values - len(counters) - sum(array.size for array in statistics) == 7_502_833


def test_state_depends_on_the_salt_alone():
    first, again, other = (reference_state(salt) for salt in ("a:", "a:", "b:"))
    kernel = "backbone.conv1_.weight"
    np.testing.assert_array_equal(first[kernel], again[kernel])
    assert not np.allclose(first[kernel], other[kernel])
    np.testing.assert_array_equal(first["b_get_uv.2.wx"][5], np.arange(64))
    np.testing.assert_array_equal(first["b_get_uv.2.wy"][:, 5], np.arange(64))


@pytest.mark.parametrize("num_groups", [1, 3, 5])
def test_torch_network_has_the_published_names(torch_network, num_groups):
    network = torch_network.TorchNetwork(num_groups)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes == reference_shapes(num_groups)


@pytest.mark.parametrize("name", ["handgroups", "salt-2", "thumb"])
def test_torch_network_returns_the_published_figures(torch_network, name):
    from benchmarks.reference_figures import figures

    expected, found = figures_of(name), figures(f"{name}:")
    np.testing.assert_array_equal(found.pop("groups"), expected.pop("groups"))
    for key, array in expected.items():
        assert found[key].dtype == array.dtype == np.float32, key
        tolerance = TOLERANCES[key.split("_")[0]]
        np.testing.assert_allclose(found[key], array, rtol=0, atol=tolerance, err_msg=key)


def test_speed_is_not_compared_where_results_differ(torch_network):
    from benchmarks.paper_speed import PUBLISHED, disagreements

    uv, depth = np.ones((1, 21, 2)), np.ones((1, 21))
    runs = {
        PUBLISHED: lambda: (uv, depth),
        "close": lambda: (uv + 1e-3, depth + 5e-5),
        "far": lambda: (uv + 3e-3, depth),
        "deep": lambda: (uv, depth + 2e-4),
        "nan": lambda: (uv * np.nan, depth),
    }
    assert [line.split(":")[0] for line in disagreements(runs)] == ["far", "deep", "nan"]


def test_speed_of_every_form_is_timed_in_turn(torch_network):
    from benchmarks.machine import timed
    from benchmarks.paper_speed import PUBLISHED, TUNED, table

    calls = []
    runs = {name: lambda name=name: calls.append(name) for name in (PUBLISHED, TUNED, "ours")}
    seconds = timed(runs, rounds=2, warm_up=1)
    assert calls == ["ours", PUBLISHED, TUNED, PUBLISHED, TUNED, "ours", TUNED, "ours", PUBLISHED]
    assert all((values > 0).all() and len(values) == 2 for values in seconds.values())
    seconds = {PUBLISHED: np.full(4, 0.2), TUNED: np.full(4, 0.1), "ours": np.full(4, 0.05)}
    assert table(seconds).splitlines()[3].split("  ")[-1].strip() == "2.00 (2.00-2.00)"
    assert "4.00 (4.00-4.00)" in table(seconds) and "50 (50-50)" in table(seconds)
