"""The benchmark of training steps: what it times, in which order, and what it prints."""

import concurrent.futures
import dataclasses
import types
from typing import Any, ClassVar

import keras
import numpy as np
import pytest

from tf_handgroups.pipeline import PipelineOptions, build_pipeline
from tf_handgroups.recipes import get_recipe
from tf_handgroups.synth.render import render_sample

torch = pytest.importorskip("torch", reason="PyTorch is not installed; only a benchmark needs it")

from benchmarks import training_throughput  # noqa: E402
from benchmarks.training_throughput import Plan, Result, make_batch  # noqa: E402

PLAN = Plan("mobile", threads=1, batch=2, steps=2, rounds=3)


def test_batch_is_one_of_our_pipeline():
    recipe = dataclasses.replace(get_recipe("quicktest"), batch_size=2)
    options = PipelineOptions(recipe.input_size, 2, training=True)
    batches = build_pipeline([[render_sample(seed, 64) for seed in range(2)]], options)
    images, targets, weights = make_batch(recipe)
    assert batches.element_spec[0].shape == images.shape and images.dtype == np.float32
    for specs, arrays in zip(batches.element_spec[1:], (targets, weights), strict=True):
        found = {name: (array.shape, array.dtype.name) for name, array in arrays.items()}
        assert found == {n: (tuple(spec.shape), spec.dtype.name) for n, spec in specs.items()}
    np.testing.assert_array_equal(make_batch(recipe)[0], images)
    assert not np.array_equal(make_batch(recipe, seed=1)[0], images)


class Side:
    """Counts its steps."""

    calls: ClassVar[list] = []

    def __init__(self, *args, **kwargs):
        self.kind = (type(self).__name__, kwargs.get("bfloat16"), kwargs.get("channels_last"))

    def batch(self, *batch):
        return ()

    def step(self):
        self.calls.append(self.kind)
        return 1.0


class Ours(Side):
    def __init__(self, recipe, batch):
        self.kind = ("ours", recipe.precision)


@pytest.fixture
def sides(monkeypatch):
    monkeypatch.setattr(Side, "calls", [])
    monkeypatch.setattr(training_throughput, "TorchTraining", Side)
    monkeypatch.setattr(training_throughput, "KerasTraining", Ours)
    monkeypatch.setattr(training_throughput, "torch_network", lambda recipe: None)
    monkeypatch.setattr(training_throughput, "disagreement", lambda *args: "")
    return Side.calls


FORMS = [
    "Keras, float32",
    "PyTorch, float32",
    "PyTorch, float32, channels last",
    "Keras, bfloat16",
    "PyTorch, bfloat16",
    "PyTorch, bfloat16, channels last",
]


def test_forms(sides):
    runs, problem = training_throughput.make_runs(PLAN)
    assert list(runs) == FORMS and not problem
    for step in runs.values():
        step()
    assert sides[0] == ("ours", "float32") and sides[3] == ("ours", "mixed_bfloat16")
    assert sides[1:3] == [("Side", False, None), ("Side", False, True)]
    assert sides[4:] == [("Side", True, None), ("Side", True, True)]
    compiled, _ = training_throughput.make_runs(dataclasses.replace(PLAN, compiled=True))
    assert "PyTorch, float32, channels last, compiled" in compiled and len(compiled) == 8
    compiled, _ = training_throughput.make_runs(dataclasses.replace(PLAN, xla=True))
    assert [name for name in compiled if name not in FORMS] == [
        "Keras, float32, XLA",
        "Keras, bfloat16, XLA",
    ]


