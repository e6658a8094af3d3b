import io
import os
import tarfile

import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.teacher import pictures
from tf_handgroups.teacher.pictures import Pictures


def write_tar(path, *members, mode="w"):
    """Members are (name, contents), or TarInfo for anything but files."""
    with tarfile.open(path, mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            name, contents = member
            info = tarfile.TarInfo(name)
            info.size = len(contents)
            archive.addfile(info, io.BytesIO(contents))
    return path


def link(name, target, kind):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_folder_with_subfolders_in_order(tmp_path):
    for name in ("b/2.webp", "a.PNG", "b/1.jpeg", "c.bmp", "b/notes.txt", ".hidden.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"...")
    found = Pictures(tmp_path)
    assert len(found) == 4
    assert [name for name, _ in found] == ["a.PNG", "b/1.jpeg", "b/2.webp", "c.bmp"]
    assert next(file for _, file in found) == tmp_path / "a.PNG"


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"...")
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "mine.png").write_bytes(b"...")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "same.png").symlink_to(folder / "mine.png")
    assert [name for name, _ in Pictures(folder)] == ["mine.png", "same.png"]


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_archive_is_read_in_its_order_and_never_unpacked(tmp_path, monkeypatch, mode):
    tar = write_tar(
        tmp_path / "p.tar",
        ("z/1.jpg", b"one"),
        ("../../outside.png", b"two"),
        ("/absolute.png", b"three"),
        ("a/._1.jpg", b"mac"),
        ("notes.txt", b"no"),
        link("link.png", "/etc/hostname", tarfile.SYMTYPE),
        link("hard.png", "z/1.jpg", tarfile.LNKTYPE),
        link("pipe.png", "", tarfile.FIFOTYPE),
        mode=mode,
    )
    monkeypatch.chdir(tmp_path)
    found = Pictures(tar)
    assert len(found) == 3
    assert list(found) == [
        ("z/1.jpg", b"one"),
        ("../../outside.png", b"two"),
        ("/absolute.png", b"three"),
    ]
    assert list(found) == list(found)
    assert os.listdir(tmp_path) == ["p.tar"]


def test_a_huge_member_is_not_read(tmp_path, monkeypatch):
    tar = write_tar(tmp_path / "p.tar", ("a.png", b"x" * 2000))
    monkeypatch.setattr(pictures, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="Received: size=2000"):
        Pictures(tar)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("damage", ["cut", "overwritten"])
def test_a_damaged_archive(tmp_path, mode, damage):
    noise = [np.random.default_rng(seed).bytes(20_000) for seed in range(2)]
    members = [(f"{seed}.png", data) for seed, data in enumerate(noise)]
    tar = write_tar(tmp_path / "p.tar", *members, mode=mode)
    data = bytearray(tar.read_bytes())
    if damage == "cut":
        del data[30_000:]
    else:
        # Around the second header, which lies somewhere in here.
        data[20_000:23_000] = b"?" * 3_000
    tar.write_bytes(data)
    with pytest.raises(InputError, match="Copy or download"):
        list(Pictures(tar))


@pytest.mark.parametrize("contents", [b"", b"no archive" * 100])
def test_no_archive(tmp_path, contents):
    (tmp_path / "p.tar").write_bytes(contents)
    with pytest.raises(InputError, match="Received: "):
        Pictures(tmp_path / "p.tar")


def test_nothing_there_and_no_pictures(tmp_path):
    with pytest.raises(InputError, match="Check the path"):
        Pictures(tmp_path / "missing")
    with pytest.raises(InputError, match=r"Received: none.*\.jpg"):
        Pictures(tmp_path)
