"""Imports TensorFlow without its start-up notes, which would bury our own messages."""

import os
import sys
import tempfile


def import_tensorflow_quietly() -> None:
    """Imports TensorFlow; what it prints meanwhile is shown only if the import fails.

    The notes come from C++ before any log level applies, so the file descriptor
    itself is redirected.

    Example:

    >>> import_tensorflow_quietly()
    >>> "tensorflow" in sys.modules
    True
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        except BaseException:
            notes.seek(0)
            os.write(original, notes.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
