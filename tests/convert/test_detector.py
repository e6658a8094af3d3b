import json
import pathlib

import numpy as np
import pytest

from tests.teacher.fake_teacher import FakeTeacher, map_picture, right_hand
from tf_handgroups.convert.detector import (
    CentreBox,
    DetectedHand,
    FullFrame,
    PalmDetector,
    detected_boxes,
    make_detector,
)
from tf_handgroups.convert.predict import full_frame_box
from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.teacher import teacher_models

TALL = np.zeros((200, 120, 3), np.uint8)


def test_full_frame_takes_the_whole_picture():
    [hand] = FullFrame()(TALL)
    np.testing.assert_array_equal(hand.box_px, full_frame_box(120, 200))
    assert hand.score is None


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_centre_box_has_its_share_of_the_shorter_side(share):
    [hand] = CentreBox(share)(TALL)
    x, y, width, height = hand.box_px
    assert width == height == share * 120
    # Pixel centres are integers: the picture's own centre is at 59.5, 99.5.
    assert (x + width / 2, y + height / 2) == (59.5, 99.5)


@pytest.mark.parametrize("share", [0, -0.1, 1.01, np.nan])
def test_centre_box_needs_a_share_of_the_picture(share):
    with pytest.raises(InputError, match=r"greater than 0, at most 1\. Received: share="):
        CentreBox(share)


def test_palm_box_makes_a_crop_around_the_whole_hand():
    teacher = FakeTeacher(right_hand())
    [hand] = PalmDetector(teacher)(map_picture())
    x, y, width, height = hand.box_px
    assert width == height and 0.9 < hand.score < 1
    low, high = teacher.uv.min(axis=0), teacher.uv.max(axis=0)
    centre, reach = np.array([x, y]) + width / 2, CROP_MARGIN * width / 2
    # Every joint in the window, and the window not far larger.
    assert (low > centre - reach).all() and (high < centre + reach).all()
    assert 1.0 < CROP_MARGIN * width / (high - low).max() < 2.5


def test_palm_detector_leaves_turned_pictures_alone():
    upside_down = right_hand() * [-1, -1, 1]
    assert PalmDetector(FakeTeacher(upside_down, place_px=(100, 50)))(map_picture()) == []


def test_boxes_outside_the_picture_are_left_out():
    boxes = [(150, 10, 20, 20), (5, 5, 10, 10), (-40, 0, 30, 30), (110, 190, 50, 50)]

    def detector(image):
        return [DetectedHand(np.array(box, float)) for box in boxes]

    found = detected_boxes(detector, TALL)
    np.testing.assert_array_equal(found, [boxes[1], boxes[3]])


@pytest.mark.parametrize(
    ("name", "kind", "side"),
    [
        ("full-frame", FullFrame, 200 / CROP_MARGIN),
        ("centre", CentreBox, 60),
        ("centre:0.75", CentreBox, 90),
    ],
)
def test_detectors_have_names(name, kind, side):
    detector = make_detector(name)
    assert isinstance(detector, kind)
    np.testing.assert_allclose(detector(TALL)[0].box_px[2:], side)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("palm", r"full-frame, centre, mediapipe\. Received: --detector palm\."),
        ("full-frame:0.5", r"full-frame alone\. Received: --detector full-frame:0\.5\."),
        ("centre:0", r"centre:SHARE .*Received: --detector centre:0\."),
        ("centre:half", r"centre:SHARE .*Received: --detector centre:half\."),
        ("centre:nan", r"centre:SHARE .*Received: --detector centre:nan\."),
        ("mediapipe:nowhere", r"nowhere: expected the wheel mediapipe-0\.10\.14"),
    ],
)
def test_rejects_other_names(name, message):
    with pytest.raises(InputError, match=message):
        make_detector(name)


def test_mediapipe_lies_in_the_folder_of_make_teacher(monkeypatch):
    seen = []

    class Loaded(FakeTeacher):
        def __init__(self, models):
            super().__init__(right_hand())
            seen.append(sorted(models))

    def read_models(path, sha256):
        seen.append(pathlib.Path(path))
        return dict.fromkeys(sha256, b"")

    monkeypatch.setattr(teacher_models, "read_models", read_models)
    monkeypatch.setattr(teacher_models, "Teacher", Loaded)
    for name, path in (("mediapipe", ".teacher"), ("mediapipe:C:/models", "C:/models")):
        assert isinstance(make_detector(name), PalmDetector)
        assert seen[-2:] == [pathlib.Path(path), sorted(teacher_models.SHA256)]


def test_real_palms(real_teacher, shared_data):
    detector = PalmDetector(real_teacher)
    hands = json.loads((shared_data / "real3d_dev" / "annotations.json").read_text())["hands"]
    for hand in hands[:5]:
        [found] = detector(read_image(shared_data / "real3d_dev" / hand["file"]))
        centre, reach = found.box_px[:2] + found.box_px[2:] / 2, CROP_MARGIN * found.box_px[2] / 2
        xyz, camera = np.array(hand["xyz_camera_mm"]), hand["intrinsics_px"]
        uv = xyz[:, :2] / xyz[:, 2:] * [camera["fx"], camera["fy"]] + [camera["cx"], camera["cy"]]
        assert (np.abs(uv - centre) < reach).mean() > 0.9
    assert detector(TALL) == []
