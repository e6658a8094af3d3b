"""Times our network of the paper against the same network in PyTorch, on the CPU.

    python -m benchmarks.paper_speed --threads 2

Needs `pip install torch`; takes about a minute on two cores, which nothing else should
use meanwhile: PyTorch's threads wait for each other busily, and a competing program slows
them far more than ours (seen: tenfold), which would flatter us. So what other programs took
is printed too. All forms get the same seeded weights and one 256x256 image, run in one process
in turn, and must agree before the clock starts (exit code 3 if they do not).

Rows: PyTorch as published (eager, its default layout) and as fast as PyTorch's own tools
make it (channels last, traced and frozen, so that batch norms are folded); Keras as
trained, with the hard grouping; hardened; hardened and converted to LiteRT float32.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
import torch

from benchmarks.machine import percentiles, timed, watch_other_programs
from benchmarks.torch_network import load_torch_network
from tests.reference_state import reference_input, reference_state
from tf_handgroups import harden
from tf_handgroups.convert.export import INPUT_NAME, export_float32
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.reference import build_reference_network, load_reference_state

PUBLISHED, TUNED = "PyTorch, as published", "PyTorch, channels last, frozen"
TOLERANCE_PX, TOLERANCE_DEPTH = 2e-3, 1e-4

# Runs the network once on the one image; uv (1, 21, 2) in pixels and depth (1, 21).
Run = Callable[[], tuple[np.ndarray, np.ndarray]]


def torch_runs(state: dict[str, np.ndarray], images: np.ndarray) -> dict[str, Run]:
    """Prepares PyTorch's forms for images `(1, 3, 256, 256)`."""
    logits = torch.from_numpy(state["meta_S.weight"])
    weights = torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).float()
    published = load_torch_network(state)
    # PyTorch documents this argument but declares no such overload.
    tuned = load_torch_network(state).to(
        memory_format=torch.channels_last  # pyright: ignore[reportCallIssue]
    )
    inputs = torch.from_numpy(images)
    last = inputs.contiguous(memory_format=torch.channels_last)
    with warnings.catch_warnings(), torch.inference_mode():
        # Tracing is out of favour, but what replaces it needs a C++ compiler.
        warnings.simplefilter("ignore")
        traced = torch.jit.freeze(torch.jit.trace(tuned, (last, weights)))
        traced = torch.jit.optimize_for_inference(traced)

    def prepared(network, batch) -> Run:
        @torch.inference_mode()
        def run():
            uv, depth = network(batch, weights)
            return uv.numpy(), depth.numpy()

        return run

    return {PUBLISHED: prepared(published, inputs), TUNED: prepared(traced, last)}


def keras_runs(
    state: dict[str, np.ndarray], images: np.ndarray, num_threads: int
) -> dict[str, Run]:
    """Prepares our forms for the same images, `(1, 3, 256, 256)`."""
    model = build_reference_network()
    load_reference_state(model, state)
    hardened = harden(model)
    last = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    infer = open_signature(export_float32(hardened), num_threads=num_threads)

    def prepared(network) -> Run:
        inputs = tf.constant(last)

        @tf.function(autograph=False)
        def forward(image):
            outputs = network(image, training=False)
            return outputs["uv_px"], outputs["z_rel"]

        def run():
            uv, depth = forward(inputs)
            return uv.numpy(), depth.numpy()

        return run

    def litert():
        outputs = infer(**{INPUT_NAME: last})
        return outputs["uv_px"], outputs["z_rel"]

    return {
        "Keras, as trained": prepared(model),
        "Keras, hardened": prepared(hardened),
        "LiteRT float32": litert,
    }


def disagreements(runs: Mapping[str, Run]) -> list[str]:
    """Compares every form with PyTorch as published; one line for each that differs."""
    uv, depth = runs[PUBLISHED]()
    lines = []
    for name, run in runs.items():
        other_uv, other_depth = run()
        uv_error = float(np.abs(other_uv - uv).max())
        depth_error = float(np.abs(other_depth - depth).max())
        # Written so that NaN fails.
        if not (uv_error <= TOLERANCE_PX and depth_error <= TOLERANCE_DEPTH):
            lines.append(f"{name}: differs by {uv_error:.2g} px and {depth_error:.2g} in depth")
    return lines


def table(seconds: dict[str, np.ndarray]) -> str:
    """Lays out milliseconds, and how many times as fast as PyTorch; 10-90 percentiles."""
    lines = [f"{'median (10-90 percentile)':32}{'ms':>22}{'x as published':>22}{'x frozen':>22}"]
    for name, own in seconds.items():
        cells = (own * 1e3, seconds[PUBLISHED] / own, seconds[TUNED] / own)
        texts = [percentiles(*cell) for cell in zip(cells, (0, 2, 2), strict=True)]
        lines.append(f"{name:32}" + "".join(f"{text:>22}" for text in texts))
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Our network against PyTorch, on the CPU")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=30, help="at least 20")
    parser.add_argument("--warm-up", type=int, default=5)
    parser.add_argument("--salt", default="thumb:", help="seed of weights and image")
    options = parser.parse_args(argv)
    if options.threads < 1 or options.rounds < 20 or options.warm_up < 0:
        parser.error("expected --threads >= 1, --rounds >= 20 and --warm-up >= 0")
    torch.set_num_threads(options.threads)
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    state, images = reference_state(options.salt), reference_input(options.salt)[:1]
    runs = torch_runs(state, images) | keras_runs(state, images, options.threads)
    if problems := disagreements(runs):
        print("\n".join(problems), file=sys.stderr)
        return 3
    print(
        f"All agree to {TOLERANCE_PX} px and {TOLERANCE_DEPTH} in depth. Threads: "
        f"{options.threads}; rounds: {options.rounds}; PyTorch {torch.__version__}, "
        f"TensorFlow {tf.__version__}."
    )
    with watch_other_programs() as others:
        seconds = timed(runs, options.rounds, options.warm_up)
    print(table(seconds))
    print(others.verdict())
    return 0


if __name__ == "__main__":
    sys.exit(main())