def test_turns_are_interleaved(sides, monkeypatch):
    for name in ("set_visible_devices", "threading.set_intra_op_parallelism_threads"):
        monkeypatch.setattr(f"tensorflow.config.{name}", lambda *args: None)
    monkeypatch.setattr("tensorflow.config.threading.set_inter_op_parallelism_threads", lambda n: 0)
    tied = []
    monkeypatch.setattr(training_throughput.os, "sched_setaffinity", lambda *a: tied.append(a))
    before = torch.get_num_threads()
    try:
        result = training_throughput.measure(PLAN)
        assert [(pid, len(cores)) for pid, cores in tied] == [(0, 1)]
        assert torch.get_num_threads() == PLAN.threads
    finally:
        torch.set_num_threads(before)
    assert list(result.seconds) == FORMS and result.problem == ""
    assert all(len(seconds) == PLAN.rounds for seconds in result.seconds.values())
    # Two rounds before, each form two steps in a row.
    assert len(sides) == (PLAN.rounds + 2) * len(FORMS) * PLAN.steps
    assert sides[::2] == sides[1::2] and len(set(sides[-12::2])) == len(FORMS)


class Fixed:
    """A model whose loss is given."""

    def __init__(self, loss):
        self.loss = loss
        self.selector = types.SimpleNamespace(committed=keras.Variable(1.0))
        self.model = self

    def step(self):
        return self.loss


@pytest.mark.parametrize(("loss", "fits"), [(1.0005, True), (1.01, False), (np.nan, False)])
def test_nothing_is_timed_that_computes_something_else(monkeypatch, loss, fits):
    monkeypatch.setattr(training_throughput, "same_start", lambda ours, recipe: Side())
    ours: Any = Fixed(loss)
    problem = training_throughput.disagreement(ours, get_recipe("paper"), ())
    assert (problem == "") == fits and (fits or "paper: the loss is" in problem)
    assert float(ours.selector.committed) == 0.0


def test_table_has_rates_and_ratios_of_one_precision():
    times = dict(zip(FORMS, (1.0, 3.0, 2.0, 0.5, 0.8, 0.6), strict=True))
    result = Result("", {name: np.full(3, s) for name, s in times.items()}, cores=0.0)
    lines = training_throughput.table(PLAN, result).splitlines()
    assert lines[0] == "### `mobile`, batch 2, 1 thread"
    assert lines[6] == "| Keras, float32 | 4.0 (4.0-4.0) |  |"
    assert lines[8].endswith("| 2.0 (2.0-2.0) | 2.00 (2.00-2.00) |")
    assert lines[11].endswith("| 1.20 (1.20-1.20) |")
    busy = training_throughput.table(PLAN, dataclasses.replace(result, cores=1.0))
    assert "do not count" in busy and "do not count" not in "\n".join(lines)


@pytest.fixture
def in_this_process(monkeypatch):
    class Executor(concurrent.futures.ThreadPoolExecutor):
        def __init__(self, workers, context):
            super().__init__(workers)

    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", Executor)
    for name in training_throughput.KEEP_MEMORY:
        monkeypatch.setenv(name, "")  # Gone after the test.


def test_report(in_this_process, monkeypatch, tmp_path, capsys):
    plans = []

    def measure(plan):
        plans.append(plan)
        return Result("", {name: np.full(plan.rounds, 1.0) for name in FORMS}, 0.0)

    monkeypatch.setattr(training_throughput, "measure", measure)
    out = tmp_path / "report.md"
    assert training_throughput.main(["--out", str(out)]) == 0
    assert [(plan.network, plan.threads, plan.batch) for plan in plans] == [
        ("mobile", 1, 32),
        ("mobile", 2, 32),
        ("paper", 1, 8),
        ("paper", 2, 8),
    ]
    text = out.read_text()
    assert text.startswith("# Training throughput") and text.count("###") == 4
    assert torch.__version__ in text and "### `paper`" in capsys.readouterr().out


def test_a_difference_ends_it(in_this_process, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(training_throughput, "measure", lambda plan: Result("paper: x", {}, 0.0))
    out = tmp_path / "report.md"
    assert training_throughput.main(["--out", str(out)]) == 3
    assert not out.exists() and capsys.readouterr().err == "paper: x\n"


@pytest.mark.parametrize(
    "bad", [["--rounds=2"], ["--threads", "0"], ["--threads", "9999"], ["--networks", "tiny"]]
)
def test_unusable_arguments(bad, capsys):
    with pytest.raises(SystemExit) as error:
        training_throughput.main(["--out", "x.md", *bad])
    assert error.value.code == 2 and "error:" in capsys.readouterr().err
