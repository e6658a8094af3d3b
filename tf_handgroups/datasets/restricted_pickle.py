"""Pickles of data sets, read without running anything that is in them.

A pickle is a program: `pickle.load` imports and calls whatever the file names. Here
only numbers, strings, lists, tuples, dicts and NumPy arrays, scalars and dtypes come
out. The few names that NumPy's own pickles contain are bound to functions of this
module, which check shape, dtype and length and then build the array from its bytes;
NumPy's `__setstate__`, which trusts what it is given, never sees the file. Every
other name is refused and printed.
"""

import math
import os
import pathlib
import pickle
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np

from tf_handgroups.errors import InputError

# The labels of RHD's 41,258 training images take about 100 MB.
MAX_PICKLE_BYTES = 512 * 2**20
MAX_DIMENSIONS = 8

# bool, signed, unsigned, float, complex, bytes, text, object (a list in the file)
_DTYPE = re.compile(r"[biufcSU][1-9][0-9]{0,8}|O[48]|\?")
_PLAIN = (type(None), bool, int, float, complex, str, bytes)


def load_pickle(path: str | os.PathLike, encoding: str = "ASCII") -> Any:
    """Reads a pickle that holds only data.

    Args:
        path: The file.
        encoding: How to read the byte strings of Python 2: `"latin1"` for files with
            arrays, as for `pickle.load`.

    Returns:
        The object: None, numbers, `str`, `bytes`, `list`, `tuple`, `dict`, and NumPy
        arrays, scalars and dtypes; arrays of dtype object hold the same kinds of things.

    Raises:
        InputError: If the file is missing, larger than `MAX_PICKLE_BYTES`, truncated,
            corrupt, or contains anything else; the message names it.

    Example:

    >>> import tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "labels.pickle"
    >>> _ = file.write_bytes(pickle.dumps({0: {"K": np.eye(3)}}))
    >>> load_pickle(file)[0]["K"].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    >>> _ = file.write_bytes(pickle.dumps(print))
    >>> load_pickle(file)
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: ...Received: global=builtins.print. ...
    """
    path = pathlib.Path(path)
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > MAX_PICKLE_BYTES:
                raise InputError(
                    f"{path}: expected a pickle of at most {MAX_PICKLE_BYTES} bytes. "
                    f"Received: size={size}. Check that it is the right file."
                )
            return _unwrap(_Unpickler(stream, encoding=encoding).load(), {})
    except _RefusedError as refused:
        raise InputError(
            f"{path}: expected a pickle of numbers, strings, lists, dicts and NumPy arrays. "
            f"Received: {refused}. Nothing of it was run; do not open it with pickle.load."
        ) from refused
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected a complete pickle, byte strings in encoding={encoding}. "
            f"Received: {error}. "
            'Pickles of Python 2 with arrays need encoding="latin1".'
        ) from error
    except OSError as error:
        raise InputError(
            f"{path}: expected a readable pickle. Received: {error.strerror or error}. "
            "Check the path and its permissions."
        ) from error
    except InputError:
        raise
    # A damaged pickle is a random program: hardly an exception that it cannot raise.
    except Exception as error:
        raise InputError(
            f"{path}: expected a complete pickle. Received: damaged or truncated data "
            f"({type(error).__name__}: {error!s:.120}). Copy or download the file again."
        ) from error


class _RefusedError(Exception):
    """Something that is no data; the text is `name=value`."""


class _Sealed:
    """Refuses to be changed by BUILD, the instruction that sets attributes."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __setstate__(self, state: Any) -> NoReturn:
        raise _RefusedError(f"state for a {type(self).__name__.strip('_').lower()}")


class _Global(_Sealed):
    """A name that the file may contain, and what calling it does."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: Callable[..., Any]):
        self.name, self.call = name, call

    def __call__(self, *args: Any) -> Any:
        return self.call(*args)


class _Dtype(_Sealed):
    """A dtype of the file: first without, then with its byte order."""

    __slots__ = ("value",)

    def __init__(self, text: Any, align: Any = False, copy: Any = False):
        text = text.decode("latin1") if isinstance(text, bytes) else text
        if not isinstance(text, str) or not _DTYPE.fullmatch(text):
            raise _RefusedError(f"dtype={text!r:.80}")
        self.value = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 8 or state[0] != 3:
            raise _RefusedError(f"dtype state={state!r:.80}")
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        # The rest is None for simple dtypes: subarrays, names and fields of records.
        if order not in ("<", ">", "|", "=") or state[2:5] != (None, None, None):
            raise _RefusedError(f"dtype state={state!r:.80}")
        self.value = self.value.newbyteorder(order)


class _Array(_Sealed):
    """An array of the file: first empty, then with its contents."""

    __slots__ = ("value",)

    def __init__(self):
        self.value: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise _RefusedError(f"array state={type(state).__name__}")
        shape, dtype, fortran_order, contents = state[-4:]
        self.value = _build_array(contents, dtype, shape, "F" if fortran_order else "C")


