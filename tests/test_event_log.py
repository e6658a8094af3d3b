import time

import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

from tf_handgroups.event_log import EventLog
from tf_handgroups.plots import line_panels


def read(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


def scalars(folder, tag):
    events = read(folder).Tensors(tag)
    return [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events]


def pictures(folder, tag):
    """Step, width, height and PNG bytes, as TensorBoard keeps them."""
    found = []
    for event in read(folder).Tensors(tag):
        width, height, png = tf.make_ndarray(event.tensor_proto)
        found.append((event.step, int(width), int(height), png))
    return found


def test_numbers_and_pictures_come_back(tmp_path):
    picture = line_panels({"a": (np.arange(2), np.arange(2))}, "step")
    with EventLog(tmp_path) as events:
        events.scalars("train", 20, {"step/loss": 2.5, "step/pck": 0.5})
        events.scalars("train", 40, {"step/loss": 1.5})
        events.picture("validation", 40, "crops", picture)
    assert scalars(tmp_path / "train", "step/loss") == [(20, 2.5), (40, 1.5)]
    assert scalars(tmp_path / "train", "step/pck") == [(20, 0.5)]
    height, width, _ = tf.io.decode_png(picture).shape
    assert pictures(tmp_path / "validation", "crops") == [(40, width, height, picture)]


def test_flushed_events_can_be_read_while_the_run_goes_on(tmp_path):
    with EventLog(tmp_path) as events:
        events.scalars("train", 20, {"loss": 2.5})
        events.flush()
        assert scalars(tmp_path / "train", "loss") == [(20, 2.5)]


def test_a_resumed_run_replaces_what_it_does_again(tmp_path):
    with EventLog(tmp_path) as events:
        for step in (20, 40, 60, 80):
            events.scalars("train", step, {"loss": 1.0})
    # Readers take the files in the order of their names, which begin with the second.
    time.sleep(1.1)
    with EventLog(tmp_path, first_step=40) as events:
        events.scalars("train", 60, {"loss": 2.0})
    assert scalars(tmp_path / "train", "loss") == [(20, 1.0), (40, 1.0), (60, 2.0)]


def test_nothing_is_made_without_an_event(tmp_path):
    with EventLog(tmp_path / "tensorboard") as events:
        events.flush()
    assert not (tmp_path / "tensorboard").exists()
