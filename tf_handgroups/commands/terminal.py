"""Where commands print: results for people or programs, and messages beside them."""

import json
import sys
from typing import Any

from rich.console import Console

console = Console()
errors = Console(stderr=True, soft_wrap=True)


def print_json(value: Any) -> None:
    """Prints one line of JSON to standard output, for another program.

    Example:

    >>> print_json({"count": 3})
    {"count": 3}
    """
    sys.stdout.write(json.dumps(value) + "\n")
