"""The real teacher, if it is there."""

import pathlib

import pytest

from tf_handgroups.teacher.teacher_models import Teacher, load_teacher


@pytest.fixture(scope="session")
def real_teacher(teacher_path: pathlib.Path) -> Teacher:
    return load_teacher(teacher_path)
