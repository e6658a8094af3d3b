import os

import pytest

from tests.teacher.fake_teacher import FakeTeacher, map_picture, right_hand
from tf_handgroups.cli import main
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.image_file import read_image, write_image
from tf_handgroups.teacher import teacher_models


@pytest.fixture
def picture(tmp_path):
    write_image(tmp_path / "in" / "a.png", map_picture())
    return tmp_path / "in"


@pytest.fixture
def fake(monkeypatch):
    asked = []

    def load(path):
        asked.append(path)
        return FakeTeacher(right_hand())

    monkeypatch.setattr(teacher_models, "load_teacher", load)
    return asked


def run(*arguments):
    return main(["pseudo-label", *map(os.fspath, arguments)])


def test_labels_and_says_what_became_of_the_pictures(picture, fake, tmp_path, capsys):
    out, sheet = tmp_path / "out", tmp_path / "sheet.png"
    options = ("--licence", "MIT", "--teacher", tmp_path / "t", "--contact-sheet", sheet)
    assert run(picture, "--out", out, *options) == 0
    text = capsys.readouterr().out
    assert "1 hands from 1 pictures; not kept: none" in text and f"handjson:{out}" in text
    assert fake == [tmp_path / "t"]
    assert len(HandJsonDataset(out)) == 1 and read_image(sheet).shape == (192, 192, 3)


def test_limits_can_be_set(picture, fake, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(picture, "--out", out, "--licence", "MIT", "--set", "min_presence=0.99") == 0
    assert "0 hands from 1 pictures; not kept: presence 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "spread=1"), "--set: expected name=value"),
        (("--set", "max_spread=-1"), "Received: max_spread=-1"),
        (("--licence", " "), "expected the licence"),
    ],
)
def test_bad_options(picture, fake, fails, arguments, message):
    assert message in fails("pseudo-label", picture, "--licence", "MIT", *arguments)


def test_missing_source(fake, fails, tmp_path):
    message = fails("pseudo-label", tmp_path / "none", "--licence", "MIT")
    assert "expected a folder or a tar archive" in message


def test_missing_teacher_says_the_command(picture, fails, tmp_path):
    message = fails("pseudo-label", picture, "--licence", "MIT", "--teacher", tmp_path / "none")
    assert "pip install --no-deps" in message and "mediapipe==0.10.14" in message


def test_licence_is_required(picture, fails):
    assert "licence" in fails("pseudo-label", picture)
