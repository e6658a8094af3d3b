"""Where commands print: results for people or programs, and messages beside them."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

console = Console()
errors = Console(stderr=True, soft_wrap=True)


def say(text: str) -> None:
    """Prints a line for people, never broken, so that paths in it can be copied.

    Example:

    >>> say("Report: " + "folder/" * 20)  # doctest: +ELLIPSIS
    Report: folder/folder/...
    """
    console.print(text, soft_wrap=True, highlight=False, markup=False)


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Shows a bar with the time left on standard error while a long command works.

    Where nobody knows how much there is, it shows the speed.

    Args:
        what: A word for what is being done.

    Yields:
        Function to call with (done, in all) as the work goes on; the latter
        may be `None`.

    Example:

    >>> with progress("measuring") as show:
    ...     show(3, 10)
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total, refresh=True)

        yield show


def print_json(value: Any) -> None:
    """Prints one line of JSON to standard output, for another program.

    Example:

    >>> print_json({"count": 3})
    {"count": 3}
    """
    sys.stdout.write(json.dumps(value) + "\n")
