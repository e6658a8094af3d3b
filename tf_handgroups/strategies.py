"""Distribution strategies by name, and what the processes of a run agree on."""

import contextlib
import functools
import json
import os
from collections.abc import Iterator

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
    return _mirrored(tuple(device.name for device in devices))


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    """Returns the one strategy of these devices in this process.

    TensorFlow numbers the reductions of every strategy object from the same start and keeps the
    shape of each number: a second object with another model fails with "Shape mismatch in the
    collective instance" (tensorflow/tensorflow#62790). One object goes on counting.
    """
    return tf.distribute.MirroredStrategy(devices)


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
    return _sum_of(strategy, int(flag)) > 0


def same_in_all_processes(strategy: tf.distribute.Strategy, number: int) -> bool:
    """Whether all processes of a run have the same number; all have to call it together.

    Args:
        strategy: Of the run.
        number: From 0 to 2^32 - 1.

    Example:

    >>> same_in_all_processes(make_strategy("single"), 7)
    True
    """
    if not is_multiworker(strategy):
        return True
    mean = _sum_of(strategy, number) / strategy.num_replicas_in_sync
    # The numbers 1, 2, 3 have the mean 2: one process would find nothing wrong.
    return not any_process(strategy, mean != number)


def _sum_of(strategy: tf.distribute.Strategy, number: int) -> int:
    """Returns the sum over all replicas of all processes."""
    result = _total(strategy)(tf.constant(number, tf.int64))
    return int(strategy.experimental_local_results(result)[0])


@functools.cache
def _total(strategy: tf.distribute.Strategy):
    """Returns the graph of a sum over all replicas; eagerly every call would build one."""

    def one(value):
        # The argument of a graph is on no device yet, and the sum needs one to go to.
        return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(value))

    return tf.function(lambda value: strategy.run(one, (value,)))


@contextlib.contextmanager
def explaining_lost_workers(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Says so when another process of a run has ended or cannot be reached.

    TensorFlow's processes send each other a sign of life. When there is none, whatever
    the others do together fails, also what they do later.

    Args:
        strategy: Of the run.

    Raises:
        ConnectionError: In place of TensorFlow's error.

    Example:

    >>> with explaining_lost_workers(make_strategy("single")):
    ...     pass
    """
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
        if not is_multiworker(strategy):
            raise
        raise ConnectionError(
            "multiworker: another worker ended or cannot be reached; its own output may say why. "
            "End what is left of the run, then start all workers again with --resume."
        ) from error


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
        if not isinstance(addresses, list) or not addresses or not all(map(_is_address, addresses)):
            raise _bad_config(f"`cluster.{job}` to be a list of HOST:PORT", addresses)
    every = [address for addresses in cluster.values() for address in addresses]
    if len(set(every)) < len(every):
        raise _bad_config("every address once", every)
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


def _is_address(address) -> bool:
    if not isinstance(address, str):
        return False
    host, _, port = address.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 2**16


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
