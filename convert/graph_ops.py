"""The ops of a `.tflite` file with their tensors, for those who count or judge them."""

import dataclasses
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert.check_ops import op_name
from tf_handgroups.convert.tflite_file import parse_tflite

_TYPE_NAMES = {
    code: name for name, code in vars(schema.TensorType).items() if isinstance(code, int)
}
_DTYPES = {"INT32": "<i4", "INT64": "<i8", "FLOAT32": "<f4"}


@dataclasses.dataclass(frozen=True, eq=False)
class GraphTensor:
    """A tensor of a graph.

    Args:
        name: As in the file.
        shape: Static shape.
        dtype: Name of its type in the schema, such as `FLOAT32` or `INT8`.
        is_constant: Whether its values are stored in the file.
        values: Those values, of the types INT32, INT64 and FLOAT32 only.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    is_constant: bool
    values: np.ndarray | None = None

    @property
    def num_elements(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclasses.dataclass(frozen=True, eq=False)
class GraphOp:
    """An op of a graph.

    Args:
        name: `CONV_2D` and so on, `CUSTOM:<name>` for foreign ones.
        inputs: Its inputs, `None` for optional ones that are left out.
        outputs: Its outputs.
        options: The schema's options of this op, or `None`.
    """

    name: str
    inputs: tuple[GraphTensor | None, ...]
    outputs: tuple[GraphTensor, ...]
    options: Any

    def option(self, name: str, default: Any = None) -> Any:
        """Returns one of the options, or the default where the op has none of this name."""
        return getattr(self.options, name, default)

    def input(self, index: int) -> GraphTensor | None:
        """Returns an input, `None` where there are fewer."""
        return self.inputs[index] if index < len(self.inputs) else None


def graph_ops(content: bytes, where: str = "model") -> list[GraphOp]:
    """Returns the ops of a `.tflite` file in the order of their execution.

    Args:
        content: Content of the file.
        where: Name of the model for messages.

    Raises:
        InputError: If the content is not a LiteRT model.
    """
    model = parse_tflite(content, where)
    ops = []
    for graph in model.subgraphs:
        tensors = [_tensor(model, tensor) for tensor in graph.tensors]
        for operator in graph.operators:
            inputs = () if operator.inputs is None else operator.inputs
            ops.append(
                GraphOp(
                    op_name(model, operator),
                    tuple(tensors[index] if index >= 0 else None for index in inputs),
                    tuple(tensors[index] for index in operator.outputs),
                    operator.builtinOptions,
                )
            )
    return ops


def _tensor(model: Any, tensor: Any) -> GraphTensor:
    shape = () if tensor.shape is None else tuple(int(side) for side in tensor.shape)
    dtype = _TYPE_NAMES.get(tensor.type, f"TYPE_{tensor.type}")
    stored = model.buffers[tensor.buffer].data
    data = b"" if stored is None else bytes(stored)
    values = None
    if data and dtype in _DTYPES:
        values = np.frombuffer(data, _DTYPES[dtype])
        values = values.reshape(shape) if values.size == np.prod(shape, dtype=int) else values
    name = tensor.name.decode(errors="replace") if tensor.name else "?"
    return GraphTensor(name, shape, dtype, bool(data), values)
