import os

import pytest

from tf_handgroups.atomic_files import replacing_file, replacing_folder
from tf_handgroups.errors import InputError


def test_file_appears_only_when_complete(tmp_path):
    target = tmp_path / "new" / "folder" / "model.keras"
    with replacing_file(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        # In the same folder, so that the move is atomic; formats go by the suffix.
        assert temporary.parent == target.parent and temporary.suffix == ".keras"
    assert target.read_text() == "half"
    assert os.listdir(target.parent) == ["model.keras"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path, error):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(error), replacing_file(target, overwrite=True) as temporary:
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_failure_before_writing_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), replacing_file(tmp_path / "a.txt"):
        raise RuntimeError
    assert not os.listdir(tmp_path)


def test_file_is_replaced_only_if_allowed(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with (
        pytest.raises(InputError, match=r"a\.txt: already exists.*Received: overwrite=False"),
        replacing_file(target),
    ):
        pytest.fail("the block must not run")
    assert target.read_text() == "old"
    with replacing_file(target, overwrite=True) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"


@pytest.mark.parametrize("overwrite", [False, True])
def test_file_does_not_replace_a_folder(tmp_path, overwrite):
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(InputError, match=r"expected a file name\. Received: a folder"),
        replacing_file(tmp_path / "folder", overwrite),
    ):
        pytest.fail("the block must not run")


@pytest.mark.parametrize("replacing", [replacing_file, replacing_folder])
def test_folder_that_cannot_be_created(tmp_path, replacing):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match=r"file: cannot create this folder \("),
        replacing(tmp_path / "file" / "below"),
    ):
        pytest.fail("the block must not run")


def test_folder_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "bundle"
    with replacing_folder(target) as temporary:
        (temporary / "a.txt").write_text("first")
        assert not target.exists()
    with replacing_folder(target, overwrite=True) as temporary:
        (temporary / "b.txt").write_text("second")
        assert os.listdir(target) == ["a.txt"]
    assert os.listdir(target) == ["b.txt"]
    assert os.listdir(tmp_path) == ["bundle"]


def test_failure_keeps_the_old_folder(tmp_path):
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "a.txt").write_text("old")
    with pytest.raises(RuntimeError), replacing_folder(target, overwrite=True) as temporary:
        (temporary / "a.txt").write_text("half")
        raise RuntimeError
    assert (target / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["bundle"]


def test_folder_with_files_needs_permission_an_empty_one_does_not(tmp_path):
    target = tmp_path / "bundle"
    target.mkdir()
    with replacing_folder(target) as temporary:
        (temporary / "a.txt").write_text("first")
    with (
        pytest.raises(InputError, match=r"bundle: already exists.*Received: overwrite=False"),
        replacing_folder(target),
    ):
        pytest.fail("the block must not run")
    assert (target / "a.txt").read_text() == "first"


def test_folder_does_not_replace_a_file(tmp_path):
    (tmp_path / "file").write_text("precious")
    with (
        pytest.raises(InputError, match=r"file: expected a folder\. Received: a file"),
        replacing_folder(tmp_path / "file", overwrite=True),
    ):
        pytest.fail("the block must not run")
    assert (tmp_path / "file").read_text() == "precious"
