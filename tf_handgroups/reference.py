"""The authors' published network: built, and filled from their PyTorch state dict."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.joints import JOINT_ORDERS, NUM_JOINTS
from tf_handgroups.layers.group_fusion import GroupFusion
from tf_handgroups.layers.spatial_soft_argmax import SpatialSoftArgmax
from tf_handgroups.models import hourglass
from tf_handgroups.models.hand_pose_model import HEATMAP_STRIDE, HandPoseModel
from tf_handgroups.recipes.paper import paper


def build_reference_network(provenance: Mapping[str, str] | None = None) -> HandPoseModel:
    """Returns the network of the `paper` recipe with fresh weights.

    Input 256x256, three groups of 32 channels, 7,478,257 learnable weights.

    Args:
        provenance: See `HandPoseModel`.

    Example:

    >>> model = build_reference_network()
    >>> sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    7478257
    """
    return HandPoseModel(**paper().model_arguments, provenance=provenance)


def load_reference_state(
    model: HandPoseModel, state: Mapping[str, Any], joint_order: str = "canonical"
) -> None:
    """Fills the network from a state dict of the authors' PyTorch network.

    Args:
        model: A network of the architecture `paper`.
        state: PyTorch name -> array, 1104 entries for three groups. Every entry is used
            exactly once; the fixed grids (`wx`, `wy`) are compared with ours, the batch
            counters have no counterpart.
        joint_order: Order of the joints in `state`. `"canonical"` leaves them where they
            are. The authors' checkpoint is in the order of their data set, `"rhd"`: all
            that belongs to a joint is then moved to its canonical place.

    Raises:
        InputError: If the model has another architecture, the joint order is unknown, or
            entries of `state` are missing, unexpected, misshapen, not finite or, for the
            grids, different; the message lists them all. The model is left unchanged.

    Example:

    >>> state = {"meta_S.weight": np.zeros((21, 2))}
    >>> load_reference_state(build_reference_network(), state)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tf_handgroups.errors.InputError: load_reference_state: expected the 1104 entries of the \
