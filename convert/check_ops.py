"""What is inside a `.tflite` file: ops, static shapes, delegated partitions."""

import collections
import dataclasses
from collections.abc import Callable
from typing import Any

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import GateError

_BUILTIN_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}

# Builtin, hence accepted by the converter, but not allowed: inference must be repeatable.
_RANDOM_OPS = frozenset({"RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL", "MULTINOMIAL"})


@dataclasses.dataclass(frozen=True)
class OpReport:
    """What `check_ops` found.

    Args:
        ops: Number of ops by name, as stored in the file.
        num_ops: Their sum.
        partitions: Number of XNNPACK partitions, or `None` if the runtime does not tell.
            One is best: every further one costs a hand-over.
        delegated_ops: Number of ops inside these partitions, or `None`.
    """

    ops: dict[str, int]
    num_ops: int
    partitions: int | None
    delegated_ops: int | None

    @property
    def delegated_share(self) -> float | None:
        """Share of the ops that XNNPACK takes, between 0 and 1."""
        return None if self.delegated_ops is None else self.delegated_ops / max(1, self.num_ops)

    def as_dict(self) -> dict[str, Any]:
        """Returns the report as plain JSON values."""
        share = self.delegated_share
        return dataclasses.asdict(self) | {
            "delegated_share": None if share is None else round(share, 4)
        }


def op_name(model: Any, operator: Any) -> str:
    """Returns the name of an operator: `CONV_2D`, or `CUSTOM:<name>` for foreign ones."""
    code = model.operatorCodes[operator.opcodeIndex]
    # Files of old converters leave builtinCode at 0 and fill the deprecated byte.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    name = _BUILTIN_NAMES.get(number, f"BUILTIN_{number}")
    if name != "CUSTOM":
        return name
    custom = code.customCode or b""
    return f"CUSTOM:{custom.decode(errors='replace') if isinstance(custom, bytes) else custom}"


def list_ops(content: bytes) -> dict[str, int]:
    """Returns how often each op occurs in a `.tflite` file, most frequent first.

    Args:
        content: Content of the file.

    Raises:
        InputError: If the content is not a LiteRT model.
    """
    model = parse_tflite(content)
    counts = collections.Counter(
        op_name(model, operator) for graph in model.subgraphs for operator in graph.operators
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def check_ops(content: bytes, where: str = "model") -> OpReport:
    """Checks that every device can run a model: builtin ops, static shapes, nothing random.

    Args:
        content: Content of a `.tflite` file.
        where: Name of the model for messages.

    Returns:
        The ops, and how many of them XNNPACK takes in how many partitions.

    Raises:
        InputError: If the content is not a LiteRT model.
        GateError: If it contains a Flex, custom or random op, or a tensor of dynamic
            shape.
    """
    model = parse_tflite(content, where)
    ops = list_ops(content)
    foreign = [name.removeprefix("CUSTOM:") for name in ops if name.startswith("CUSTOM:")]
    if foreign:
        raise GateError(
            f"{where}: expected builtin ops only. Received: ops={foreign} in "
            f"layers={_layers(model, lambda name: name.startswith('CUSTOM:'))}. Flex and custom "
            "ops need TensorFlow on the device; replace the layers they come from."
        )
    random = sorted(_RANDOM_OPS & set(ops))
    if random:
        raise GateError(
            f"{where}: expected the same result for the same crop. Received: ops={random} in "
            f"layers={_layers(model, _RANDOM_OPS.__contains__)}. "
            "Harden the model before the conversion."
        )
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            signature = tensor.shapeSignature
            if signature is not None and -1 in list(signature):
                name = tensor.name.decode(errors="replace") if tensor.name else "?"
                raise GateError(
                    f"{where}: expected static shapes. Received: tensor={name!r} of shape "
                    f"{tuple(int(side) for side in signature)}. Export with a batch of 1."
                )
    partitions, delegated_ops = delegation(content)
    return OpReport(ops, sum(ops.values()), partitions, delegated_ops)


def _layers(model: Any, chosen: Callable[[str], bool]) -> list[str]:
    """Returns the names of what the chosen ops compute, which start with the layers' names."""
    names = {
        graph.tensors[operator.outputs[0]].name
        for graph in model.subgraphs
        for operator in graph.operators
        if len(operator.outputs) and chosen(op_name(model, operator))
    }
    return sorted(name.decode(errors="replace") if name else "?" for name in names)


def delegation(content: bytes) -> tuple[int | None, int | None]:
    """Counts XNNPACK partitions and the ops inside, as far as the runtime tells.

    Args:
        content: Content of a `.tflite` file that the runtime can load.

    Returns:
        Number of partitions and of the ops in them; `None` each if the runtime is silent.
    """
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    # Private, the only source of this number; its absence must not stop a conversion.
    details = getattr(interpreter, "_get_ops_details", None)
    if details is None:
        return None, None
    nodes = details()
    partitions = [node for node in nodes if node["op_name"] == "DELEGATE"]
    producers = {
        int(tensor): node
        for node in nodes
        if node["op_name"] != "DELEGATE"
        for tensor in node["outputs"]
    }
    delegated: set[int] = set()
    for partition in partitions:
        boundary = {int(tensor) for tensor in partition["inputs"]}
        # An op belongs to the partition if the outputs need it and the inputs do not give it.
        pending = [int(tensor) for tensor in partition["outputs"]]
        while pending:
            node = producers.get(pending.pop())
            if node is not None and node["index"] not in delegated:
                delegated.add(node["index"])
                pending += [int(t) for t in node["inputs"] if int(t) not in boundary]
    return len(partitions), len(delegated)
