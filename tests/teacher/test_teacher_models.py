import hashlib
import importlib.metadata
import shlex
import zipfile
from ast import walk

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.test_layout import MODULES, imports, name_of, tree_of
from tf_handgroups.crop import transform_points
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.teacher import teacher_models
from tf_handgroups.teacher.find_hands import find_hands
from tf_handgroups.teacher.geometry_checks import LabelLimits, why_rejected
from tf_handgroups.teacher.hand_region import region_of_joints
from tf_handgroups.teacher.teacher_models import (
    INSTALL_COMMAND,
    LANDMARK_FILE,
    PALM_FILE,
    load_teacher,
)

CONTENTS = {PALM_FILE: b"palm", LANDMARK_FILE: b"landmark"}


def fake_interpreter(model):
    def run(crop):
        if model == b"palm":
            return [np.full((1, 2016, 18), 2.0), np.arange(2016.0).reshape(1, 2016, 1)]
        screen = np.arange(63, dtype=np.float32)[None]
        return [screen, np.array([[0.9]]), np.array([[0.2]]), screen / 100]

    return run


@pytest.fixture
def fake_models(monkeypatch):
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in CONTENTS.items()}
    monkeypatch.setattr(teacher_models, "SHA256", hashes)
    monkeypatch.setattr(teacher_models, "_interpreter", fake_interpreter)


def write_folder(folder, contents=CONTENTS):
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def write_wheel(path, contents=CONTENTS):
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in contents.items():
            wheel.writestr(name, data)
    return path


def test_what_the_models_say(fake_models, tmp_path):
    teacher = load_teacher(write_folder(tmp_path))
    boxes, logits = teacher.palms(np.zeros((192, 192, 3), np.float32))
    assert boxes.shape == (2016, 18) and logits.tolist() == list(range(2016))
    seen = teacher.landmarks(np.zeros((224, 224, 3), np.float32))
    # Picture x, y, and depth in the same scale.
    assert seen.uv_px[:2].tolist() == [[-0.5, 0.5], [2.5, 3.5]]
    assert seen.z_px[:2].tolist() == [2, 5]
    assert seen.xyz_m[1].tolist() == pytest.approx([0.03, 0.04, 0.05])
    assert (seen.presence, seen.right) == (0.9, 0.2)


def test_wheel_and_installed_package(fake_models, tmp_path, monkeypatch):
    load_teacher(write_wheel(tmp_path / "teacher.whl"))
    folder = write_folder(tmp_path / "site")

    class Installed:
        def locate_file(self, name):
            return folder / name

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Installed())
    load_teacher()


def fails(path):
    with pytest.raises(InputError) as caught:
        load_teacher(path)
    return str(caught.value)


def test_every_failure_says_how_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    (tmp_path / "no.whl").write_bytes(b"no zip")
    incomplete = write_wheel(tmp_path / "half.whl", {PALM_FILE: b"palm"})
    for path in (None, tmp_path, tmp_path / "none", tmp_path / "no.whl", incomplete):
        message = fails(path)
        assert "`make teacher`" in message and INSTALL_COMMAND in message
    assert "no package mediapipe" in fails(None)


@pytest.mark.parametrize("write", [write_folder, write_wheel])
def test_other_models_are_refused(tmp_path, write):
    message = fails(write(tmp_path / "teacher.whl"))
    received = hashlib.sha256(b"palm").hexdigest()
    assert f"Received: sha256={received}" in message and INSTALL_COMMAND in message


def test_only_so_much_is_read(fake_models, tmp_path, monkeypatch):
    monkeypatch.setattr(teacher_models, "MAX_BYTES", 3)
    assert hashlib.sha256(b"pal").hexdigest() in fails(write_folder(tmp_path))


def test_makefile_installs_the_same():
    makefile = " ".join((ROOT / "Makefile").read_text().replace("\\\n", " ").split())
    options = shlex.split(INSTALL_COMMAND)[4:]
    assert " ".join(options) in makefile


def test_real_teacher_agrees_with_labels(real_teacher, shared_data):
    """Hands labelled by others: those that are kept lie within a tenth of their box."""
    errors = []
    for index in range(0, 150, 30):
        sample = HandJsonDataset(shared_data / "real3d_dev")[index]
        (hand,) = find_hands(real_teacher, read_image(sample.image))
        assert why_rejected(hand, sample.image_size, LabelLimits()) is None
        assert (hand.right < 0.5) == (sample.handedness == "left")
        apart = np.linalg.norm(hand.uv_px - sample.uv_px, axis=-1)
        errors.append(apart.mean() / sample.box_px[2:].max())
        upright = transform_points(region_of_joints(hand.uv_px).matrix(224), hand.uv_px)
        assert upright[0, 1] > upright[9, 1]
    assert max(errors) < 0.08


def test_nothing_but_its_command_and_the_detector_needs_the_teacher():
    users = {
        name_of(path)
        for path in MODULES
        if any(name.startswith("tf_handgroups.teacher") for name in imports(walk(tree_of(path))))
    }
    outside = {name for name in users if not name.startswith("tf_handgroups/teacher/")}
    assert outside == {"tf_handgroups/commands/pseudo_label.py", "convert/detector.py"}
