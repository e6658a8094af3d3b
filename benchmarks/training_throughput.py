"""Times training steps of our networks against the same networks in PyTorch, on the CPU.

    python -m benchmarks.training_throughput --out training_throughput.md

Needs `pip install torch`; takes about ten minutes on two cores, which nothing else should
use meanwhile: what other programs took is printed too. One process per network and number
of threads, in which all forms take their steps in turn on the same batch in memory; each
round starts with another form. Before the clock starts, both sides must give the same loss
from the same weights (exit code 3 if they do not); tests/test_torch_training.py holds the
steps themselves against each other.

The process may use as many cores as threads. Both of TensorFlow's thread pools have that
many, which is its default there: `fit` runs so.

A step is forward, losses, backward, clipping by the global norm, AdamW with its schedule,
and reading the loss. Batch norms use the statistics of the batch, the selector draws a
sample. Keras runs the function that `fit` runs, with all metrics of training; PyTorch
computes no metrics. Images are noise: no step depends on what they show.

PyTorch runs eagerly, in its default layout and with channels last, in float32 and with
bfloat16 autocast, which is compared with our `mixed_bfloat16`. `--compile` adds a row with
`torch.compile`, which needs a C++ compiler and minutes, `--xla` one with our `jit_compile`.

The C library is told to keep freed memory, because PyTorch otherwise fetches its large
buffers from the system again in every step (seen: a fifth of its time); TensorFlow has a
pool of its own.
"""

import argparse
import concurrent.futures
import dataclasses
import functools
import multiprocessing
import os
import pathlib
import platform
import sys
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
import torch

from benchmarks.machine import OtherPrograms, percentiles, timed, watch_other_programs
from benchmarks.torch_mobile_network import TorchMobileNetwork, load_keras_weights
from benchmarks.torch_training import TorchPaperNetwork, TorchTraining
from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.compiling import compile_model
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.recipes import get_recipe
from tf_handgroups.recipes.recipe import Recipe
from tf_handgroups.reference import load_reference_state

NETWORKS = ("mobile", "paper")
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
TOLERANCE = 1e-3
# Of glibc, read when a process starts.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "16000000000"}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What one process times.

    Args:
        network: One of `NETWORKS`.
        threads: Of either side.
        batch: Images of a step.
        steps: Steps that a form takes in its turn.
        rounds: Turns of every form.
        compiled: Whether `torch.compile` gets a row.
        xla: Whether our `jit_compile` gets a row.
    """

    network: str
    threads: int
    batch: int
    steps: int
    rounds: int
    compiled: bool = False
    xla: bool = False


@dataclasses.dataclass(frozen=True)
class Result:
    """What a process found.

    Args:
        problem: Why nothing was timed, or an empty text.
        seconds: Seconds of each turn by form, `(rounds,)`.
        cores: Average number of cores that other programs kept busy.
    """

    problem: str
    seconds: dict[str, np.ndarray]
    cores: float


def make_batch(recipe: Recipe, seed: int = 0) -> tuple[np.ndarray, dict, dict]:
    """Returns `(images, targets, weights)` as `pipeline.build_pipeline` does, all random."""
    random = np.random.default_rng(seed)
    count, size = recipe.batch_size, recipe.input_size
    images = random.random((count, size, size, 3), dtype=np.float32)
    joints = (random.random((count, 21)) < 0.9).astype(np.float32)
    uv_px = random.uniform(0, size, (count, 21, 2)).astype(np.float32)
    xyz_mm = random.normal((0, 0, 500), 40, (count, 21, 3)).astype(np.float32)
    targets = {name: uv_px for name in ("uv_px", "backbone_maps", "group_maps")}
    targets["z_rel"] = random.normal(size=(count, 21)).astype(np.float32)
    weights = dict.fromkeys(targets, joints)
    for name in ("presence", "handedness"):
        targets[name] = (random.random((count, 1)) < 0.8).astype(np.float32)
        weights[name] = np.ones(count, np.float32)
    targets["xyz_camera_mm"], weights["xyz_camera_mm"] = xyz_mm, joints
    targets["pixel_rays"] = np.tile(np.eye(3, dtype=np.float32), (count, 1, 1))
    return images, targets, weights


def torch_network(recipe: Recipe, **kwargs) -> TorchMobileNetwork | TorchPaperNetwork:
    """Returns the network of a recipe in PyTorch."""
    if recipe.architecture == "mobile":
        return TorchMobileNetwork(
            recipe.num_groups,
            recipe.group_channels,
            recipe.input_size,
            recipe.decoder_channels,
            **kwargs,
        )
    return TorchPaperNetwork(recipe.num_groups, recipe.group_channels, recipe.input_size)


class KerasTraining:
    """Trains a recipe's network with the function that `fit` runs.

    Args:
        recipe: The recipe.
        batch: As of `make_batch`.
    """

    def __init__(self, recipe: Recipe, batch: tuple):
        keras.config.set_dtype_policy(recipe.precision)
        try:
            self.model = HandPoseModel(**recipe.model_arguments)
            compile_model(self.model, recipe)
        finally:
            keras.config.set_dtype_policy("float32")
        self.model.make_train_function()
        self._batches = iter(tf.data.Dataset.from_tensors(batch).repeat())

    def step(self) -> float:
        """Takes one training step; returns Keras' mean of the losses so far."""
        return float(self.model.train_function(self._batches)["loss"])


