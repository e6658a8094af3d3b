"""A farm for the input pipeline: tf.data service workers that decode and augment.

Every worker runs the stream of records with the same seeds, but prepares only its own
batches: worker i of n takes those whose number is i modulo n. Records are cheap, pictures
are not. The training takes a batch from each worker in turn, so that **the batches are those
of the pipeline without a farm**, bit by bit and however many workers there are; resuming
is as exact. What tf.data service itself offers would not do: with several workers batches
come twice, or in an order that depends on who is faster.

For that the dispatcher has to know all its workers from the start. A run whose batches do
not come, or not in order, because a worker died, ends with an error and can be resumed.
"""

import collections
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator

import tensorflow as tf

from tf_handgroups.errors import InputError

# Seconds in which all of a farm has to answer, and in which a batch has to come.
PATIENCE_S = 60.0
BATCH_S = 300.0
_HINT = tf.data.experimental.SHARD_HINT
_SERVICE = tf.data.experimental.service


def split_address(address: str) -> tuple[str, int]:
    """Returns host and port of `HOST:PORT` or `grpc://HOST:PORT`.

    Raises:
        InputError: If it is neither.

    Example:

    >>> split_address("grpc://farm0:5050")
    ('farm0', 5050)
    """
    host, _, port = address.removeprefix("grpc://").rpartition(":")
    good = host and "/" not in host and port.isascii() and port.isdecimal()
    if not good or not 1 <= int(port) <= 65535:
        raise InputError(
            f"data service: expected an address HOST:PORT or grpc://HOST:PORT. Received: "
            f"{address!r}. Example: farm0:5050."
        )
    return host, int(port)


def start_dispatcher(port: int, workers: list[str]):
    """Starts the server that training and workers talk to first.

    Args:
        port: To listen at; 0 takes a free one.
        workers: `HOST:PORT` of every worker, as each of them names itself.

    Returns:
        The running `tf.data.experimental.service.DispatchServer`; it ends with its last
        reference.

    Raises:
        InputError: If there is no worker, one twice or malformed, or the port is taken.

    Example:

    >>> dispatcher = start_dispatcher(0, ["localhost:5051"])
    >>> dispatcher.target.startswith("grpc://localhost:")
    True
    """
    addresses = [_plain(worker) for worker in workers]
    if not addresses or len(set(addresses)) < len(addresses):
        raise InputError(
            f"data service: expected the addresses of all workers, each once. Received: "
            f"{workers}. Give --worker HOST:PORT for each."
        )
    config = _SERVICE.DispatcherConfig(port=port, worker_addresses=addresses)
    try:
        return _SERVICE.DispatchServer(config)
    except (RuntimeError, tf.errors.OpError) as error:
        raise _cannot_listen(port, error) from error


def start_worker(dispatcher: str, address: str):
    """Starts a server that prepares batches.

    Args:
        dispatcher: Address of the dispatcher.
        address: `HOST:PORT` under which the training reaches this worker, as the
            dispatcher's list has it; the worker listens at the port.

    Returns:
        The running `tf.data.experimental.service.WorkerServer`; it ends with its last
        reference.

    Raises:
        InputError: If an address is malformed, the dispatcher does not answer or does
            not list this worker, or the port is taken.

    Example:

    >>> with socket.create_server(("localhost", 0)) as free:
    ...     address = f"localhost:{free.getsockname()[1]}"
    >>> dispatcher = start_dispatcher(0, [address])
    >>> worker = start_worker(dispatcher.target, address)
    >>> count_workers(dispatcher.target)
    1
    """
    port = split_address(address)[1]
    _wait_for(dispatcher, PATIENCE_S)
    config = _SERVICE.WorkerConfig(
        dispatcher_address=_plain(dispatcher),
        worker_address=_plain(address),
        port=port,
        # How long what a training no longer needs stays in memory.
        heartbeat_interval_ms=2000,
    )
    try:
        return _SERVICE.WorkerServer(config)
    except (RuntimeError, tf.errors.OpError) as error:
        if "not configured" not in str(error):
            raise _cannot_listen(port, error) from error
        raise InputError(
            f"data service: expected a worker that the dispatcher at {dispatcher} lists and that "
            f"does not run yet. Received: {address}. Start the dispatcher with --worker {address}."
        ) from error


def count_workers(address: str, patience_s: float = PATIENCE_S) -> int:
    """Waits until all workers of a farm answer, and returns how many they are.

    Args:
        address: Of the dispatcher.
        patience_s: Seconds to wait.

    Raises:
        InputError: If the address is malformed, or not all of them answer in time.
    """
    until = time.monotonic() + patience_s
    _wait_for(address, patience_s)
    answers: queue.Queue = queue.Queue()
    # TensorFlow itself would wait for a silent farm for an hour.
    arguments = (address, until, answers)
    threading.Thread(target=_ask_until_complete, args=arguments, daemon=True).start()
    received = "no answer"
    while True:
        try:
            received = answers.get(timeout=max(until - time.monotonic(), 0.0))
        except queue.Empty:
            break
        if isinstance(received, int):
            return received
        if isinstance(received, tf.errors.OpError):
            received = received.message.partition("\n")[0]
            break
    raise InputError(
        f"data service: expected all workers of the dispatcher at {address} to answer within "
        f"{patience_s:g} s. Received: {received}. Start a dispatcher that lists its workers "
        "(`tf-handgroups data-dispatcher`) and every one of them (`tf-handgroups data-worker`)."
    )


