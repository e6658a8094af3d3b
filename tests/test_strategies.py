"""Strategies by name, and what TF_CONFIG must be."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_handgroups.errors import InputError
from tf_handgroups.strategies import (
    any_process,
    check_tf_config,
    explaining_lost_workers,
    is_chief,
    is_multiworker,
    make_strategy,
    same_in_all_processes,
)

GOOD = {
    "cluster": {"worker": ["host0:12345", "host1:12345"]},
    "task": {"type": "worker", "index": 1},
}


def test_strategies():
    assert make_strategy("single").num_replicas_in_sync == 1
    assert make_strategy("auto").num_replicas_in_sync == 1
    mirrored = make_strategy("mirrored")
    assert isinstance(mirrored, tf.distribute.MirroredStrategy)
    assert mirrored.num_replicas_in_sync == len(tf.config.list_logical_devices("CPU")) == 2


def test_models_one_after_the_other():
    """TensorFlow keeps the shapes of reductions: two strategy objects would fail."""
    for units in (1, 3):
        with make_strategy("mirrored").scope():
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units)])
            model.compile("sgd", "mse")
        model.fit(np.ones((4, 2)), np.ones((4, units)), batch_size=4, verbose=0)


@pytest.mark.parametrize("flag", [True, False])
def test_one_process_agrees_with_itself(flag):
    for name in ("single", "mirrored"):
        strategy = make_strategy(name)
        assert any_process(strategy, flag) is flag
        assert is_chief(strategy) and not is_multiworker(strategy)


def test_one_process_has_no_other_to_lose():
    strategy = make_strategy("single")
    assert same_in_all_processes(strategy, 3)
    with pytest.raises(tf.errors.UnavailableError), explaining_lost_workers(strategy):
        raise tf.errors.UnavailableError(None, None, "a file server")


def test_rejects_unknown_strategy():
    known = "auto, single, mirrored, multiworker, tpu"
    with pytest.raises(InputError, match=rf"Received: 'horovod'\. Known: {known}\."):
        make_strategy("horovod")


def test_a_tpu_that_is_not_there(monkeypatch):
    monkeypatch.delenv("TPU_NAME", raising=False)
    with pytest.raises(InputError, match="--strategy tpu: expected a TPU"):
        make_strategy("tpu")


def test_accepts_tf_config():
    assert check_tf_config(json.dumps(GOOD)) == GOOD
    chief = {
        "cluster": {"chief": ["a:1"], "worker": ["b:1"]},
        "task": {"type": "chief", "index": 0},
    }
    assert check_tf_config(json.dumps(chief)) == chief
    as_text = GOOD | {"task": {"type": "worker", "index": "1"}}
    assert check_tf_config(json.dumps(as_text)) == as_text


def bad(**changes):
    return json.dumps(GOOD | changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "expected it to be set in every worker. Received: nothing"),
        ("", "expected it to be set in every worker. Received: nothing"),
        ("{", "expected JSON. Received: '{'"),
        ("[]", "expected `cluster` to list addresses"),
        (bad(cluster={}), "expected `cluster` to list addresses"),
        (bad(cluster={"worker": ["a:1"], "ps": ["b:1"]}), "expected `cluster` to list addresses"),
        (bad(cluster={"worker": []}), r"expected `cluster.worker` to be a list of HOST:PORT"),
        (bad(cluster={"worker": ["a"]}), r"expected `cluster.worker` to be a list of HOST:PORT"),
        (bad(cluster={"worker": "a:1"}), r"expected `cluster.worker` to be a list of HOST:PORT"),
        (bad(cluster={"worker": ["a:b"]}), r"expected `cluster.worker` to be a list of HOST:PORT"),
        (bad(cluster={"worker": [":1"]}), r"expected `cluster.worker` to be a list of HOST:PORT"),
        (bad(cluster={"worker": ["a:70000"]}), r"expected `cluster.worker` to be a list of HOST"),
        (bad(cluster={"worker": ["a:1", "a:1"]}), "expected every address once"),
        (bad(cluster={"chief": ["a:1", "b:1"], "worker": ["c:1"]}), "expected at most one chief"),
        (bad(task={"type": "ps", "index": 0}), "expected `task.type` to be one of worker"),
        (bad(task=None), "expected `task.type` to be one of worker"),
        (bad(task={"type": "worker"}), "expected `task.index` to be a number"),
        (bad(task={"type": "worker", "index": True}), "expected `task.index` to be a number"),
        (bad(task={"type": "worker", "index": 2}), "expected `task.index` from 0 to 1"),
        (bad(task={"type": "worker", "index": -1}), "expected `task.index` from 0 to 1"),
    ],
)
def test_rejects_tf_config(text, message, monkeypatch):
    with pytest.raises(InputError, match=message):
        check_tf_config(text)
    monkeypatch.setenv("TF_CONFIG", text or "")
    with pytest.raises(InputError, match=r"TF_CONFIG: .*Set it, for example TF_CONFIG="):
        make_strategy("multiworker")
