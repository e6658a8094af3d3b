"""What all metrics share: joint distances under a mask, summed, divided at the end."""

from typing import Any

import keras

from tf_handgroups.errors import InputError

# Pyright reads the bodies of `keras.ops` as returning None.
ops: Any = keras.ops


def mask_of(sample_weight, y_true):
    """Returns weights `(batch, joints)` for `sample_weight` of any usual shape.

    Args:
        sample_weight: `None`, `(batch,)`, `(batch, 1)` or `(batch, joints)`.
        y_true: Tensor `(batch, joints, axes)`.

    Returns:
        Tensor `(batch, joints)` of the dtype of `y_true`.

    Example:

    >>> ops.convert_to_numpy(mask_of([1.0, 0.0], ops.ones((2, 3, 2)))).tolist()
    [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
    """
    ones = ops.ones_like(y_true[..., 0])
    if sample_weight is None:
        return ones
    sample_weight = ops.cast(sample_weight, ones.dtype)
    if len(sample_weight.shape) == 1:
        sample_weight = ops.expand_dims(sample_weight, -1)
    return sample_weight * ones


def joint_distances(y_true, y_pred, mask):
    """Returns Euclidean distances `(batch, joints)`, zero where the mask is zero.

    Coordinates of masked-out joints may be NaN: they are replaced before any
    arithmetic, because 0 * NaN would still be NaN.

    Args:
        y_true: Tensor `(batch, joints, axes)`.
        y_pred: Tensor of the same shape.
        mask: Tensor `(batch, joints)`.

    Example:

    >>> truth = ops.convert_to_tensor([[[0.0, 0.0], [float("nan"), 0.0]]])
    >>> guess = ops.convert_to_tensor([[[3.0, 4.0], [1.0, 1.0]]])
    >>> ops.convert_to_numpy(joint_distances(truth, guess, ops.array([[1.0, 0.0]]))).tolist()
    [[5.0, 0.0]]
    """
    difference = ops.where(ops.expand_dims(mask > 0, -1), y_pred - y_true, 0.0)
    return ops.sqrt(ops.sum(ops.square(difference), axis=-1))


class MaskedMean(keras.metrics.Metric):
    """Base of the metrics: the weighted mean of one number per joint.

    Sums and counts are kept apart and divided in `result`, so that batches of
    unequal size, or with unequally many labelled joints, give exactly the value
    of one big batch. Subclasses define `num_axes` and `joint_values`.

    Args:
        name: Name in logs and histories.
        dtype: Dtype of the sums, `float32` by default.

    Raises:
        InputError: From `update_state`, if the coordinates have the wrong shape.

    Example:

    >>> issubclass(MaskedMean, keras.metrics.Metric)
    True
    """

    num_axes = 0
    value_shape: tuple[int, ...] = ()

    def __init__(self, name: str | None = None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_weight(shape=self.value_shape, initializer="zeros", name="total")
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")

    def joint_values(self, y_true, y_pred, mask):
        """Returns `(values, weights)`: `(batch, joints, *value_shape)`, `(batch, joints)`."""
        raise NotImplementedError

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: `(batch, joints, axes)`; entries with weight 0 may be NaN.
            y_pred: Same shape.
            sample_weight: `None`, `(batch,)` or `(batch, joints)`, non-negative.
        """
        y_true, y_pred = ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype)
        shapes = tuple(y_true.shape), tuple(y_pred.shape)
        if any(len(shape) != 3 or shape[-1] != self.num_axes for shape in shapes):
            raise InputError(
                f"{self.__class__.__name__}: expected coordinates (batch, joints, "
                f"{self.num_axes}). Received: y_true.shape={shapes[0]}, y_pred.shape={shapes[1]}. "
                "Attach the metric to the output that holds them."
            )
        values, weights = self.joint_values(y_true, y_pred, mask_of(sample_weight, y_true))
        weights_to_multiply = ops.reshape(
            weights, (-1, shapes[0][1] or shapes[1][1], *(1 for _ in self.value_shape))
        )
        self.total.assign_add(ops.sum(values * weights_to_multiply, axis=(0, 1)))
        self.count.assign_add(ops.sum(weights))

    def result(self):
        """Returns the mean over all weighted joints seen, 0 before the first one."""
        return ops.divide_no_nan(self.total, self.count)
