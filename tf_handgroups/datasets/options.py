"""The check of an option that takes one of several words."""

from collections.abc import Iterable

from tf_handgroups.errors import InputError


def known_option(kind: str, option: str, value: str, known: Iterable[str]) -> str:
    """Returns the value of an option if it is one of the known ones.

    Args:
        kind: Kind of the data set, for the message.
        option: Name of the option.
        value: What the user gave.
        known: What can be given.

    Raises:
        InputError: If the value is none of them; the message lists them.

    Example:

    >>> known_option("rhd", "split", "test", ("training", "evaluation"))
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: rhd: unknown value of an option. Received: split='test'. \
Known: training, evaluation.
    """
    known = tuple(known)
    if value not in known:
        raise InputError(
            f"{kind}: unknown value of an option. Received: {option}={value!r}. "
            f"Known: {', '.join(known)}."
        )
    return value
