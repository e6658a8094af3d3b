"""The `mobile` network in PyTorch, to compare with; the package does not need it.

Layer for layer what `tf_handgroups.models.mobile_network` builds on EfficientNet-Lite0, as
one writes it in PyTorch. Layout is PyTorch's: `(batch, channels, height, width)`.

Strided convolutions pad both sides alike, which costs PyTorch nothing. Keras pads right and
bottom only; with `keras_padding` the same weights therefore give Keras' outputs, at the
price of a padded copy before every strided convolution.
"""

from collections.abc import Iterator
from typing import Any

import keras
import torch
from torch import Tensor, nn

from tf_handgroups.models.efficientnet_lite0 import FEATURE_STRIDES, STAGES, STEM_CHANNELS

NUM_JOINTS = 21
STRIDE = 4
EPSILON, MOMENTUM = 1e-3, 0.02


class Conv(nn.Conv2d):
    """Convolution that pads as Keras' `"same"` does, if asked to.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the result.
        kernel: Odd side of the kernel.
        stride: 1 or 2.
        keras_padding: Whether a stride of 2 pads right and bottom.
        **kwargs: As for `nn.Conv2d`.
    """

    def __init__(self, inputs, outputs, kernel, stride=1, keras_padding=False, **kwargs):
        self.before = (kernel - 2) // 2 if keras_padding and stride == 2 else None
        padding = kernel // 2 if self.before is None else 0
        super().__init__(inputs, outputs, kernel, stride, padding, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        if self.before is not None:
            x = nn.functional.pad(x, (self.before, self.before + 1) * 2)
        return super().forward(x)


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU; arguments of `Conv`."""

    def __init__(self, *args, bias: bool = False, **kwargs):
        super().__init__()
        self.conv = Conv(*args, bias=bias, **kwargs)
        self.norm = nn.BatchNorm2d(self.conv.out_channels, eps=EPSILON, momentum=MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.norm(self.conv(x)), inplace=True)


class MBConv(nn.Module):
    """Inverted residual without batch norms: expand 1x1, depthwise, project 1x1.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the result.
        kernel: Side of the depthwise kernel.
        stride: Of the depthwise convolution.
        expansion: Channels in between over `inputs`.
        keras_padding: See `Conv`.
    """

    def __init__(self, inputs, outputs, kernel, stride, expansion, keras_padding):
        super().__init__()
        middle = inputs * expansion
        self.expand = Conv(inputs, middle, 1) if expansion != 1 else None
        self.depthwise = Conv(middle, middle, kernel, stride, keras_padding, groups=middle)
        self.project = Conv(middle, outputs, 1)
        self.skips = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if self.expand is not None:
            y = nn.functional.relu6(self.expand(y), inplace=True)
        y = self.project(nn.functional.relu6(self.depthwise(y), inplace=True))
        return x + y if self.skips else y


class Encoder(nn.Module):
    """EfficientNet-Lite0 with its batch norms folded; returns maps at stride 4 to 32."""

    def __init__(self, keras_padding: bool):
        super().__init__()
        self.stem = Conv(3, STEM_CHANNELS, 3, 2, keras_padding)
        self.stages = nn.ModuleList()
        inputs = STEM_CHANNELS
        for count, kernel, stride, expansion, outputs in STAGES:
            blocks = []
            for index in range(count):
                first = stride if index == 0 else 1
                blocks.append(MBConv(inputs, outputs, kernel, first, expansion, keras_padding))
                inputs = outputs
            self.stages.append(nn.Sequential(*blocks))

    def forward(self, images: Tensor) -> dict[int, Tensor]:
        x = self.stem(images * (255.0 / 128.0) - 127.0 / 128.0)
        x = nn.functional.relu6(x, inplace=True)
        features = {}
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in FEATURE_STRIDES:
                features[FEATURE_STRIDES[index]] = x
        return features


def _double(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Decoder(nn.Module):
    """From coarse to fine: double, join with the encoder's map, 3x3."""

    def __init__(self, widths):
        super().__init__()
        channels = {FEATURE_STRIDES[i]: STAGES[i][-1] for i in FEATURE_STRIDES}
        self.lateral = nn.ModuleDict({"32": ConvBlock(channels[32], widths[0], 1)})
        self.merge = nn.ModuleDict()
        inputs = widths[0]
        for stride, width in zip((16, 8, 4), widths, strict=True):
            self.lateral[str(stride)] = ConvBlock(channels[stride], width, 1)
            self.merge[str(stride)] = ConvBlock(inputs + width, width, 3)
            inputs = width

    def forward(self, features: dict[int, Tensor]) -> Tensor:
        x = self.lateral["32"](features[32])
        for key, merge in self.merge.items():
            x = merge(torch.cat([_double(x), self.lateral[key](features[int(key)])], 1))
        return x


class Branch(nn.Module):
    """One group's features: a small hourglass of two resolutions."""

    def __init__(self, inputs: int, channels: int, keras_padding: bool):
        super().__init__()
        self.fine = ConvBlock(inputs, channels, 3)
        self.down = ConvBlock(channels, channels, 3, 2, keras_padding)
        self.coarse = ConvBlock(channels, channels, 3)
        self.merge = ConvBlock(2 * channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.fine(x)
        return self.merge(torch.cat([fine, _double(self.coarse(self.down(fine)))], 1))


class SoftArgmax(nn.Module):
    """Softmax of each heatmap times a learned factor, and the position it expects in pixels.

    Args:
        size: Height and width of the heatmaps.
    """

    grid: Tensor

    def __init__(self, size: int):
        super().__init__()
        self.inverse_temperature = nn.Parameter(torch.ones(NUM_JOINTS))
        rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        grid = torch.stack([columns, rows], -1).reshape(-1, 2) * STRIDE + (STRIDE - 1) / 2
        self.register_buffer("grid", grid.float(), persistent=False)

    def forward(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        maps = (heatmaps.flatten(2).float() * self.inverse_temperature[:, None]).softmax(2)
        return maps @ self.grid, maps


class Group(nn.Module):
    """Fusion and heads of one group; predicts all joints."""

    def __init__(self, num_groups: int, channels: int, size: int):
        super().__init__()
        self.fusion = ConvBlock(num_groups * channels, channels, 1, bias=True)
        self.head = ConvBlock(channels, channels, 3)
        self.heatmaps = Conv(channels, NUM_JOINTS, 1)
        self.depth_maps = Conv(channels, NUM_JOINTS, 1)
        self.soft_argmax = SoftArgmax(size)

    def forward(self, joined: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.head(self.fusion(joined))
        uv, maps = self.soft_argmax(self.heatmaps(x))
        return uv, (maps * self.depth_maps(x).flatten(2)).sum(2), maps


class TorchMobileNetwork(nn.Module):
    """The whole network; every group predicts all joints and `weights` mix the groups.

    Args:
        num_groups: Number of groups, at least 1.
        channels: Channels of each group's branch.
        input_size: Height and width of the images in pixels.
        decoder_channels: Width at stride 16, 8 and 4.
        keras_padding: Whether to pad as Keras does, see above.

    Call arguments:
        images: `(batch, 3, height, width)`, RGB in [0, 1].
        weights: `(21, groups)`, what each joint takes from each group.

    Returns:
        The outputs of `HandPoseModel` by name.
    """

    def __init__(
        self,
        num_groups: int = 3,
        channels: int = 32,
        input_size: int = 128,
        decoder_channels: tuple[int, ...] = (96, 64, 48),
        keras_padding: bool = False,
    ):
        super().__init__()
        size = input_size // STRIDE
        shared = decoder_channels[-1]
        self.encoder = Encoder(keras_padding)
        self.decoder = Decoder(decoder_channels)
        self.heatmaps = Conv(shared, NUM_JOINTS, 1)
        self.soft_argmax = SoftArgmax(size)
        self.branches = nn.ModuleList(
            Branch(shared + NUM_JOINTS, channels, keras_padding) for _ in range(num_groups)
        )
        self.groups = nn.ModuleList(Group(num_groups, channels, size) for _ in range(num_groups))
        self.image_head = ConvBlock(STAGES[-1][-1], 64, 1)
        self.presence, self.handedness = nn.Linear(64, 1), nn.Linear(64, 1)
        self.logits = nn.Parameter(torch.zeros(NUM_JOINTS, num_groups))

    def forward(self, images: Tensor, weights: Tensor) -> dict[str, Tensor]:
        features = self.encoder(images)
        shared = self.decoder(features)
        heatmaps = self.heatmaps(shared)
        _, backbone_maps = self.soft_argmax(heatmaps)
        seen = torch.cat([shared, heatmaps], 1)
        joined = torch.cat([branch(seen) for branch in self.branches], 1)
        uv, depth, maps = zip(*(group(joined) for group in self.groups), strict=True)
        pooled = self.image_head(features[32]).mean((2, 3))
        return {
            "uv_px": mix(uv, weights),
            "z_rel": mix(depth, weights),
            "presence": self.presence(pooled),
            "handedness": self.handedness(pooled),
            "backbone_maps": backbone_maps,
            "group_maps": mix(maps, weights),
        }


def mix(predictions, weights: Tensor) -> Tensor:
    """Sums the groups' predictions `(batch, 21, ...)` with weights `(21, groups)`."""
    trailing = (1,) * (predictions[0].dim() - 2)
    parts = (
        prediction * weights[:, group].view(-1, *trailing)
        for group, prediction in enumerate(predictions)
    )
    return sum(parts, torch.zeros(()))


def counterparts(network: TorchMobileNetwork) -> Iterator[tuple[str, nn.Module]]:
    """Yields every module with weights and the name of the Keras layer that is the same."""

    def block(name: str, module: Any) -> Iterator[tuple[str, nn.Module]]:
        yield f"{name}_conv", module.conv
        yield f"{name}_norm", module.norm

    yield "encoder_stem", network.encoder.stem
    blocks = [block for stage in network.encoder.stages for block in stage.children()]
    for index, mbconv in enumerate(blocks):
        for part, conv in mbconv.named_children():
            yield f"encoder_block{index:02d}_{part}", conv
    for kind in ("lateral", "merge"):
        for stride, module in getattr(network.decoder, kind).items():
            yield from block(f"decoder_{kind}{stride}", module)
    yield "backbone_heatmaps", network.heatmaps
    yield "backbone_soft_argmax", network.soft_argmax
    for index, branch in enumerate(network.branches):
        for part, module in branch.named_children():
            yield from block(f"group{index}_branch_{part}", module)
    for index, group in enumerate(network.groups):
        for part, module in group.named_children():
            name = f"group{index}_{part}"
            yield from block(name, module) if part == "head" else [(name, module)]
    yield from block("image_head", network.image_head)
    yield "presence_logit", network.presence
    yield "handedness_logit", network.handedness


@torch.no_grad()
def load_keras_weights(network: TorchMobileNetwork, model: keras.Model) -> None:
    """Copies the weights of a `HandPoseModel` of the architecture `mobile`.

    Raises:
        ValueError: If a layer of one has no counterpart in the other, or a shape differs.
    """
    pairs = dict(counterparts(network))
    known = {layer.name for layer in model.layers if layer.weights} - {"selector"}
    if known != set(pairs):
        raise ValueError(f"without counterpart: {sorted(known.symmetric_difference(pairs))}")
    for name, module in pairs.items():
        layer = model.get_layer(name)
        parts = [(layer, module)]
        if isinstance(module, ConvBlock):
            parts = [(layer.convolution, module.conv), (layer.normalization, module.norm)]
        for source, target in parts:
            _copy(source, target)
    network.logits.copy_(_tensor(model.get_layer("selector").logits))


def _copy(layer: Any, module: Any) -> None:
    if isinstance(module, nn.BatchNorm2d):
        parts = {"gamma": "weight", "beta": "bias"}
        parts |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    elif isinstance(module, SoftArgmax):
        parts = {"inverse_temperature": "inverse_temperature"}
    else:
        parts = {"kernel": "weight"} | ({"bias": "bias"} if module.bias is not None else {})
    values = {target: _tensor(getattr(layer, source)) for source, target in parts.items()}
    if isinstance(module, nn.Linear):
        values["weight"] = values["weight"].T
    elif isinstance(module, nn.Conv2d):
        # (rows, columns, in, out), of a depthwise one (rows, columns, channels, 1).
        axes = (2, 3, 0, 1) if module.groups > 1 else (3, 2, 0, 1)
        values["weight"] = values["weight"].permute(axes)
    for target, value in values.items():
        own = getattr(module, target)
        if own.shape != value.shape:
            raise ValueError(f"{layer.name}: {target} {tuple(own.shape)}, not {tuple(value.shape)}")
        own.copy_(value)


def _tensor(variable) -> Tensor:
    return torch.from_numpy(keras.ops.convert_to_numpy(variable).copy())
