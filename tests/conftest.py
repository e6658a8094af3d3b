"""Two logical CPUs, so that distribution can be tested anywhere; where data and teacher lie."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest
import tensorflow as tf

from tf_handgroups.teacher.teacher_models import Teacher, load_teacher

ROOT = pathlib.Path(__file__).parents[1]


def pytest_configure(config):
    cpus = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpus[0], [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()]
    )


@pytest.fixture(autouse=True)
def fixed_seed():
    """Every test starts from the same global seed and a float32 policy."""
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def shared_data() -> pathlib.Path:
    """Folder with real photographs, which may not be part of the project."""
    folder = os.environ.get("HANDGROUPS_TEST_DATA")
    if not folder:
        pytest.skip("HANDGROUPS_TEST_DATA is not set: real photographs are not part of the project")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def teacher_path() -> pathlib.Path:
    """Where MediaPipe's models lie, which are not part of the project either."""
    path = pathlib.Path(os.environ.get("HANDGROUPS_TEACHER", ROOT / ".teacher"))
    if not path.exists():
        pytest.skip("no teacher: `make teacher`, or set HANDGROUPS_TEACHER to its wheel or folder")
    return path


@pytest.fixture(scope="session")
def real_teacher(teacher_path: pathlib.Path) -> Teacher:
    """Those models, ready to run."""
    return load_teacher(teacher_path)
