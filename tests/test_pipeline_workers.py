"""The pipeline under distribution: replicas and workers share what one process would see."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.data.experimental.ops import distribute

from tests.hands import make_sample
from tf_handgroups.pipeline import PipelineOptions, build_pipeline
from tf_handgroups.strategies import make_strategy

SAMPLES = [make_sample(seed=seed) for seed in range(5)]


def pipeline(training):
    """A new one every time: a second pass over the same one is shuffled anew."""
    options = PipelineOptions(64, 4, training=training, seed=3)
    return build_pipeline([SAMPLES[:2], SAMPLES[2:]], options)


def test_replicas_share_a_batch_without_repeating():
    strategy = make_strategy("mirrored")
    shared = iter(strategy.experimental_distribute_dataset(pipeline(training=True)))
    for images, targets, _ in pipeline(training=True).take(3).as_numpy_iterator():
        received = next(shared)
        for expected, value in ((images, received[0]), (targets["uv_px"], received[1]["uv_px"])):
            parts = strategy.experimental_local_results(value)
            assert [len(part) for part in parts] == [2, 2]
            np.testing.assert_array_equal(np.concatenate(parts), expected)


@pytest.mark.parametrize("training", [True, False])
def test_workers_share_a_batch_without_repeating(training):
    """With the steps that a strategy of two workers takes in its two processes."""
    whole = list(pipeline(training).take(3).as_numpy_iterator())
    received = []
    for worker in range(2):
        dataset = pipeline(training)
        sizes = distribute.batch_sizes_for_worker(
            distribute.compute_batch_size(dataset), 2, 1, worker
        )
        dataset = dataset.rebatch(sizes).prefetch(1)
        dataset = distribute._AutoShardDataset(dataset, 2, worker, 2)
        received.append(list(dataset.take(len(whole)).as_numpy_iterator()))
    assert len(whole) == (3 if training else 2) == len(received[0]) == len(received[1])
    for step, expected in enumerate(whole):
        for name in ("uv_px", "pixel_rays"):
            parts = [worker[step][1][name] for worker in received]
            np.testing.assert_allclose(np.concatenate(parts), expected[1][name], atol=1e-4)


def test_workers_share_the_samples_not_the_files():
    policy = pipeline(training=True).options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.DATA
