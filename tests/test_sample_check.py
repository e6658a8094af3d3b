"""Every finding on one sample, from samples made to have it and no other."""

import dataclasses
import io
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.hands import grid_uv_px, make_sample, smooth_image
from tf_handgroups.joints import BONES
from tf_handgroups.sample_check import SUSPICIONS, check_sample, check_samples


def hand(bone_mm=40.0, **changes):
    """A flat hand 400 mm from the camera, its bone 9-10 as long as told."""
    sample = make_sample()
    xyz = sample.xyz_camera_mm / sample.xyz_camera_mm[:, 2:] * 400
    xyz *= bone_mm / np.linalg.norm(xyz[10] - xyz[9])
    return dataclasses.replace(sample, **{"xyz_camera_mm": xyz, **changes})


def jpeg(**options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(smooth_image(96, 128)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_nothing_is_strange_about_a_sound_hand():
    check = check_sample(hand())
    assert check.broken is None and check.suspicious == {} and check.image_size == (128, 96)


def test_measures():
    sample = hand(bone_mm=37.0)
    check = check_sample(sample)
    xyz = sample.xyz_camera_mm.astype(float)
    assert check.reference_bone_mm == pytest.approx(37.0, rel=1e-5)
    lengths = [np.sqrt(((xyz[child] - xyz[parent]) ** 2).sum()) for parent, child in BONES]
    np.testing.assert_allclose(check.bones_mm, lengths, rtol=1e-6)
    assert check.root_depth_mm == xyz[9, 2]
    assert check.reprojection_px.shape == (21,) and (check.reprojection_px < 1e-3).all()


def test_reprojection_is_the_distance_in_pixels_of_visible_joints():
    sample = hand()
    uv = sample.uv_px.copy()
    uv[4] += [0.6, -0.8]
    uv[7] += [50, 0]
    check = check_sample(dataclasses.replace(sample, uv_px=uv, visible=np.arange(21) != 7))
    assert check.reprojection_px[4] == pytest.approx(1.0, abs=1e-3)
    assert np.isnan(check.reprojection_px[7])
    uv[4] += [0.06, -0.08]
    found = check_sample(dataclasses.replace(sample, uv_px=uv, visible=np.arange(21) != 7))
    assert found.suspicious == {"reprojection": "up to 1.1 px, joint 4"}


def with_joint(sample, joint, value):
    xyz = sample.xyz_camera_mm.copy()
    xyz[joint] = value
    return dataclasses.replace(sample, xyz_camera_mm=xyz)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 3
    return jpeg(exif=exif)


STRANGE = {
    "image_size": lambda: hand(image_size=(96, 128)),
    "exif_turned": lambda: hand(image=turned()),
    "box_outside": lambda: hand(box_px=(-31, 0, 60, 40)),
    "joint_outside": lambda: dataclasses.replace(
        hand(xyz_camera_mm=None), uv_px=[*grid_uv_px(30, 30, 9)[:20], [60, 95.5]]
    ),
    "nothing_labelled": lambda: hand(xyz_camera_mm=None, visible=np.zeros(21)),
    "reprojection": lambda: hand(uv_px=hand().uv_px + 1),
    "bone": lambda: hand(bone_mm=0.04),
    "depth": lambda: with_joint(hand(), 12, [0, 0, 0]),
}


def test_every_suspicion_has_its_case():
    assert list(STRANGE) == list(SUSPICIONS)


@pytest.mark.parametrize("kind", STRANGE)
def test_strange_sample_has_this_finding_and_no_other(kind):
    check = check_sample(STRANGE[kind]())
    assert check.broken is None and list(check.suspicious) == [kind]


@pytest.mark.parametrize(
    "sample",
    [
        hand(box_px=(-29, 0, 60, 40)),
        hand(bone_mm=5.01),
        hand(bone_mm=149.9),
        hand(uv_px=hand().uv_px + 0.7),
        hand(xyz_camera_mm=None),
        hand(xyz_camera_mm=None, uv_px=hand().uv_px + 3),
        hand(intrinsics_px=None, uv_px=hand().uv_px + 3),
        hand(visible=np.zeros(21)),
        hand(presence=False, xyz_camera_mm=None, visible=np.zeros(21)),
        with_joint(hand(), 12, np.nan),
    ],
    ids=lambda sample: "",
)
def test_close_to_strange_is_fine(sample):
    assert check_sample(sample).suspicious == {}


def test_bone_is_known_without_3d():
    sample = dataclasses.replace(hand(), xyz_camera_mm=None, bone_mm=200.0)
    check = check_sample(sample)
    assert check.reference_bone_mm == 200.0 and list(check.suspicious) == ["bone"]
    assert np.isnan(check.bones_mm).all() and np.isnan(check.root_depth_mm)


def test_unlabelled_joints_make_unknown_bones():
    check = check_sample(with_joint(hand(), 10, np.nan))
    assert np.isnan(check.reference_bone_mm) and check.suspicious == {}
    unknown = [10 in bone for bone in BONES]
    assert (np.isnan(check.bones_mm) == unknown).all() and np.isnan(check.reprojection_px[10])


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (jpeg()[:-200], "damaged or truncated"),
        (b"", "something else, or next to nothing"),
        (pathlib.Path("no-such.png"), r"no-such\.png: expected a readable image file"),
    ],
)
def test_images_that_cannot_be_read_are_broken(image, reason):
    check = check_sample(hand(image=image))
    assert check.suspicious == {}
    assert re.search(reason, check.broken)


def test_a_surprise_of_a_decoder_is_a_finding(monkeypatch):
    def fail(image):
        raise MemoryError("too large")

    monkeypatch.setattr("tf_handgroups.sample_check.read_image", fail)
    assert check_sample(hand()).broken == "MemoryError: too large"


def test_several_at_once():
    checks = check_samples([hand(), hand(image=b"")])
    assert [check.broken is None for check in checks] == [True, False]


def test_workers_load_neither_tensorflow_nor_opencv():
    code = "import sys, tf_handgroups.sample_check; print({'tensorflow', 'cv2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
