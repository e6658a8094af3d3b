"""Reading and writing image files so that a bad file is an error, not a grey picture.

Pillow rather than OpenCV reads: it tells the size before decoding anything and
refuses truncated files, which OpenCV silently completes with grey.
"""

import contextlib
import io
import os
import pathlib
import warnings
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.errors import InputError

FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP"}
MAX_PIXELS = 50_000_000
MIN_SIDE_PX = 8

# What Pillow's decoders raise for damaged files, besides UnidentifiedImageError.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError)

_ORIENTATION = 0x0112
# What brings the rows and columns of each orientation to those one sees.
_TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_METADATA_CHUNKS = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")


def read_image(
    path_or_bytes: str | os.PathLike | bytes, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Decodes a JPEG, PNG, WebP or BMP image.

    The EXIF orientation of photographs is applied: rows and columns are those one
    sees on the screen. Grey becomes RGB, an alpha channel is dropped (not blended),
    16-bit images are reduced to 8 bits, of animations the first picture is taken.

    Args:
        path_or_bytes: File, or its contents.
        max_pixels: Largest width * height that is decoded. It is compared with the
            size in the header, so that a small file cannot fill the memory.

    Returns:
        `(height, width, 3)` uint8 RGB.

    Raises:
        InputError: If the file is missing, no image, damaged or truncated, has too
            many pixels or fewer than 8 a side.

    Example:

    >>> import tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "hand.png"
    >>> write_image(file, np.full((16, 24, 3), 200, np.uint8))
    >>> read_image(file).shape, int(read_image(file.read_bytes()).min())
    ((16, 24, 3), 200)
    """
    with _opened(path_or_bytes, max_pixels) as (image, _):
        image.load()
        turn = _TURNS[_orientation(image)]
        return _as_rgb(image if turn is None else image.transpose(turn))


def orientation_of(path_or_bytes: str | os.PathLike | bytes, max_pixels: int = MAX_PIXELS) -> int:
    """Returns the orientation that `read_image` applies, from the header alone.

    For decoders that ignore it, such as TensorFlow's. Nothing is decoded, so
    damaged pixels are not noticed.

    Args:
        path_or_bytes: As for `read_image`.
        max_pixels: As for `read_image`.

    Returns:
        The EXIF orientation: 1 upright, also where the file says nothing or nonsense;
        2 mirrored, 3 upside down, 4 both; 5..8 the same with rows and columns
        exchanged, 6 being a photograph to be turned clockwise by 90 degrees, 8
        anticlockwise.

    Raises:
        InputError: As `read_image`, but for damage after the header.

    Example:

    >>> import tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "hand.png"
    >>> write_image(file, np.full((16, 24, 3), 200, np.uint8))
    >>> orientation_of(file)
    1
    """
    with _opened(path_or_bytes, max_pixels) as (image, stream):
        return _orientation_without_decoding(image, stream)


def upright_size_of(
    path_or_bytes: str | os.PathLike | bytes, max_pixels: int = MAX_PIXELS
) -> tuple[int, int]:
    """Returns the `(width, height)` of the image that `read_image` returns, from the header.

    Args:
        path_or_bytes: As for `read_image`.
        max_pixels: As for `read_image`.

    Raises:
        InputError: As `orientation_of`.

    Example:

    >>> import tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "hand.png"
    >>> write_image(file, np.full((16, 24, 3), 200, np.uint8))
    >>> upright_size_of(file)
    (24, 16)
    """
    with _opened(path_or_bytes, max_pixels) as (image, stream):
        width, height = image.size
        turned = _orientation_without_decoding(image, stream) > 4
        return (height, width) if turned else (width, height)


def write_image(path: str | os.PathLike, image: np.ndarray, overwrite: bool = False) -> None:
    """Writes an RGB image; the file is complete or absent.

    Args:
        path: Ends in `.jpg`, `.jpeg`, `.png`, `.webp` or `.bmp`.
        image: `(height, width, 3)` uint8 RGB.
        overwrite: Whether an existing file may be replaced.

    Raises:
        InputError: If the suffix or the array does not fit, or the file exists and
            `overwrite` is false.

    Example:

    >>> import tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "new" / "hand.jpg"
    >>> write_image(file, np.zeros((16, 16, 3), np.uint8))
    >>> file.is_file()
    True
    """
    path = pathlib.Path(path)
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            f"write_image: unknown image format. Received: path={os.fspath(path)!r}. "
            f"Known suffixes: {', '.join(FORMATS)}."
        )
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise InputError(
            "write_image: expected a uint8 array (height, width, 3). "
            f"Received: dtype={image.dtype}, shape={image.shape}."
        )
    options = {"quality": 95} if path.suffix.lower() not in (".png", ".bmp") else {}
    with replacing_file(path, overwrite) as temporary:
        Image.fromarray(image).save(temporary, FORMATS[path.suffix.lower()], **options)


@contextlib.contextmanager
def _opened(
    path_or_bytes: str | os.PathLike | bytes, max_pixels: int
) -> Iterator[tuple[Image.Image, BinaryIO]]:
    """The image with its header read and its size checked; damage is an InputError."""
    where = "image bytes" if isinstance(path_or_bytes, bytes) else os.fspath(path_or_bytes)
    with _open(path_or_bytes) as stream, warnings.catch_warnings():
        # Pillow warns about damaged EXIF blocks and sizes; sizes are checked below,
        # and an image with damaged metadata is still an image.
        warnings.simplefilter("ignore")
        try:
            image = Image.open(stream, formats=sorted(set(FORMATS.values())))
        except UnidentifiedImageError as error:
            raise InputError(
                f"{where}: expected a JPEG, PNG, WebP or BMP image. Received: "
                "something else, or next to nothing. Convert the file."
            ) from error
        except Image.DecompressionBombError as error:
            raise _too_many_pixels(where, str(error), max_pixels) from error
        except _DAMAGED as error:
            raise _damaged(where, error) from error
        width, height = image.size
        if width * height > max_pixels:
            raise _too_many_pixels(where, f"size={width}x{height}", max_pixels)
        if min(width, height) < MIN_SIDE_PX:
            raise InputError(
                f"{where}: expected at least {MIN_SIDE_PX} pixels a side. "
                f"Received: size={width}x{height}. A hand cannot be seen in it."
            )
        try:
            yield image, stream
        except _DAMAGED as error:
            raise _damaged(where, error) from error


def _orientation_without_decoding(image: Image.Image, stream: BinaryIO) -> int:
    if image.format == "PNG" and "exif" not in image.info and _has_late_chunks(stream):
        # Metadata may follow the pixels; Pillow finds it by decoding.
        image.load()
    return _orientation(image)


def _orientation(image: Image.Image) -> int:
    try:
        # Not the method of PngImageFile, which decodes the image to find no EXIF.
        orientation = Image.Image.getexif(image).get(_ORIENTATION, 1)
    except Exception:
        # Of any kind: an image with damaged metadata is still an image.
        return 1
    return int(orientation) if orientation in _TURNS else 1


def _has_late_chunks(stream: BinaryIO) -> bool:
    """Whether a PNG has text or EXIF after its pixels."""
    place = stream.tell()
    stream.seek(8)
    seen_pixels = late = False
    while len(head := stream.read(8)) == 8 and head[4:] != b"IEND" and not late:
        seen_pixels |= head[4:] == b"IDAT"
        late = seen_pixels and head[4:] in _METADATA_CHUNKS
        stream.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)
    stream.seek(place)
    return late


def _open(path_or_bytes: str | os.PathLike | bytes) -> BinaryIO:
    if isinstance(path_or_bytes, bytes):
        return io.BytesIO(path_or_bytes)
    try:
        return pathlib.Path(path_or_bytes).open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"{os.fspath(path_or_bytes)}: expected a readable image file. Received: {reason}. "
            "Check the path and its permissions."
        ) from error


def _as_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow would clip everything above 255 to white.
        grey = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)
    return np.array(image.convert("RGB"))


def _damaged(where: str, error: Exception) -> InputError:
    return InputError(
        f"{where}: expected a complete image. Received: damaged or truncated data ({error}). "
        "Copy or download the file again."
    )


def _too_many_pixels(where: str, found: str, max_pixels: int) -> InputError:
    return InputError(
        f"{where}: expected at most max_pixels={max_pixels}. Received: {found}. "
        "Scale the image down first."
    )
