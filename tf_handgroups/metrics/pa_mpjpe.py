"""`PAMPJPE`: 3D joint distance after the best scale, rotation and shift."""

from typing import Any

import keras

from tf_handgroups.metrics.joint_errors import MaskedMean, joint_distances
from tf_handgroups.metrics.procrustes import MIN_JOINTS

# Pyright reads the bodies of `keras.ops` as returning None.
ops: Any = keras.ops


@keras.saving.register_keras_serializable(package="handgroups")
class PAMPJPE(MaskedMean):
    """Mean per-joint position error after Procrustes alignment of each sample.

    The same alignment as `procrustes.procrustes_align`, in Keras operations, so
    that it runs inside `fit`. Joints with weight 0 take no part in the alignment;
    samples with fewer than 3 weighted joints are left out.

    Args:
        name: Name in logs.
        dtype: Dtype of the sums.

    Call arguments:
        y_true: `(batch, 21, 3)` mm.
        y_pred: `(batch, 21, 3)` in any unit.
        sample_weight: `None`, `(batch,)` or `(batch, 21)`.

    Raises:
        InputError: If the last axis is not 3.

    Example:

    >>> import numpy as np
    >>> truth = np.random.default_rng(0).normal(size=(2, 21, 3))
    >>> metric = PAMPJPE()
    >>> metric.update_state(truth, 5 * truth[..., [1, 2, 0]] + 3)
    >>> float(metric.result()) < 1e-5
    True
    """

    num_axes = 3

    def __init__(self, name: str = "pa_mpjpe", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def joint_values(self, y_true, y_pred, mask):
        enough = ops.sum(ops.cast(mask > 0, self.dtype), axis=-1, keepdims=True) >= MIN_JOINTS
        mask = ops.where(enough, mask, 0.0)
        fit = ops.expand_dims(mask > 0, -1)
        # A prediction that is not finite must show up in the result, but must not
        # reach the SVD, which may fail on it.
        finite = ops.all(ops.isfinite(ops.where(fit, y_pred, 0.0)), axis=-1)
        source = ops.where(fit & ops.expand_dims(finite, -1), y_pred, 0.0)
        aligned = _align(source, ops.where(fit, y_true, 0.0), ops.cast(fit, self.dtype))
        distances = joint_distances(y_true, aligned, mask)
        return ops.where(finite, distances, float("nan")), mask


def _align(source, target, fit):
    count = ops.maximum(ops.sum(fit, axis=1, keepdims=True), 1.0)
    centre_target = ops.sum(fit * target, axis=1, keepdims=True) / count
    points = fit * (source - ops.sum(fit * source, axis=1, keepdims=True) / count)
    goal = fit * (target - centre_target)
    left, singular, right = ops.svd(ops.matmul(ops.transpose(points, (0, 2, 1)), goal))
    turn = ops.matmul(left, right)
    # Its determinant; XLA cannot compile `ops.det`.
    sign = ops.sign(ops.sum(ops.cross(turn[:, 0], turn[:, 1]) * turn[:, 2], axis=-1))
    signs = ops.stack([ops.ones_like(sign), ops.ones_like(sign), sign], axis=-1)
    rotation = ops.matmul(left * signs[:, None, :], right)
    spread = ops.maximum(ops.sum(ops.square(points), axis=(1, 2)), keras.config.epsilon() ** 2)
    scale = ops.sum(singular * signs, axis=-1) / spread
    return scale[:, None, None] * ops.matmul(points, rotation) + centre_target
