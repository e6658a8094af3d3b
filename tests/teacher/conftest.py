"""Where the real teacher lies, if it is there."""

import os
import pathlib

import pytest

from tf_handgroups.teacher.teacher_models import Teacher, load_teacher

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="session")
def teacher_path() -> pathlib.Path:
    path = pathlib.Path(os.environ.get("HANDGROUPS_TEACHER", ROOT / ".teacher"))
    if not path.exists():
        pytest.skip("no teacher: `make teacher`, or set HANDGROUPS_TEACHER to its wheel or folder")
    return path


@pytest.fixture(scope="session")
def real_teacher(teacher_path) -> Teacher:
    return load_teacher(teacher_path)
