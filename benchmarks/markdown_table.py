"""A table in markdown, for the pages of benchmarks."""

from collections.abc import Iterable, Sequence


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lays out a table, numbers on the right.

    Args:
        heads: Of all columns; the first one holds names.
        rows: A text for each column.

    Example:

    >>> print(markdown_table(["x", "mm"], [["a", "1.0"]]), end="")
    | x | mm |
    |---|---:|
    | a | 1.0 |
    """
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
