"""Distribution strategies by name, and what the processes of a run agree on."""

import functools
import json
import os

import numpy as np
import tensorflow as tf

from tf_handgroups.errors import InputError

STRATEGIES = ("auto", "single", "mirrored", "multiworker", "tpu")
_EXAMPLE = (
    """TF_CONFIG='{"cluster": {"worker": ["host0:12345", "host1:12345"]}, """
    """"task": {"type": "worker", "index": 0}}'"""
)


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Returns a distribution strategy by name.

    Args:
        name: `"single"`; `"mirrored"` over all visible GPUs (or logical CPUs); `"auto"`:
            mirrored if there are several GPUs; `"multiworker"`: over the processes that
            the environment variable `TF_CONFIG` lists (made before anything else is
            computed); `"tpu"`: the TPU of the environment variable `TPU_NAME`, or the
            local one.

    Raises:
        InputError: If the name is unknown, `TF_CONFIG` absent or malformed, or there is
            no TPU.

    Example:

    >>> make_strategy("single").num_replicas_in_sync
    1
    """
    if name not in STRATEGIES:
        raise InputError(
            f"--strategy: unknown strategy. Received: {name!r}. Known: {', '.join(STRATEGIES)}."
        )
    if name == "multiworker":
        return _multiworker()
    if name == "tpu":
        return _tpu()
    gpus = tf.config.list_logical_devices("GPU")
    if name == "single" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def is_multiworker(strategy: tf.distribute.Strategy) -> bool:
    """Whether a strategy spans several processes."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the run's files: the chief, or else worker 0.

    Example:

    >>> is_chief(make_strategy("single"))
    True
    """
    if not is_multiworker(strategy):
        return True
    resolver = strategy.cluster_resolver
    if resolver.task_type == "chief":
        return True
    with_chief = "chief" in resolver.cluster_spec().jobs
    return not with_chief and resolver.task_id in (0, None)


def any_process(strategy: tf.distribute.Strategy, flag: bool) -> bool:
    """Whether the flag is set in any process of a run; all have to call it together.

    Example:

    >>> any_process(make_strategy("single"), True)
    True
    """
    if not is_multiworker(strategy):
        return flag

    result = _total(strategy)(tf.constant(np.float32(flag)))
    return float(strategy.experimental_local_results(result)[0]) > 0


@functools.cache
def _total(strategy: tf.distribute.Strategy):
    """Returns the graph of a sum over all replicas; eagerly every call would build one."""

    def one(value):
        return tf.distribute.get_replica_context().all_reduce("SUM", value)

    return tf.function(lambda value: strategy.run(one, (value,)))


def check_tf_config(text: str | None) -> dict:
    """Reads the value of `TF_CONFIG`.

    Args:
        text: The value; `None` if the variable is not set.

    Returns:
        The parsed object.

    Raises:
        InputError: If it is absent or not what TensorFlow expects; the message names
            the part.

    Example:

    >>> check_tf_config('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}')
    {'cluster': {'worker': ['a:1']}, 'task': {'type': 'worker', 'index': 0}}
    """
    if not text:
        raise _bad_config("it to be set in every worker", "nothing")
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise _bad_config("JSON", f"{text!r} ({error})") from error
    cluster, task = (config.get(key) if isinstance(config, dict) else None
                     for key in ("cluster", "task"))  # fmt: skip
    if not isinstance(cluster, dict) or not cluster or set(cluster) - {"chief", "worker"}:
        raise _bad_config("`cluster` to list addresses of `worker`, and may be `chief`", cluster)
    for job, addresses in cluster.items():
        good = isinstance(addresses, list) and addresses
        if not good or not all(isinstance(a, str) and ":" in a for a in addresses):
            raise _bad_config(f"`cluster.{job}` to be a list of HOST:PORT", addresses)
    if len(cluster.get("chief", [])) > 1:
        raise _bad_config("at most one chief", cluster["chief"])
    job, index = (task.get(key) if isinstance(task, dict) else None for key in ("type", "index"))
    if job not in cluster:
        raise _bad_config(f"`task.type` to be one of {', '.join(cluster)}", job)
    # Some launchers write the number as text.
    number = int(index) if isinstance(index, str) and index.isdecimal() else index
    if isinstance(number, bool) or not isinstance(number, int):
        raise _bad_config("`task.index` to be a number", index)
    if not 0 <= number < len(cluster[job]):
        raise _bad_config(f"`task.index` from 0 to {len(cluster[job]) - 1}", index)
    return config


def _bad_config(expected: str, received) -> InputError:
    return InputError(
        f"TF_CONFIG: expected {expected}. Received: {received}. Set it, for example {_EXAMPLE}."
    )


def _multiworker() -> tf.distribute.Strategy:
    check_tf_config(os.environ.get("TF_CONFIG"))
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"--strategy multiworker: expected all workers of TF_CONFIG to be reachable. "
            f"Received: {str(error).splitlines()[0]} Start the same command on every worker "
            "at about the same time, in a fresh process."
        ) from error


def _tpu() -> tf.distribute.Strategy:
    name = os.environ.get("TPU_NAME", "local")
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=name)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ValueError, RuntimeError, OSError, tf.errors.OpError) as error:
        summary = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"--strategy tpu: expected a TPU (environment variable TPU_NAME, or a local one). "
            f"Received: {summary}. Use another --strategy on this machine."
        ) from error
