"""Cross-entropy between a predicted joint map and a Gaussian around the true joint."""

import keras
from keras import ops

from tf_handgroups.layers.spatial_soft_argmax import pixel_grid

# Below this probability the logarithm is cut: float32 softmax underflows near 1e-38.
_SMALLEST = 1e-30


@keras.saving.register_keras_serializable(package="handgroups")
class HeatmapCrossEntropy(keras.losses.Loss):
    """-sum_cells g log p, with g a normalised Gaussian around the true position.

    Soft-argmax coordinates alone fix only the mean of a map; this loss also gives it
    the shape of a single peak, which speeds up training and survives quantization.

    Args:
        size: Cells per side of the (square) map.
        stride: Crop pixels per cell.
        sigma_px: Standard deviation of the Gaussian in crop pixels.
        offset: Crop position of cell 0, defaults to `(stride - 1) / 2`.

    Call arguments:
        y_true: True positions `(batch, joints, 2)` in crop pixels.
        y_pred: Probabilities `(batch, joints, size * size)`.

    Returns:
        Loss per joint `(batch, joints)` before reduction.

    Example:

    >>> loss = HeatmapCrossEntropy(size=2, stride=4, sigma_px=0.1)
    >>> certain = ops.reshape(ops.one_hot([1], 4), (1, 1, 4))
    >>> abs(float(loss(ops.convert_to_tensor([[[5.5, 1.5]]]), certain))) < 1e-6
    True
    """

    def __init__(
        self,
        size,
        stride=4,
        sigma_px=4.0,
        offset=None,
        name="heatmap_cross_entropy",
        reduction="sum_over_batch_size",
        dtype="float32",
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.size = size
        self.stride = stride
        self.sigma_px = sigma_px
        self.offset = offset

    def call(self, y_true, y_pred):
        offset = (self.stride - 1) / 2 if self.offset is None else self.offset
        grid = ops.convert_to_tensor(pixel_grid(self.size, self.size, self.stride, offset))
        squared = ops.sum(ops.square(y_true[:, :, None, :] - grid), axis=-1)
        target = ops.softmax(-squared / (2 * self.sigma_px**2), axis=-1)
        return -ops.sum(target * ops.log(ops.maximum(y_pred, _SMALLEST)), axis=-1)

    def get_config(self):
        return super().get_config() | {
            "size": self.size,
            "stride": self.stride,
            "sigma_px": self.sigma_px,
            "offset": self.offset,
        }
