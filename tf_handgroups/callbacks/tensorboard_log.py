"""Writes what TensorBoard shows of a run: numbers, hands, and how joints are grouped."""

import pathlib
import time
from collections.abc import Callable, Mapping

import cv2
import keras
import numpy as np

from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.evaluation_report import WorstCase, cases_image
from tf_handgroups.event_log import EventLog
from tf_handgroups.hardening import grouping_of
from tf_handgroups.measured_logs import measured
from tf_handgroups.plots import selector_plot
from tf_handgroups.sample_prediction import SamplePrediction
from tf_handgroups.selector_history import read_selector, selector_scalars

EVERY_STEPS = 20
NUM_PICTURES = 6
# So many samples are looked at for each picture.
_TRIES = 16


class TensorBoardLog(keras.callbacks.Callback):
    """Writes events; in the first of several processes only.

    Training values of a step are Keras' means since the epoch began. Comes before
    `AveragedValidation`, so that the pictures are made with the weights that are
    validated, and after `SelectorLog`, whose rows it draws.

    Args:
        events: Takes the events.
        clock: Counts the steps.
        batch_size: Global batch size.
        schedules: Functions of the step by name, for example of the learning rate.
        samples: Hands to draw after every epoch; may be empty.
        selector_file: The file of `SelectorLog`.

    Example:

    >>> events = EventLog("tensorboard")
    >>> TensorBoardLog(events, StepClock(), 32, {}, [], pathlib.Path("selector.csv")).batch_size
    32
    """

    def __init__(
        self,
        events: EventLog,
        clock: StepClock,
        batch_size: int,
        schedules: Mapping[str, Callable[[int], float]],
        samples: list[HandSample],
        selector_file: pathlib.Path,
    ):
        super().__init__()
        self.events = events
        self.clock = clock
        self.batch_size = batch_size
        self.schedules = schedules
        self.samples = samples
        self.selector_file = selector_file
        self._predict: SamplePrediction | None = None
        self._since: tuple[int, float] | None = None

    def on_epoch_begin(self, epoch, logs=None):
        self._since = None

    def on_train_batch_end(self, batch, logs=None):
        step, now = self.clock.step, time.monotonic()
        if self._since is None:
            # The first step may build the graph; its time says nothing about the others.
            self._since = step, now
        elif step % EVERY_STEPS == 0:
            before, start = self._since
            values = {f"step/{name}": value for name, value in measured(logs).items()}
            for name, schedule in self.schedules.items():
                values[f"progress/{name}"] = float(schedule(step))
            speed = (step - before) * self.batch_size / (now - start)
            self.events.scalars("train", step, values | {"progress/images_per_second": speed})
            self._since = step, now

    def on_test_end(self, logs=None):
        if not self.samples:
            return
        if self._predict is None:
            self._predict = SamplePrediction(self.model)
        cases = drawn_cases(self.samples, self._predict)
        pixels = cv2.cvtColor(cases_image(cases), cv2.COLOR_RGB2BGR)
        png = cv2.imencode(".png", pixels)[1].tobytes()
        self.events.picture("validation", self.clock.step, "crops/truth_and_prediction", png)

    def on_epoch_end(self, epoch, logs=None):
        parts: dict[str, dict[str, float]] = {"train": {}, "validation": {}}
        for name, value in measured(logs).items():
            part = "validation" if name.startswith("val_") else "train"
            parts[part][f"epoch/{name.removeprefix('val_')}"] = value
        selector = self.model.selector
        membership, committed = map(
            keras.ops.convert_to_numpy, (selector.membership(), selector.committed)
        )
        now = selector_scalars(membership, grouping_of(self.model))
        now["committed"] = float(committed)
        parts["train"] |= {f"selector/{name}": value for name, value in now.items()}
        for part, values in parts.items():
            if values:
                self.events.scalars(part, self.clock.step, values)
        picture = selector_plot(*read_selector(self.selector_file))
        self.events.picture("train", self.clock.step, "selector/probabilities", picture)
        self.events.flush()


def choose_samples(datasets: list, count: int = NUM_PICTURES) -> list[HandSample]:
    """Chooses labelled hands at even steps through data sets, always the same ones.

    Args:
        datasets: Data sets as of `datasets.registry.open_dataset`.
        count: At most so many.

    Raises:
        InputError: If a sample cannot be read.

    Example:

    >>> from tf_handgroups.synth.render import render_sample
    >>> hands = [render_sample(number, 64) for number in range(4, 8)]
    >>> [sample.sample_id for sample in choose_samples([hands], 2)]
    ['synth/00000004', 'synth/00000006']
    """
    places = [(dataset, index) for dataset in datasets for index in range(len(dataset))]
    # A hand without labels, or no hand at all, gives its place to the next one.
    chosen: list[HandSample] = []
    for part in np.array_split(np.arange(len(places)), min(count, len(places)) or 1):
        for place in part[:_TRIES]:
            dataset, index = places[place]
            sample = dataset[index]
            if sample.presence and sample.visible.any():
                chosen.append(sample)
                break
    return chosen


def drawn_cases(samples: list[HandSample], predict: SamplePrediction) -> list[WorstCase]:
    """Predicts hands for `cases_image`, in the order given.

    Args:
        samples: Hands with visible joints.
        predict: Predicts them.
    """
    cases = []
    for sample, prediction in zip(samples, predict(samples), strict=True):
        distance_px = np.linalg.norm(prediction["uv_px"] - sample.uv_px, axis=-1)
        error_box = distance_px[sample.visible].mean() / max(sample.box_px[2:])
        cases.append(WorstCase(sample, prediction["uv_px"], float(error_box)))
    return cases
