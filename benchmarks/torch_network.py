"""The paper's published network in PyTorch, to compare with; the package does not need it.

Written from a description of the layers. Attributes bear the names of the authors' state
dict, so that `load_state_dict` takes their checkpoint, or `tests.reference_state`, as it is.
Layout is PyTorch's: `(batch, channels, height, width)`.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

NUM_JOINTS = 21
STRIDE = 4


def _conv(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2)


def _conv_norm(inputs: int, outputs: int, size: int, stride: int = 1) -> list[nn.Module]:
    return [_conv(inputs, outputs, size, stride), nn.BatchNorm2d(outputs)]


class PreActivation(nn.Module):
    """Bottleneck that normalizes before each convolution: 1x1, 3x3, 1x1.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the result; the bottleneck has half of them.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        middle = outputs // 2
        self.bn, self.conv1 = nn.BatchNorm2d(inputs), _conv(inputs, middle, 1)
        self.bn1, self.conv2 = nn.BatchNorm2d(middle), _conv(middle, middle, 3)
        self.bn2, self.conv3 = nn.BatchNorm2d(middle), _conv(middle, outputs, 1)
        if inputs != outputs:
            self.conv4 = _conv(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.bn(x).relu())
        y = self.conv2(self.bn1(y).relu())
        y = self.conv3(self.bn2(y).relu())
        # The skip sees the input before any norm.
        return y + (self.conv4(x) if hasattr(self, "conv4") else x)


def _pair(channels: int) -> nn.Sequential:
    return nn.Sequential(PreActivation(channels, channels), PreActivation(channels, channels))


class Hourglass(nn.Module):
    """Down by two, deeper levels, up by two (nearest), plus a branch that stays.

    Args:
        depth: Number of levels, at least 1.
        channels: Channels everywhere.
    """

    def __init__(self, depth: int, channels: int):
        super().__init__()
        self.up1_, self.low1_, self.low3_ = _pair(channels), _pair(channels), _pair(channels)
        if depth > 1:
            self.low2 = Hourglass(depth - 1, channels)
        else:
            self.low2_ = _pair(channels)

    def forward(self, x: Tensor) -> Tensor:
        low = self.low1_(nn.functional.max_pool2d(x, 2))
        low = self.low2(low) if hasattr(self, "low2") else self.low2_(low)
        return self.up1_(x) + nn.functional.interpolate(self.low3_(low), scale_factor=2)


class Backbone(nn.Module):
    """Stem and one hourglass: images to 256 features and 21 heatmaps at stride 4."""

    def __init__(self):
        super().__init__()
        self.conv1_, self.bn1 = _conv(3, 64, 7, 2), nn.BatchNorm2d(64)
        self.r1 = PreActivation(64, 128)
        self.r4 = PreActivation(128, 128)
        self.r5 = PreActivation(128, 256)
        self.hourglass = nn.ModuleList([Hourglass(4, 256)])
        self.Residual = _pair(256)
        self.lin_ = nn.ModuleList([nn.Sequential(*_conv_norm(256, 256, 1), nn.ReLU())])
        self.tmpOut = nn.ModuleList([_conv(256, NUM_JOINTS, 1)])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        x = self.r1(self.bn1(self.conv1_(images)).relu())
        x = self.r5(self.r4(nn.functional.max_pool2d(x, 2)))
        features = self.lin_[0](self.Residual(self.hourglass[0](x)))
        return features, self.tmpOut[0](features)


class Unit(nn.Module):
    """Convolution, norm, ReLU: 1x1, or transposed 4x4 that doubles height and width.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the result.
        up: Whether to double height and width.
    """

    def __init__(self, inputs: int, outputs: int, up: bool = False):
        super().__init__()
        conv = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1) if up else _conv(inputs, outputs, 1)
        self.block = nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class Residual(nn.Module):
    """Two 3x3 convolutions with norm beside a skip; ReLU after the sum.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the result.
        down: Whether to halve height and width; then the branch ends with its own ReLU.
    """

    def __init__(self, inputs: int, outputs: int, down: bool = False):
        super().__init__()
        stride = 2 if down else 1
        layers = [*_conv_norm(inputs, outputs, 3, stride), nn.ReLU()]
        layers += [*_conv_norm(outputs, outputs, 3), *([nn.ReLU()] if down else [])]
        self.res_branch = nn.Sequential(*layers)
        project = down or inputs != outputs
        skip = _conv_norm(inputs, outputs, 1, stride) if project else []
        self.skip_con = nn.Sequential(*skip)

    def forward(self, x: Tensor) -> Tensor:
        return (self.res_branch(x) + self.skip_con(x)).relu()


class GroupFusion(nn.Module):
    """One private 1x1 convolution per group over the features of all groups.

    Args:
        num_groups: Number of groups.
        channels: Channels of each group.
    """

    def __init__(self, num_groups: int, channels: int):
        super().__init__()
        self.Conv_Task_List = nn.ModuleList(
            nn.Sequential(*_conv_norm(num_groups * channels, channels, 1), nn.ReLU())
            for _ in range(num_groups)
        )

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        joined = torch.cat(features, 1)
        return [fuse(joined) for fuse in self.Conv_Task_List]


