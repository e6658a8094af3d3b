"""Records of numbers whose fields are set on the command line as `name=value`."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from tf_handgroups.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)
else:
    Record = TypeVar("Record")


def with_numbers(record_type: type[Record], assignments: Sequence[str]) -> Record:
    """Makes a record; fields that are not named keep their defaults.

    Args:
        record_type: A dataclass whose fields are numbers.
        assignments: Texts `name=value`.

    Raises:
        InputError: If a text has another form, a name is unknown, or the record refuses
            a value.

    Example:

    >>> from tf_handgroups.synth.settings import SynthSettings
    >>> with_numbers(SynthSettings, ["ring=0.5", "negatives=0"]).ring
    0.5
    """
    known = [field.name for field in dataclasses.fields(record_type)]
    return record_type(**numbers_of(assignments, known))


def numbers_of(assignments: Sequence[str], known: Sequence[str]) -> dict[str, float]:
    """Reads texts `name=value`.

    Args:
        assignments: The texts.
        known: Names that may be set.

    Raises:
        InputError: If a text has another form, a name is unknown, or a value is no number.

    Example:

    >>> numbers_of(["beta=2"], ["beta"])
    {'beta': 2.0}
    """
    values = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or name not in known:
            raise InputError(
                f"--set: expected name=value with a name of {', '.join(known)}. Received: {text!r}."
            )
        try:
            values[name] = float(value)
        except ValueError as error:
            raise InputError(f"--set: expected a number. Received: {text!r}.") from error
    return values
