"""Times our training pipeline against Python code per sample in a PyTorch DataLoader.

    python -m benchmarks.pipeline_throughput --size 256

Needs `pip install torch`, and `pip install scikit-image` for its row. Renders its own
224x224 JPEGs. Both sides read the same files, decode, crop and augment them to float32
batches of 32 with the same labels, on all cores, in one process in turn. Before the clock
starts, the pixels of every row must lie where its joints say (exit code 3 if they do not).

`torch_pipeline` says what the rows do. What differs from ours: the draws of the random
numbers; PIL resamples twice (rotation, then crop and resize), ours once, averaging first
where it shrinks; PIL cuts at whole pixels and loses what rotates out of the picture; PIL
blurs before the colours, ours after them.

A round drains what was prepared ahead, then times some batches; between rounds everything
comes to rest. Two figures: images per second of wall-clock time, divided by the number of
cores, which counts on a quiet machine only, and images per CPU second, which hardly
depends on other programs. Takes about four minutes.
"""

import argparse
import importlib.util
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf
import torch

from benchmarks.machine import own_seconds, percentiles, watch_other_programs
from benchmarks.torch_pipeline import STYLES, Ranges, TorchHands, loader
from tf_handgroups.augment import Augmentation
from tf_handgroups.crop import crop_image
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.image_file import read_image
from tf_handgroups.pipeline import PipelineOptions, build_pipeline
from tf_handgroups.synth.render import render_sample

IMAGE_SIZE, BATCH = 224, 32
OURS = "tf.data, ours"
TOLERANCE_PX, TOLERANCE_PIXELS = 0.01, 0.01
COLOURS = ("brightness", "contrast", "saturation", "channel_gain", "grey", "noise", "blur", "erase")
# Batches prepared ahead by either side, at most.
_AHEAD = 12


def render_files(folder: pathlib.Path, count: int) -> list[HandSample]:
    """Renders hands with all joints visible; their JPEGs lie in the folder."""
    samples = []
    seed = 0
    while len(samples) < count:
        sample = render_sample(seed, IMAGE_SIZE)
        seed += 1
        if sample.presence and sample.visible.all():
            file = folder / f"{seed:05d}.jpg"
            file.write_bytes(sample.image)
            object.__setattr__(sample, "image", file)
            samples.append(sample)
    return samples


def our_batches(
    samples: list[HandSample], size: int, augmentation: Augmentation | None = None
) -> tf.data.Dataset:
    """Our training pipeline."""
    augmentation = Augmentation() if augmentation is None else augmentation
    options = PipelineOptions(size, BATCH, training=True, augmentation=augmentation)
    return build_pipeline([samples], options)


def disagreements(samples: list[HandSample], size: int, styles: list[str]) -> list[str]:
    """Holds crops of every row against the exact ones; one line for each that differs.

    Rotated, scaled, shifted and mirrored, but with the colours as they are: where the
    joints went tells where every pixel has to be.
    """
    still = {name: 0.0 for name in COLOURS}
    batches = [our_batches([sample], size, Augmentation(**still)) for sample in samples]
    crops = {OURS: []}
    for sample, batch in zip(samples, batches, strict=True):
        images, targets, _ = next(iter(batch.as_numpy_iterator()))
        crops[OURS] += [
            (sample, image, uv) for image, uv in zip(images, targets["uv_px"], strict=True)
        ]
    for style in styles:
        hands = TorchHands(samples, size, style, Ranges(**still, hue=0.0))
        items = [(sample, hands[i]) for i, sample in enumerate(samples) for _ in range(BATCH)]
        crops[style] = [(sample, item[0].numpy(), item[1].numpy()) for sample, item in items]
    lines = []
    for name, entries in crops.items():
        errors = np.array([_error(*entry) for entry in entries])
        # Written so that NaN fails.
        if not (errors <= [TOLERANCE_PX, TOLERANCE_PIXELS]).all():
            joints, pixels = errors.max(axis=0)
            lines.append(f"{name}: joints differ by {joints:.2g} px, pixels by {pixels:.2g}")
    return lines


