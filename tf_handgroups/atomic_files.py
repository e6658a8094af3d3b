"""Outputs that are either complete or absent: temporary name first, then a move."""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator

from tf_handgroups.errors import InputError


def _check_target(target: pathlib.Path, overwrite: bool) -> None:
    if not overwrite and (target.is_file() or (target.is_dir() and any(target.iterdir()))):
        raise InputError(
            f"{target}: already exists and would be replaced. Received: overwrite=False. "
            "Choose another path or pass --overwrite."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{target.parent}: cannot create this folder ({error.strerror}). "
            "Choose a path in a folder you may write to."
        ) from error


@contextlib.contextmanager
def replacing_file(path: str | os.PathLike, overwrite: bool = False) -> Iterator[pathlib.Path]:
    """Yields a temporary path that becomes `path` when the block succeeds.

    The temporary name keeps the suffix of `path` and lies in the same folder, so
    that the final move is atomic. If the block raises, nothing is left behind.

    Args:
        path: Where the file shall be.
        overwrite: Whether an existing file may be replaced.

    Raises:
        InputError: If `path` exists and `overwrite` is false, it is a folder, or its
            folder cannot be created.

    Example:

    >>> import pathlib, tempfile
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing_file(target) as temporary:
    ...     _ = temporary.write_text("done")
    >>> target.read_text()
    'done'
    """
    target = pathlib.Path(path)
    if target.is_dir():
        raise InputError(
            f"{target}: expected a file name. Received: a folder. Name a file in it, for example."
        )
    _check_target(target, overwrite)
    temporary = target.with_name(f".{uuid.uuid4().hex}.part{target.suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike, overwrite: bool = False) -> Iterator[pathlib.Path]:
    """Yields a temporary folder that becomes `path` when the block succeeds.

    Args:
        path: Where the folder shall be.
        overwrite: Whether an existing, non-empty folder may be replaced.

    Raises:
        InputError: If `path` exists and `overwrite` is false, it is a file, or its
            folder cannot be created.

    Example:

    >>> import pathlib, tempfile
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "bundle"
    >>> with replacing_folder(target) as temporary:
    ...     _ = (temporary / "a.txt").write_text("done")
    >>> [file.name for file in target.iterdir()]
    ['a.txt']
    """
    target = pathlib.Path(path)
    _check_target(target, overwrite)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target}: expected a folder. Received: a file. Choose another path.")
    temporary = target.with_name(f".{uuid.uuid4().hex}.part")
    temporary.mkdir()
    try:
        yield temporary
        if target.exists():
            old = target.with_name(f".{uuid.uuid4().hex}.old")
            os.replace(target, old)
            os.replace(temporary, target)
            shutil.rmtree(old)
        else:
            os.replace(temporary, target)
    finally:
        if temporary.exists():
            shutil.rmtree(temporary)