authors' network with 3 groups. Received: 1 entries; 1103 missing: backbone.conv1_.weight, ...
    """
    if not isinstance(model, HandPoseModel) or model.config["architecture"] != "paper":
        raise InputError(
            "load_reference_state: expected a HandPoseModel of the architecture paper. "
            f"Received: model={getattr(model, 'config', type(model).__name__)!r}. "
            "Build it with tf_handgroups.reference.build_reference_network()."
        )
    if joint_order not in JOINT_ORDERS:
        raise InputError(
            "load_reference_state: unknown joint order. "
            f"Received: joint_order={joint_order!r}. Known orders: {', '.join(JOINT_ORDERS)}."
        )
    plan = list(_plan(model))
    arrays = _checked(model, plan, state)
    to_canonical = np.asarray(JOINT_ORDERS[joint_order])
    for weight, name, layout in plan:
        if weight is not None:
            values = layout.to_keras(arrays[name])
            weight.assign(_reordered(values, name, to_canonical).astype(np.float32))


class _Layout:
    """How an array of PyTorch lies in Keras: axes in another order, then a shape."""

    def __init__(self, axes: tuple[int, ...] | None = None, flat: bool = False):
        self.axes = axes
        self.flat = flat

    def to_keras(self, array: np.ndarray) -> np.ndarray:
        if self.flat:
            return array.reshape(-1)
        return array if self.axes is None else array.transpose(self.axes)

    def torch_shape(self, keras_shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.flat:
            return (*keras_shape, 1, 1, 1)
        if self.axes is None:
            return keras_shape
        shape = [0] * len(keras_shape)
        for to, source in enumerate(self.axes):
            shape[source] = keras_shape[to]
        return tuple(shape)


_SAME = _Layout()
# (out, in, height, width) and, transposed, (in, out, height, width) -> Keras' kernels,
# (height, width, in, out) and (height, width, out, in): the same axes in both cases.
_KERNEL = _Layout((2, 3, 1, 0))
_PER_JOINT = _Layout(flat=True)

# What the network holds fixed, and what only PyTorch counts: no weight of ours.
_GRIDS = ("wx", "wy")
_COUNTER = "num_batches_tracked"
_Entry = tuple[Any, str, _Layout]


def _plan(model: HandPoseModel) -> Iterator[_Entry]:
    """Yields (weight or None, PyTorch name, layout) for every entry of the state dict."""
    num_groups = model.config["num_groups"]

    def convolution(name: str, key: str) -> Iterator[_Entry]:
        layer = model.get_layer(f"{name}_conv")
        yield from _biased(layer, key)

    def norm(name: str, key: str) -> Iterator[_Entry]:
        yield from _normalization(model.get_layer(name), key)

    def block(name: str, key: str, indices: tuple[int, int] = (0, 1)) -> Iterator[_Entry]:
        yield from convolution(name, f"{key}.{indices[0]}")
        yield from norm(f"{name}_norm", f"{key}.{indices[1]}")

    def module(name: str, key: str) -> Iterator[_Entry]:
        yield from norm(f"{name}_preactivation", f"{key}.bn")
        yield from convolution(f"{name}_reduce", f"{key}.conv1")
        yield from norm(f"{name}_reduce_norm", f"{key}.bn1")
        yield from convolution(f"{name}_spatial", f"{key}.conv2")
        yield from norm(f"{name}_spatial_norm", f"{key}.bn2")
        yield from convolution(f"{name}_expand", f"{key}.conv3")
        if f"{name}_skip_conv" in names:
            yield from convolution(f"{name}_skip", f"{key}.conv4")

    def residual(name: str, key: str) -> Iterator[_Entry]:
        yield from block(f"{name}_first", f"{key}.res_branch", (0, 1))
        yield from block(f"{name}_second", f"{key}.res_branch", (3, 4))
        if f"{name}_skip_conv" in names:
            yield from block(f"{name}_skip", f"{key}.skip_con")

    def modules(name: str, key: str) -> Iterator[_Entry]:
        for index in range(hourglass.MODULES):
            yield from module(f"{name}{index}", f"{key}.{index}")

    names = {layer.name for layer in model.layers}
    yield from convolution("backbone_stem", "backbone.conv1_")
    yield from norm("backbone_stem_norm", "backbone.bn1")
    for name, key in (("1", "r1"), ("2", "r4"), ("3", "r5")):
        yield from module(f"backbone_stem{name}", f"backbone.{key}")
    prefix = "backbone.hourglass.0"
    for level in range(hourglass.DEPTH, 0, -1):
        for name, key in (("skip", "up1_"), ("before", "low1_"), ("after", "low3_")):
            yield from modules(f"hourglass{level}_{name}", f"{prefix}.{key}")
        if level == 1:
            yield from modules("hourglass1_inner", f"{prefix}.low2_")
        prefix += ".low2"
    yield from modules("backbone_after", "backbone.Residual")
    yield from block("backbone_features", "backbone.lin_.0")
    yield from convolution("backbone_heatmaps", "backbone.tmpOut.0")
    for index in (0, 1):
        yield from residual(f"shared{index}", f"backbone_conv.{index}")
    yield model.selector.logits, "meta_S.weight", _SAME
    for group in range(num_groups):
        branch = f"group{group}_branch"
        yield from block(f"{branch}_enter", f"b_conv0.{group}.block")
        yield from residual(f"{branch}_full", f"b_conv1.{group}")
        yield from residual(f"{branch}_half", f"b_down1.{group}")
        yield from residual(f"{branch}_quarter", f"b_down2.{group}")
        yield from block(f"{branch}_quarter_up", f"b_up2.{group}.0.block")
        yield from block(f"{branch}_half_merge", f"b_up1.{group}.0.block")
        yield from block(f"{branch}_half_up", f"b_up1.{group}.1.block")
        yield from block(f"{branch}_full_merge", f"b_up0.{group}.0.block")
        yield from residual(f"{branch}_leave", f"b_up0.{group}.1")
        fusion = model.get_layer(f"group{group}_fusion")
        yield from _fusion(fusion, f"nddr_layer0.Conv_Task_List.{group}")
        for kind, key in (("heatmap", "b_htmaps_conv"), ("depth", "b_depth_conv")):
            yield from convolution(f"group{group}_{kind}_head", f"{key}.{group}.0")
            maps = "heatmaps" if kind == "heatmap" else "depth_maps"
            yield from _biased(model.get_layer(f"group{group}_{maps}"), f"{key}.{group}.2")
        soft_argmax = model.get_layer(f"group{group}_soft_argmax")
        yield from _soft_argmax(soft_argmax, f"b_get_uv.{group}")


def _biased(layer: keras.layers.Layer, key: str) -> Iterator[_Entry]:
    yield layer.kernel, f"{key}.weight", _KERNEL
    yield layer.bias, f"{key}.bias", _SAME


def _normalization(layer: keras.layers.BatchNormalization, key: str) -> Iterator[_Entry]:
    yield layer.gamma, f"{key}.weight", _SAME
    yield layer.beta, f"{key}.bias", _SAME
    yield layer.moving_mean, f"{key}.running_mean", _SAME
    yield layer.moving_variance, f"{key}.running_var", _SAME
    yield None, f"{key}.{_COUNTER}", _SAME


def _fusion(layer: GroupFusion, key: str) -> Iterator[_Entry]:
    yield from _biased(layer.convolution, f"{key}.0")
    yield from _normalization(layer.normalization, f"{key}.1")


def _soft_argmax(layer: SpatialSoftArgmax, key: str) -> Iterator[_Entry]:
    yield layer.inverse_temperature, f"{key}.beta.weight", _PER_JOINT
    for grid in _GRIDS:
        yield None, f"{key}.{grid}", _SAME


def _checked(model: HandPoseModel, plan: list[_Entry], state: Mapping[str, Any]) -> dict:
    """Returns the arrays of a state dict that fits, with everything that does not listed."""
    arrays, misshapen, unusable = {}, [], []
    cells = model.config["input_size"] // HEATMAP_STRIDE
    grids = dict(zip(_GRIDS, np.mgrid[:cells, :cells][::-1], strict=True))
    expected = [name for _, name, _ in plan]
    for weight, name, layout in plan:
        if name not in state:
            continue
        array, leaf = np.asarray(state[name]), name.rpartition(".")[2]
        if weight is not None:
            shape = layout.torch_shape(tuple(weight.shape))
        else:
            shape = grids[leaf].shape if leaf in grids else ()
        if array.shape != shape:
            misshapen.append(f"{name} is {array.shape}, expected {shape}")
        elif array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            unusable.append(f"{name} is not numeric or not finite")
        elif leaf in grids and not np.array_equal(array, grids[leaf]):
            axis = "column" if leaf == "wx" else "row"
            unusable.append(f"{name} is not the grid of {axis} indices 0 .. {cells - 1}")
        arrays[name] = array
    problems = {
        "missing": [name for name in expected if name not in state],
        "unexpected": sorted(map(str, set(state) - set(expected))),
        "misshapen": misshapen,
        "unusable": unusable,
    }
    found = [f"{len(items)} {kind}: {_some(items)}" for kind, items in problems.items() if items]
    if found:
        num_groups, size = model.config["num_groups"], model.config["input_size"]
        channels = model.config["group_channels"]
        raise InputError(
            f"load_reference_state: expected the {len(plan)} entries of the authors' network with "
            f"{num_groups} groups. Received: {len(state)} entries; {'; '.join(found)}. Use the "
            f"state dict of Learnable_Groups([{num_groups}, True], {size}, {NUM_JOINTS}, "
            f"[{channels}, {channels}])."
        )
    return arrays


def _some(items: list[str], most: int = 50) -> str:
    rest = len(items) - most
    return ", ".join([*items[:most], f"and {rest} more"] if rest > 0 else items)


def _reordered(values: np.ndarray, name: str, to_canonical: np.ndarray) -> np.ndarray:
    """Moves what belongs to a joint to its canonical place; `values` lie as in Keras."""
    if name == "meta_S.weight" or ".beta." in name:
        return values[to_canonical]
    if name.startswith("backbone.tmpOut") or _makes_joint_maps(name):
        return values[..., to_canonical]
    reads_heatmaps = ("backbone_conv.0.res_branch.0.weight", "backbone_conv.0.skip_con.0.weight")
    if name in reads_heatmaps:
        # The heatmaps are the first channels that these convolutions see.
        return np.concatenate([values[:, :, to_canonical], values[:, :, NUM_JOINTS:]], axis=2)
    return values


def _makes_joint_maps(name: str) -> bool:
    kind, _, index, _ = [*name.split("."), "", "", ""][:4]
    return kind in ("b_htmaps_conv", "b_depth_conv") and index == "2"