def _error(sample: HandSample, crop: np.ndarray, uv: np.ndarray) -> tuple[float, float]:
    """Distance of the joints from an affine image of the labels, and median error of pixels."""
    labels = np.concatenate([sample.uv_px, np.ones((21, 1))], axis=1)
    matrix = np.linalg.lstsq(labels, uv, rcond=None)[0].T
    joints = np.abs(labels @ matrix.T - uv).max()
    exact = crop_image(read_image(sample.image), matrix, len(crop))
    return float(joints), float(np.median(np.abs(exact - crop)))


def come_to_rest(seconds_of_work: Callable[[], float] = own_seconds, patience_s: float = 20.0):
    """Waits until nothing is prepared ahead any more."""
    end = time.perf_counter() + patience_s
    before = seconds_of_work()
    while time.perf_counter() < end:
        time.sleep(0.2)
        now = seconds_of_work()
        if now - before < 0.03:
            return
        before = now


def measure(
    sources: Mapping[str, Iterator], rounds: int, num_batches: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns images per wall-clock second and per CPU second, `{name: (rounds,)}`."""
    names = list(sources)
    wall = {name: np.zeros(rounds) for name in names}
    cpu = {name: np.zeros(rounds) for name in names}
    # The first round counts for nothing: tf.data is still choosing its threads.
    for index in range(-1, rounds):
        first = index % len(names)
        for name in names[first:] + names[:first]:
            come_to_rest()
            for _ in range(_AHEAD):
                next(sources[name])
            start, work = time.perf_counter(), own_seconds()
            for _ in range(num_batches):
                next(sources[name])
            if index >= 0:
                wall[name][index] = num_batches * BATCH / (time.perf_counter() - start)
                cpu[name][index] = num_batches * BATCH / (own_seconds() - work)
    return wall, cpu


def table(wall: dict[str, np.ndarray], cpu: dict[str, np.ndarray], cores: int) -> str:
    """Lays out rates, and how many times as fast ours is; 10-90 percentiles."""
    heads = ("img/s per core", "ours is x", "img per CPU s", "ours is x")
    lines = [f"{'median (10-90 percentile)':28}" + "".join(f"{head:>24}" for head in heads)]
    for name in wall:
        texts = (
            percentiles(wall[name] / cores, 0),
            percentiles(wall[OURS] / wall[name], 2),
            percentiles(cpu[name], 0),
            percentiles(cpu[OURS] / cpu[name], 2),
        )
        lines.append(f"{name:28}" + "".join(f"{text:>24}" for text in texts))
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Our training pipeline against a DataLoader")
    parser.add_argument("--size", type=int, default=256, help="side of the crops")
    parser.add_argument("--rounds", type=int, default=10, help="at least 3")
    parser.add_argument("--batches", type=int, default=20, help="timed batches of a round")
    parser.add_argument("--images", type=int, default=64, help="different images")
    options = parser.parse_args(argv)
    if options.size < 16 or options.rounds < 3 or options.batches < 1 or options.images < 1:
        parser.error("expected --size >= 16, --rounds >= 3, --batches >= 1 and --images >= 1")
    tf.config.set_visible_devices([], "GPU")
    cores = len(os.sched_getaffinity(0))
    styles = [
        style
        for style in STYLES
        if style != "scikit-image" or importlib.util.find_spec("skimage") is not None
    ]
    with tempfile.TemporaryDirectory() as folder:
        samples = render_files(pathlib.Path(folder), options.images)
        if problems := disagreements(samples[:3], options.size, styles):
            print("\n".join(problems), file=sys.stderr)
            return 3
        sources: dict[str, Iterator] = {OURS: iter(our_batches(samples, options.size))}
        for style in styles:
            hands = TorchHands(samples, options.size, style)
            sources[f"DataLoader, {style}"] = iter(loader(hands, BATCH, cores))
        print(
            f"Crops of {options.size} from {IMAGE_SIZE}x{IMAGE_SIZE} JPEGs, batches of {BATCH}, "
            f"{cores} cores, {options.rounds} rounds of {options.batches} batches; "
            f"PyTorch {torch.__version__}, TensorFlow {tf.__version__}."
        )
        with watch_other_programs() as others:
            wall, cpu = measure(sources, options.rounds, options.batches)
        print(table(wall, cpu, cores))
        print(others.verdict())
        # Ends the workers before their files go.
        sources.clear()
    return 0


if __name__ == "__main__":
    sys.exit(main())
