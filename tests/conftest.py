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
    config.addinivalue_line("markers", "early: begins first, as it takes minutes")
    cpus = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpus[0], [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()]
    )


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("early") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Files stay together; those of `tests/convert` share networks that take long to convert."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return "tests/convert" if nodeid.startswith("tests/convert/") else nodeid.split("::")[0]

    return Scheduling(config, log)


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
