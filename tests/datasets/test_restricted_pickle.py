import builtins
import os
import pickle
import pickletools

import numpy as np
import pytest

from tests.datasets.write_ho3d import python2_pickle
from tf_handgroups.datasets import restricted_pickle
from tf_handgroups.datasets.restricted_pickle import load_pickle
from tf_handgroups.errors import InputError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

DATA = {
    "plain": [None, True, -3, 2**80, 1.5, 1 + 2j, "straße", b"", b"\x80\xff", (1, (2,)), {3: "c"}],
    "floats": np.arange(6.0).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "big": np.arange(3, dtype=">i2"),
    "flags": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "text": np.array(["ab", "c"]),
    "bytes": np.array([b"ab", b"c"]),
    "empty": np.zeros((0, 3)),
    "number": np.array(5),
    "scalars": [np.float32(3), np.int64(-1), np.bool_(True), np.str_("x")],
    "dtypes": [np.dtype(">f4"), np.dtype("u1")],
}


class Runs:
    """Pickles as a call of anything."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.fixture
def file(tmp_path):
    return tmp_path / "labels.pickle"


@pytest.fixture
def trap(tmp_path):
    """A command and a statement that leave a file, and the file."""
    trace = tmp_path / "trace"
    return f"touch '{trace}'", f"open({str(trace)!r}, 'w')", trace


def load(file, content, **options):
    file.write_bytes(content)
    return load_pickle(file, **options)


def assert_same(received, expected):
    assert type(received) is type(expected)
    if isinstance(expected, dict):
        assert list(received) == list(expected)
        for key in expected:
            assert_same(received[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(received) == len(expected)
        for one, other in zip(received, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, np.ndarray):
        assert received.dtype == expected.dtype and received.flags.writeable
        np.testing.assert_array_equal(received, expected)
    else:
        assert received == expected


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_data_comes_back(file, protocol):
    assert_same(load(file, pickle.dumps(DATA, protocol)), DATA)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_of_objects_come_back(file, protocol):
    objects = np.empty((2, 2), object, order="F")
    objects[0, 0], objects[0, 1], objects[1, 0] = [1, 2], np.eye(2), "x"
    received = load(file, pickle.dumps([objects], protocol))[0]
    assert received.dtype == object and received.shape == (2, 2)
    assert received[0, 0] == [1, 2] and received[1, 0] == "x" and received[1, 1] is None
    np.testing.assert_array_equal(received[0, 1], np.eye(2))


def test_python_2(file):
    data = {
        "camMat": np.linspace(-1, 1, 9).reshape(3, 3),
        "parts": np.arange(5, dtype=np.uint8),
        "name": "caf\xe9",
        "scale": np.float32(0.25),
        "none": None,
        "list": [1, 2.5, True],
    }
    content = python2_pickle(data)
    # The writer of the test is right: NumPy itself reads the same.
    assert_same(pickle.loads(content, encoding="latin1"), data)
    assert_same(load(file, content, encoding="latin1"), data)
    assert load(file, content, encoding="bytes")[b"name"] == b"caf\xe9"
    with pytest.raises(InputError, match=r'labels\.pickle: .*encoding=ASCII.*encoding="latin1"'):
        load_pickle(file)


def test_text_protocol_of_python_2(file):
    text = (
        "(dp0\nS'xyz'\np1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n"
        "(I0\ntp4\nS'b'\np5\ntp6\nRp7\n(I1\n(I2\ntp8\ncnumpy\ndtype\np9\n(S'f8'\np10\nI0\nI1\n"
        "tp11\nRp12\n(I3\nS'<'\np13\nNNNI-1\nI-1\nI0\ntp14\nbI00\n"
        "S'\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xc0'\n"
        "p15\ntp16\nbs."
    )
    received = load(file, text.encode("ascii"), encoding="latin1")
    assert_same(received, {"xyz": np.array([1.0, -2.0])})


def test_shared_and_circular_containers(file):
    row = np.ones(3)
    circle = [row, row]
    circle.append(circle)
    received = load(file, pickle.dumps(circle))
    assert received[0] is received[1] and received[2] is received


def in_array(item):
    array = np.empty(1, object)
    array[0] = item
    return array


class Scalar:
    """A NumPy scalar of dtype object around something."""

    def __init__(self, item):
        self.item = item

    def __reduce__(self):
        return np.float64(1).__reduce__()[0], (np.dtype(object), self.item)


WRAPPINGS = {
    "alone": lambda item: item,
    "in a list": lambda item: [1, [item]],
    "value of a dict": lambda item: {"K": np.eye(3), "xyz": item},
    "key of a dict": lambda item: {item: 1},
    "in an array": in_array,
    "in an array in a dict": lambda item: {0: {"xyz": in_array([item])}},
    "in a scalar": Scalar,
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
def test_runs_nothing(file, trap, wrap, protocol):
    command, statement, trace = trap
    old = "__builtin__" if protocol < 3 else "builtins"
    for function, argument, name in (
        (os.system, command, f"{os.system.__module__}.system"),
        (eval, statement, f"{old}.eval"),
        (exec, statement, f"{old}.exec"),
    ):
        content = pickle.dumps(wrap(Runs(function, argument)), protocol)
        with pytest.raises(InputError, match=rf"labels\.pickle: .*Received: global={name}\. "):
            load(file, content)
        assert not trace.exists()
    # The trap works: what is refused above would have run.
    pickle.loads(pickle.dumps(Runs(eval, statement), protocol)).close()
    assert trace.exists()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
        (b"(S'true'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'true'\no.", "os.system"),
        (b"\x80\x02cos\nsystem\nU\x04true\x85\x81.", "os.system"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.", "numpy.ndarray.tofile"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0cf2py.os.exec\x93.", "numpy.f2py.os.exec"),
        (b"cnumpy\nload\n.", "numpy.load"),
        (b"cnumpy\nrecarray\n.", "numpy.recarray"),
        (b"cbuiltins\ngetattr\n.", "builtins.getattr"),
        (b"c__builtin__\nset\n.", "__builtin__.set"),
        (b"ccopy_reg\n_reconstructor\n.", "copy_reg._reconstructor"),
    ],
)
def test_refuses_names(file, content, name):
    with pytest.raises(InputError, match=rf"Received: global={name}\. Nothing of it was run"):
        load(file, content)


@pytest.mark.parametrize("value", [{1, 2}, frozenset([1]), bytearray(b"a")])
def test_refuses_other_types(file, value):
    with pytest.raises(InputError, match=r"Received: type=(set|frozenset|bytearray)\. "):
        load(file, pickle.dumps(value, 5))


def test_refuses_names_that_are_not_called(file):
    with pytest.raises(InputError, match=r"Received: global=numpy\.ndarray\. "):
        load(file, b"cnumpy\nndarray\n.")


DTYPE = b"cnumpy\ndtype\n(S'%s'\nI0\nI1\ntR"
ORDER = b"(I3\nS'<'\nNNNI-1\nI-1\nI%d\ntb"
FLOAT, OBJECT = DTYPE % b"f8" + ORDER % 0, DTYPE % b"O8" + ORDER % 63
EMPTY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
SCALAR = b"cnumpy.core.multiarray\nscalar\n("
BUFFER = b"cnumpy._core.numeric\n_frombuffer\n("

# Files that NumPy would take at their word: bytes as pointers to objects, sizes that do not
# fit, records whose fields are objects; and attempts to change what reads them.
CRAFTED = {
    "pointers": EMPTY + b"(I1\n(I1\nt" + OBJECT + b"I00\nS'AAAAAAAA'\ntb.",
    "pointers, dtype without flags": EMPTY
    + b"(I1\n(I1\nt" + DTYPE % b"O8" + ORDER % 0 + b"I00\nS'AAAAAAAA'\ntb.",
    "pointer scalar": SCALAR + OBJECT + b"S'AAAAAAAA'\ntR.",
    "pointers in a buffer": BUFFER + b"S'AAAAAAAA'\n" + OBJECT + b"(I1\ntS'C'\ntR.",
    "too few bytes": EMPTY + b"(I1\n(I2\nt" + FLOAT + b"I00\nS'AAAAAAAA'\ntb.",
    "too few bytes in a scalar": SCALAR + FLOAT + b"S'AAAA'\ntR.",
    "too few objects": EMPTY + b"(I1\n(I2\nt" + OBJECT + b"I00\n(lNatb.",
    "huge": EMPTY + b"(I1\n(I99999999999\nI99999999999\nt" + FLOAT + b"I00\nS''\ntb.",
    "negative": EMPTY + b"(I1\n(I-1\nI-1\nt" + FLOAT + b"I00\nS'AAAAAAAA'\ntb.",
    "list as shape": EMPTY + b"(I1\n(I1\nl" + FLOAT + b"I00\nS'AAAAAAAA'\ntb.",
    "nine dimensions": EMPTY + b"(I1\n(" + 9 * b"I1\n" + b"t" + FLOAT + b"I00\nS'AAAAAAAA'\ntb.",
    "numbers as contents": EMPTY + b"(I1\n(I1\nt" + FLOAT + b"I00\n(I1\nltb.",
    "text as dtype": EMPTY + b"(I1\n(I1\ntS'f8'\nI00\nS'AAAAAAAA'\ntb.",
    "short state": EMPTY + b"(I1\nI1\nI1\ntb.",
    "dict as state": EMPTY + b"(dS'value'\nI1\nsb.",
    "never filled": EMPTY + b".",
    "another class": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\n(I0\ntS'b'\ntR.",
    "records": DTYPE % b"V8" + b".",
    "fields in text": DTYPE % b"O,O" + b".",
    "dates": DTYPE % b"M8" + b".",
    "number as dtype": b"cnumpy\ndtype\n(I8\ntR.",
    "dict as dtype": b"cnumpy\ndtype\n((dS'names'\n(lstR.",
    "records by state": DTYPE % b"f8" + b"(I3\nS'|'\nN(S'a'\nt(dS'a'\nI1\nsI8\nI1\nI27\ntb.",
    "subarray by state": DTYPE % b"f8" + b"(I3\nS'|'\n(I1\nI2\ntNNI8\nI1\nI0\ntb.",
    "byte order": DTYPE % b"f8" + b"(I3\nS'?'\nNNNI-1\nI-1\nI0\ntb.",
    "dtype version": DTYPE % b"f8" + b"(I9\nS'<'\nNNNI-1\nI-1\nI0\ntb.",
    "call of ndarray": b"cnumpy\nndarray\n((I1\nttR.",
    "state of a name": b"cnumpy\ndtype\n(N(dS'call'\nNstb.",
    "another encoding": b"c_codecs\nencode\n(V\\u0041\nS'rot13'\ntR.",
    "encoded number": b"c_codecs\nencode\n(I1\nS'latin1'\ntR.",
    "complex of text": b"cbuiltins\ncomplex\n(S'1'\nF1\ntR.",
    "bytes of a number": b"cbuiltins\nbytes\n(I99999999999\ntR.",
    "persistent": b"Pfile\n.",
    "extension": b"\x80\x02\x82\x01.",
    "out of band": b"\x80\x05\x97.",
    "attribute of a list": b"(l(dS'append'\nI1\nsb.",
}  # fmt: skip


@pytest.mark.parametrize("content", CRAFTED.values(), ids=CRAFTED)
def test_rejects_crafted(file, content):
    with pytest.raises(InputError, match=r"labels\.pickle: expected a .*Received: "):
        load(file, content)
    # And nothing is different afterwards.
    assert_same(load(file, pickle.dumps(DATA)), DATA)


def test_crafted_parts_are_right(file):
    """The building blocks above do make arrays, where nothing is wrong with them."""
    good = EMPTY + b"(I1\n(I1\nt" + FLOAT + b"I00\nS'AAAAAAAA'\ntb."
    number = np.frombuffer(b"AAAAAAAA")
    assert_same(load(file, good), number)
    assert_same(load(file, SCALAR + FLOAT + b"S'AAAAAAAA'\ntR."), number[0])
    assert_same(load(file, BUFFER + b"S'AAAAAAAA'\n" + FLOAT + b"(I1\ntS'C'\ntR."), number)
    objects = load(file, EMPTY + b"(I1\n(I1\nt" + OBJECT + b"I00\n(lNatb.")
    assert objects.dtype == object and objects.tolist() == [None]


def test_deep_nesting_is_an_error(file):
    depth = 200_000
    with pytest.raises(InputError, match=r"labels\.pickle: .*damaged or truncated"):
        load(file, b"(l" * depth + b"a" * (depth - 1) + b".")


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_rejects_truncated(file, protocol):
    content = pickle.dumps({"K": np.eye(3), "list": [1, "a"]}, protocol)
    for length in range(len(content)):
        with pytest.raises(InputError, match=r"labels\.pickle: expected"):
            load(file, content[:length])


def test_changed_bytes_are_data_or_an_error(file):
    content = pickle.dumps({"K": np.eye(2), "list": [1, "a"], "s": np.float32(1)}, 4)
    rng = np.random.default_rng(0)
    for _ in range(500):
        changed = bytearray(content)
        changed[rng.integers(len(changed))] = value = rng.integers(256)
        if value == ord("r"):
            continue  # This instruction may ask for gigabytes of memory, which is slow.
        try:
            file.write_bytes(changed)
            load_pickle(file)
        except InputError as error:
            assert str(file) in str(error)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", b"{}", b"not a pickle", b"\x00" * 64])
def test_rejects_other_files(file, content):
    with pytest.raises(InputError, match=r"labels\.pickle: expected a complete pickle"):
        load(file, content)


def test_rejects_missing_file_and_folder(file):
    for path in (file, file.parent):
        with pytest.raises(InputError, match=r"expected a readable pickle\. Received: "):
            load_pickle(path)


def test_rejects_large_files(file, monkeypatch):
    content = pickle.dumps(DATA)
    monkeypatch.setattr(restricted_pickle, "MAX_PICKLE_BYTES", len(content))
    load(file, content)
    monkeypatch.setattr(restricted_pickle, "MAX_PICKLE_BYTES", len(content) - 1)
    with pytest.raises(InputError, match=rf"labels\.pickle: .*Received: size={len(content)}"):
        load_pickle(file)


def test_every_name_is_needed():
    """No name is admitted that NumPy's and Python's own pickles of data do not contain."""
    seen = {"numpy._core.numeric._frombuffer", "numpy.core.numeric._frombuffer"}
    for protocol in PROTOCOLS:
        strings = []
        for opcode, argument, _ in pickletools.genops(pickle.dumps(DATA, protocol)):
            if opcode.name == "GLOBAL":
                seen.add(argument.replace(" ", "."))
            elif opcode.name == "STACK_GLOBAL":
                seen.add(".".join(strings[-2:]))
            elif isinstance(argument, str):
                strings.append(argument)
    modern = {name.replace("numpy.core.", "numpy._core.") for name in seen}
    admitted = restricted_pickle._GLOBALS
    assert {name.replace("numpy.core.", "numpy._core.") for name in admitted} - modern <= {
        "builtins.bytes"
    }
    assert not any(
        hasattr(builtins, name.rpartition(".")[2]) for name in admitted if "numpy" in name
    )