def from_farm(
    numbered: tf.data.Dataset,
    prepare: Callable[[tf.data.Dataset], tf.data.Dataset],
    address: str,
    batch_size: int,
    first_number: int,
) -> tf.data.Dataset:
    """Has a farm prepare batches and takes them in order.

    Args:
        numbered: The stream of samples, endless.
        prepare: Makes of such a stream batches `(numbers, content)`; `numbers`,
            `(batch,)` int64, are those of the samples.
        address: Of the dispatcher.
        batch_size: Size of a batch.
        first_number: Of the first sample.

    Returns:
        Dataset of the contents. It raises a `tf.errors.OpError` when a batch is missing.

    Raises:
        InputError: If the farm does not answer.
    """
    count = count_workers(address, PATIENCE_S)
    jobs = [
        prepare(_share_of(numbered, batch_size, worker, count)).apply(
            _SERVICE.distribute(_SERVICE.ShardingPolicy.HINT, f"grpc://{_plain(address)}")
        )
        for worker in range(count)
    ]
    content = jobs[0].element_spec[1]

    def in_order() -> Iterator:
        expected = first_number
        for numbers, batch in _without_hanging(jobs, address):
            if int(numbers[0]) != expected:
                raise _lost(f"batch {int(numbers[0]) // batch_size} of {address}", "the next one")
            expected += batch_size
            yield batch

    received = tf.data.Dataset.from_generator(in_order, output_signature=content)
    # Says how large the batches are, which replicas that share them want to know.
    return received.rebatch(batch_size, drop_remainder=True)


def _share_of(
    numbered: tf.data.Dataset, batch_size: int, worker: int, count: int
) -> tf.data.Dataset:
    """The samples of one worker's batches on this worker, and nothing on the others."""
    share = numbered.batch(batch_size, drop_remainder=True).shard(count, worker).unbatch()
    # The service puts number and count of the workers in the place of the hints.
    here = tf.data.Dataset.range(count).shard(_HINT, _HINT).filter(lambda one: one == worker)
    return here.flat_map(lambda one: share)


def _without_hanging(jobs: list[tf.data.Dataset], address: str) -> Iterator:
    """One element of each job in turn, for ever; TensorFlow would wait for lost ones an hour."""
    ready: queue.Queue = queue.Queue(maxsize=2)
    ended = threading.Event()

    def hand_over(element) -> None:
        while not ended.is_set():
            try:
                return ready.put(element, timeout=1)
            except queue.Full:
                continue

    def fetch() -> None:
        turns = collections.deque(iter(job) for job in jobs)
        try:
            while not ended.is_set():
                hand_over(next(turns[0]))
                turns.rotate(-1)
        except (tf.errors.OpError, StopIteration) as error:
            hand_over(error)

    threading.Thread(target=fetch, daemon=True).start()
    try:
        while True:
            try:
                element = ready.get(timeout=BATCH_S)
            except queue.Empty:
                raise _lost(f"nothing from {address}", f"a batch within {BATCH_S:g} s") from None
            if isinstance(element, Exception):
                raise _lost(str(element) or "the end of a worker's batches", "a batch")
            yield element
    finally:
        ended.set()


def _lost(received: str, expected: str) -> RuntimeError:
    return RuntimeError(
        f"data service: expected {expected}. Received: {received}. A worker may have died: start "
        "dispatcher and workers again and continue with --resume."
    )


def _ask_until_complete(address: str, until: float, answers: queue.Queue) -> None:
    """Puts the number of workers, or until then a text about who is missing, or an error."""
    while time.monotonic() < until:
        try:
            number, indices = _ask(address)
        except tf.errors.OpError as error:
            answers.put(error)
            return
        if len(indices) == number:
            answers.put(number)
            return
        answers.put(f"{len(indices)} of {number} workers (numbers {indices})")
        time.sleep(1)


def _ask(address: str) -> tuple[int, list[int]]:
    """Returns how many workers a farm should have and which of them answer.

    Worker i of n returns i and i + n.
    """
    numbers = tf.data.Dataset.range(2**30).shard(_HINT, _HINT).take(2)
    served = numbers.apply(
        _SERVICE.distribute(_SERVICE.ShardingPolicy.HINT, f"grpc://{_plain(address)}")
    )
    found = sorted(int(number) for number in served.as_numpy_iterator())
    indices = found[: len(found) // 2]
    return found[len(indices)] - found[0], indices


def _wait_for(address: str, patience_s: float) -> None:
    """Waits for a dispatcher: TensorFlow would do so for an hour and not hear Ctrl-C."""
    host, port = split_address(address)
    until = time.monotonic() + patience_s
    while True:
        try:
            return socket.create_connection((host.strip("[]"), port), timeout=10).close()
        except OSError as error:
            if time.monotonic() >= until:
                raise InputError(
                    f"data service: expected a dispatcher at {address} within {patience_s:g} s. "
                    f"Received: no connection ({error}). Start it there with `tf-handgroups "
                    "data-dispatcher`."
                ) from error
        time.sleep(0.5)


def _plain(address: str) -> str:
    host, port = split_address(address)
    return f"{host}:{port}"


def _cannot_listen(port: int, error: Exception) -> InputError:
    return InputError(
        f"data service: expected to listen at port {port}. Received: "
        f"{str(error).partition(chr(10))[0]}. Choose a free port."
    )
