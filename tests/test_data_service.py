"""A farm on loopback: the batches are those of the pipeline without one."""

import dataclasses
import socket

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.data.experimental.ops import distribute

from tests.hands import make_sample
from tests.test_training import RECIPE, Hands, changed, eager_test, silent, weights_of
from tests.test_training import eagerly as eagerly
from tf_handgroups import data_service
from tf_handgroups.data_service import (
    count_workers,
    split_address,
    start_dispatcher,
    start_worker,
)
from tf_handgroups.datasets.shards import ShardDataset, ShardWriter
from tf_handgroups.errors import InputError
from tf_handgroups.pipeline import PipelineOptions, build_pipeline
from tf_handgroups.strategies import make_strategy
from tf_handgroups.training import train

pytestmark = pytest.mark.early

SAMPLES = [make_sample(seed=seed) for seed in range(7)]


def free_ports(count) -> list[int]:
    taken = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports


class Farm:
    """A dispatcher and its workers in this process, the last one of them first."""

    def __init__(self, count):
        self.addresses = [f"localhost:{port}" for port in free_ports(count)]
        self.dispatcher = start_dispatcher(0, self.addresses)
        self.address = self.dispatcher.target
        self.workers = [start_worker(self.address, one) for one in reversed(self.addresses)]

    def stop(self):
        for server in (*self.workers, self.dispatcher):
            server._stop()


@pytest.fixture(scope="module")
def farms():
    made = {count: Farm(count) for count in (1, 2)}
    yield made
    for farm in made.values():
        farm.stop()


def pipeline(data, farm=None, **changes):
    """A new one every time: a second pass over the same one is shuffled anew."""
    options = PipelineOptions(64, 3, training=True, seed=3, **changes)
    return build_pipeline(
        data, dataclasses.replace(options, data_service=farm.address if farm else None)
    )


def assert_equal(received, expected):
    tf.nest.map_structure(np.testing.assert_array_equal, received, expected)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for number, part in enumerate((SAMPLES[:3], SAMPLES[3:])):
        with ShardWriter(folder / f"shard-{number:05d}-of-00002.tfrecord") as writer:
            for sample in part:
                writer.write(sample)
    (folder / "dataset.json").write_text(f'{{"count": {len(SAMPLES)}}}')
    return ShardDataset(folder)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("first_batch", [0, 3])
def test_batches_are_those_of_the_pipeline_without_a_farm(count, first_batch, farms, shards):
    """Order, pixels and augmentation; from shards, from memory and of both; resumed too."""
    data = [shards, SAMPLES[:2]]
    expected = pipeline(data, first_batch=first_batch)
    received = pipeline(data, farms[count], first_batch=first_batch)
    assert received.element_spec == expected.element_spec
    for one, other in zip(
        received.take(6).as_numpy_iterator(), expected.take(6).as_numpy_iterator(), strict=True
    ):
        assert_equal(one, other)


def test_no_batch_comes_twice(farms):
    images = [batch[0] for batch in pipeline([SAMPLES], farms[2]).take(12).as_numpy_iterator()]
    assert len({image.tobytes() for batch in images for image in batch}) == 36


def test_training_processes_share_a_batch(farms):
    """With the steps that a strategy of two workers takes in its two processes."""
    expected = list(pipeline([SAMPLES]).take(2).as_numpy_iterator())
    received = []
    for worker in range(2):
        dataset = pipeline([SAMPLES], farms[2])
        sizes = distribute.batch_sizes_for_worker(
            distribute.compute_batch_size(dataset), 2, 1, worker
        )
        dataset = distribute._AutoShardDataset(dataset.rebatch(sizes).prefetch(1), 2, worker, 2)
        received.append(list(dataset.take(2).as_numpy_iterator()))
    for step, whole in enumerate(expected):
        parts = [worker[step][0] for worker in received]
        assert all(0 < len(part) < 3 for part in parts)
        np.testing.assert_array_equal(np.concatenate(parts), whole[0])


def test_replicas_share_a_batch(farms):
    strategy = make_strategy("mirrored")
    shared = iter(strategy.experimental_distribute_dataset(pipeline([SAMPLES], farms[2])))
    for images, _, _ in pipeline([SAMPLES]).take(2).as_numpy_iterator():
        parts = strategy.experimental_local_results(next(shared)[0])
        assert [len(part) for part in parts] == [2, 1]
        np.testing.assert_array_equal(np.concatenate(parts), images)