class SoftArgmax(nn.Module):
    """Softmax of each heatmap and the position it expects, in cells.

    Args:
        size: Height and width of the heatmaps.
    """

    def __init__(self, size: int):
        super().__init__()
        columns = torch.arange(size).float().repeat(size, 1)
        self.wx = nn.Parameter(columns, requires_grad=False)
        self.wy = nn.Parameter(columns.T.contiguous(), requires_grad=False)
        self.beta = nn.Conv2d(NUM_JOINTS, NUM_JOINTS, 1, groups=NUM_JOINTS, bias=False)

    def forward(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.beta(heatmaps).flatten(2).softmax(2).view_as(heatmaps)
        uv = torch.stack([(maps * self.wx).sum((2, 3)), (maps * self.wy).sum((2, 3))], 2)
        return uv, maps


def _head(channels: int) -> nn.Sequential:
    return nn.Sequential(_conv(channels, channels, 3), nn.ReLU(), _conv(channels, NUM_JOINTS, 3))


class TorchNetwork(nn.Module):
    """The whole network; every group predicts all joints and `weights` mix the groups.

    Args:
        num_groups: Number of groups, at least 1.
        channels: Channels of each group's branch.
        input_size: Height and width of the images in pixels.

    Call arguments:
        images: `(batch, 3, height, width)`, RGB in [0, 1].
        weights: `(21, groups)`, what each joint takes from each group.

    Returns:
        `uv (batch, 21, 2)` in pixels of the images and `depth (batch, 21)`.
    """

    def __init__(self, num_groups: int = 3, channels: int = 32, input_size: int = 256):
        super().__init__()

        def per_group(make):
            return nn.ModuleList(make() for _ in range(num_groups))

        c = channels
        self.backbone = Backbone()
        self.backbone_conv = nn.Sequential(Residual(NUM_JOINTS + 256, 128), Residual(128, c))
        self.meta_S = nn.Linear(num_groups, NUM_JOINTS, bias=False)
        nn.init.constant_(self.meta_S.weight, 0.5)
        self.b_conv0 = per_group(lambda: Unit(c, c))
        self.b_conv1 = per_group(lambda: Residual(c, c))
        self.b_down1 = per_group(lambda: Residual(c, c, down=True))
        self.b_down2 = per_group(lambda: Residual(c, c, down=True))
        self.b_up2 = per_group(lambda: nn.Sequential(Unit(c, c, up=True)))
        self.b_up1 = per_group(lambda: nn.Sequential(Unit(2 * c, c), Unit(c, c, up=True)))
        self.b_up0 = per_group(lambda: nn.Sequential(Unit(3 * c, 2 * c), Residual(2 * c, c)))
        self.nddr_layer0 = GroupFusion(num_groups, c)
        self.b_htmaps_conv = per_group(lambda: _head(c))
        self.b_get_uv = per_group(lambda: SoftArgmax(input_size // STRIDE))
        self.b_depth_conv = per_group(lambda: _head(c))

    def forward(self, images: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        features, heatmaps = self.backbone(images)
        # Heatmaps come first, as the published outputs show.
        shared = self.backbone_conv(torch.cat([heatmaps, features], 1))
        branches = [self.branch(shared, group) for group in range(len(self.b_conv0))]
        depth = images.new_zeros(len(images), NUM_JOINTS)
        uv = images.new_zeros(len(images), NUM_JOINTS, 2)
        for group, fused in enumerate(self.nddr_layer0(branches)):
            group_uv, maps = self.b_get_uv[group](self.b_htmaps_conv[group](fused))
            group_depth = (maps * self.b_depth_conv[group](fused)).sum((2, 3))
            uv = uv + weights[:, group, None] * group_uv
            depth = depth + weights[:, group] * group_depth
        return STRIDE * uv, depth

    def branch(self, shared: Tensor, group: int) -> Tensor:
        """Returns one group's features before fusion."""
        first = self.b_conv0[group](shared)
        full = self.b_conv1[group](first)
        half = self.b_down1[group](full)
        up = self.b_up2[group](self.b_down2[group](half))
        up = self.b_up1[group](torch.cat([up, half], 1))
        return self.b_up0[group](torch.cat([up, full, first], 1))


def load_torch_network(state: Mapping[str, np.ndarray]) -> TorchNetwork:
    """Builds the network with the given weights, ready for inference.

    Args:
        state: NumPy arrays under the names of the authors' state dict.

    Raises:
        RuntimeError: If a name or shape differs.
    """
    network = TorchNetwork(num_groups=state["meta_S.weight"].shape[1])
    network.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    return network.eval()


@torch.inference_mode()
def predict(
    network: TorchNetwork, images: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Runs the network on NumPy arrays; arguments and results as in `TorchNetwork`."""
    uv, depth = network(torch.from_numpy(images), torch.from_numpy(weights))
    return uv.numpy(), depth.numpy()


@torch.inference_mode()
def backbone_outputs(network: TorchNetwork, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs the backbone alone, to find where another implementation parts.

    Returns:
        Features `(batch, 256, 64, 64)` and heatmaps `(batch, 21, 64, 64)`.
    """
    features, heatmaps = network.backbone(torch.from_numpy(images))
    return features.numpy(), heatmaps.numpy()
