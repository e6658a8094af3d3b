"""The selector: which group of features speaks for which joint."""

import keras
from keras import ops

from tf_handgroups.errors import InputError
from tf_handgroups.grouping import validate_grouping
from tf_handgroups.joints import NUM_JOINTS

DISTRIBUTIONS = ("relaxed_bernoulli", "relaxed_onehot")


@keras.saving.register_keras_serializable(package="handgroups")
class JointGroupSelector(keras.layers.Layer):
    """Mixes the predictions of the groups, joint by joint, with learned weights.

    Every joint k has one logit per group, theta_kg. In training one sample of the
    weights w_kg is drawn per call, shared by the whole batch and by all replicas:

    - `relaxed_bernoulli`: gates b_kg ~ RelaxedBernoulli(tau, theta_kg), independent
      per entry, and w_kg = b_kg / sum_g b_kg. It is computed as
      softmax_g(log b_kg), which stays finite when all gates of a joint close.
    - `relaxed_onehot`: w_k ~ RelaxedOneHotCategorical(tau, theta_k), as in the code
      of the paper's authors.

    In inference w_k = onehot(argmax_g theta_kg), so exported graphs hold no random
    op. A fixed `grouping` is used as it is in training too; nothing is learned then.

    Gradients stay finite at low temperatures: the Bernoulli gate is sampled as
    `sigmoid(Logistic(theta / tau, 1 / tau))`, draw for draw the same as TFP's
    `RelaxedBernoulli`, whose own gradient is NaN once the value before the sigmoid
    passes about 88 (tensorflow/probability#1393).

    Args:
        num_groups: Number of groups G, at least 1.
        distribution: `"relaxed_bernoulli"` or `"relaxed_onehot"`.
        grouping: 21 group indices to use as they are, or `None` to learn them.
        temperature: Initial relaxation temperature tau, positive; the callback
            `TemperatureSchedule` anneals it.
        initial_logit: Start value of every theta_kg. Equal values are fine: the
            noise of the samples breaks the symmetry.
        exclusivity_weight: Weight of the penalty that makes membership exclusive
            (`relaxed_bernoulli` only). With p_kg = sigmoid(theta_kg) it is the mean over
            joints of (sum_g p_kg - 1)^2 + max(0, 1 - tau) sum_g p_kg (1 - p_kg). The
            first term alone is also content with p = 1/G everywhere; the second makes
            the gates binary as the temperature falls.
        balance_weight: Weight of the penalty log G - entropy(mean size of the groups)
            that keeps groups from dying; 0 switches it off.
        straight_through: Whether the forward pass uses the argmax of the sample and
            only the gradient the relaxed sample.
        seed: Seed of the draws; draw n depends on `(seed, n)` alone.

    Call arguments:
        inputs: Tensor `(batch, groups, joints, ...)` or a list of such tensors, which
            share one draw.
        training: Whether to sample. Defaults to `False`.

    Returns:
        Tensor `(batch, joints, ...)`, or a list of them.

    Raises:
        InputError: If an argument is out of range or unknown, or `inputs` do not have
            `num_groups` groups and 21 joints.

    Example:

    >>> selector = JointGroupSelector(num_groups=3, grouping=[0] * 20 + [2])
    >>> predictions = ops.reshape(ops.arange(3.0), (1, 3, 1, 1)) * ops.ones((1, 3, 21, 2))
    >>> mixed = selector(predictions)
    >>> tuple(mixed.shape), float(mixed[0, 0, 0]), float(mixed[0, 20, 0])
    ((1, 21, 2), 0.0, 2.0)

    Reference:
    - [Li, Gao and Sang, 2021](https://arxiv.org/abs/2012.09496)
    - [Maddison et al., 2017](https://arxiv.org/abs/1611.00712)
    """

    def __init__(
        self,
        num_groups,
        distribution="relaxed_bernoulli",
        grouping=None,
        temperature=1.0,
        initial_logit=0.0,
        exclusivity_weight=1.0,
        balance_weight=0.1,
        straight_through=False,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(num_groups, int) or isinstance(num_groups, bool) or num_groups < 1:
            raise InputError(
                "JointGroupSelector: `num_groups` must be a positive integer. "
                f"Received: num_groups={num_groups!r}. Use 1 for a single shared group."
            )
        if distribution not in DISTRIBUTIONS:
            raise InputError(
                "JointGroupSelector: unknown `distribution`. "
                f"Received: distribution={distribution!r}. Known: {', '.join(DISTRIBUTIONS)}."
            )
        if not temperature > 0:
            raise InputError(
                "JointGroupSelector: `temperature` must be positive. "
                f"Received: temperature={temperature!r}. Start near 1."
            )
        self.num_groups = num_groups
        self.distribution = distribution
        self.grouping = None if grouping is None else validate_grouping(grouping, num_groups)
        self.temperature = temperature
        self.initial_logit = initial_logit
        self.exclusivity_weight = exclusivity_weight
        self.balance_weight = balance_weight
        self.straight_through = straight_through
        self.seed = seed

    def build(self, input_shape):
        fixed = {"trainable": False, "dtype": "float32", "autocast": False}
        self.logits = self.add_weight(
            name="logits",
            shape=(NUM_JOINTS, self.num_groups),
            initializer=keras.initializers.Constant(self.initial_logit),
            trainable=self.grouping is None,
            dtype="float32",
            autocast=False,
        )
        self.current_temperature = self.add_weight(
            name="current_temperature",
            shape=(),
            initializer=keras.initializers.Constant(self.temperature),
            **fixed,
        )
        # 1 once training has moved on to the final, hard grouping.
        self.committed = self.add_weight(name="committed", shape=(), initializer="zeros", **fixed)
        # All replicas read the same count before the first one advances it, so they
        # draw the same sample as a single device would.
        self.num_draws = self.add_weight(
            name="num_draws",
            shape=(),
            initializer="zeros",
            dtype="int32",
            trainable=False,
            aggregation="only_first_replica",
        )
        if self.grouping is not None:
            groups = ops.one_hot(ops.convert_to_tensor(self.grouping), self.num_groups)
            self.logits.assign(ops.cast(groups, "float32"))

    def hard_weights(self):
        """Returns the one-hot weights `(joints, groups)` of inference."""
        return ops.one_hot(ops.argmax(self.logits, axis=-1), self.num_groups, dtype="float32")

    def sample_weights(self, draw):
        """Returns the relaxed weights `(joints, groups)` of draw number `draw`."""
        tau = ops.convert_to_tensor(self.current_temperature)
        logits = ops.convert_to_tensor(self.logits)
        if self.distribution == "relaxed_bernoulli":
            log_gates = ops.log_sigmoid(self._sample_logistic(logits / tau, 1 / tau, draw))
            weights = ops.softmax(log_gates, axis=-1)
        else:
            weights = self._sample_relaxed_onehot(tau, logits, draw)
        if self.straight_through:
            hard = ops.one_hot(ops.argmax(weights, axis=-1), self.num_groups, dtype="float32")
            weights = weights + ops.stop_gradient(hard - weights)
        return weights

    def _sample_logistic(self, location, scale, draw):
        if keras.backend.backend() == "tensorflow":
            import tensorflow_probability as tfp

            return tfp.distributions.Logistic(location, scale).sample(seed=self._tfp_seed(draw))
        uniform = self._uniform(draw)
        return location + scale * (ops.log(uniform) - ops.log1p(-uniform))

    def _sample_relaxed_onehot(self, tau, logits, draw):
        if keras.backend.backend() == "tensorflow":
            import tensorflow_probability as tfp

            distribution = tfp.distributions.RelaxedOneHotCategorical(tau, logits=logits)
            return distribution.sample(seed=self._tfp_seed(draw))
        gumbel = -ops.log(-ops.log(self._uniform(draw)))
        return ops.softmax((logits + gumbel) / tau, axis=-1)

    def _tfp_seed(self, draw):
        # TFP takes a pair of int32; Keras' own seed generators give int64.
        return ops.stack([ops.convert_to_tensor(self.seed, "int32"), ops.cast(draw, "int32")])

    def _uniform(self, draw):
        seed = ops.stack([ops.convert_to_tensor(self.seed, "uint32"), ops.cast(draw, "uint32")])
        tiny = 1e-7
        return keras.random.uniform((NUM_JOINTS, self.num_groups), tiny, 1 - tiny, seed=seed)

    def membership(self):
        """Returns how much each joint belongs to each group now, `(joints, groups)`.

        The rows sum to 1. A fixed grouping is one-hot.
        """
        if self.grouping is not None:
            return self.hard_weights()
        logits = ops.convert_to_tensor(self.logits)
        if self.distribution == "relaxed_bernoulli":
            logits = ops.log_sigmoid(logits)
        return ops.softmax(logits, axis=-1)

    def penalty(self):
        """Returns the sum of the exclusivity and balance penalties, a scalar."""
        logits = ops.convert_to_tensor(self.logits)
        if self.distribution == "relaxed_bernoulli":
            gates = ops.sigmoid(logits)
            undecided = ops.sum(gates * (1 - gates), axis=-1)
            urgency = ops.maximum(0.0, 1 - ops.convert_to_tensor(self.current_temperature))
            exclusivity = ops.mean(ops.square(ops.sum(gates, axis=-1) - 1) + urgency * undecided)
        else:
            exclusivity = 0.0
        share = ops.mean(self.membership(), axis=0)
        entropy = -ops.sum(share * ops.log(share + 1e-9))
        imbalance = ops.log(float(self.num_groups)) - entropy
        return self.exclusivity_weight * exclusivity + self.balance_weight * imbalance

    def training_penalty(self):
        """Returns the penalty as it counts in training, a scalar.

        Once committed the grouping is settled; nothing must move it any more.
        """
        return (1 - self.committed) * self.penalty()

    def call(self, inputs, training=False):
        weights = self.hard_weights()
        if training and self.grouping is None:
            sampled = self.sample_weights(ops.convert_to_tensor(self.num_draws))
            self.num_draws.assign(ops.convert_to_tensor(self.num_draws) + 1)
            weights = ops.where(self.committed > 0.5, weights, sampled)
            self.add_loss(self.training_penalty())
        if isinstance(inputs, (list, tuple)):
            return [self.mix(tensor, weights) for tensor in inputs]
        return self.mix(inputs, weights)

    def mix(self, predictions, weights):
        """Mixes predictions `(batch, groups, joints, ...)` with weights `(joints, groups)`."""
        self._check_shape(predictions.shape)
        weights = ops.cast(ops.transpose(weights), predictions.dtype)
        trailing = (1,) * (len(predictions.shape) - 3)
        weights = ops.reshape(weights, (1, self.num_groups, NUM_JOINTS, *trailing))
        return ops.sum(predictions * weights, axis=1)

    def _check_shape(self, shape):
        if len(shape) < 3 or tuple(shape[1:3]) != (self.num_groups, NUM_JOINTS):
            raise InputError(
                f"{self.name}: expected predictions (batch, {self.num_groups}, {NUM_JOINTS}, ...). "
                f"Received: shape={tuple(shape)}."
            )

    def compute_output_shape(self, input_shape):
        if input_shape and isinstance(input_shape[0], (list, tuple)):
            return [self.compute_output_shape(shape) for shape in input_shape]
        self._check_shape(input_shape)
        return (input_shape[0], *input_shape[2:])

    def get_config(self):
        return super().get_config() | {
            "num_groups": self.num_groups,
            "distribution": self.distribution,
            "grouping": self.grouping,
            "temperature": self.temperature,
            "initial_logit": self.initial_logit,
            "exclusivity_weight": self.exclusivity_weight,
            "balance_weight": self.balance_weight,
            "straight_through": self.straight_through,
            "seed": self.seed,
        }
