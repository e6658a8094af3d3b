"""Heatmap -> coordinates: the expectation of the position under a spatial softmax."""

import keras
import numpy as np
from keras import ops

from tf_handgroups.errors import InputError


def pixel_grid(height: int, width: int, stride: float, offset: float) -> np.ndarray:
    """Returns the crop position `(height * width, 2)` of every heatmap cell, in pixels.

    Cell `(row, column)` lies at `(u, v) = (column, row) * stride + offset`.

    Example:

    >>> pixel_grid(1, 2, stride=4, offset=1.5).tolist()
    [[1.5, 1.5], [5.5, 1.5]]
    """
    rows, columns = np.mgrid[:height, :width]
    return (np.stack([columns, rows], -1).reshape(-1, 2) * stride + offset).astype(np.float32)


@keras.saving.register_keras_serializable(package="handgroups")
class SpatialSoftArgmax(keras.layers.Layer):
    """Turns heatmaps into coordinates with a learned inverse temperature per joint.

    p = softmax(beta_k * heatmap_k) over all cells; uv = sum p * position. Always
    computed in float32: half precision cannot tell neighbouring pixels apart.

    Args:
        stride: Crop pixels per heatmap cell.
        offset: Crop position of the centre of cell 0 in pixels. Defaults to
            `(stride - 1) / 2`, the centre of the pixels the cell covers; the code of
            the paper's authors uses 0.

    Call arguments:
        heatmaps: Tensor `(batch, height, width, joints)`.

    Returns:
        Tuple `uv_px (batch, joints, 2)` in crop pixels and the probability
        `maps (batch, joints, height * width)`, both float32.

    Raises:
        InputError: If `stride` is not positive.

    Example:

    >>> heatmaps = np.zeros((1, 8, 8, 21), "float32")
    >>> heatmaps[0, 2, 5] = 50.0
    >>> uv_px, maps = SpatialSoftArgmax(stride=4)(heatmaps)
    >>> [round(float(value), 2) for value in uv_px[0, 0]]
    [21.5, 9.5]
    """

    def __init__(self, stride, offset=None, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        if not stride > 0:
            raise InputError(
                f"SpatialSoftArgmax: `stride` must be positive. Received: stride={stride!r}."
            )
        self.stride = stride
        self.offset = offset

    def build(self, input_shape):
        self.inverse_temperature = self.add_weight(
            name="inverse_temperature", shape=(input_shape[-1],), initializer="ones"
        )

    def positions_px(self, height, width):
        """Returns the `(height * width, 2)` crop position of every cell."""
        offset = (self.stride - 1) / 2 if self.offset is None else self.offset
        return pixel_grid(height, width, self.stride, offset)

    def call(self, heatmaps):
        _, height, width, joints = heatmaps.shape
        logits = ops.cast(heatmaps, "float32") * self.inverse_temperature
        logits = ops.transpose(ops.reshape(logits, (-1, height * width, joints)), (0, 2, 1))
        maps = ops.softmax(logits, axis=-1)
        return ops.matmul(maps, self.positions_px(height, width)), maps

    def compute_output_shape(self, input_shape):
        batch, height, width, joints = input_shape
        return (batch, joints, 2), (batch, joints, height * width)

    def get_config(self):
        return super().get_config() | {"stride": self.stride, "offset": self.offset}
