"""The error types whose meaning the command line turns into exit codes."""


class InputError(ValueError):
    """An argument, file or data set that cannot be used as given.

    The command line prints the message and exits with status 2. Messages say
    where the problem is, what was expected, what was received and how to fix it.

    Example:

    >>> issubclass(InputError, ValueError)
    True
    """


class GateError(RuntimeError):
    """A quality gate that was not met, for example a lossy quantized model.

    The command line prints the message and exits with status 3.

    Example:

    >>> issubclass(GateError, RuntimeError)
    True
    """