def same_start(ours: KerasTraining, recipe: Recipe) -> TorchTraining:
    """Returns the other side with the weights of `ours`; both then use the hard grouping."""
    if recipe.architecture == "mobile":
        network = torch_network(recipe, keras_padding=True)
        load_keras_weights(network, ours.model)
    else:
        # The converter goes this way only; either side pads alike.
        network = torch_network(recipe)
        state = {name: values.numpy() for name, values in network.state_dict().items()}
        load_reference_state(ours.model, state)
    ours.model.selector.committed.assign(1.0)
    return TorchTraining(network, recipe, hard=True)


def disagreement(ours: KerasTraining, recipe: Recipe, batch: tuple) -> str:
    """Compares the first loss of both sides; returns what is wrong, or an empty text.

    The first step's learning rate is 0, so `ours` can go on from its weights.
    """
    theirs = same_start(ours, recipe)
    own, other = ours.step(), theirs.step(*theirs.batch(*batch))
    ours.model.selector.committed.assign(0.0)
    # Written so that NaN fails.
    if not abs(own - other) <= TOLERANCE * abs(other):
        return f"{recipe.name}: the loss is {own:.6g}, in PyTorch {other:.6g}"
    return ""


def make_runs(plan: Plan) -> tuple[dict[str, Callable[[], float]], str]:
    """Prepares every form; returns its step by name, and what is wrong with the first."""
    recipe = dataclasses.replace(get_recipe(plan.network), batch_size=plan.batch)
    batch = make_batch(recipe)
    runs: dict[str, Callable[[], float]] = {}
    for short, policy in PRECISIONS.items():
        own = dataclasses.replace(recipe, precision=policy)
        ours = KerasTraining(own, batch)
        if not runs and (problem := disagreement(ours, own, batch)):
            return {}, problem
        runs[_form("Keras", short)] = ours.step
        if plan.xla:
            jit = KerasTraining(dataclasses.replace(own, jit_compile=True), batch)
            runs[_form("Keras", short, "XLA")] = jit.step
        variants = [{}, {"channels_last": True}]
        if plan.compiled:
            variants.append({"channels_last": True, "compiled": True})
        for variant in variants:
            theirs = TorchTraining(
                torch_network(recipe), recipe, bfloat16=short == "bfloat16", **variant
            )
            step = functools.partial(theirs.step, *theirs.batch(*batch))
            runs[_form("PyTorch", short, *variant)] = step
    return runs, ""


def _form(*parts: str) -> str:
    return ", ".join(part.replace("_", " ") for part in parts)


