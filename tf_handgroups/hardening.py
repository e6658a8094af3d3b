"""Hardening: the trained network with its random selector -> a plain, pruned network."""

import keras
import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.model_file import attach_metadata
from tf_handgroups.models.hand_pose_model import HEATMAP_STRIDE, HandPoseModel, build_hardened
from tf_handgroups.models.heads import expectation_kernel


def grouping_of(model: HandPoseModel) -> tuple[int, ...]:
    """Returns the hard grouping of a model: 21 group indices in canonical joint order.

    Example:

    >>> model = HandPoseModel(64, "tiny", num_groups=2, grouping="one_group")
    >>> set(grouping_of(model))
    {0}
    """
    logits = keras.ops.convert_to_numpy(model.selector.logits)
    return tuple(int(group) for group in np.argmax(logits, axis=-1))


def harden(model: HandPoseModel) -> keras.Model:
    """Fixes the grouping of a trained model and prunes everything nobody reads.

    Each joint keeps the head of its own group, a group without joints loses its
    fusion and head, batch norms are folded into their convolutions, inverse
    temperatures into the heatmap kernels. The result holds only standard Keras layers
    and no random op, and equals `model` in inference to float rounding. Branches stay
    even when their group has no joints, because the fusion of the others reads them.

    Args:
        model: The trained network.

    Returns:
        Functional model `image -> uv_px, z_rel, presence, handedness`.

    Raises:
        InputError: If `model` is not a `HandPoseModel`, or a weight is not finite.

    Example:

    >>> model = HandPoseModel(64, "tiny", group_channels=8)
    >>> hardened = harden(model)
    >>> sorted(hardened.output.keys())
    ['handedness', 'presence', 'uv_px', 'z_rel']
    """
    if not isinstance(model, HandPoseModel):
        raise InputError(
            "harden: expected a trained HandPoseModel. "
            f"Received: model={type(model).__name__}. A hardened model needs no hardening."
        )
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise InputError(
                f"harden: weight {weight.path} is not finite. Resume from an earlier checkpoint."
            )
    grouping = np.array(grouping_of(model))
    alive = sorted({int(group) for group in grouping})
    # Deployed models compute in float32; quantization is the converter's business.
    with _float32_policy():
        hardened = build_hardened(model.config, alive)
    for layer in hardened.layers:
        if not layer.weights:
            continue
        if layer.name in ("heatmaps", "depth_maps"):
            layer.set_weights(_merged_head(model, layer, grouping, alive))
        elif layer.name == "tail_expectation":
            size = model.config["input_size"] // HEATMAP_STRIDE
            layer.set_weights([expectation_kernel(size, size, HEATMAP_STRIDE)])
        elif layer.name != "tail_depth_sum":
            layer.set_weights(_folded(model, layer.name))
    provenance = {"recipe": "unknown", "training_data": "not stated", "licence": "not stated"}
    attach_metadata(
        hardened,
        provenance
        | model.config["provenance"]
        | {"grouping": grouping.tolist(), "input_size": model.config["input_size"]},
    )
    return hardened


class _float32_policy:
    def __enter__(self):
        self._policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy("float32")

    def __exit__(self, *exception):
        keras.config.set_dtype_policy(self._policy)


def _folded(model: keras.Model, name: str) -> list[np.ndarray]:
    """Returns kernel and bias of a layer with the batch norm that follows it."""
    names = {layer.name for layer in model.layers}
    if name.endswith("_fusion_conv"):
        fusion = model.get_layer(name.removesuffix("_conv"))
        return _fold(fusion.convolution, fusion.normalization)
    norm = name.removesuffix("_conv") + "_norm"
    if norm in names:
        return _fold(model.get_layer(name), model.get_layer(norm))
    return model.get_layer(name).get_weights()


def _fold(convolution, normalization) -> list[np.ndarray]:
    kernel = _float64(convolution.kernel)
    bias = _float64(convolution.bias) if convolution.use_bias else 0.0
    variance = _float64(normalization.moving_variance) + normalization.epsilon
    scale = _float64(normalization.gamma) / np.sqrt(variance)
    shift = (bias - _float64(normalization.moving_mean)) * scale + _float64(normalization.beta)
    return [(kernel * scale).astype(np.float32), shift.astype(np.float32)]


def _merged_head(model, layer, grouping: np.ndarray, alive: list[int]) -> list[np.ndarray]:
    """Returns the block-zero kernel that reads each joint from its own group only."""
    kernel = np.zeros(tuple(layer.kernel.shape), np.float32)
    bias = np.zeros(tuple(layer.bias.shape), np.float32)
    channels = int(layer.kernel.shape[2]) // len(alive)
    for block, group in enumerate(alive):
        source_kernel, source_bias = model.get_layer(f"group{group}_{layer.name}").get_weights()
        scale = np.ones(len(grouping), np.float32)
        if layer.name == "heatmaps":
            scale = model.get_layer(f"group{group}_soft_argmax").get_weights()[0]
        own = grouping == group
        rows = slice(block * channels, (block + 1) * channels)
        kernel[:, :, rows, own] = (source_kernel * scale)[..., own]
        bias[own] = (source_bias * scale)[own]
    return [kernel, bias]


def _float64(variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable).astype(np.float64)
