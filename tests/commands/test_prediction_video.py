"""`predict` on videos and cameras, and with detectors."""

import json
import os
import re
import signal

import cv2
import numpy as np
import pytest

from benchmarks.rendered_sequence import MOTIONS, frames_of
from tests.commands.test_prediction import SHIPPED
from tests.convert.test_video import FakeCapture
from tf_handgroups.cli import main
from tf_handgroups.commands import terminal
from tf_handgroups.convert.detector import CentreBox
from tf_handgroups.convert.predict import full_frame_box
from tf_handgroups.convert.video import writing_video
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.image_file import read_image


@pytest.fixture(scope="module")
def rendered():
    """A hand that the shipped model sees, moving to the right."""
    return list(frames_of(MOTIONS["sway"], seed=9, count=8))


@pytest.fixture(scope="module")
def clip(rendered, tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.MP4"
    height, width = rendered[0].image.shape[:2]
    with writing_video(path, width, height, 30.0) as write:
        for frame in rendered:
            write(frame.image)
    return path


def run(*arguments):
    return main(["predict", *(os.fspath(argument) for argument in arguments)])


def track_of(out):
    return json.loads((out / "predictions.json").read_text())


def test_shipped_model_follows_a_rendered_hand(clip, rendered, capsys, tmp_path):
    arguments = ["--model", SHIPPED, clip, "--detector", "centre:0.3", "--out", tmp_path / "out"]
    assert run(*arguments) == 0
    printed = capsys.readouterr().out
    assert re.search(r"A hand in 8 of 8 frames, in 1 tracks, \d+\.\d frames/s: ", printed)
    assert "cannot tell" not in printed and "announces" not in printed
    for entry, frame in zip(track_of(tmp_path / "out")["frames"], rendered, strict=True):
        side_px = box_around(frame.uv_px)[2:].max()
        error = np.linalg.norm(np.array(entry["hand"]["uv_px"]) - frame.uv_px, axis=-1) / side_px
        assert error.mean() < 0.15 and entry["hand"]["presence"] > 0.5
        assert entry["hand"]["handedness"] == "right"
    assert track_of(tmp_path / "out")["model_sha256"] is not None


def test_keras_model_tracks_with_the_numbers_of_this_version(model, clip, tmp_path, capsys):
    arguments = ["--model", model, clip, "--handedness", "left", "--out", tmp_path / "out"]
    assert run(*arguments) == 0
    hands = [entry["hand"] for entry in track_of(tmp_path / "out")["frames"]]
    assert {hand["handedness"] for hand in hands if hand} <= {"left"}
    assert "of 8 frames" in capsys.readouterr().out


def test_interrupted_video_says_what_is_kept(clip, capsys, tmp_path, monkeypatch):
    class Stopping(terminal.Progress):
        def update(self, task, *, completed=0, **options):
            if completed == 2:
                signal.raise_signal(signal.SIGINT)
            super().update(task, completed=completed, **options)

    monkeypatch.setattr(terminal, "Progress", Stopping)
    assert run("--model", SHIPPED, clip, "--out", tmp_path / "out") == 1
    captured = capsys.readouterr()
    assert "Interrupted after 2 of 8 frames; these are kept." in captured.out
    assert "Stopping after this frame" in captured.err
    assert len(track_of(tmp_path / "out")["frames"]) == 2


def test_file_that_holds_fewer_frames_than_it_says(clip, capsys, tmp_path, monkeypatch):
    capture = FakeCapture(range(0, 100, 33), count=8.0)
    monkeypatch.setattr(cv2, "VideoCapture", lambda path, kind: capture)
    assert run("--model", SHIPPED, clip, "--out", tmp_path / "out") == 0
    assert "announces 8 frames; only 4 could be read" in capsys.readouterr().out


@pytest.fixture
def camera(monkeypatch):
    capture = FakeCapture([0] * 4)
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: capture)
    return capture


