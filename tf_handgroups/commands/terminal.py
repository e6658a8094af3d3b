"""Where commands print: results for people or programs, and messages beside them."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import Progress

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
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar with the time left on standard error while a long command works.

    Args:
        what: A word for what is being done.

    Yields:
        Function to call with (done, in all) as the work goes on.

    Example:

    >>> with progress("measuring") as show:
    ...     show(3, 10)
    """
    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task(what)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, refresh=True)

        yield show


def print_json(value: Any) -> None:
    """Prints one line of JSON to standard output, for another program.

    Example:

    >>> print_json({"count": 3})
    {"count": 3}
    """
    sys.stdout.write(json.dumps(value) + "\n")
