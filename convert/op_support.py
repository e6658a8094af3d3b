"""Which ops of a model would fall back to the plain CPU, by accelerator, and why.

The rules are `op_tables`: as documented, not measured.
"""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from tf_handgroups.convert.graph_ops import GraphOp, graph_ops
from tf_handgroups.convert.op_tables import BACKENDS, Backend, activations

RUNS, DEPENDS, FALLS_BACK = "runs", "depends", "falls_back"

_AFTER = "follows an op that stays on the CPU"
_NOTE = "as documented, not measured"


@dataclasses.dataclass(frozen=True)
class OpSupport:
    """Where some ops of a model run.

    Args:
        backend: Key of `op_tables.BACKENDS`.
        op: Name of the op.
        verdict: `RUNS`, `DEPENDS` (on runtime, version or driver) or `FALLS_BACK`.
        reason: Why it does not simply run, or empty.
        count: Number of ops of this kind with this verdict for this reason.
    """

    backend: str
    op: str
    verdict: str
    reason: str
    count: int


def judge(op: GraphOp, backend: Backend) -> tuple[str, str]:
    """Returns the verdict on one op, whatever comes before it, and a reason.

    Args:
        op: As of `graph_ops`.
        backend: One of `op_tables.BACKENDS`.
    """
    rule = backend.rules.get(op.name)
    if rule is None:
        return FALLS_BACK, "not in the list"
    found = {tensor.dtype for tensor in activations(op)} - rule.dtypes
    if found:
        return FALLS_BACK, f"takes {', '.join(sorted(found))}"
    for conditions, verdict in ((rule.needs, FALLS_BACK), (rule.doubts, DEPENDS)):
        for condition in conditions:
            if reason := condition(op):
                return verdict, reason
    return RUNS, ""


def op_support(content: bytes, where: str = "model") -> list[OpSupport]:
    """Judges every op of a model for every backend of `op_tables.BACKENDS`.

    Where a backend makes one partition only, all ops after the first that stays on the CPU
    count as falling back; ops before its first own op do not end it.

    Args:
        content: Content of a `.tflite` file.
        where: Name of the model for messages.

    Returns:
        By backend, in the order of the ops' first occurrence.

    Raises:
        InputError: If the content is not a LiteRT model.
    """
    ops = graph_ops(content, where)
    counts: collections.Counter = collections.Counter()
    for key, backend in BACKENDS.items():
        started = ended = False
        for op in ops:
            verdict, reason = judge(op, backend)
            if backend.one_partition:
                ended |= started and verdict == FALLS_BACK
                started |= verdict != FALLS_BACK
                if ended and verdict != FALLS_BACK:
                    verdict, reason = FALLS_BACK, _AFTER
            counts[key, op.name, verdict, reason] += 1
    return [
        OpSupport(key, name, verdict, reason, count)
        for (key, name, verdict, reason), count in counts.items()
    ]


def support_totals(support: Sequence[OpSupport]) -> dict[str, dict[str, int]]:
    """Returns backend -> verdict -> number of ops.

    Example:

    >>> support_totals([OpSupport("gpu", "ADD", "runs", "", 2)])
    {'gpu': {'runs': 2, 'depends': 0, 'falls_back': 0}}
    """
    totals: dict[str, dict[str, int]] = {}
    for entry in support:
        row = totals.setdefault(entry.backend, dict.fromkeys((RUNS, DEPENDS, FALLS_BACK), 0))
        row[entry.verdict] += entry.count
    return totals


def support_dict(support: Sequence[OpSupport]) -> dict[str, Any]:
    """Returns plain JSON values: by backend the totals, and every kind of op with a reason."""
    result: dict[str, Any] = {"note": _NOTE}
    for key, totals in support_totals(support).items():
        entries = [dataclasses.asdict(entry) for entry in support if entry.backend == key]
        result[key] = totals | {
            "ops": [{k: v for k, v in entry.items() if k != "backend"} for entry in entries]
        }
    return result


def support_table(supports: Mapping[str, Sequence[OpSupport]]) -> Table:
    """Returns a table of how many ops of each model run where.

    Args:
        supports: Name of the model -> what `op_support` says.

    Example:

    >>> support_table({"int8": [OpSupport("gpu", "ADD", "runs", "", 2)]}).row_count
    1
    """
    title = f"Ops that run / depend / fall back to the CPU, {_NOTE}"
    table = Table(title=title, min_width=len(title) + 2)
    table.add_column("variant")
    for backend in BACKENDS.values():
        table.add_column(backend.title, justify="right")
    for name, support in supports.items():
        totals = support_totals(support)
        cells = (" / ".join(map(str, totals.get(key, {}).values())) for key in BACKENDS)
        table.add_row(name, *cells)
    return table


def fallback_reasons(support: Sequence[OpSupport]) -> list[str]:
    """Returns a line per backend and reason for what falls back where other ops do not.

    Args:
        support: Of one model, as of `op_support`.

    Example:

    >>> one = OpSupport("edgetpu", "ADD", "runs", "", 2)
    >>> fallback_reasons([one, OpSupport("edgetpu", "MUL", "falls_back", "takes FLOAT32", 1)])
    ['EdgeTPU, back to the CPU, takes FLOAT32: MUL x1']
    """
    reasons: dict[tuple[str, str], list[OpSupport]] = {}
    totals = support_totals(support)
    for entry in support:
        row = totals[entry.backend]
        if entry.verdict == FALLS_BACK and row[RUNS] + row[DEPENDS]:
            reasons.setdefault((entry.backend, entry.reason), []).append(entry)
    return [
        f"{BACKENDS[backend].title}, back to the CPU, {reason}: "
        + ", ".join(f"{entry.op} x{entry.count}" for entry in entries)
        for (backend, reason), entries in reasons.items()
    ]
