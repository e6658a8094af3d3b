"""Fusion: every group looks at the features of all groups."""

import keras
from keras import ops

from tf_handgroups.errors import InputError
from tf_handgroups.layers.fused_batch_normalization import FusedBatchNormalization


@keras.saving.register_keras_serializable(package="handgroups")
class FusionInitializer(keras.initializers.Initializer):
    """Kernel of a fusing 1x1 convolution that starts as a weighted sum of the groups.

    `own * I` on the block of the group itself, `(1 - own) / (G - 1) * I` on the
    blocks of the others, so that training starts from nearly private features.

    Args:
        group: Index of the group that the convolution belongs to.
        num_groups: Number of groups G.
        own: Weight of the group's own features.

    Example:

    >>> kernel = FusionInitializer(group=0, num_groups=2)((1, 1, 4, 2))
    >>> [[round(float(value), 3) for value in row] for row in kernel[0, 0]]
    [[0.9, 0.0], [0.0, 0.9], [0.1, 0.0], [0.0, 0.1]]
    """

    def __init__(self, group, num_groups, own=0.9):
        self.group = group
        self.num_groups = num_groups
        self.own = own

    def __call__(self, shape, dtype=None):
        channels = shape[-1]
        identity = ops.eye(channels, dtype=dtype or "float32")
        if self.num_groups == 1:
            blocks = [identity]
        else:
            other = (1 - self.own) / (self.num_groups - 1)
            blocks = [
                identity * (self.own if group == self.group else other)
                for group in range(self.num_groups)
            ]
        return ops.reshape(ops.concatenate(blocks, axis=0), shape)

    def get_config(self):
        return {"group": self.group, "num_groups": self.num_groups, "own": self.own}


@keras.saving.register_keras_serializable(package="handgroups")
class GroupFusion(keras.layers.Layer):
    """Fuses the features of all groups into one group's features.

    ReLU(BatchNorm(Conv1x1(concat of all groups))), private to one group.

    Args:
        group: Index of the group whose features are made.
        num_groups: Number of groups, at least 1.
        own: Start weight of the group's own features.
        epsilon: Of the batch normalization.
        momentum: Of the batch normalization.

    Call arguments:
        inputs: Tensor `(batch, height, width, num_groups * channels)`, the features of
            all groups side by side.
        training: Whether batch statistics are used.

    Returns:
        Tensor `(batch, height, width, channels)`.

    Raises:
        InputError: If `group` is not one of the groups, or the channels do not divide.

    Example:

    >>> fusion = GroupFusion(group=1, num_groups=3)
    >>> tuple(fusion(ops.ones((1, 4, 4, 96))).shape)
    (1, 4, 4, 32)

    Reference:
    - [Gao et al., NDDR-CNN, 2019](https://arxiv.org/abs/1801.08297)
    """

    def __init__(self, group, num_groups, own=0.9, epsilon=1e-3, momentum=0.9, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= group < num_groups:
            raise InputError(
                f"GroupFusion: expected a group in 0 .. {num_groups - 1}. "
                f"Received: group={group!r}."
            )
        self.group = group
        self.num_groups = num_groups
        self.own = own
        self.epsilon = epsilon
        self.momentum = momentum

    def build(self, input_shape):
        channels = self._channels(input_shape)
        self.convolution = keras.layers.Conv2D(
            channels,
            1,
            kernel_initializer=FusionInitializer(self.group, self.num_groups, self.own),
            dtype=self.dtype_policy,
            name="convolution",
        )
        self.convolution.build(input_shape)
        self.normalization = FusedBatchNormalization(
            epsilon=self.epsilon,
            momentum=self.momentum,
            dtype=self.dtype_policy,
            name="normalization",
        )
        self.normalization.build((*input_shape[:-1], channels))

    def _channels(self, input_shape):
        if len(input_shape) != 4 or input_shape[-1] is None or input_shape[-1] % self.num_groups:
            raise InputError(
                f"GroupFusion: expected (batch, height, width, {self.num_groups} * channels). "
                f"Received: shape={tuple(input_shape)}."
            )
        return input_shape[-1] // self.num_groups

    def call(self, inputs, training=False):
        return ops.relu(self.normalization(self.convolution(inputs), training=training))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self._channels(input_shape))

    def get_config(self):
        return super().get_config() | {
            "group": self.group,
            "num_groups": self.num_groups,
            "own": self.own,
            "epsilon": self.epsilon,
            "momentum": self.momentum,
        }