def test_camera_without_a_window(camera, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tf_handgroups.convert.video_window.can_show", lambda: False)
    assert run("--model", SHIPPED, "--camera", "0", "--out", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "Ctrl-C ends it. This OpenCV has no window here" in printed
    assert "of 4 frames" in printed and camera.released
    result = track_of(tmp_path / "out")
    assert result["source"] == "camera 0" and len(result["frames"]) == 4


def test_camera_with_a_window_ends_by_its_key(camera, capsys, tmp_path, monkeypatch):
    shown = []
    module = "tf_handgroups.convert.video_window"
    monkeypatch.setattr(f"{module}.can_show", lambda: True)
    monkeypatch.setattr(
        f"{module}.open_window", lambda title: lambda image: bool(shown.append(1)) or len(shown) > 2
    )
    # The usual end of a camera's run is no failure.
    assert run("--model", SHIPPED, "--camera", "0", "--out", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "q or Escape" in printed and "Interrupted after 3 frames" in printed
    assert len(track_of(tmp_path / "out")["frames"]) == 3


def test_detector_finds_the_boxes_of_images(model, photos, tmp_path):
    for name, expected in (("full-frame", full_frame_box(120, 90)), ("centre:0.4", None)):
        out = tmp_path / name.replace(":", "")
        assert run("--model", model, photos, "--detector", name, "--out", out) == 0
        if expected is None:
            expected = CentreBox(0.4)(read_image(photos / "a.png"))[0].box_px
        for hand in json.loads((out / "predictions.json").read_text())["hands"]:
            np.testing.assert_allclose(hand["box_px"], expected, atol=0.01)


def test_handedness_is_for_images_too(model, photos, tmp_path):
    boxes = tmp_path / "boxes.json"
    hands = [
        {"file": "photos/a.png", "box_px": [20, 15, 60, 50], "handedness": "right"},
        {"file": "photos/b.png", "box_px": [20, 15, 60, 50]},
    ]
    boxes.write_text(json.dumps({"hands": hands}))
    arguments = ["--model", model, photos, "--handedness", "left", "--out"]
    assert run(*arguments, tmp_path / "frames") == 0
    assert run(*arguments, tmp_path / "boxes", "--boxes", boxes) == 0
    sides = [
        [hand["handedness"] for hand in track_of(tmp_path / name)["hands"]]
        for name in ("frames", "boxes")
    ]
    assert sides == [["left", "left"], ["right", "left"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], r"or --camera N\. Received: inputs=\[\], camera=None"),
        (["CLIP", "--camera", "0"], r"or --camera N\. Received: inputs=\[.*\], camera=0"),
        (["CLIP", "CLIP"], "expected one video at a time, without other inputs"),
        (["CLIP", "PHOTOS"], "expected one video at a time, without other inputs"),
        (["CLIP", "--boxes", "b.json"], "expected no boxes for a video or a camera"),
        (["--camera", "0", "--boxes", "b.json"], r"Received: boxes='b\.json'"),
        (["PHOTOS", "--boxes", "b.json", "--detector", "centre"], "either --boxes or --detector"),
        (["PHOTOS", "--detector", "palm"], "Received: --detector palm"),
        (["absent.mov"], r"absent\.mov: expected a video file\. Received: no such file"),
        (["--camera", "63"], "Received: --camera 63, which does not open"),
    ],
)
def test_unusable_inputs(fails, model, photos, clip, arguments, message):
    places = {"CLIP": clip, "PHOTOS": photos}
    arguments = [places.get(argument, argument) for argument in arguments]
    assert re.search(message, fails("predict", "--model", model, *arguments))


def test_text_named_mp4(fails, model, tmp_path):
    (tmp_path / "note.mp4").write_text("Not a video.\n" * 100)
    message = fails("predict", "--model", model, tmp_path / "note.mp4")
    assert "note.mp4: expected a video that OpenCV can read. Received: 1300 bytes" in message


def test_model_is_read_before_the_video_is_followed(fails, clip, tmp_path):
    message = fails("predict", "--model", tmp_path / "absent.tflite", clip)
    assert "absent.tflite: expected a" in message
