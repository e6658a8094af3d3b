"""The pictures of a folder or a tar archive, one by one; nothing is unpacked."""

import lzma
import os
import pathlib
import tarfile
import zlib
from collections.abc import Iterator

from tf_handgroups.errors import InputError
from tf_handgroups.image_file import FORMATS

# What reading an archive raises where it is damaged, by its compression.
_DAMAGED = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError)

# Far more than a photograph needs; larger members of an archive are an error.
MAX_BYTES = 200_000_000


class Pictures:
    """The JPEG, PNG, WebP and BMP files in a folder, its subfolders, or a tar archive.

    Members of an archive are read as data under whatever name they have; only regular
    files count, links and devices do not. Files whose names start with a dot are left out.

    Args:
        source: Folder, or `.tar` file (also compressed).

    Raises:
        InputError: If there is no picture in it, or it is no such thing; while reading,
            if an archive is damaged or a member larger than 200 MB.

    Example:

    >>> import tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("b.png", "a.JPG", "notes.txt"):
    ...     _ = (folder / name).write_bytes(b"...")
    >>> [name for name, picture in Pictures(folder)]
    ['a.JPG', 'b.png']
    """

    def __init__(self, source: str | os.PathLike):
        self.source = pathlib.Path(source)
        if self.source.is_dir():
            self._files = _files_of(self.source)
            self._count = len(self._files)
        elif self.source.is_file():
            self._files = None
            self._count = sum(1 for _ in self._members(with_contents=False))
        else:
            raise InputError(
                f"{self.source}: expected a folder or a tar archive of pictures. Received: nothing "
                "there. Check the path."
            )
        if not self._count:
            raise InputError(
                f"{self.source}: expected pictures. Received: none. Known suffixes: "
                f"{', '.join(FORMATS)}."
            )

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[str, pathlib.Path | bytes]]:
        """Yields each picture's name in the source, and its file or its contents."""
        if self._files is None:
            yield from self._members(with_contents=True)
            return
        for file in self._files:
            yield file.relative_to(self.source).as_posix(), file

    def _members(self, with_contents: bool) -> Iterator[tuple[str, bytes]]:
        try:
            with tarfile.open(self.source, "r:*") as archive:
                for member in archive:
                    if not member.isreg() or not _is_picture(pathlib.PurePosixPath(member.name)):
                        continue
                    if member.size > MAX_BYTES:
                        raise InputError(
                            f"{self.source}: {member.name!r:.80}: expected at most {MAX_BYTES} "
                            f"bytes. Received: size={member.size}. That is no photograph."
                        )
                    file = archive.extractfile(member) if with_contents else None
                    yield member.name, file.read() if file else b""
                _check_end(archive)
        except _DAMAGED as error:
            raise InputError(
                f"{self.source}: expected a folder or a tar archive of pictures. "
                f"Received: {error}. Copy or download the file again."
            ) from error


def _check_end(archive: tarfile.TarFile) -> None:
    """What is no header ends an archive, for tarfile; only zeros or nothing should."""
    stream = archive.fileobj
    if stream is not None:
        stream.seek(archive.offset)
        if stream.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise tarfile.ReadError(f"a damaged header at byte {archive.offset}")


def _files_of(folder: pathlib.Path) -> list[pathlib.Path]:
    inside = folder.resolve()
    return sorted(
        file
        for file in folder.rglob("*")
        if _is_picture(file) and file.is_file() and file.resolve().is_relative_to(inside)
    )


def _is_picture(path: pathlib.PurePath) -> bool:
    return path.suffix.lower() in FORMATS and not path.name.startswith(".")