def _build_array(contents: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    dtype = _checked_dtype(dtype)
    if (
        not isinstance(shape, tuple)
        or len(shape) > MAX_DIMENSIONS
        or not all(type(side) is int and side >= 0 for side in shape)
        or order not in ("C", "F")
    ):
        raise _RefusedError(f"array shape={shape!r:.80}, order={order!r:.80}")
    count = math.prod(shape)
    if dtype.kind == "O":
        if not isinstance(contents, list):
            raise _RefusedError(f"contents={type(contents).__name__}, not a list of objects")
        if len(contents) != count:
            raise _RefusedError(f"contents=list of {len(contents)}, not {count} objects")
        return _object_array(contents, shape)  # whatever the order, lists are in C order
    contents = _checked_bytes(contents, count * dtype.itemsize)
    return np.frombuffer(contents, dtype).copy().reshape(shape, order=order)


def _object_array(items: Iterable[Any], shape: tuple[int, ...]) -> np.ndarray:
    flat = np.empty(math.prod(shape), object)
    for index, item in enumerate(items):
        flat[index] = item
    return flat.reshape(shape)


def _build_scalar(dtype: Any, contents: Any) -> np.generic:
    dtype = _checked_dtype(dtype)
    if dtype.kind == "O":
        raise _RefusedError("scalar of dtype=object")
    return np.frombuffer(_checked_bytes(contents, dtype.itemsize), dtype)[0]


def _checked_dtype(dtype: Any) -> np.dtype:
    if not isinstance(dtype, _Dtype):
        raise _RefusedError(f"dtype={type(dtype).__name__}")
    return dtype.value


def _checked_bytes(contents: Any, length: int) -> bytes:
    if isinstance(contents, str):
        contents = contents.encode("latin1")
    if not isinstance(contents, bytes | bytearray) or len(contents) != length:
        size = f" of {len(contents)}" if isinstance(contents, bytes | bytearray) else ""
        raise _RefusedError(f"contents={type(contents).__name__}{size}, not {length} bytes")
    return bytes(contents)


def _reconstruct(kind: Any, shape: Any, typecode: Any) -> _Array:
    if kind is not _NDARRAY:
        raise _RefusedError(f"array type={getattr(kind, 'name', type(kind).__name__)}")
    return _Array()


def _from_buffer(contents: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.value = _build_array(contents, dtype, shape, order)
    return array


def _encode(text: Any, encoding: Any) -> bytes:
    """How Python 3 writes bytes for Python 2."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise _RefusedError(f"global=_codecs.encode with encoding={encoding!r:.80}")
    return text.encode("latin1")


def _bytes() -> bytes:
    """Empty bytes, for which `_encode` is not used."""
    return b""


def _complex(real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise _RefusedError("global=complex with something else than two floats")
    return complex(real, imaginary)


def _array_type(*args: Any) -> NoReturn:
    raise _RefusedError("global=numpy.ndarray, called")


_NDARRAY = _Global("numpy.ndarray", _array_type)
_BUILTINS = (("bytes", _bytes), ("complex", _complex))
_NUMPY = (("multiarray", "_reconstruct", _reconstruct), ("multiarray", "scalar", _build_scalar))
_GLOBALS = {
    function.name: function
    for function in (
        _NDARRAY,
        _Global("numpy.dtype", _Dtype),
        _Global("_codecs.encode", _encode),
        # `core` until NumPy 1, `_core` since; `__builtin__` in Python 2.
        *(
            _Global(f"numpy.{core}.{module}.{name}", call)
            for core in ("core", "_core")
            for module, name, call in (*_NUMPY, ("numeric", "_frombuffer", _from_buffer))
        ),
        *(
            _Global(f"{module}.{name}", call)
            for module in ("builtins", "__builtin__")
            for name, call in _BUILTINS
        ),
    )
}


class _Unpickler(pickle.Unpickler):
    """Knows the names above; there is no way from one name to the attributes of it."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        name = f"{module_name}.{global_name}"
        if name not in _GLOBALS:
            raise _RefusedError(f"global={name}")
        return _GLOBALS[name]


def _unwrap(value: Any, done: dict[int, Any]) -> Any:
    """Returns a copy in which arrays and dtypes of the file are those of NumPy."""
    if type(value) in _PLAIN or isinstance(value, np.generic):
        return value
    if id(value) in done:
        return done[id(value)]
    if type(value) is dict:
        result = done[id(value)] = {}
        for key, item in value.items():
            result[_unwrap(key, done)] = _unwrap(item, done)
    elif type(value) is list:
        result = done[id(value)] = []
        result.extend(_unwrap(item, done) for item in value)
    elif type(value) is tuple:
        result = done[id(value)] = tuple(_unwrap(item, done) for item in value)
    elif type(value) is _Dtype:
        result = done[id(value)] = value.value
    elif type(value) is _Array and value.value is not None:
        result = value.value
        if result.dtype.kind == "O":
            result = _object_array((_unwrap(item, done) for item in result.flat), result.shape)
        done[id(value)] = result
    elif isinstance(value, _Global):
        raise _RefusedError(f"global={value.name}")
    else:
        raise _RefusedError(f"type={type(value).__name__.strip('_').lower()}")
    return result
