"""What the tests of the commands share: a network, photographs, and how a command fails."""

import os
import re

import pytest

from tests.hands import make_like_trained, smooth_image, tiny_model
from tf_handgroups.cli import main
from tf_handgroups.image_file import write_image
from tf_handgroups.model_file import save_model


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "quick.keras"
    save_model(make_like_trained(tiny_model(num_groups=2)), path)
    return path


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for name, seed in (("a.png", 1), ("b.png", 2)):
        write_image(folder / name, smooth_image(90, 120, seed))
    return folder


@pytest.fixture
def fails(capsys, tmp_path):
    """Runs a command that must fail without leaving results; returns its message."""

    def run(*arguments, code=2, out="out"):
        if out:
            arguments = (*arguments, "--out", tmp_path / out)
        assert main([os.fspath(argument) for argument in arguments]) == code
        captured = capsys.readouterr()
        assert not captured.out
        assert "Traceback" not in captured.err
        if out:
            assert not (tmp_path / out).exists()
        # As one line: the terminal's width must not matter.
        return re.sub(r"[\s│]+", " ", captured.err)

    return run