def measure(plan: Plan) -> Result:
    """Times all forms; to be called in a process of its own, which it ties to its cores."""
    cores = sorted(os.sched_getaffinity(0))[: plan.threads]
    os.sched_setaffinity(0, cores)
    torch.set_num_threads(plan.threads)
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(plan.threads)
    tf.config.threading.set_inter_op_parallelism_threads(plan.threads)
    keras.utils.set_random_seed(0)
    torch.manual_seed(0)
    steps, problem = make_runs(plan)
    if problem:
        return Result(problem, {}, 0.0)
    turns = {name: functools.partial(_repeat, step, plan.steps) for name, step in steps.items()}
    timed(turns, rounds=1, warm_up=1)  # The second step still makes kernels and buffers.
    with watch_other_programs() as others:
        seconds = timed(turns, plan.rounds, warm_up=0)
    return Result("", seconds, others.cores)


def _repeat(step: Callable[[], float], times: int) -> None:
    for _ in range(times):
        step()


def table(plan: Plan, result: Result) -> str:
    """Lays out images per second, and how many times as fast ours is, in markdown."""
    threads = f"{plan.threads} thread{'s' if plan.threads > 1 else ''}"
    lines = [
        f"### `{plan.network}`, batch {plan.batch}, {threads}",
        "",
        f"{plan.rounds} rounds of {plan.steps} steps. "
        + OtherPrograms(result.cores).verdict().replace("\n", " "),
        "",
        "| median (10-90 percentile) | img/s | Keras is x as fast |",
        "|---|---|---|",
    ]
    for name, seconds in result.seconds.items():
        precision = name.split(", ")[1]
        ratio = "" if name == _form("Keras", precision) else _ratio(result, name, precision)
        rate = plan.batch * plan.steps / seconds
        lines.append(f"| {name} | {percentiles(rate, 1)} | {ratio} |")
    return "\n".join(lines)


def _ratio(result: Result, name: str, precision: str) -> str:
    return percentiles(result.seconds[name] / result.seconds[_form("Keras", precision)], 2)


def report(found: list[tuple[Plan, Result]]) -> str:
    """Returns the whole report in markdown."""
    head = (
        "# Training throughput\n\nWhole training steps on the CPU, Keras with metrics against "
        f"PyTorch without; benchmarks/training_throughput.py says how. {platform.machine()}, "
        f"{multiprocessing.cpu_count()} cores; TensorFlow {tf.__version__}, Keras "
        f"{keras.__version__}, PyTorch {torch.__version__}."
    )
    return "\n\n".join([head, *(table(*one) for one in found)]) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Prints the report and writes it to a file."""
    parser = argparse.ArgumentParser(description="Training steps, ours against PyTorch, on the CPU")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="a .md file")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, help="at least 3; default: mobile 12, paper 5")
    parser.add_argument("--compile", action="store_true", help="also with torch.compile")
    parser.add_argument("--xla", action="store_true", help="also with XLA on our side")
    options = parser.parse_args(argv)
    cores = len(os.sched_getaffinity(0))
    if not 1 <= min(options.threads) <= max(options.threads) <= cores or (
        options.rounds is not None and options.rounds < 3
    ):
        parser.error(f"expected --threads from 1 to {cores} and --rounds >= 3")
    os.environ.update(KEEP_MEMORY)
    found = []
    for network in options.networks:
        batch, steps, rounds = (32, 1, 12) if network == "mobile" else (8, 1, 5)
        for threads in options.threads:
            rounds = options.rounds or rounds
            plan = Plan(network, threads, batch, steps, rounds, options.compile, options.xla)
            # TensorFlow cannot change its threads later.
            with concurrent.futures.ProcessPoolExecutor(
                1, multiprocessing.get_context("spawn")
            ) as process:
                result = process.submit(measure, plan).result()
            if result.problem:
                print(result.problem, file=sys.stderr)
                return 3
            found.append((plan, result))
            print(table(plan, result), end="\n\n", flush=True)
    with replacing_file(options.out, overwrite=True) as path:
        path.write_text(report(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
