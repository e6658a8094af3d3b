"""Tests of golden files."""

import numpy as np
import pytest

from tf_handgroups.convert.golden_file import read_arrays, write_arrays
from tf_handgroups.errors import InputError

ARRAYS = {
    "pixels": np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
    "crop": np.array([[0.25, -3.0]], np.float32),
    "matrix": np.linspace(0, 1, 6).reshape(2, 3),
}


def test_file_is_readable_by_its_description_alone(tmp_path):
    golden = write_arrays(ARRAYS, tmp_path / "golden.bin")
    assert (golden["file"], golden["byte_order"]) == ("golden.bin", "little")
    content = (tmp_path / "golden.bin").read_bytes()
    assert content == bytes(range(6)) + np.array([0.25, -3], "<f4").tobytes() + (
        ARRAYS["matrix"].astype("<f8").tobytes()
    )
    assert [array["offset"] for array in golden["arrays"]] == [0, 6, 14]
    assert golden["arrays"][2] == {
        "name": "matrix",
        "dtype": "float64",
        "shape": [2, 3],
        "offset": 14,
    }


def test_arrays_come_back(tmp_path):
    golden = write_arrays(ARRAYS, tmp_path / "golden.bin")
    arrays = read_arrays(tmp_path, golden)
    assert list(arrays) == list(ARRAYS)
    for name, expected in ARRAYS.items():
        assert arrays[name].dtype == expected.dtype and arrays[name].flags.writeable
        np.testing.assert_array_equal(arrays[name], expected)


def test_big_endian_arrays_are_written_little_endian(tmp_path):
    golden = write_arrays({"a": np.array([1.5, 2.0], ">f4")}, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == np.array([1.5, 2.0], "<f4").tobytes()
    assert read_arrays(tmp_path, golden)["a"].tolist() == [1.5, 2.0]


def test_rejects_other_dtypes(tmp_path):
    with pytest.raises(InputError, match="Received: wide of dtype=int64"):
        write_arrays({"wide": np.zeros(2, np.int64)}, tmp_path / "a.bin")
    assert not list(tmp_path.iterdir())


def test_rejects_short_and_missing_files(tmp_path):
    golden = write_arrays(ARRAYS, tmp_path / "golden.bin")
    content = (tmp_path / "golden.bin").read_bytes()
    (tmp_path / "golden.bin").write_bytes(content[:-1])
    with pytest.raises(InputError, match=r"array matrix of shape \(2, 3\) .* Received: 61 bytes"):
        read_arrays(tmp_path, golden)
    (tmp_path / "golden.bin").unlink()
    with pytest.raises(InputError, match=r"expected a golden file\. Received: .*No such file"):
        read_arrays(tmp_path, golden)
