"""Hardening: the trained network with its random selector -> a plain, pruned network."""

import keras
import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.model_file import attach_metadata
from tf_handgroups.models.hand_pose_model import HEATMAP_STRIDE, HandPoseModel, build_hardened
from tf_handgroups.models.heads import constant_kernels, soft_argmax_name


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

    Each group's head keeps only the maps of its own joints, a group without joints
    loses its fusion and head, batch norms are folded into their convolutions, inverse
    temperatures into the heatmap kernels. The result holds only standard Keras layers
    and no random op, and equals `model` in inference to float rounding. Branches stay
    even when their group has no joints, because the fusion of the others reads them;
    without fusion they go.

    Args:
        model: The trained network.

    Returns:
        Functional model `image -> uv_px, z_rel` and, of the `mobile` architecture,
        `presence, handedness`.

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
    joints = {
        int(group): np.flatnonzero(grouping == group).tolist() for group in np.unique(grouping)
    }
    # Deployed models compute in float32; quantization is the converter's business.
    with _float32_policy():
        hardened = build_hardened(model.config, joints)
    constants = constant_kernels(
        model.config["input_size"] // HEATMAP_STRIDE,
        HEATMAP_STRIDE,
        model.architecture.grid_offset_px,
        joints,
    )
    for layer in hardened.layers:
        if not layer.weights:
            continue
        if layer.name in constants:
            layer.set_weights([constants[layer.name]])
        elif layer.name.endswith(("_heatmaps", "_depth_maps")) and layer.name.startswith("group"):
            layer.set_weights(_pruned_head(model, layer.name, joints))
        else:
            layer.set_weights(_folded(model, layer.name))
    provenance = {"recipe": "unknown", "training_data": "not stated", "licence": "not stated"}
    attach_metadata(
        hardened,
        provenance
        | model.config["provenance"]
        | {
            "grouping": grouping.tolist(),
            "input_size": model.config["input_size"],
            "outputs": list(hardened.output),
        },
    )
    return hardened


class _float32_policy:
    def __enter__(self):
        self._policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy("float32")

    def __exit__(self, *exception):
        keras.config.set_dtype_policy(self._policy)


def _folded(model: keras.Model, name: str) -> list[np.ndarray]:
    """Returns kernel and bias of a layer with the batch norm that belongs to it."""
    if name.endswith("_preactivation"):
        scale, shift = _affine(model.get_layer(name))
        return [_float32(scale[None, None, :, None]), _float32(shift)]
    if name.endswith("_fusion_conv"):
        fusion = model.get_layer(name.removesuffix("_conv"))
        return _fold(fusion.convolution, fusion.normalization)
    norm = name.removesuffix("_conv") + "_norm"
    if norm in {layer.name for layer in model.layers}:
        return _fold(model.get_layer(name), model.get_layer(norm))
    return model.get_layer(name).get_weights()


def _fold(convolution, normalization) -> list[np.ndarray]:
    scale, shift = _affine(normalization)
    kernel = _float64(convolution.kernel)
    # A transposed convolution has its output channels on the last axis but one.
    transposed = isinstance(convolution, keras.layers.Conv2DTranspose)
    kernel = kernel * (scale[:, None] if transposed else scale)
    bias = _float64(convolution.bias) * scale if convolution.use_bias else 0.0
    return [_float32(kernel), _float32(bias + shift)]


def _affine(normalization) -> tuple[np.ndarray, np.ndarray]:
    """Returns what a batch norm multiplies by and adds in inference, per channel."""
    variance = _float64(normalization.moving_variance) + normalization.epsilon
    scale = _float64(normalization.gamma) / np.sqrt(variance)
    return scale, _float64(normalization.beta) - _float64(normalization.moving_mean) * scale


def _pruned_head(model: keras.Model, name: str, joints: dict) -> list[np.ndarray]:
    """Returns the part of a group's kernel and bias that makes the maps of its own joints."""
    group = int(name.split("_")[0].removeprefix("group"))
    kernel, bias = model.get_layer(name).get_weights()
    if name.endswith("_heatmaps"):
        scale = model.get_layer(soft_argmax_name(model.config["gating"], group)).get_weights()[0]
        kernel, bias = kernel * scale, bias * scale
    return [kernel[..., joints[group]], bias[joints[group]]]


def _float32(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)


def _float64(variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable).astype(np.float64)