@eager_test
def test_training_with_a_farm_equals_training_without(farms, tmp_path):
    recipe = changed(steps=3, steps_per_epoch=2)

    def trained(name, address):
        data = [Hands(SAMPLES)], [Hands(SAMPLES[:2])]
        return train(recipe, *data, tmp_path / name, data_service=address, write=silent)

    expected, received = trained("alone", None), trained("farm", farms[2].address)
    for one, other in zip(weights_of(received), weights_of(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_validation_stays_here():
    options = PipelineOptions(64, 3, training=False, data_service="nowhere:1")
    assert len(list(build_pipeline([SAMPLES], options))) == 3


def test_a_lost_worker_ends_the_stream(monkeypatch):
    monkeypatch.setattr(data_service, "BATCH_S", 8.0)
    farm = Farm(2)
    batches = iter(pipeline([SAMPLES], farm))
    next(batches)
    farm.workers.pop()._stop()
    with pytest.raises(tf.errors.OpError, match=r"data service: expected .*continue with --resume"):
        for _ in range(100):
            next(batches)
    farm.stop()


def test_a_worker_that_started_again_ends_the_stream(monkeypatch):
    """It would send its first batches once more."""
    farm = Farm(1)
    batches = iter(pipeline([SAMPLES], farm))
    next(batches)
    farm.workers.pop()._stop()
    farm.workers.append(start_worker(farm.address, farm.addresses[0]))
    with pytest.raises(tf.errors.OpError, match="data service: expected"):
        for _ in range(100):
            next(batches)
    farm.stop()


def test_waits_for_missing_workers():
    ports = free_ports(2)
    dispatcher = start_dispatcher(0, [f"localhost:{port}" for port in ports])
    worker = start_worker(dispatcher.target, f"localhost:{ports[1]}")
    with pytest.raises(InputError, match=r"Received: 1 of 2 workers \(numbers \[1\]\)\. Start a"):
        count_workers(dispatcher.target, patience_s=3)
    other = start_worker(dispatcher.target, f"localhost:{ports[0]}")
    assert count_workers(dispatcher.target) == 2
    for server in (worker, other, dispatcher):
        server._stop()


def test_rejects_a_farm_without_workers(monkeypatch, tmp_path):
    """What answers is a dispatcher, but nobody works; no run folder is left."""
    monkeypatch.setattr(data_service, "PATIENCE_S", 2.0)
    dispatcher = start_dispatcher(0, [f"localhost:{free_ports(1)[0]}"])
    with pytest.raises(InputError, match=r"answer within 2 s\. Received: no answer"):
        train(
            RECIPE,
            [Hands(SAMPLES)],
            [Hands(SAMPLES)],
            tmp_path / "run",
            data_service=dispatcher.target,
            write=silent,
        )
    assert not (tmp_path / "run").exists()
    dispatcher._stop()


def test_rejects_a_farm_that_does_not_list_its_workers():
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer()
    address = dispatcher.target.removeprefix("grpc://")
    worker = service.WorkerServer(service.WorkerConfig(dispatcher_address=address))
    with pytest.raises(InputError, match="Start a dispatcher that lists its workers"):
        count_workers(address, patience_s=10)
    worker._stop()
    dispatcher._stop()


def test_rejects_a_dispatcher_that_is_not_there(monkeypatch):
    monkeypatch.setattr(data_service, "PATIENCE_S", 1.0)
    address = f"localhost:{free_ports(1)[0]}"
    expected = rf"expected a dispatcher at {address} within 1 s\. Received: no connection"
    with pytest.raises(InputError, match=expected):
        count_workers(address, patience_s=1.0)
    with pytest.raises(InputError, match=expected):
        start_worker(address, f"localhost:{free_ports(1)[0]}")


@pytest.mark.parametrize("bad", ["", "farm", "farm:", ":5050", "farm:0", "farm:65536", "farm:x",
                                 "http://farm:5050", "grpc://farm:5050/x"])  # fmt: skip
def test_rejects_malformed_addresses(bad):
    with pytest.raises(InputError, match=r"expected an address HOST:PORT .*Received: ") as error:
        split_address(bad)
    assert repr(bad) in str(error.value)


def test_ipv6_address():
    assert split_address("grpc://[::1]:5050") == ("[::1]", 5050)


@pytest.mark.parametrize("workers", [[], ["a:1", "grpc://a:1"]])
def test_rejects_lists_of_workers(workers):
    with pytest.raises(InputError, match="addresses of all workers, each once"):
        start_dispatcher(0, workers)


def test_rejects_a_worker_that_the_dispatcher_does_not_list(farms):
    address = f"localhost:{free_ports(1)[0]}"
    with pytest.raises(InputError, match=rf"Start the dispatcher with --worker {address}"):
        start_worker(farms[1].address, address)


def test_rejects_a_port_that_is_taken():
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"listen at port {port}"):
            start_dispatcher(port, ["a:1"])
