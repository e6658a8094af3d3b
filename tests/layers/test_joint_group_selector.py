import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import parameterized
from keras import ops

from tests.layer_case import LayerCase
from tf_handgroups.errors import InputError
from tf_handgroups.layers.joint_group_selector import JointGroupSelector
from tf_handgroups.strategies import make_strategy


def built(**kwargs) -> JointGroupSelector:
    selector = JointGroupSelector(**{"num_groups": 3} | kwargs)
    selector.build((1, selector.num_groups, 21, 3))
    return selector


class JointGroupSelectorTest(LayerCase):
    @parameterized.parameters("relaxed_bernoulli", "relaxed_onehot")
    def test_contract(self, distribution):
        self.run_layer_contract(
            JointGroupSelector,
            init_kwargs={"num_groups": 3, "distribution": distribution, "seed": 7},
            input_shape=(2, 3, 21, 4),
            expected_output_shape=(2, 21, 4),
            expected_num_trainable_weights=1,
            expected_num_non_trainable_variables=3,
            expected_num_losses=0,
        )

    def test_contract_of_fixed_grouping(self):
        self.run_layer_contract(
            JointGroupSelector,
            init_kwargs={"num_groups": 2, "grouping": tuple([0, 1, 1] * 7)},
            input_shape=(2, 2, 21, 4),
            expected_output_shape=(2, 21, 4),
            expected_num_trainable_weights=0,
            expected_num_losses=0,
        )

    def test_inference_takes_the_most_likely_group(self):
        selector = built()
        logits = np.random.default_rng(0).normal(size=(21, 3)).astype("float32")
        selector.logits.assign(logits)
        predictions = np.random.default_rng(1).normal(size=(2, 3, 21, 5)).astype("float32")
        expected = predictions[:, logits.argmax(-1), np.arange(21)]
        np.testing.assert_array_equal(selector(predictions), expected)

    def test_one_draw_is_shared_by_batch_and_inputs(self):
        selector = built()
        same = np.broadcast_to(np.arange(3.0).reshape(1, 3, 1, 1), (4, 3, 21, 2))
        first, second = selector([same, same], training=True)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, np.broadcast_to(first[:1], first.shape))
        self.assertEqual(int(selector.num_draws), 1)

    def test_bernoulli_weights_match_tfp(self):
        selector = built(temperature=0.5, seed=3)
        logits = np.random.default_rng(0).normal(size=(21, 3)).astype("float32")
        selector.logits.assign(logits)
        relaxed = tfp.distributions.RelaxedBernoulli(np.float32(0.5), logits=logits)
        gates = relaxed.sample(seed=tf.constant([3, 11]))
        expected = gates / tf.reduce_sum(gates, axis=-1, keepdims=True)
        np.testing.assert_allclose(selector.sample_weights(11), expected, atol=2e-6)

    def test_onehot_weights_match_the_concrete_formula(self):
        selector = built(distribution="relaxed_onehot", temperature=0.7)
        weights = ops.convert_to_numpy(selector.sample_weights(0))
        np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-6)
        # At equal logits every group is the largest equally often.
        share = np.mean(
            [
                np.bincount(
                    ops.convert_to_numpy(selector.sample_weights(n)).argmax(-1), minlength=3
                )
                for n in range(100)
            ],
            axis=0,
        )
        np.testing.assert_allclose(share / 21, 1 / 3, atol=0.05)

    @parameterized.product(
        distribution=("relaxed_bernoulli", "relaxed_onehot"),
        temperature=(1.0, 0.05),
        logit=(-30.0, 0.0, 30.0),
    )
    def test_gradient_is_finite(self, distribution, temperature, logit):
        selector = built(distribution=distribution, temperature=temperature, initial_logit=logit)
        predictions = tf.random.stateless_normal((2, 3, 21, 3), [1, 2])
        for _ in range(20):
            with tf.GradientTape() as tape:
                mixed = selector(predictions, training=True)
                loss = tf.reduce_sum(mixed**2) + selector.losses[0]
            gradient = tape.gradient(loss, selector.logits.value)
            self.assertTrue(np.isfinite(gradient).all())
            self.assertTrue(np.isfinite(mixed).all())

    def test_gradient_agrees_with_finite_differences(self):
        selector = built(temperature=0.8)
        rng = np.random.default_rng(2)
        logits = rng.normal(size=(21, 3)).astype("float32")
        factors = rng.normal(size=(21, 3)).astype("float32")

        def value(at):
            selector.logits.assign(at)
            return float(tf.reduce_sum(selector.sample_weights(5) * factors))

        selector.logits.assign(logits)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(selector.sample_weights(5) * factors)
        gradient = ops.convert_to_numpy(tape.gradient(total, selector.logits.value))
        step = 1e-2
        for joint, group in ((0, 0), (7, 1), (20, 2)):
            shift = np.zeros_like(logits)
            shift[joint, group] = step
            numeric = (value(logits + shift) - value(logits - shift)) / (2 * step)
            np.testing.assert_allclose(gradient[joint, group], numeric, atol=2e-3)

    def test_plain_tfp_sampling_has_nan_gradients(self):
        """The reason for sampling through the logistic: fails once TFP is mended."""
        logits = tf.Variable(tf.fill((512,), 4.0))
        with tf.GradientTape() as tape:
            relaxed = tfp.distributions.RelaxedBernoulli(0.05, logits=logits)
            total = tf.reduce_sum(relaxed.sample(seed=tf.constant([0, 1])))
        self.assertTrue(np.isnan(tape.gradient(total, logits)).any())

    def test_straight_through_is_hard_forward_and_soft_backward(self):
        selector = built(straight_through=True, temperature=1.0)
        with tf.GradientTape() as tape:
            weights = selector.sample_weights(0)
            total = tf.reduce_sum(weights * tf.range(3.0))
        self.assertTrue(np.isin(np.round(weights, 6), (0.0, 1.0)).all())
        self.assertGreater(np.abs(tape.gradient(total, selector.logits.value)).max(), 0)

    def test_committed_training_uses_the_hard_grouping(self):
        selector = built()
        selector.committed.assign(1.0)
        predictions = np.random.default_rng(1).normal(size=(2, 3, 21, 5)).astype("float32")
        with tf.GradientTape() as tape:
            mixed = selector(predictions, training=True)
            total = tf.reduce_sum(mixed) + selector.losses[0]
        np.testing.assert_array_equal(mixed, selector(predictions))
        # Nothing moves the grouping any more, not even the penalty.
        gradient = tape.gradient(total, selector.logits.value)
        self.assertTrue(gradient is None or not np.any(gradient))

    def test_membership_sums_to_one_and_is_one_hot_where_given(self):
        logits = np.random.default_rng(0).normal(0, 3, (21, 3)).astype("float32")
        gates = 1 / (1 + np.exp(-logits))
        for distribution, odds in (
            ("relaxed_bernoulli", gates),
            ("relaxed_onehot", np.exp(logits)),
        ):
            selector = built(distribution=distribution)
            selector.logits.assign(logits)
            expected = odds / odds.sum(axis=1, keepdims=True)
            np.testing.assert_allclose(selector.membership(), expected, atol=1e-5)
        fixed = built(grouping=[joint % 3 for joint in range(21)])
        np.testing.assert_array_equal(fixed.membership(), np.eye(3)[np.arange(21) % 3])

    def test_penalty_is_lowest_for_exclusive_balanced_groups(self):
        selector = built(exclusivity_weight=1.0, balance_weight=0.1)
        exclusive = 20.0 * np.eye(3, dtype="float32")
        selector.logits.assign(exclusive[np.arange(21) % 3] - 10.0)
        np.testing.assert_allclose(float(selector.penalty()), 0.0, atol=1e-3)
        selector.logits.assign(np.full((21, 3), 10.0, "float32"))
        np.testing.assert_allclose(float(selector.penalty()), 4.0, atol=1e-2)
        selector.logits.assign(exclusive[np.zeros(21, int)] - 10.0)
        np.testing.assert_allclose(float(selector.penalty()), 0.1 * np.log(3), atol=1e-3)

    def test_penalty_for_undecided_gates_grows_as_the_temperature_falls(self):
        selector = built(exclusivity_weight=1.0, balance_weight=0.0)
        third = np.log(0.5)  # sigmoid is 1/3, so every joint's gates sum to one
        selector.logits.assign(np.full((21, 3), third, "float32"))
        for temperature, urgency in ((2.0, 0.0), (1.0, 0.0), (0.25, 0.75)):
            selector.current_temperature.assign(temperature)
            expected = urgency * 3 * (1 / 3) * (2 / 3)
            np.testing.assert_allclose(float(selector.penalty()), expected, atol=1e-5)

    def test_replicas_draw_what_one_device_draws(self):
        strategy = make_strategy("mirrored")
        with strategy.scope():
            mirrored = built(seed=5)
        single = built(seed=5)
        predictions = tf.random.stateless_normal((2, 3, 21, 3), [1, 2])

        @tf.function
        def step():
            return strategy.run(lambda: tf.convert_to_tensor(mirrored(predictions, training=True)))

        for _ in range(3):
            expected = single(predictions, training=True)
            for value in strategy.experimental_local_results(step()):
                np.testing.assert_allclose(value, expected, atol=1e-6)

    def test_same_result_in_a_graph(self):
        eager, graph = built(seed=2), built(seed=2)
        predictions = tf.random.stateless_normal((2, 3, 21, 3), [1, 2])
        call = tf.function(lambda: graph(predictions, training=True))
        for _ in range(2):
            np.testing.assert_allclose(eager(predictions, training=True), call(), atol=1e-6)

    @parameterized.parameters("mixed_float16", "mixed_bfloat16")
    def test_logits_stay_float32_in_mixed_precision(self, policy):
        selector = JointGroupSelector(3, dtype=policy)
        mixed = selector(ops.ones((1, 3, 21, 2)), training=True)
        self.assertEqual(keras.backend.standardize_dtype(selector.logits.dtype), "float32")
        self.assertEqual(keras.backend.standardize_dtype(mixed.dtype), policy[6:])

    @parameterized.parameters(0, -1, 2.0, "3", None, True)
    def test_rejects_num_groups(self, bad):
        with self.assertRaisesRegex(ValueError, "Received: num_groups="):
            JointGroupSelector(bad)

    def test_rejects_unknown_distribution(self):
        with self.assertRaisesRegex(ValueError, "Received: distribution='gumbel'.*relaxed_onehot"):
            JointGroupSelector(3, distribution="gumbel")

    @parameterized.parameters(0.0, -1.0, float("nan"))
    def test_rejects_temperature(self, bad):
        with self.assertRaisesRegex(ValueError, "Received: temperature="):
            JointGroupSelector(3, temperature=bad)

    def test_rejects_grouping_outside_the_groups(self):
        with self.assertRaisesRegex(InputError, r"expected groups in 0 \.\. 2"):
            JointGroupSelector(3, grouping=[3] * 21)

    @parameterized.parameters([(2, 3, 21)], [(2, 3, 21, 4)], [(2, 3, 21, 4, 5)])
    def test_mix_is_a_sum_over_the_groups(self, shape):
        rng = np.random.default_rng(4)
        predictions = rng.normal(size=shape).astype("float32")
        weights = rng.uniform(size=(21, 3)).astype("float32")
        expected = np.einsum("bgj...,jg->bj...", predictions, weights)
        mixed = built().mix(ops.convert_to_tensor(predictions), weights)
        np.testing.assert_allclose(mixed, expected, atol=1e-5)

    @parameterized.parameters([(2, 2, 21, 3)], [(2, 3, 20, 3)], [(2, 3)])
    def test_rejects_input_shape(self, shape):
        selector = built()
        with self.assertRaisesRegex(ValueError, "Received: shape="):
            selector.mix(ops.ones(shape), selector.hard_weights())


if __name__ == "__main__":
    pytest.main([__file__])
