"""The network: an architecture's grouped features, heads, selector."""

import keras
from keras import ops

from tf_handgroups.errors import InputError
from tf_handgroups.grouping import named_grouping
from tf_handgroups.joints import NUM_JOINTS, REFERENCE_BONE, ROOT_JOINT
from tf_handgroups.layers.joint_group_selector import JointGroupSelector
from tf_handgroups.layers.spatial_soft_argmax import SpatialSoftArgmax
from tf_handgroups.metrics import MPJPE, PAMPJPE, PCKAUC
from tf_handgroups.models.architecture import Architecture
from tf_handgroups.models.heads import grouped_heads, image_heads, pruned_heads
from tf_handgroups.models.mobile_network import MOBILE
from tf_handgroups.models.paper_network import PAPER

HEATMAP_STRIDE = 4
ARCHITECTURES = {"mobile": MOBILE, "paper": PAPER}


@keras.saving.register_keras_serializable(package="handgroups")
class HandPoseModel(keras.Model):
    """A 3D hand-pose network that learns which joints share features.

    Args:
        input_size: Side of the square crop in pixels, a multiple of 32 (`paper`: 64).
        encoder: `"efficientnet_lite0"` (ImageNet weights) or `"tiny"`; `mobile` only.
        pretrained: Whether the encoder starts from its ImageNet weights; `mobile` only.
        decoder_channels: Width of the decoder at stride 16, 8 and 4; `mobile` only.
        architecture: `"mobile"` (encoder and light decoder) or `"paper"` (the hourglass
            network of Li et al.; it has no presence and handedness logits).
        num_groups: Number of joint groups.
        group_channels: Width of each group's branch.
        fusion: Whether each group looks at the features of all groups, see `GroupFusion`.
        gating: What the selector mixes: `"predictions"` or `"features"`, see `grouped_heads`.
        distribution: Of the selector, see `JointGroupSelector`.
        grouping: `None` to learn it; a name of `grouping.GROUPING_NAMES`; or 21 group
            indices.
        initial_logit: Of the selector.
        exclusivity_weight: Of the selector.
        balance_weight: Of the selector.
        straight_through: Of the selector.
        seed: Seed of the selector's draws and of a random grouping.
        provenance: Texts that travel with the model into its contract: `recipe`,
            `training_data`, `licence`.

    Call arguments:
        inputs: Images `(batch, input_size, input_size, 3)`, float, RGB in [0, 1], showing a
            right hand (left hands are mirrored before).
        training: Whether the selector samples and batch norms use batch statistics.

    Returns:
        Dict of float32 tensors: `uv_px (batch, 21, 2)` in crop pixels; `z_rel
        (batch, 21)` in reference-bone units relative to joint 9; of the `mobile`
        architecture `presence (batch, 1)` and `handedness (batch, 1)` logits; and, for
        the losses, the probability maps `backbone_maps` and `group_maps (batch, 21, cells)`.

    Raises:
        InputError: If an argument is out of range or unknown.

    Example:

    >>> import numpy as np
    >>> model = HandPoseModel(input_size=64, encoder="tiny", group_channels=16)
    >>> outputs = model(np.zeros((1, 64, 64, 3), "float32"))
    >>> tuple(outputs["uv_px"].shape), tuple(outputs["z_rel"].shape)
    ((1, 21, 2), (1, 21))

    Reference:
    - [Li, Gao and Sang, 2021](https://arxiv.org/abs/2012.09496)
    """

    def __init__(
        self,
        input_size=128,
        encoder="efficientnet_lite0",
        pretrained=True,
        decoder_channels=(96, 64, 48),
        architecture="mobile",
        num_groups=3,
        group_channels=32,
        fusion=True,
        gating="predictions",
        distribution="relaxed_bernoulli",
        grouping=None,
        initial_logit=0.0,
        exclusivity_weight=1.0,
        balance_weight=0.1,
        straight_through=False,
        seed=0,
        provenance=None,
        **kwargs,
    ):
        config = {
            "input_size": input_size,
            "architecture": architecture,
            "encoder": encoder,
            "pretrained": pretrained,
            "decoder_channels": tuple(decoder_channels),
            "num_groups": num_groups,
            "group_channels": group_channels,
            "fusion": fusion,
            "gating": gating,
            "distribution": distribution,
            "grouping": grouping if grouping is None or isinstance(grouping, str) else [*grouping],
            "initial_logit": initial_logit,
            "exclusivity_weight": exclusivity_weight,
            "balance_weight": balance_weight,
            "straight_through": straight_through,
            "seed": seed,
            "provenance": dict(provenance or {}),
        }
        kind = architecture_named(architecture)
        if input_size < kind.size_multiple or input_size % kind.size_multiple:
            raise InputError(
                f"HandPoseModel: `input_size` must be a positive multiple of {kind.size_multiple}. "
                f"Received: input_size={input_size!r}. Use for example 128."
            )
        if num_groups < 1:
            raise InputError(
                "HandPoseModel: `num_groups` must be at least 1. "
                f"Received: num_groups={num_groups!r}. Use 1 for no groups."
            )
        images = keras.Input((input_size, input_size, 3), name="image")
        features = kind.features(images, config, range(num_groups), folded=False)
        _, backbone_maps = SpatialSoftArgmax(
            HEATMAP_STRIDE,
            kind.grid_offset_px,
            trainable=kind.backbone_temperature,
            name="backbone_soft_argmax",
        )(features.backbone_heatmaps)
        table = (
            named_grouping(grouping, num_groups, seed) if isinstance(grouping, str) else grouping
        )
        selector = JointGroupSelector(
            num_groups,
            distribution=distribution,
            grouping=table,
            initial_logit=initial_logit,
            exclusivity_weight=exclusivity_weight,
            balance_weight=balance_weight,
            straight_through=straight_through,
            seed=seed,
            dtype="float32",
            name="selector",
        )
        uv_px, z_rel, group_maps = grouped_heads(
            features.heatmap_hidden,
            features.depth_hidden,
            selector,
            HEATMAP_STRIDE,
            kind.head_kernel,
            kind.grid_offset_px,
            gating,
        )
        outputs = {"uv_px": uv_px, "z_rel": z_rel}
        if features.coarse is not None:
            outputs |= image_heads(features.coarse, folded=False)
        outputs |= {"backbone_maps": backbone_maps, "group_maps": group_maps}
        super().__init__(inputs=images, outputs=outputs, **kwargs)
        self.config = config
        # Under the paper's protocol: root depth and bone length from ground truth.
        self.pose_metrics = [
            MPJPE(name="mpjpe_mm"),
            PAMPJPE(name="pa_mpjpe_mm"),
            # The published variant: the last 12 of 20 thresholds over 0 .. 50 mm.
            PCKAUC(low_mm=400 / 19, high_mm=50.0, num_thresholds=12, name="auc_20_50"),
        ]

    @property
    def architecture(self) -> Architecture:
        """The architecture the model was built with."""
        return architecture_named(self.config["architecture"])

    @property
    def selector(self) -> JointGroupSelector:
        """The layer that holds the grouping."""
        return self.get_layer("selector")

    def mixture(self, images, weights) -> dict:
        """Predicts with given mixing weights instead of the hard grouping.

        For looking into the selector: uniform weights show what the groups agree on,
        `selector.sample_weights(draw)` gives the noisy predictions of training (and of
        the authors' test script).

        Args:
            images: `(batch, input_size, input_size, 3)`, RGB in [0, 1].
            weights: Mixing weights `(21, num_groups)`; every row sums to 1.

        Returns:
            Dict of `uv_px (batch, 21, 2)` in crop pixels and `z_rel (batch, 21)`.

        Raises:
            InputError: If the weights have another shape.

        Example:

        >>> model = HandPoseModel(64, encoder="tiny", group_channels=8, num_groups=2)
        >>> images = ops.zeros((1, 64, 64, 3))
        >>> hard = model.mixture(images, model.selector.hard_weights())
        >>> bool(ops.all(hard["uv_px"] == model(images)["uv_px"]))
        True
        """
        return self.mixture_model(weights)(images)

    def mixture_model(self, weights) -> keras.Model:
        """Returns the model that predicts with given mixing weights, see `mixture`.

        It shares the weights of this one.

        Args:
            weights: Mixing weights `(21, num_groups)`; every row sums to 1.

        Raises:
            InputError: If the weights have another shape.
        """
        expected = (NUM_JOINTS, self.selector.num_groups)
        if tuple(ops.shape(weights)) != expected:
            raise InputError(
                f"HandPoseModel.mixture: expected weights of shape {expected}. "
                f"Received: shape={tuple(ops.shape(weights))}."
            )
        mixed = [self.selector.mix(part, weights) for part in self.selector.input]
        tail = keras.Model(
            self.selector.output, {name: self.output[name] for name in ("uv_px", "z_rel")}
        )
        return keras.Model(self.input, tail(mixed))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Keras' loss over the outputs; further targets serve the 3D metrics."""
        # The replicas of a process fill one list with `add_loss`: the second would count the
        # first one's penalty too.
        self._clear_losses()
        loss = super().compute_loss(
            x, _only(y, y_pred), y_pred, _only(sample_weight, y_pred), training
        )
        if training and self.selector.grouping is None:
            loss += self._aggregate_additional_loss(self.selector.training_penalty())
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Keras' metrics, and the errors in millimetres where 3D labels are given."""
        super().compute_metrics(x, _only(y, y_pred), y_pred, _only(sample_weight, y_pred))
        if "xyz_camera_mm" in y:
            xyz_camera_mm = lift(y_pred["uv_px"], y_pred["z_rel"], y)
            weight = None if sample_weight is None else sample_weight["xyz_camera_mm"]
            for metric in self.pose_metrics:
                metric.update_state(y["xyz_camera_mm"], xyz_camera_mm, sample_weight=weight)
        return self.get_metrics_result()

    def get_config(self):
        return self.config | {"name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        # The weights follow from the file, so the ImageNet ones need not be read.
        return cls(**config | {"pretrained": False})


def _only(values, outputs):
    return None if values is None else {name: values[name] for name in outputs}


def lift(uv_px, z_rel, targets):
    """Lifts predictions to camera space with the true root depth and bone length.

    Args:
        uv_px: `(batch, 21, 2)` in crop pixels.
        z_rel: `(batch, 21)` in reference-bone units.
        targets: The true `xyz_camera_mm (batch, 21, 3)` and `pixel_rays (batch, 3, 3)`.

    Returns:
        `(batch, 21, 3)` in millimetres, camera frame.

    Example:

    >>> import numpy as np
    >>> xyz = np.zeros((1, 21, 3), "float32") + [0, 0, 400]
    >>> xyz[0, 10, 1] = 25.0
    >>> targets = {"xyz_camera_mm": xyz, "pixel_rays": np.eye(3, dtype="float32")[None]}
    >>> lift(np.zeros((1, 21, 2)), np.full((1, 21), 2.0), targets)[0, 0].numpy().tolist()
    [0.0, 0.0, 450.0]
    """
    xyz = ops.cast(targets["xyz_camera_mm"], "float32")
    start, end = REFERENCE_BONE
    bone_mm = ops.norm(xyz[:, start] - xyz[:, end], axis=-1)[:, None]
    depth_mm = ops.cast(z_rel, "float32") * bone_mm + xyz[:, ROOT_JOINT, 2][:, None]
    uv_px = ops.cast(uv_px, "float32")
    homogeneous = ops.concatenate([uv_px, ops.ones_like(uv_px[..., :1])], axis=-1)
    rays = ops.matmul(homogeneous, ops.transpose(targets["pixel_rays"], (0, 2, 1)))
    return rays * depth_mm[..., None]


def architecture_named(name: str) -> Architecture:
    """Returns an architecture.

    Raises:
        InputError: If there is none of this name.

    Example:

    >>> architecture_named("paper").head_kernel
    3
    """
    if name not in ARCHITECTURES:
        raise InputError(
            f"HandPoseModel: unknown architecture. Received: architecture={name!r}. "
            f"Known architectures: {', '.join(ARCHITECTURES)}."
        )
    return ARCHITECTURES[name]


def build_hardened(config: dict, joints: dict) -> keras.Model:
    """Builds the pruned, folded network of a configuration, with fresh weights.

    Args:
        config: Configuration of a `HandPoseModel`.
        joints: Group -> its joints, for every group that has some.

    Returns:
        A functional model of standard Keras layers, `image -> uv_px, z_rel` and, of the
        `mobile` architecture, `presence, handedness`. `harden` fills it.
    """
    kind = architecture_named(config["architecture"])
    size = config["input_size"]
    images = keras.Input((size, size, 3), name="image")
    features = kind.features(images, config, list(joints), folded=True)
    uv_px, z_rel = pruned_heads(
        features.heatmap_hidden, features.depth_hidden, joints, kind.head_kernel
    )
    outputs = {"uv_px": uv_px, "z_rel": z_rel}
    if features.coarse is not None:
        outputs |= image_heads(features.coarse, folded=True)
    return keras.Model(images, outputs, name="handpose_hardened")
