"""A seeded state dict of the paper's published network, made of names and shapes alone.

Every array comes from a generator of its own, seeded by salt and name, so the same salt
gives the same network anywhere. `reference_figures.npz` holds what the network returns.
"""

import math
import zlib
from collections.abc import Iterator

import numpy as np

JOINTS = 21
GRID = 64
CHANNELS = 32
LEVELS = 4

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def norm(name: str, channels: int) -> Shapes:
    for leaf in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{leaf}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def conv(name: str, inputs: int, outputs: int, size: int) -> Shapes:
    yield f"{name}.weight", (outputs, inputs, size, size)
    yield f"{name}.bias", (outputs,)


def pre_activation(name: str, inputs: int, outputs: int) -> Shapes:
    middle = outputs // 2
    yield from norm(f"{name}.bn", inputs)
    yield from conv(f"{name}.conv1", inputs, middle, 1)
    yield from norm(f"{name}.bn1", middle)
    yield from conv(f"{name}.conv2", middle, middle, 3)
    yield from norm(f"{name}.bn2", middle)
    yield from conv(f"{name}.conv3", middle, outputs, 1)
    if inputs != outputs:
        yield from conv(f"{name}.conv4", inputs, outputs, 1)


def conv_norm(name: str, first: int, inputs: int, outputs: int, size: int) -> Shapes:
    yield from conv(f"{name}.{first}", inputs, outputs, size)
    yield from norm(f"{name}.{first + 1}", outputs)


def residual(name: str, inputs: int, outputs: int, skip: bool) -> Shapes:
    yield from conv_norm(f"{name}.res_branch", 0, inputs, outputs, 3)
    yield from conv_norm(f"{name}.res_branch", 3, outputs, outputs, 3)
    if skip:
        yield from conv_norm(f"{name}.skip_con", 0, inputs, outputs, 1)


def head(name: str) -> Shapes:
    yield from conv(f"{name}.0", CHANNELS, CHANNELS, 3)
    yield from conv(f"{name}.2", CHANNELS, JOINTS, 3)


def backbone() -> Shapes:
    yield from conv("backbone.conv1_", 3, 64, 7)
    yield from norm("backbone.bn1", 64)
    for name, inputs, outputs in (("r1", 64, 128), ("r4", 128, 128), ("r5", 128, 256)):
        yield from pre_activation(f"backbone.{name}", inputs, outputs)
    level = "backbone.hourglass.0"
    pairs = ["backbone.Residual"]
    for depth in range(LEVELS):
        level += ".low2" if depth else ""
        pairs += [f"{level}.{name}" for name in ("up1_", "low1_", "low3_")]
    for pair in [*pairs, f"{level}.low2_"]:
        yield from pre_activation(f"{pair}.0", 256, 256)
        yield from pre_activation(f"{pair}.1", 256, 256)
    yield from conv_norm("backbone.lin_.0", 0, 256, 256, 1)
    yield from conv("backbone.tmpOut.0", 256, JOINTS, 1)


def group(index: int, num_groups: int) -> Shapes:
    c = CHANNELS
    yield from conv_norm(f"b_conv0.{index}.block", 0, c, c, 1)
    yield from residual(f"b_conv1.{index}", c, c, skip=False)
    yield from residual(f"b_down1.{index}", c, c, skip=True)
    yield from residual(f"b_down2.{index}", c, c, skip=True)
    yield from conv_norm(f"b_up2.{index}.0.block", 0, c, c, 4)
    yield from conv_norm(f"b_up1.{index}.0.block", 0, 2 * c, c, 1)
    yield from conv_norm(f"b_up1.{index}.1.block", 0, c, c, 4)
    yield from conv_norm(f"b_up0.{index}.0.block", 0, 3 * c, 2 * c, 1)
    yield from residual(f"b_up0.{index}.1", 2 * c, c, skip=True)
    yield from conv_norm(f"nddr_layer0.Conv_Task_List.{index}", 0, num_groups * c, c, 1)
    yield from head(f"b_htmaps_conv.{index}")
    yield from head(f"b_depth_conv.{index}")
    yield f"b_get_uv.{index}.wx", (GRID, GRID)
    yield f"b_get_uv.{index}.wy", (GRID, GRID)
    yield f"b_get_uv.{index}.beta.weight", (JOINTS, 1, 1, 1)


def reference_shapes(num_groups: int = 3) -> dict[str, tuple[int, ...]]:
    """Names and shapes in PyTorch's layout: a convolution's kernel is (out, in, rows, columns)."""
    shapes = dict(backbone())
    shapes |= residual("backbone_conv.0", JOINTS + 256, 128, skip=True)
    shapes |= residual("backbone_conv.1", 128, CHANNELS, skip=True)
    shapes["meta_S.weight"] = (JOINTS, num_groups)
    for index in range(num_groups):
        shapes |= group(index, num_groups)
    return shapes


def generator(salt: str, name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32((salt + name).encode()))


def reference_array(salt: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """One entry of the state dict: int64 for a batch norm's counter, float32 otherwise."""
    random = generator(salt, name)
    leaf = name.split(".")[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if leaf in ("wx", "wy"):
        array = np.indices(shape)[1 if leaf == "wx" else 0]
    elif leaf == "running_var":
        array = random.uniform(0.5, 1.5, shape)
    elif leaf == "running_mean":
        array = 0.1 * random.standard_normal(shape)
    elif name.endswith("beta.weight"):
        array = random.uniform(15.0, 30.0, shape)
    elif name == "meta_S.weight":
        array = random.standard_normal(shape)
    elif leaf == "bias":
        array = 0.05 * random.standard_normal(shape)
    elif len(shape) == 1:
        array = random.uniform(0.5, 1.0, shape)
    else:
        # Of a transposed kernel with stride 2, four taps meet in each output.
        transposed = "up" in name and shape[2:] == (4, 4)
        fan_in = shape[0] * 4 if transposed else math.prod(shape[1:])
        array = random.standard_normal(shape) * math.sqrt(1 / fan_in)
    return array.astype(np.float32)


def reference_state(salt: str, num_groups: int = 3) -> dict[str, np.ndarray]:
    """The whole state dict of a salt, such as `handgroups:`."""
    shapes = reference_shapes(num_groups)
    return {name: reference_array(salt, name, shape) for name, shape in shapes.items()}


def reference_input(salt: str) -> np.ndarray:
    """Images (2, 3, 256, 256), RGB in [0, 1]."""
    return generator(salt, "input").random((2, 3, 256, 256), dtype=np.float32)
