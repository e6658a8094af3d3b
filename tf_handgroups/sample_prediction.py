"""Predicts labelled samples with a Keras model, for `evaluate` and for pictures."""

import keras
import numpy as np
import tensorflow as tf

from tf_handgroups.crop import crop_image, crop_matrix, invert, transform_points
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.image_file import read_image


class SamplePrediction:
    """Predicts samples as validation sees them: box and handedness as labelled.

    It uses a graph of its own and changes nothing in the model, so that it may be called
    in the middle of a training. `convert.predict.Predictor` is for all kinds of model
    files and for photographs without labels.

    Args:
        model: A `HandPoseModel` or a hardened model.

    Example:

    >>> from tf_handgroups.models.hand_pose_model import HandPoseModel
    >>> from tf_handgroups.synth.render import render_sample
    >>> predict = SamplePrediction(HandPoseModel(64, "tiny", group_channels=8))
    >>> predict([render_sample(0, 64)])[0]["uv_px"].shape
    (21, 2)
    """

    def __init__(self, model: keras.Model):
        self.size = int(model.input_shape[1])
        shape = tf.TensorSpec((None, self.size, self.size, 3), tf.float32)

        @tf.function(input_signature=[shape])
        def infer(images):
            outputs = model(images, training=False)
            return outputs["uv_px"], outputs["z_rel"]

        self._infer = infer

    def __call__(self, samples: list[HandSample]) -> list[dict[str, np.ndarray]]:
        """Predicts samples.

        Args:
            samples: At least one.

        Returns:
            For each `uv_px (21, 2)` in pixels of its image and `z_rel (21,)`.

        Raises:
            InputError: If an image cannot be read.
        """
        matrices = [
            crop_matrix(sample.box_px, self.size, mirror=sample.handedness == "left")
            for sample in samples
        ]
        crops = [
            crop_image(read_image(sample.image), matrix, self.size)
            for sample, matrix in zip(samples, matrices, strict=True)
        ]
        uv_px, z_rel = self._infer(tf.constant(np.stack(crops), tf.float32))
        return [
            {"uv_px": transform_points(invert(matrix), uv), "z_rel": z}
            for matrix, uv, z in zip(matrices, uv_px.numpy(), z_rel.numpy(), strict=True)
        ]
