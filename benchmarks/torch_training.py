"""A training step of both networks in PyTorch, with the losses and the optimizer of a recipe.

What `tf_handgroups.compiling` asks of Keras, as one writes it in PyTorch: fused AdamW,
clipping by the global norm, warm-up and cosine, one relaxed sample of the selector per step.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.torch_mobile_network import TorchMobileNetwork, mix
from benchmarks.torch_network import STRIDE, TorchNetwork
from tf_handgroups.recipes.recipe import Recipe


class TorchPaperNetwork(TorchNetwork):
    """The paper's network with all that training looks at; `logits` are the selector's.

    Arguments are those of `TorchNetwork`.

    Returns:
        The outputs of `HandPoseModel` by name.
    """

    @property
    def logits(self) -> nn.Parameter:
        return self.meta_S.weight

    def forward(self, images: Tensor, weights: Tensor) -> dict[str, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        features, heatmaps = self.backbone(images)
        shared = self.backbone_conv(torch.cat([heatmaps, features], 1))
        branches = [self.branch(shared, group) for group in range(len(self.b_conv0))]
        all_uv, all_depth, all_maps = [], [], []
        for group, fused in enumerate(self.nddr_layer0(branches)):
            uv, maps = self.b_get_uv[group](self.b_htmaps_conv[group](fused).float())
            all_uv.append(uv)
            all_depth.append((maps * self.b_depth_conv[group](fused)).sum((2, 3)))
            all_maps.append(maps.flatten(2))
        return {
            "uv_px": STRIDE * mix(all_uv, weights),
            "z_rel": mix(all_depth, weights),
            "backbone_maps": heatmaps.flatten(2).float().softmax(2),
            "group_maps": mix(all_maps, weights),
        }


class TorchTraining:
    """Trains one of the networks with the losses and the optimizer of a recipe.

    Args:
        network: A `TorchMobileNetwork` or a `TorchPaperNetwork`.
        recipe: Names losses, weights, optimizer and schedule.
        bfloat16: Whether convolutions run in bfloat16 (autocast).
        channels_last: Whether images and kernels lie as channels last in memory.
        hard: Whether the grouping is settled: no sample, no penalty.
        compiled: Whether `torch.compile` compiles the network.
    """

    def __init__(
        self,
        network: TorchMobileNetwork | TorchPaperNetwork,
        recipe: Recipe,
        *,
        bfloat16: bool = False,
        channels_last: bool = False,
        hard: bool = False,
        compiled: bool = False,
    ):
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        # PyTorch documents this argument but declares no such overload.
        network = network.to(memory_format=self.layout)  # pyright: ignore[reportCallIssue]
        self.network, self.recipe = network.train(), recipe
        self.forward = torch.compile(self.network) if compiled else self.network
        self.bfloat16, self.hard = bfloat16, hard
        self.temperature = recipe.temperature_start
        self.offset = 0.0 if isinstance(network, TorchPaperNetwork) else (STRIDE - 1) / 2
        self.cells = torch.arange(recipe.input_size // STRIDE) * STRIDE + self.offset
        named = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
        self.parameters = [parameter for _, parameter in named]
        decayed = [p for _, p in named if p.dim() > 1 and p is not network.logits]
        plain = [p for n, p in named if p.dim() <= 1 or "beta" in n]
        decayed = [p for p in decayed if not any(p is other for other in plain)]
        rate = recipe.learning_rate
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": recipe.weight_decay},
                {"params": plain},
                {"params": [network.logits], "lr": rate * recipe.selector_rate},
            ],
            lr=rate,
            eps=1e-7,
            weight_decay=0.0,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)

    def _rate(self, step: int) -> float:
        warmup = min(self.recipe.warmup_steps, max(1, self.recipe.steps // 4))
        if step < warmup:
            return step / warmup
        done = (step - warmup) / max(1, self.recipe.steps - warmup)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    def batch(self, images: np.ndarray, targets: Mapping, weights: Mapping) -> tuple:
        """Converts a batch of our pipeline, so that this is not timed."""
        tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
        return (
            tensor.contiguous(memory_format=self.layout),
            {name: torch.from_numpy(values) for name, values in targets.items()},
            {name: torch.from_numpy(values) for name, values in weights.items()},
        )

    def step(self, images: Tensor, targets: Mapping, weights: Mapping) -> float:
        """Takes one training step; returns the loss before it."""
        self.optimizer.zero_grad(set_to_none=True)
        selection, penalty = self._selection()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            outputs = self.forward(images, selection)
        loss = self._loss(outputs, targets, weights) + penalty
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip_norm)
        self.optimizer.step()
        self.schedule.step()
        return loss.item()

    def _loss(self, outputs: Mapping, targets: Mapping, weights: Mapping) -> Tensor:
        recipe = self.recipe
        target = self._target_maps(targets["uv_px"])
        total = torch.zeros(())
        for name, values in outputs.items():
            values = values.float()
            if name == "uv_px":
                per_joint = (values - targets[name]).abs().mean(2) / recipe.input_size
                factor = recipe.uv_weight
            elif name == "z_rel":
                per_joint = (values - targets[name]).abs()
                factor = recipe.depth_weight
            elif name in ("presence", "handedness"):
                per_joint = functional.binary_cross_entropy_with_logits(
                    values, targets[name], reduction="none"
                ).squeeze(1)
                factor = recipe.image_weight
            else:
                per_joint = -(target * values.clamp_min(1e-30).log()).sum(2)
                factor = recipe.maps_weight
            total = total + factor * (per_joint * weights[name]).mean()
        return total

    def _target_maps(self, uv_px: Tensor) -> Tensor:
        """Gaussians around the true joints, `(batch, 21, cells)`, each of sum 1."""
        squared = (uv_px[..., None] - self.cells).square()
        squared = squared[:, :, 1, :, None] + squared[:, :, 0, None, :]
        return (squared.flatten(2) / (-2 * self.recipe.heatmap_sigma_px**2)).softmax(2)

    def _selection(self) -> tuple[Tensor, Tensor | float]:
        """Weights `(21, groups)` that mix the groups, and the selector's penalty."""
        logits = self.network.logits
        if self.hard:
            return functional.one_hot(logits.argmax(1), logits.shape[1]).float(), 0.0
        if self.recipe.distribution == "relaxed_onehot":
            relaxed = torch.distributions.RelaxedOneHotCategorical(
                torch.tensor(self.temperature), logits=logits
            )
            return relaxed.rsample(), 0.0
        uniform = torch.rand_like(logits).clamp(1e-7, 1 - 1e-7)
        gates = (logits + uniform.logit()) / self.temperature
        return functional.logsigmoid(gates).softmax(1), self._penalty(logits)

    def _penalty(self, logits: Tensor) -> Tensor:
        gates = logits.sigmoid()
        undecided = (gates * (1 - gates)).sum(1)
        urgency = max(0.0, 1 - self.temperature)
        exclusivity = ((gates.sum(1) - 1).square() + urgency * undecided).mean()
        share = functional.logsigmoid(logits).softmax(1).mean(0)
        imbalance = math.log(len(share)) + (share * (share + 1e-9).log()).sum()
        return self.recipe.exclusivity_weight * exclusivity + self.recipe.balance_weight * imbalance
