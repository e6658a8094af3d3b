import os
import struct

import cv2
import numpy as np
import pytest

from tf_handgroups.convert import video as module
from tf_handgroups.convert.video import (
    USUAL_RATE_HZ,
    FrameSource,
    open_camera,
    open_video,
    writing_video,
)
from tf_handgroups.errors import InputError


def picture(number=0, height=48, width=64):
    """Red grows with the frame's number; the left half is green."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = 20 * number
    image[:, : width // 2, 1] = 200
    return image


def write(path, count=8, rate_hz=25.0, height=48, width=64):
    with writing_video(path, width, height, rate_hz) as write_frame:
        for number in range(count):
            write_frame(picture(number, height, width))
    return path


def read(path):
    with open_video(path) as source:
        return source, list(source)


def test_frames_come_back_in_order_with_their_times(tmp_path):
    source, frames = read(write(tmp_path / "a.mp4"))
    assert [frame.number for frame in frames] == list(range(8))
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(8) / 25, atol=1e-6)
    for number, frame in enumerate(frames):
        # The codec loses a little.
        assert np.abs(frame.image[:, 40:].mean((0, 1)) - [20 * number, 0, 0]).max() < 12
        assert abs(frame.image[:, :24, 1].mean() - 200) < 12
        assert frame.image.dtype == np.uint8
    assert (source.width, source.height, source.rate_hz) == (64, 48, 25.0)
    assert source.num_frames == 8 and source.name == str(tmp_path / "a.mp4")
    assert not source.is_camera


@pytest.mark.parametrize(("height", "width"), [(49, 65), (48, 65), (49, 64)])
def test_odd_sides_lose_a_row_or_column(tmp_path, height, width):
    source, frames = read(write(tmp_path / "a.mp4", 2, height=height, width=width))
    assert (source.height, source.width) == (48, 64) and len(frames) == 2


def turned_by_90_degrees(path):
    """Changes the header as that of a phone held upright."""
    content = bytearray(path.read_bytes())
    # Track header, version 0: the matrix follows 40 bytes after the name.
    place = content.index(b"tkhd") + 4 + 40
    one = 1 << 16
    content[place : place + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def test_videos_of_phones_are_turned_upright(tmp_path):
    path = write(tmp_path / "a.mp4")
    turned_by_90_degrees(path)
    source, frames = read(path)
    assert (source.width, source.height) == (48, 64)
    expected = np.rot90(picture(3), -1)
    assert np.abs(frames[3].image.astype(int) - expected).mean() < 12


def test_missing_file_and_folder(tmp_path):
    for path, received in ((tmp_path / "a.mp4", "no such file"), (tmp_path, "a folder")):
        with pytest.raises(InputError, match=f"expected a video file. Received: {received}"):
            read(path)


@pytest.mark.parametrize("content", [b"", b"This is a text.\n" * 100])
def test_file_that_is_no_video(tmp_path, content):
    path = tmp_path / "note_%03d.mp4"
    path.write_bytes(content)
    message = f"that OpenCV can read. Received: {len(content)} bytes of something else"
    with pytest.raises(InputError, match=message):
        read(path)


def test_truncated_file(tmp_path):
    path = write(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="or a damaged file"):
        read(path)


def test_video_without_frames(tmp_path):
    path = tmp_path / "empty.avi"
    cv2.VideoWriter(os.fspath(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 48)).release()
    with pytest.raises(InputError, match=r"empty\.avi: .*at least one frame\. Received: frames=0"):
        read(path)


class FakeCapture:
    """Gives pictures at times; `get` as of OpenCV."""

    def __init__(self, times_ms, rate_hz=30.0, count=0.0, opens=True):
        self.times_ms = list(times_ms)
        self.values = {cv2.CAP_PROP_FPS: rate_hz, cv2.CAP_PROP_FRAME_COUNT: count}
        self.opens, self.num_read, self.released = opens, 0, False

    def isOpened(self):
        return self.opens

    def read(self):
        self.num_read += 1
        if self.num_read > len(self.times_ms):
            return False, None
        return True, picture(self.num_read - 1)

    def get(self, name):
        if name == cv2.CAP_PROP_POS_MSEC:
            return self.times_ms[self.num_read - 1]
        return self.values[name]

    def release(self):
        self.released = True


def test_times_begin_at_zero_and_always_increase():
    source = FrameSource(FakeCapture([500, 540, 540, 0, 700], rate_hz=20.0), "a")
    times = [frame.time_s for frame in source]
    np.testing.assert_allclose(times, [0, 0.04, 0.09, 0.14, 0.2], atol=1e-9)


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, np.nan, np.inf, 90_000.0])
def test_unusable_rates_and_counts_are_not_believed(rate_hz):
    source = FrameSource(FakeCapture([0, 0], rate_hz=rate_hz, count=-9.2e18), "a")
    assert source.rate_hz == USUAL_RATE_HZ and source.num_frames is None
    np.testing.assert_allclose([frame.time_s for frame in source], [0, 1 / 30])


@pytest.mark.parametrize("rate_hz", [0.1, 29.97002997, 59.94, 119.88011988, 239.76, 600.0])
def test_rates_of_cameras_can_be_written(tmp_path, rate_hz):
    source = FrameSource(FakeCapture([0], rate_hz=rate_hz), "a")
    assert abs(source.rate_hz / rate_hz - 1) < 1e-3
    found, frames = read(write(tmp_path / "a.mp4", 3, rate_hz=source.rate_hz))
    assert len(frames) == 3 and abs(found.rate_hz / rate_hz - 1) < 1e-3


@pytest.fixture
def camera(monkeypatch):
    capture = FakeCapture([0] * 4)
    seen = []
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: seen.append(number) or capture)
    ticks = iter([5.0, 5.04, 5.1, 5.11, 5.2])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(ticks))
    yield capture
    assert seen == [2] and capture.released


def test_camera_frames_have_the_times_when_they_came(camera):
    with open_camera(2) as source:
        times = [frame.time_s for frame in source]
    np.testing.assert_allclose(times, [0, 0.04, 0.1, 0.11], atol=1e-9)
    assert source.is_camera and source.name == "camera 2" and source.num_frames is None


def test_camera_that_does_not_open(camera):
    camera.opens = False
    message = "Received: --camera 2, which does not open"
    with pytest.raises(InputError, match=message), open_camera(2):
        pass


def test_camera_without_a_picture(camera):
    camera.times_ms = []
    message = r"camera 2: .*Received: frames=0\. Is another program"
    with pytest.raises(InputError, match=message), open_camera(2):
        pass


def test_camera_that_is_not_there(capfd):
    with pytest.raises(InputError, match="Received: --camera 63"), open_camera(63):
        pass
    assert capfd.readouterr() == ("", "")


def test_video_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="cannot write a video of 64x48 pixels at 25 frames/s"):
        write(tmp_path / "absent" / "a.mp4")
