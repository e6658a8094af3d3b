import cv2
import numpy as np
import pytest

from tf_handgroups.convert.video_window import can_show, open_window


@pytest.mark.parametrize(
    ("gui", "screen", "platform", "expected"),
    [
        ("  GUI:                           NONE", ":0", "linux", False),
        ("  GUI:                           QT5", "", "linux", False),
        ("  GUI:                           QT5", ":0", "linux", True),
        ("  GUI:                           COCOA", "", "darwin", True),
        ("  something else", ":0", "linux", False),
    ],
)
def test_window_needs_a_gui_and_a_screen(monkeypatch, gui, screen, platform, expected):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: f"General\n{gui}\n  Video I/O:\n")
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert can_show() == expected


def test_window_shows_the_picture_and_tells_the_key(monkeypatch):
    shown, keys = [], iter([-1, ord("x"), ord("q"), 27])
    monkeypatch.setattr(cv2, "namedWindow", lambda title, flags: shown.append(title))
    monkeypatch.setattr(cv2, "imshow", lambda title, image: shown.append(image))
    monkeypatch.setattr(cv2, "waitKey", lambda ms: next(keys))
    show = open_window("hand")
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    assert [show(red) for _ in range(4)] == [False, False, True, True]
    assert shown[0] == "hand"
    # OpenCV's windows take blue first.
    assert shown[1][0, 0].tolist() == [0, 0, 255]
